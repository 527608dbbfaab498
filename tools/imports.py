"""Who imports whom in the package: read from the code, without running it.

Names are those of modules below ``mnistlab``, as in ``"data.mnist"``. An import is *late* if it stands inside a function, and
none at all if only the type checker sees it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "mnistlab"


@dataclass(frozen=True)
class Import:
    """One module needs another.

    Attributes
    ----------
    source, target : names of modules of the package.
    late : made inside a function, so not before it is called.
    """

    source: str
    target: str
    late: bool


@cache
def modules() -> dict[str, Path]:
    """Every module of the package with its file; a package by its own name, the whole by ``""``."""
    return {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def imports() -> tuple[Import, ...]:
    """All imports between modules of the package, each once, in the order of their names."""
    found = {each for name, path in modules().items() for each in _imports(name, ast.parse(path.read_text()))}
    return tuple(sorted(found, key=lambda each: (each.source, each.target, each.late)))


def longest_chain() -> list[str]:
    """The longest chain of modules, each of which imports the next at once; its length is the number of floors.

    Raises
    ------
    ValueError : modules import one another in a circle; the message names it.
    """
    below: dict[str, list[str]] = {name: [] for name in modules()}
    for each in imports():
        if not each.late:
            below[each.source].append(each.target)
    chains: dict[str, list[str]] = {}

    def chain(name: str, above: tuple[str, ...] = ()) -> list[str]:
        if name in above:
            raise ValueError(f"imports go in a circle: {' -> '.join((*above[above.index(name) :], name))}")
        if name not in chains:
            lower = [chain(target, (*above, name)) for target in below[name]]
            chains[name] = [name, *max(lower, key=len, default=[])]
        return chains[name]

    return max((chain(name) for name in below), key=len)


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(source: str, tree: ast.AST, late: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (Import(source, target, late) for target in _targets(node) if target not in ("", source))
        yield from _imports(source, node, late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))


def _targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Modules of the package that a statement names; ``from mnistlab import x`` names x if that is one."""
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        names = [f"{base}.{alias.name}" for alias in node.names]
        names = [name if name.removeprefix("mnistlab.") in modules() else base for name in names]
    else:
        names = [alias.name for alias in node.names]
    for name in names:
        if name.partition(".")[0] == "mnistlab":
            yield name.removeprefix("mnistlab").removeprefix(".")
