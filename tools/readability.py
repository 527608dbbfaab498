"""How the notebooks read, in four figures each, with their formulas.

    python tools/readability.py [NOTEBOOK ...]    # or: make readability

- lines: median of the lines of a code cell, blank ones and comments aside; at most 6.
- after prose: share of the code cells right below a Markdown cell; imports, parameters and what checks them aside; at least 80 %.
- scaffolding: share of the lines of code that import, assert, raise, print, build sentences or write results; at most 25 %.
- Flesch: 206.835 - 1.015 words per sentence - 84.6 syllables per word (Flesch 1948), over all prose; at least 74. A syllable
  is a group of vowels, a silent e at the end aside. Formulas, code, tables and addresses are no prose.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
FREE = {"imports", "parameters", "params", "setup"}  # cells that need no words above them
TALK = {"Markdown", "print", "display", "write_results"}
LIMITS = {"lines": 6.0, "after prose": 80.0, "scaffolding": 25.0, "Flesch": 74.0}


def code_lines(source: str) -> list[str]:
    """The lines of code of a cell: neither blank nor a comment."""
    return [line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]


def is_scaffolding(node: ast.stmt) -> bool:
    """Whether a statement serves the notebook and not its subject."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.Raise):
        return True
    if isinstance(node, ast.If | ast.For):
        return all(is_scaffolding(inner) for inner in node.body)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")) in TALK
    if isinstance(node, ast.Assign):
        value = node.value.elt if isinstance(node.value, ast.ListComp) else node.value
        return isinstance(value, ast.JoinedStr)
    return False


def scaffolding(source: str) -> int:
    """Lines of a cell that are scaffolding."""
    if "write_results(" in source:
        return len(code_lines(source))
    return sum(
        len(code_lines(ast.get_source_segment(source, node) or ""))
        for node in ast.parse(source).body
        if is_scaffolding(node)
    )


def prose(source: str) -> str:
    """The words of a Markdown cell, each paragraph and point a sentence of its own."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$", " ", source, flags=re.DOTALL)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`|\$[^$]*\$", "it", text)
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("|")]
    ended = [re.sub(r"([^.!?:;])\s*$", r"\1.", re.sub(r"^[#>*\-\s]+|[*_]", "", line)) for line in lines]
    return "\n".join(ended)


def syllables(word: str) -> int:
    """Groups of vowels, a silent e at the end aside; at least one."""
    groups = re.findall(r"[aeiouy]+", word)
    return max(1, len(groups) - (word.endswith("e") and not word.endswith("le") and len(groups) > 1))


def flesch(text: str) -> float:
    """Reading ease: 100 is very easy, 60 plain English, 30 academic."""
    words = re.findall(r"[a-z']+", text.lower())
    sentences = max(1, len(re.findall(r"[.!?:;]+(?=\s|$)", text)))
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * sum(map(syllables, words)) / max(1, len(words))


def measure(path: Path) -> dict[str, float]:
    """The four figures of one notebook, shares in per cent."""
    cells = nbformat.read(path, as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    lengths = [len(code_lines(source)) for source in code]
    asked = [i for i, cell in enumerate(cells) if cell.cell_type == "code" and cell.get("id") not in FREE]
    told = sum(cells[i - 1].cell_type == "markdown" for i in asked)
    return {
        "lines": float(statistics.median(lengths)),
        "after prose": 100 * told / len(asked),
        "scaffolding": 100 * sum(map(scaffolding, code)) / sum(lengths),
        "Flesch": flesch("\n".join(prose(cell.source) for cell in cells if cell.cell_type == "markdown")),
    }


def rows(paths: list[Path]) -> Iterator[str]:
    """A table, one line a notebook; a star where a figure misses its mark."""
    yield f"{'notebook':32}" + "".join(f"{name:>14}" for name in LIMITS)
    for path in paths:
        found = measure(path)
        cells = []
        for name, limit in LIMITS.items():
            missed = found[name] > limit if name in ("lines", "scaffolding") else found[name] < limit
            cells.append(f"{found[name]:>13.1f}{'*' if missed else ' '}")
        yield f"{path.stem:32}" + "".join(cells)


if __name__ == "__main__":
    print("\n".join(rows([Path(name) for name in sys.argv[1:]] or sorted((ROOT / "notebooks").rglob("[!.]*.ipynb")))))
    print(f"\n{(__doc__ or '').partition(chr(10) * 2)[2].partition(chr(10) * 2)[2]}")
