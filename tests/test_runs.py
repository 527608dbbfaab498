"""Runs: what a complete one leaves, what a cut-off one leaves, and that no kernel stays behind either way."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from made import lives, noting, processes, wait_for, write

from mnistlab import runs
from mnistlab.errors import RunError

SETTINGS = 'epochs: int = 3  # passes, >= 1\nversion: str = "latest"'
REPORT = """from mnistlab import metrics
metrics.write("01_first", {"epochs": epochs}, headlines=[f"{epochs} epochs", "and more"]);"""
WHERE = (
    "import json, os, sys\nprint(json.dumps([sys.executable, os.getcwd(), version, os.environ['MNISTLAB_HEADLESS']]))"
)
BAR = "for share in (10, 100):\n    print(f'\\r{share:3}%', end='', flush=True)"
PICTURE = "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def complete(folder: Path) -> runs.Run:
    """Two notebooks, from another working folder, on a machine whose python3 kernel is a different program."""
    notebooks, note = folder / "notebooks", folder / "processes"
    write(notebooks, "01_first", "# One", noting(note), REPORT, WHERE, BAR, parameters=SETTINGS)
    write(
        notebooks,
        "02_second",
        "# Two",
        "import ipywidgets; ipywidgets.IntSlider()",
        PICTURE,
        parameters="epochs: int = 1",
    )
    specs = folder / "jupyter" / "kernels" / "python3"
    specs.mkdir(parents=True)
    (specs / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "Wrong", "language": "python"}))
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNISTLAB_NOTEBOOKS", str(notebooks))
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        patch.setenv("MPLBACKEND", "Agg")
        patch.chdir(elsewhere)
        return runs.run([], {"version": "0003", "01.epochs": "10"}, folder="../reports", show_progress=False)


def content(run: runs.Run, name: str) -> nbformat.NotebookNode:
    return nbformat.read(run.folder / f"{name}.ipynb", as_version=4)


def test_a_complete_run_leaves_its_reports_under_the_final_name_and_nothing_else(complete: runs.Run, folder: Path):
    assert complete.folder.parent == folder / "reports"
    assert [path.name for path in complete.folder.parent.iterdir()] == [complete.receipt["id"]]
    assert sorted(path.name for path in complete.folder.iterdir()) == [
        *(f"01_first.{suffix}" for suffix in ("html", "ipynb", "json")),
        *(f"02_second.{suffix}" for suffix in ("html", "ipynb")),
        "receipt.json",
    ]


def test_the_receipt_tells_what_ran_and_what_it_left(complete: runs.Run, folder: Path):
    receipt = json.loads((complete.folder / "receipt.json").read_text())
    assert receipt == complete.receipt
    first, second = receipt["notebooks"]
    assert (first["name"], second["name"]) == ("01_first", "02_second")
    assert first["parameters"] == {"epochs": 10, "version": "0003"}
    assert first["changed"] == ["epochs", "version"]
    assert (second["parameters"], second["changed"]) == ({"epochs": 1}, [])
    assert first["sha256"] == hashlib.sha256((folder / "notebooks" / "01_first.ipynb").read_bytes()).hexdigest()
    assert set(receipt["files"]) == {path.name for path in complete.folder.iterdir()} - {"receipt.json"}
    for name, sha256 in receipt["files"].items():
        assert hashlib.sha256((complete.folder / name).read_bytes()).hexdigest() == sha256
    assert receipt["environment"]["libraries"]["torch"]
    assert complete.headlines == {"01_first": ["10 epochs", "and more"], "02_second": []}


def test_the_kernel_is_this_python_in_the_notebooks_folder_and_a_text_stays_a_text(complete: runs.Run, folder: Path):
    printed = next(c.outputs[0].text for c in content(complete, "01_first").cells if c.source == WHERE)
    assert json.loads(printed) == [sys.executable, str(folder / "notebooks"), "0003", "1"]


def test_the_executed_copy_is_tidy_and_shows_its_figures(complete: runs.Run, folder: Path):
    first, second = content(complete, "01_first"), content(complete, "02_second")
    assert next(c.outputs for c in first.cells if c.source == BAR)[0].text == "100%"
    assert not {"widgets", "papermill"} & set(second.metadata)
    picture = next(c.outputs for c in second.cells if c.source == PICTURE)
    assert "image/png" in picture[0].data
    assert "data:image/png;base64," in (complete.folder / "02_second.html").read_text()
    assert str(folder) not in nbformat.writes(second)


def test_a_complete_run_leaves_no_process(complete: runs.Run, folder: Path):
    for process in processes(folder / "processes"):
        wait_for(lambda process=process: not lives(process), f"process {process} outlived its run")


@pytest.mark.parametrize(
    ("cell", "code", "sentence"),
    [
        ("1 / 0", "cell-error", r"failed in bad, cell 3 of 4, with ZeroDivisionError: division by zero"),
        ("os._exit(3)", "kernel-dead", r"stopped in bad, cell 3 of 4: the kernel died \(exit code 3\)"),
        ("import time; time.sleep(120)", "cell-timeout", r"cell 3 of 4: it took longer than the 4 s a cell may take"),
        ("sys.exit()", "incomplete", r"bad is not complete: cell 3 of 4 ended with SystemExit"),
    ],
    ids=["error", "dead", "timeout", "exit"],
)
def test_a_cut_off_run_says_where_and_leaves_neither_report_nor_process(tmp_path: Path, cell, code, sentence):
    note = tmp_path / "processes"
    good, bad = write(tmp_path, "good", "1"), write(tmp_path, "bad", "# Bad", noting(note), cell, "print('never')")
    order = [good, bad] if code == "cell-error" else [bad]  # once is enough to see that the good one stays
    with pytest.raises(RunError, match=sentence) as caught:
        runs.run(order, folder=tmp_path / "reports", cell_timeout=4, show_progress=False)
    assert caught.value.code == code
    (partial,) = (tmp_path / "reports").iterdir()
    assert partial.suffix == ".partial"
    assert str(partial) in str(caught.value)
    assert not (partial / "receipt.json").exists()
    assert (partial / "NOT-COMPLETE.txt").read_text() in f"This run is not complete: {caught.value}.\n".replace(
        f"; what was made so far is in {partial}", ""
    )
    assert (partial / "good.html").exists() == (code == "cell-error")
    assert not (partial / "bad.html").exists()
    for process in processes(note):
        wait_for(lambda process=process: not lives(process), f"process {process} outlived its run")


def test_a_kernel_that_cannot_start_is_told_with_its_own_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ipykernel.py").write_text("raise ImportError('this ipykernel is broken')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    path = write(tmp_path, "any", "1")
    with pytest.raises(RunError, match="did not start within 20 s .*this ipykernel is broken") as caught:
        runs.run([path], folder=tmp_path / "reports", start_timeout=20, show_progress=False)
    assert caught.value.code == "kernel-start"


def test_update_puts_the_executed_copy_back_unless_it_was_edited_meanwhile(tmp_path: Path):
    path = write(tmp_path, "any", "# Title", "print(6 * 7)", parameters="epochs: int = 1")
    runs.run([path], folder=tmp_path / "reports", update=True, show_progress=False)
    updated = nbformat.read(path, as_version=4)
    assert [c.execution_count for c in updated.cells if c.cell_type == "code"] == [1, 2]
    assert updated.cells[2].outputs[0].text == "42\n"
    assert [c.metadata.get("tags") for c in updated.cells] == [["parameters"], None, None]
    assert set(updated.metadata) <= {"kernelspec", "language_info"}

    edit = f"import pathlib\nfile = pathlib.Path({str(path)!r})\n_ = file.write_text(file.read_text() + ' ')"
    write(tmp_path, "any", edit)
    edited = path.read_text() + " "
    with pytest.raises(RunError, match=r"any\.ipynb was changed while it ran and is left as it is") as caught:
        runs.run([path], folder=tmp_path / "reports", update=True, show_progress=False)
    assert caught.value.code == "changed"
    assert path.read_text() == edited


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three notebooks that no test here runs."""
    for name in ("01_explore", "03_train", "studies/unscramble", ".ipynb_checkpoints/03_train-checkpoint"):
        path = tmp_path / "notebooks" / name
        write(path.parent, path.name, "1 / 0", parameters=SETTINGS)
    monkeypatch.setenv("MNISTLAB_NOTEBOOKS", str(tmp_path / "notebooks"))
    return tmp_path / "notebooks"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ["01_explore", "03_train"]),
        (["03", "01"], ["03_train", "01_explore"]),
        (["03_train.ipynb"], ["03_train"]),
        (["unscramble"], ["unscramble"]),
        (["studies/unscramble"], ["unscramble"]),
    ],
)
def test_notebooks_are_found_by_name_number_and_path(library: Path, names, found):
    assert [notebook.name for notebook in runs.find(names)] == found


