"""The wings of the package: who may use whom, and what stays light."""

from __future__ import annotations

import subprocess
import sys

import imports
import pytest

# What a wing may import, as docs/architecture.md has it. Arrows run one way, in this order.
ALLOWED = {
    "common": "",
    "data": "common",
    "evaluation": "common data",
    "training": "common data evaluation",
    "registry": "common data evaluation",
    "inference": "common data evaluation registry",
    "plots": "common data evaluation training registry inference",
    "feedback": "common data evaluation training registry inference plots",
    "pipeline": "common data evaluation training registry inference plots feedback",
    "pad": "common data evaluation training registry inference plots feedback pipeline",
    "studies": "common data evaluation training registry inference plots feedback pipeline pad",
    "cli": "common data evaluation training registry inference plots feedback pipeline pad studies",
}
# Until a version can be read without PyTorch, what reads needs the networks of training. This may only shrink.
EXCEPTIONS = {
    ("inference.attribution", "training.networks"),
    ("inference.counterfactual", "training.networks"),
    ("inference.embedding", "training.networks"),
    ("inference.features", "training.networks"),
    ("inference.predictor", "training.networks"),
    ("registry.checkpoint", "training.networks"),
    ("registry.legacy", "training.networks"),
    ("registry.packing", "training.networks"),
    ("registry.packing", "training.records"),
    ("registry.registry", "training.records"),
}
FLOORS = 11
# Modules that must come without PyTorch, and the one thing that each of them is for.
LIGHT = {
    "mnistlab": "an import of the package",
    "mnistlab.cli.main": "the help of the command",
    "mnistlab.common.provenance": "the commit of the code",
    "mnistlab.data": "an import of the wing",
    "mnistlab.data.strokes": "strokes",
    "mnistlab.data.preprocess": "a picture as 28 x 28 pixels",
    "mnistlab.registry.promotions": "going back to another version",
    "mnistlab.feedback.store": "corrections",
    "mnistlab.pipeline": "the watch of a kernel",
    "mnistlab.pipeline.kernel": "the watch of a kernel",
    "mnistlab.pad.websocket": "the server of Jupyter",
    "mnistlab.pad.canvas": "ink",
    "mnistlab.pad.keyboard": "the keyboard's pen",
    "mnistlab.pad.playback": "a replay",
    "mnistlab.pad.schedule": "when to read",
}


def wing(module: str) -> str:
    return module.partition(".")[0]


def between_wings() -> list[imports.Import]:
    """Imports from one wing into another; the package itself and ``python -m`` stand outside."""
    inside = [each for each in imports.imports() if wing(each.source) in ALLOWED]
    return [each for each in inside if wing(each.source) != wing(each.target)]


def test_the_walk_sees_imports_of_every_form():
    seen = {(each.source, each.target): each.late for each in imports.imports()}
    assert seen["data.mnist", "common.paths"] is False  # from mnistlab.common import paths
    assert seen["data.mnist", "common.errors"] is False  # from mnistlab.common.errors import DataError
    assert seen["cli.models", "registry.registry"] is True  # inside a function
    assert ("feedback.records", "inference.predictor") not in seen  # for the type checker only
    assert len(seen) > 300


def test_every_module_is_in_a_wing():
    assert {wing(name) for name in imports.modules()} - set(ALLOWED) == {"", "__main__"}


def test_a_wing_uses_only_what_it_may():
    found = {(each.source, each.target) for each in between_wings()}
    wrong = {(source, target) for source, target in found if wing(target) not in ALLOWED[wing(source)].split()}
    assert wrong - EXCEPTIONS == set()
    assert EXCEPTIONS - wrong == set(), "an exception is no longer needed: take it out of the list"


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
