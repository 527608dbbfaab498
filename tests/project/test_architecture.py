"""The wings of the package: who may use whom, and what stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import pairwise

import architecture
import imports
import pytest
from architecture import ALLOWED, between_wings, wing

import mnistlab

FLOORS = 11
# Modules that must come without PyTorch, and the one thing that each of them is for.
LIGHT = {
    "mnistlab": "an import of the package",
    "mnistlab.cli.main": "the help of the command",
    "mnistlab.common.provenance": "the commit of the code",
    "mnistlab.data": "an import of the wing",
    "mnistlab.data.strokes": "strokes",
    "mnistlab.data.preprocess": "a picture as 28 x 28 pixels",
    "mnistlab.data.outliers": "drawings that are no digit",
    "mnistlab.registry.registry": "the versions",
    "mnistlab.registry.legacy": "a version from an older file",
    "mnistlab.inference.predictor": "reading a digit",
    "mnistlab.inference.attribution": "why it was read so",
    "mnistlab.inference.counterfactual": "the smallest edit",
    "mnistlab.web.export": "the page as files",
    "mnistlab.feedback.reference": "what is known of a version",
    "mnistlab.feedback.report": "the monitor",
    "mnistlab.feedback.store": "corrections",
    "mnistlab.pipeline": "the watch of a kernel",
    "mnistlab.pipeline.kernel": "the watch of a kernel",
    "mnistlab.pad.websocket": "the server of Jupyter",
    "mnistlab.pad.canvas": "ink",
    "mnistlab.pad.widget": "the pad",
    "mnistlab.pad.adapt_button": "the button under the pad",
    "mnistlab.pad.keyboard": "the keyboard's pen",
    "mnistlab.pad.playback": "a replay",
    "mnistlab.pad.schedule": "when to read",
    "mnistlab.pad.wiring": "which handler a control calls",
    "mnistlab.pad.view": "what is shown",
    "mnistlab.pad.feedback_panel": "the panel of corrections",
    "mnistlab.pad.controls": "the buttons",
    "mnistlab.pad.document": "what is on the canvas",
}


def test_the_walk_sees_imports_of_every_form():
    seen = {(each.source, each.target): each.late for each in imports.imports()}
    assert seen["data.mnist", "common.paths"] is False  # from mnistlab.common import paths
    assert seen["data.mnist", "common.errors"] is False  # from mnistlab.common.errors import DataError
    assert seen["cli.models", "registry.registry"] is True  # inside a function
    assert ("feedback.records", "inference.predictor") not in seen  # for the type checker only
    assert len(seen) > 300


@pytest.mark.parametrize(
    ("code", "target", "late"),
    [
        ("import mnistlab.pipeline.results", "pipeline.results", False),
        ("import mnistlab.pipeline.results as r", "pipeline.results", False),
        ("from mnistlab.pipeline.results import write_results", "pipeline.results", False),
        ("from mnistlab.data import load_mnist", "data", False),
        ("from ..pipeline import results", "pipeline.results", False),
        ("from .heatmap import shade", "pad.heatmap", False),
        ("from . import heatmap", "pad.heatmap", False),
        ("def f():\n    from ..pipeline.results import write_results", "pipeline.results", True),
        ("importlib.import_module('mnistlab.studies.corruptions')", "studies.corruptions", False),
        ("f = lambda: import_module('mnistlab.studies.corruptions')", "studies.corruptions", True),
        ("from mnistlab import DigitPad", "pad.widget", False),  # handed on by the package
        ("import mnistlab\nclass A(mnistlab.Predictor): pass", "inference.predictor", False),
        ("import mnistlab\nmnistlab.registry.registry.Registry()", "registry", False),
    ],
)
def test_the_walk_sees_an_import_however_it_is_written(code, target, late):
    assert set(imports.imports_of("pad.canvas", ast.parse(code))) == {imports.Import("pad.canvas", target, late)}


@pytest.mark.parametrize(
    "code",
    [
        "import torch",
        "from mnistlab import __version__",
        "import mnistlab\nmnistlab.__file__",
        "if TYPE_CHECKING:\n    from mnistlab.pad.widget import DigitPad",
        "import mnistlab_other",
        "importlib.import_module(name)",
    ],
)
def test_what_brings_no_other_module_is_no_import(code):
    assert list(imports.imports_of("pad.canvas", ast.parse(code))) == []


def test_in_a_package_one_dot_is_the_package_itself():
    found = list(imports.imports_of("plots", ast.parse("from .training import x\nfrom ..data import y")))
    assert [each.target for each in found] == ["plots.training", "data"]


def test_every_module_is_in_a_wing():
    assert {wing(name) for name in imports.modules()} - set(ALLOWED) == {"", "__main__"}


def test_what_is_allowed_runs_one_way():
    before: list[str] = []
    for name, allowed in ALLOWED.items():
        assert set(allowed.split()) <= set(before), f"{name} may use a wing that stands above it"
        before.append(name)


def test_the_package_itself_lists_its_wings_in_this_order():
    assert re.findall(r"^    ([a-z]+)  +\S", mnistlab.__doc__, re.MULTILINE) == list(ALLOWED)


def test_a_wing_uses_only_what_it_may():
    found = {(each.source, each.target) for each in between_wings()}
    wrong = {(source, target) for source, target in found if wing(target) not in ALLOWED[wing(source)].split()}
    assert wrong == set()


def test_only_the_command_uses_the_studies_and_not_before_it_must():
    users = {(each.source, each.late) for each in between_wings() if wing(each.target) == "studies"}
    assert {wing(source) for source, _ in users} == {"cli"}
    assert {late for _, late in users} == {True}


def test_imports_run_in_no_circle_and_over_few_floors():
    chain = imports.longest_chain()  # raises on a circle
    assert len(chain) <= FLOORS, " -> ".join(chain)


@pytest.mark.parametrize("module", LIGHT)
def test_what_does_not_need_pytorch_brings_none(module):
    code = f"import sys, {module}; print(*{{'torch', 'sklearn', 'matplotlib'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [], f"{LIGHT[module]} costs heavy imports"


def test_the_drawing_notebook_shows_its_figures_without_pytorch():
    code = "import sys; from mnistlab import plots; from mnistlab.data import outliers; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_figure_and_the_table_of_the_wings_are_what_the_code_makes():
    outdated = "is out of date: make architecture"
    assert architecture.FIGURE.read_text() == architecture.figure(), f"docs/architecture.svg {outdated}"
    page = architecture.PAGE.read_text()
    assert page == architecture.page(page), f"docs/architecture.md {outdated}"


def test_the_page_keeps_its_words_and_loses_an_old_table():
    begin, end = architecture.BEGIN, architecture.END
    made = architecture.page(f"Words before.\n{begin}\n| an old table |\n{end}\nWords after.\n")
    assert made.startswith(f"Words before.\n{begin}\n")
    assert made.endswith(f"{end}\nWords after.\n")
    assert "an old table" not in made
    for name in ALLOWED:
        assert f"| **{name}** | {architecture.about(name).replace('``', '`')} |" in made
    for broken in ("no mark", f"{begin} alone"):
        with pytest.raises(ValueError, match=r"architecture\.md lacks"):
            architecture.page(broken)


def test_an_arrow_of_the_figure_stands_for_an_import_and_leaves_out_what_follows():
    arrows = {(name, lower) for name in ALLOWED for lower in architecture.direct(name)}
    assert arrows <= {(wing(each.source), wing(each.target)) for each in between_wings()}
    assert ("plots", "inference") in arrows
    assert ("plots", "data") not in arrows  # follows from the arrow above and those below it
    assert architecture.figure().count('<path d="M') == len(arrows) + 1  # and the tip that all of them share
    for name in ALLOWED:
        assert architecture.uses(name) <= architecture.below(name)


def test_every_wing_has_a_box_of_its_own_and_no_two_overlap():
    spans = architecture.places()
    for level in {architecture.floor(name) for name in ALLOWED}:
        boxes = sorted(spans[name, name] for name in ALLOWED if architecture.floor(name) == level)
        assert all(left < right for left, right in boxes)
        assert all(first[1] < second[0] for first, second in pairwise(boxes))
