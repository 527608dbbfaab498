"""What every committed notebook must be, whoever saved it last; the rules themselves are tested on made-up ones."""

from __future__ import annotations

import copy
import re

import nbformat
import pytest
from made import ROOT, tracked
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbformat.validator import iter_validate

FOLDER = ROOT / "notebooks"
NOTEBOOKS = tracked("notebooks", ".ipynb")
SEQUENCE = ["01_explore", "02_permutation", "02a_convolution", "02b_learning", "03_train", "04_evaluate", "05_draw"]

MAX_BYTES = 1_500_000
MAX_LINES = 12  # of a code cell, blank ones and imports aside
LOCAL = re.compile(r"/(?:home|root|tmp|work|Users)/|\b[A-Z]:\\")
NUMBER = re.compile(r"\b0\d{3}\b")  # of a version
WIDGET = "application/vnd.jupyter.widget-view+json"


def texts(cell) -> list[str]:
    """What a cell says in words: its source and its text outputs, not the bytes of its pictures."""
    found = [cell.source]
    for output in cell.get("outputs", []):
        found += [output.get("text", ""), output.get("evalue", ""), *output.get("traceback", [])]
        found += [value for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return ["".join(text) for text in found]


def headings(source: str) -> list[str]:
    """First-level headings of a Markdown cell; a # in a fence is a comment."""
    outside = re.sub(r"^(```|~~~).*?^\1", "", source, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^# .*", outside, flags=re.MULTILINE)


def faults(notebook) -> list[str]:
    """Everything that is wrong with a notebook, in words."""
    cells = notebook.cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    found = []
    found += [f"is no valid notebook: {error.message[:200]}" for error in iter_validate(notebook)]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("names no python3 kernel: JupyterLab would ask for one")
    if sum("parameters" in cell.metadata.get("tags", []) for cell in code) != 1:
        found.append("must have exactly one cell tagged parameters")
    if (
        any("injected-parameters" in cell.metadata.get("tags", []) for cell in cells)
        or "papermill" in notebook.metadata
    ):
        found.append("is the copy that papermill left")
    ids = [cell.get("id") for cell in cells]
    if None in ids or len(set(ids)) != len(ids):
        found.append("has cells without an id of their own")
    where = [index for index, cell in enumerate(cells) if cell.cell_type == "markdown" for _ in headings(cell.source)]
    if where != [0]:
        found.append(f"must have one H1, in its first cell, not in cells {where}")
    if not cells or not cells[-1].source.strip():
        found.append("ends with an empty cell")
    outputs = [output for cell in code for output in cell.get("outputs", [])]
    if any(output.output_type == "error" for output in outputs):
        found.append("holds an error")
    if any(output.get("name") == "stderr" for output in outputs):
        found.append("holds a warning")
    counts = [cell.execution_count for cell in code if cell.source.strip()]
    stripped = not any(counts) and not outputs
    if not stripped and counts != list(range(1, len(counts) + 1)):
        found.append(f"is neither stripped nor run once from top to bottom: {counts}")
    views = any(WIDGET in output.get("data", {}) for output in outputs)
    if views or "widgets" in notebook.metadata or any("widgets" in cell.metadata for cell in cells):
        found.append("holds widget state")
    found += [f"names a place on one machine: {m.group()}" for c in cells for t in texts(c) for m in LOCAL.finditer(t)]
    if any("Registry().save(" in cell.source or "registry.save(" in cell.source for cell in code):
        numbers = [m.group() for cell in code for text in texts(cell)[1:] for m in NUMBER.finditer(text)]
        found += [f"calls a version {number} that it made: another may have that number" for number in numbers]
    for cell in code:
        lines = [line for line in cell.source.splitlines() if line.strip() and not re.match(r"(from|import) ", line)]
        if len(lines) > MAX_LINES:
            found.append(f"cell {cell.get('id')} has {len(lines)} lines")
    if not code or not re.search(r"\bwrite_results\(", code[-1].source):
        found.append("does not write its results in its last code cell")
    return found


def sound():
    """A notebook without a fault, run from top to bottom."""
    cells = [
        new_markdown_cell("# A title\n\n```\n# no heading\n```", id="title"),
        new_code_cell("from mnistlab.pipeline.results import write_results", id="imports", execution_count=1),
        new_code_cell("seed: int = 0  # any", id="parameters", execution_count=2, metadata={"tags": ["parameters"]}),
        new_markdown_cell("## What we learnt", id="end"),
        new_code_cell(
            "path = write_results('x', {})",
            id="metrics",
            execution_count=3,
            outputs=[new_output("stream", text="done\n"), new_output("display_data", {"image/png": "/tmp/root/home/"})],
        ),
    ]
    return new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )


def strip(notebook):
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def test_a_sound_notebook_passes_executed_or_stripped():
    assert faults(sound()) == []
    assert faults(strip(sound())) == []


def tag(notebook, index, *tags):
    notebook.cells[index].metadata["tags"] = list(tags)


def output(notebook, kind, data=None, **options):
    notebook.cells[4].outputs = [new_output(kind, data, **options)] if data else [new_output(kind, **options)]


SPOIL = {
    "valid notebook": lambda n: n.cells[1].pop("outputs"),
    "python3 kernel": lambda n: n.metadata.pop("kernelspec"),
    "exactly one cell tagged": lambda n: tag(n, 2),
    "exactly one cell tagged parameters": lambda n: tag(n, 1, "parameters"),
    "papermill left": lambda n: tag(n, 1, "injected-parameters"),
    "the copy that papermill": lambda n: n.metadata.update(papermill={}),
    "id of their own": lambda n: n.cells[1].update(id="title"),
    "one H1, in its first cell, not in cells \\[\\]": lambda n: n.cells[0].update(source="## A title"),
    "not in cells \\[0, 3\\]": lambda n: n.cells[3].update(source="# Again"),
    "not in cells \\[0, 0\\]": lambda n: n.cells[0].update(source="# One\n# Two"),
    "empty cell": lambda n: n.cells.append(new_code_cell("", id="empty")),
    "holds an error": lambda n: output(n, "error", ename="E", evalue="", traceback=[]),
    "holds a warning": lambda n: output(n, "stream", name="stderr", text="careful"),
    "top to bottom: \\[1, None, 3\\]": lambda n: n.cells[2].update(execution_count=None),
    "top to bottom: \\[2, 1, 3\\]": lambda n: (
        n.cells[1].update(execution_count=2),
        n.cells[2].update(execution_count=1),
    ),
    "top to bottom: \\[2, 3, 4\\]": lambda n: [
        c.update(execution_count=c.execution_count + 1) for c in n.cells if "outputs" in c
    ],
    "top to bottom: \\[None, None, None\\]": lambda n: [
        c.update(execution_count=None) for c in n.cells if "outputs" in c
    ],
    "widget state": lambda n: output(n, "display_data", {WIDGET: {}}),
    "holds widget": lambda n: n.metadata.update(widgets={}),
    "one machine: /home/": lambda n: n.cells[1].update(source="open('/home/ann/x')"),
    "one machine: /tmp/": lambda n: output(n, "stream", text="saved in /tmp/x"),
    "one machine: /root/": lambda n: output(n, "display_data", {"text/html": "<a href='/root/x'>"}),
    "one machine: C:": lambda n: n.cells[3].update(source="see C:\\\\Users"),
    "calls a version 0004 that it made": lambda n: (
        n.cells[2].update(source="version = registry.save(training, splits)"),
        output(n, "stream", text="version 0004 reads 99 %"),
    ),
    "has 13 lines": lambda n: n.cells[1].update(source="\n".join("x = 1" for _ in range(13))),
    "write its results": lambda n: n.cells.append(new_code_cell("print('later')", id="later", execution_count=4)),
    "does not write": lambda n: n.cells.__delitem__(4),
}


@pytest.mark.parametrize("message", list(SPOIL))
def test_each_fault_is_seen(message):
    notebook = copy.deepcopy(sound())
    SPOIL[message](notebook)
    assert re.search(message, "\n".join(faults(notebook)))


def test_the_sequence_is_there_in_reading_order():
    assert [path.stem for path in NOTEBOOKS if path.parent == FOLDER] == SEQUENCE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_a_notebook_is_fit_to_be_committed(path):
    notebook = nbformat.from_dict(nbformat.reader.reads(path.read_text(encoding="utf-8")))  # as it is, nothing repaired
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert faults(notebook) == []
    assert path.stat().st_size < MAX_BYTES
