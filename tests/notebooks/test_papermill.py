"""Papermill by itself, as the README and the page on schedules show it: it knows every parameter that they name."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from mnistlab.common.paths import ROOT

PAGES = ("README.md", "docs/schedule.md")
LINE = re.compile(r"^ +(?:\S*/)?papermill (\S+\.ipynb .*)$", re.MULTILINE)
NOTEBOOKS = ROOT / "notebooks"
RUNS = [line for page in PAGES for line in LINE.findall((ROOT / page).read_text())]


def papermill(notebook, options, folder) -> str:
    """What papermill says while it puts the parameters in; ``--prepare-only`` runs no cell."""
    command = [sys.executable, "-m", "papermill", str(notebook), str(folder / "out.ipynb"), *options, "--prepare-only"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_pages_show_papermill():
    assert len(RUNS) >= 2


@pytest.mark.parametrize("line", RUNS)
def test_every_line_of_the_pages_passes_without_an_unknown_parameter(line, tmp_path):
    name, _, *options = shlex.split(line)
    said = papermill(NOTEBOOKS / name.rpartition("/")[2], options, tmp_path)
    assert "unknown parameter" not in said


def test_papermill_alone_warns_of_a_name_that_is_none(tmp_path):
    said = papermill(NOTEBOOKS / "03_train.ipynb", ["-p", "epoch", "10"], tmp_path)
    assert "unknown parameter" in said


def test_papermill_sees_all_parameters_of_every_notebook():
    from nbformat import read
    from papermill import inspect_notebook

    from mnistlab.pipeline.parameters import read_parameters

    for path in sorted(NOTEBOOKS.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            assert set(inspect_notebook(str(path))) == set(read_parameters(read(path, as_version=4))), path.name
