"""A pad that learns a hand: the count of drawings, the process of its own, and whose the result is."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import sys
import time
from unittest.mock import MagicMock

import pytest

from mnistlab.common import paths
from mnistlab.data.drawings import load_drawings
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pad import feedback_handlers, learning
from mnistlab.pad.widget import DigitPad
from mnistlab.pipeline import gates, learn_child
from mnistlab.pipeline.finetune import Rehearsal
from mnistlab.registry.registry import Registry
from mnistlab.studies import simulated_use
from mnistlab.training.networks import Classifier

LONG = 30  # seconds after which something never comes
SEVEN = load_drawings()["seven"].strokes
# In place of the process that learns: version 0002 is what it has learned.
CHILD = """
import json, pathlib, shutil, sys
asked = json.loads(sys.stdin.readline())
print(json.dumps({"doing": "learning", "share": 0.5}), flush=True)
held = pathlib.Path(asked["models"]) / "held"
while held.exists(): pass
shutil.copytree(asked["models"], pathlib.Path(asked["folder"]) / "models")
print(json.dumps(%s), flush=True)
"""
DONE = {
    **{"version": "0002", "base": "0001", "passed": True, "refusals": [], "ids": [1]},
    **{"learned": 31, "before": 20, "after": 30},
}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "feedback.sqlite")


@pytest.fixture
def pad(registry, store):
    pad = DigitPad(models=registry.root, feedback=store)
    pad.feedback.agree(True)
    yield pad
    pad.close()


@pytest.fixture
def committed_small(tmp_path):
    """A copy of the committed versions in which the small one is in use, and that."""
    registry = Registry(paths.models()).copy(tmp_path / "models")
    registry.promote("0001")
    return registry, registry.load()


def say(monkeypatch, message: dict) -> None:
    monkeypatch.setattr(learning, "CHILD", (sys.executable, "-c", CHILD % message))


def wait(condition) -> None:
    deadline = time.monotonic() + LONG
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


def has_ended(pad: DigitPad) -> bool:
    with pad.lock:
        return not pad.feedback.learning.doing


def kept(pad: DigitPad, strokes=SEVEN, digit: int = 7) -> None:
    pad.replay(strokes)
    pad.correct(digit)


def test_it_is_counted_how_many_drawings_differ(pad):
    shown = pad.feedback.panel.progress
    assert "0 of 30 different drawings" in shown.value
    kept(pad)
    kept(pad)  # the same once more
    kept(pad, load_drawings()["three"].strokes, 3)
    assert (pad.feedback.session.n_kept, pad.feedback.session.n_different) == (3, 2)
    assert "2 of 30 different drawings" in shown.value
    assert "mnistlab-idle" in pad.feedback.panel.learn._dom_classes
    pad.feedback.withdraw()
    assert shown.layout.display == "none"


def test_what_is_kept_makes_place_for_the_next_and_undo_brings_it_back_as_the_same(pad, store, monkeypatch):
    monkeypatch.setattr(feedback_handlers, "NEXT", 0.01)

    async def mark() -> None:
        kept(pad)
        for _ in range(200):
            await asyncio.sleep(0.01)
            if pad.document.is_empty:
                break

    asyncio.run(mark())
    assert pad.document.is_empty
    assert "Saved as a 7" in pad.feedback.panel.note.value
    pad.undo()
    assert pad.true_digit == 7
    pad.correct(1)
    assert [each.digit for each in store.corrections()] == [1]  # corrected, not kept twice


def test_ink_that_is_added_in_time_keeps_the_drawing(pad, monkeypatch):
    monkeypatch.setattr(feedback_handlers, "NEXT", 0.01)

    async def go_on() -> None:
        kept(pad)
        pad.press(60, 140)
        pad.move(180, 140)
        pad.release()
        await asyncio.sleep(0.1)

    asyncio.run(go_on())
    assert len(pad.drawing) == len(SEVEN) + 1


def test_one_can_draw_while_it_learns_and_the_result_is_this_pads_alone(pad, registry, monkeypatch):
    say(monkeypatch, {"done": DONE})
    (registry.root / "held").touch()
    pad.feedback.panel.learn.click()
    wait(lambda: pad.feedback.learning.share == 0.5)
    assert "learning …" in pad.feedback.panel.progress.value
    pad.replay(SEVEN)
    assert pad.prediction.version == "0001"
    (registry.root / "held").unlink()
    wait(lambda: has_ended(pad))
    assert pad.predictor.version == pad.prediction.version == "0002"
    assert pad.model_choice.own is pad.predictor
    assert "it read 20 right before and 30 now" in pad.feedback.panel.progress.value
    assert registry.current() == "0001"
    assert pad.feedback.learning.can_promote
    pad.feedback.withdraw()
    assert pad.predictor.version == "0001"
    assert pad.model_choice.own is None
    assert not pad.feedback.learning.can_promote


def test_what_closed_a_gate_is_said_and_not_used(pad, monkeypatch):
    say(monkeypatch, {"done": {**DONE, "passed": False, "refusals": ["<b> 9 is read worse"]}})
    pad.feedback.learning.start()
    wait(lambda: has_ended(pad))
    assert pad.predictor.version == "0001"
    assert "&lt;b&gt; 9 is read worse." in pad.feedback.panel.progress.value
    assert not pad.feedback.learning.can_promote


@pytest.mark.parametrize("message", [{"fault": "30 drawings or more are needed"}, "no message"], ids=["fault", "crash"])
def test_a_process_that_fails_says_why_and_leaves_the_version(pad, monkeypatch, message):
    say(monkeypatch, message)
    pad.feedback.learning.start()
    wait(lambda: has_ended(pad))
    assert "Nothing was learned" in pad.feedback.panel.progress.value
    assert pad.predictor.version == "0001"


def test_a_promoted_hand_is_a_version_of_the_lab_that_marks_what_it_learned_from(pad, registry, store, monkeypatch):
    kept(pad)
    say(monkeypatch, {"done": DONE})
    pad.feedback.learning.start()
    wait(lambda: has_ended(pad))
    pad.feedback.panel.promote.click()
    version = registry.versions()[-1]
    assert registry.current() == pad.predictor.version == version == "0003"
    assert pad.model_choice.own is None
    assert store.marked()[version][0] == 1


def test_a_hand_is_not_promoted_over_a_version_it_was_never_compared_with(pad, registry, monkeypatch):
    kept(pad)
    say(monkeypatch, {"done": DONE})
    pad.feedback.learning.start()
    wait(lambda: has_ended(pad))
    registry.promote("0002")
    shown = MagicMock()
    monkeypatch.setattr(pad.feedback.learning, "show_fault", shown)
    pad.feedback.panel.promote.click()
    shown.assert_called_once_with(
        "Version 0002 has been put into use since this was compared with 0001; learn once more."
    )
    assert (registry.current(), registry.versions()) == ("0002", ["0001", "0002"])


def test_a_hand_is_learned_in_a_folder_of_its_own_and_judged(committed_small, store, splits, tmp_path, monkeypatch):
    registry, pupil = committed_small
    session = "a" * 32
    for day in simulated_use.simulate_days(Predictor(pupil), list(load_drawings().values()), 3):
        for one in day:
            store.add(dataclasses.replace(one, session=session))
    few = Rehearsal.of(Classifier.of(pupil), splits.train, mnist=2_000, drawn=100, others=50)
    monkeypatch.setattr(learn_child, "tune_candidate", functools.partial(learn_child.tune_candidate, rehearsal=few))
    monkeypatch.setattr(learn_child, "load_mnist", lambda: splits)
    decide = MagicMock(wraps=gates.decide)
    monkeypatch.setattr(gates, "decide", decide)
    told: list[dict] = []
    (tmp_path / "folder").mkdir()
    done = learn_child.learn(registry.root, store, session, tmp_path / "folder", told.append)
    assert [each["share"] for each in told] == sorted(each["share"] for each in told)
    assert done["learned"] == len(done["ids"]) >= 30
    assert done["after"] >= done["before"]
    assert done["base"] == "0001"
    assert done["version"] in Registry(tmp_path / "folder" / "models").versions()
    assert done["version"] not in registry.versions()
    assert isinstance(done["passed"], bool)
    assert decide.call_args.kwargs["best"] == registry.root / "0001"  # not the last step alone, as everywhere