def test_a_notebook_is_found_by_its_path_from_anywhere(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = write(tmp_path / "other", "mine", "1")
    monkeypatch.chdir(tmp_path / "other")
    assert runs.find(["mine.ipynb"])[0].path == runs.find([other])[0].path == other


@pytest.mark.parametrize(
    ("names", "code", "sentence"),
    [
        (
            ["03_trian"],
            "unknown-notebook",
            "no notebook '03_trian'; did you mean '03_train'. There is 01_explore, 03_train",
        ),
        (["0"], "unknown-notebook", "no notebook '0'; "),
        (["03", "03_train"], "twice", "03_train is named twice"),
    ],
)
def test_names_that_mean_nothing_are_refused(library: Path, names, code, sentence):
    with pytest.raises(RunError, match=sentence) as caught:
        runs.find(names)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "{", '{"cells": 3}', "[1]"])
def test_what_is_no_notebook_is_refused(library: Path, text: str):
    (library / "03_train.ipynb").write_text(text)
    with pytest.raises(RunError, match=r"03_train\.ipynb cannot be read as a notebook") as caught:
        runs.find(["03"])
    assert caught.value.code == "unreadable"


def test_a_notebook_of_another_language_is_refused(library: Path):
    spec = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    write(library, "03_train", "1", metadata=spec)
    with pytest.raises(RunError, match="written in R"):
        runs.find(["03"])


def test_a_refused_run_leaves_nothing_at_all(library: Path, tmp_path: Path):
    reports = tmp_path / "reports"
    for options, code in [
        ({"parameters": {"epcohs": "1"}}, "unknown-parameter"),
        ({"parameters": {"epochs": "two"}}, "parameter-value"),
        ({"parameters": {"epochs": "2"}, "update": True}, "usage"),
        ({"cell_timeout": 0}, "usage"),
        ({"start_timeout": True}, "usage"),
    ]:
        with pytest.raises(RunError) as caught:
            runs.run(["03"], folder=reports, show_progress=False, **options)
        assert caught.value.code == code
    assert not reports.exists()


def test_reports_that_cannot_be_written_are_told(library: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="no report can be written in") as caught:
        runs.run(["03"], folder=tmp_path / "file" / "reports", show_progress=False)
    assert caught.value.code == "write"


def test_two_runs_of_one_second_have_two_folders(tmp_path: Path):
    made = [runs._new_folder(tmp_path) for _ in range(4)]
    assert len(set(made)) == 4
    os.rename(made[0], made[0].with_suffix(""))
    assert runs._new_folder(tmp_path) not in made[:1]
