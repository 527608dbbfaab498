"""What an executed notebook is turned into: a tidy copy, a page for the browser, and the answer to "did all of it run?"."""

from __future__ import annotations

import base64
import copy
import io
import re

from nbformat import NotebookNode

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
SKIPPED = "skip-execution"  # nbclient's tag for a cell that is not to be run
THUMBNAIL = (320, 240)  # px; shown at a third of it
LINK = re.compile(r"(\]\([\w-]+)\.ipynb(#[^)\s]*)?\)")  # to a notebook in the same folder


def tidy(notebook: NotebookNode) -> NotebookNode:
    """A copy fit to be kept and read: what a terminal would show of each stream, no widgets, no traces of the runner.

    Widgets have no life without a kernel, and a page that finds their state fails to render; their text and picture
    forms stay. Times, and papermill's notes with the paths of this machine, go.
    """
    notebook = copy.deepcopy(notebook)
    for key in ("papermill", "widgets"):
        notebook.metadata.pop(key, None)
    notebook.metadata.get("language_info", {}).pop("version", None)  # it would change with every machine
    for cell in notebook.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            cell.outputs = [output for output in _merged(cell.outputs) if _has_content(output)]
    return notebook


def as_in_terminal(text: str) -> str:
    """What a terminal shows of ``text`` in the end: a carriage return goes back and writes over.

    A line that was overwritten with blanks, as a progress bar leaves it when it clears itself, is dropped.
    """
    lines = []
    for line in text.split("\n"):
        visible = ""
        for part in line.split("\r"):
            visible = part + visible[len(part) :]
        if "\r" not in line:
            lines.append(line)
        elif visible.strip():
            lines.append(visible.rstrip())
    return "\n".join(lines)


def to_html(notebook: NotebookNode, name: str) -> str:
    """One page with its pictures inside, titled ``name``; links to other notebooks lead to their pages."""
    from nbconvert import HTMLExporter

    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(r"\1.html\2)", cell.source)
    page, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook, resources={"metadata": {"name": name}})
    return page


def thumbnail(notebook: NotebookNode) -> bytes | None:
    """The first figure of an executed notebook, small, as a PNG of at most 320 x 240 px; None if it has none that can be read."""
    from PIL import Image

    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if picture := output.get("data", {}).get("image/png"):
                try:
                    small = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
                except (OSError, ValueError, SyntaxError):  # any cell may print what it likes
                    continue
                small.thumbnail(THUMBNAIL)
                file = io.BytesIO()
                small.quantize(64).save(file, "PNG")
                return file.getvalue()
    return None


def find_fault(notebook: NotebookNode) -> str | None:
    """What keeps an executed notebook from being complete, or None. Cells are counted from 1.

    papermill marks cells "completed" that never ran, and takes ``sys.exit()`` for a good end. Only an execution count in
    every code cell and the absence of errors, also those that a widget captured, tell.
    """
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code" or not cell.source.strip() or SKIPPED in cell.metadata.get("tags", []):
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                return f"cell {number} of {len(notebook.cells)} ended with {output.ename}"
        if cell.execution_count is None:
            return f"cell {number} of {len(notebook.cells)} never ran"
    states = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for widget in states.values():
        for output in widget["state"].get("outputs", ()):
            if output["output_type"] == "error":
                return f"an output widget captured {output['ename']}: {output['evalue']}"
    return None


def _merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Neighbouring pieces of one stream as one piece, as a terminal would show it."""
    merged: list[NotebookNode] = []
    for output in outputs:
        before = merged[-1] if merged else None
        if before and before.output_type == output.output_type == "stream" and before.name == output.name:
            before.text += output.text
        else:
            merged.append(output)
    for output in merged:
        if output.output_type == "stream":
            output.text = as_in_terminal(output.text)
        elif "data" in output:
            output.data.pop(WIDGET_VIEW, None)
    return merged


def _has_content(output: NotebookNode) -> bool:
    if output.output_type == "stream":
        return bool(output.text)
    return output.output_type == "error" or bool(output.data)
