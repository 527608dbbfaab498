"""Reports: what is kept of an executed notebook, and how one knows that all of it ran."""

from __future__ import annotations

import base64
import copy
import io

import nbformat
import pytest
from made import KERNELSPEC, notebook
from nbformat.v4 import new_output
from PIL import Image

from mnistlab.pipeline import html

VIEW, STATE = html.WIDGET_VIEW, html.WIDGET_STATE


def executed(*sources: str, **options) -> nbformat.NotebookNode:
    made = notebook(*sources, **options)
    for number, cell in enumerate((c for c in made.cells if c.cell_type == "code"), start=1):
        cell.execution_count = number
    return made


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("one\ntwo\n", "one\ntwo\n"),
        ("\r 10%|#   |\r 50%|##  |\r100%|####|\n", "100%|####|\n"),
        ("long line\rshort", "shortline"),  # as a terminal does it
        ("dos\r\nlines\r\n", "dos\nlines\n"),
        ("before\n\r 50%\r    \rafter\n", "before\nafter\n"),
        ("\r 50%\r    \r", ""),
        ("kept\n\r 50%\r    \r\n", "kept\n"),
        ("\n  indented  \n", "\n  indented  \n"),
    ],
)
def test_a_stream_is_kept_as_a_terminal_would_show_it(printed, kept):
    assert html.as_in_terminal(printed) == kept


def test_tidying_merges_streams_and_drops_widgets_and_traces():
    made = executed("# Title", "work()", metadata={"papermill": {"input_path": "/a/b"}, "widgets": {STATE: {}}})
    made.metadata["kernelspec"] = KERNELSPEC
    for cell in made.cells:
        cell.metadata.update({"papermill": {}, "tags": [], "execution": {}})
    cell = made.cells[1]
    cell.metadata["tags"] = ["kept"]
    cell.outputs = [
        new_output("stream", name="stdout", text="\r 50%"),
        new_output("stream", name="stdout", text="\r100%\n"),
        new_output("stream", name="stderr", text="careful\n"),
        new_output("display_data", data={VIEW: {"model_id": "1"}}),
        new_output("display_data", data={VIEW: {"model_id": "2"}, "text/plain": "IntSlider(value=0)"}),
        new_output("display_data", data={"image/png": "aGVsbG8="}),
        new_output("stream", name="stdout", text="more\n"),
        new_output("error", ename="ValueError", evalue="", traceback=[]),
    ]
    before = copy.deepcopy(made)

    tidied = html.tidy(made)

    assert made == before
    nbformat.validate(tidied)
    assert tidied.metadata == {"kernelspec": KERNELSPEC}
    assert tidied.cells[0].metadata == {}
    assert tidied.cells[1].metadata == {"tags": ["kept"]}
    outputs = tidied.cells[1].outputs
    assert [output.output_type for output in outputs] == ["stream", "stream", *["display_data"] * 2, "stream", "error"]
    assert [output.get("text") for output in outputs] == ["100%\n", "careful\n", None, None, "more\n", None]
    assert outputs[2].data == {"text/plain": "IntSlider(value=0)"}
    assert html.tidy(tidied) == tidied


def test_a_page_holds_the_output_and_leads_to_the_other_pages():
    made = executed(
        "# Title\n\n[next](04_evaluate.ipynb), [part](04_evaluate.ipynb#b), [away](https://x.y/z.ipynb)", "6 * 7"
    )
    made.cells[1].outputs = [new_output("execute_result", data={"text/plain": "42"}, execution_count=1)]
    page = html.to_html(made, "03_train")
    assert "<title>03_train</title>" in page
    assert ">42<" in page.replace("\n", "").replace("<pre>", ">").replace("</pre>", "<")
    assert 'href="04_evaluate.html"' in page
    assert 'href="04_evaluate.html#b"' in page
    assert 'href="https://x.y/z.ipynb"' in page
    assert "04_evaluate.ipynb" in made.cells[0].source


def test_a_notebook_that_ran_to_its_end_lacks_nothing():
    made = executed("# Title", "a = 1", "")
    made.cells[2].execution_count = None  # there is nothing in it to run
    assert html.find_fault(made) is None


def test_a_cell_that_papermill_calls_completed_but_never_ran_is_found():
    made = executed("# Title", "a = 1", "b = 2")
    made.cells[2].execution_count = None
    made.cells[2].metadata["papermill"] = {"status": "completed", "exception": False}
    assert html.find_fault(made) == "cell 3 of 3 never ran"


def test_an_error_output_is_found_even_where_it_was_allowed():
    made = executed("1 / 0")
    made.cells[0].metadata["tags"] = ["raises-exception"]
    made.cells[0].outputs = [new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[])]
    assert html.find_fault(made) == "cell 1 of 1 ended with ZeroDivisionError"


def test_an_error_that_a_widget_swallowed_is_found():
    made = executed("button.click()")
    output = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []}
    made.metadata["widgets"] = {STATE: {"state": {"1": {"state": {}}, "2": {"state": {"outputs": [output]}}}}}
    assert html.find_fault(made) == "an output widget captured KeyError: 'x'"


def pictured(data: str) -> nbformat.NotebookNode:
    made = executed("plot()")
    made.cells[0].outputs = [new_output("display_data", data={"image/png": data})]
    return made


def test_a_thumbnail_is_a_small_copy_of_the_first_figure():
    file = io.BytesIO()
    Image.new("RGBA", (900, 300), "red").save(file, "PNG")
    small = Image.open(io.BytesIO(html.thumbnail(pictured(base64.b64encode(file.getvalue()).decode()))))
    assert small.size == (320, 107)
    assert small.convert("RGB").getpixel((5, 5)) == (255, 0, 0)


@pytest.mark.parametrize("data", ["", "aGVsbG8=", "no base64"])
def test_what_is_no_picture_has_no_thumbnail(data):
    assert html.thumbnail(pictured(data)) is None
    assert html.thumbnail(executed("# Title", "1")) is None
