"""The button under the pad: what it does with a store and a registry, and what it says of it."""

from __future__ import annotations

import functools
import itertools
from unittest.mock import MagicMock

import numpy as np
import pytest
from corrections import make

from mnistlab.common import paths
from mnistlab.common.errors import LabError, RegistryError
from mnistlab.data.drawings import load_drawings
from mnistlab.feedback.label_review import Review
from mnistlab.feedback.records import now
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pad.adapt_button import AdaptButton
from mnistlab.pad.widget import DigitPad
from mnistlab.pipeline.adapt import Adaptation, AdaptedCandidate, teach
from mnistlab.pipeline.decision import Decision, Verdict
from mnistlab.pipeline.finetune import Rehearsal
from mnistlab.registry.registry import Registry
from mnistlab.studies import simulated_use
from mnistlab.training.networks import Classifier

TEACH = "mnistlab.pipeline.adapt.teach"


@pytest.fixture
def registry(tmp_path) -> Registry:
    """The small network that learned from MNIST alone is in use."""
    registry = Registry(paths.models()).copy(tmp_path / "models")
    registry.promote("0001")
    return registry


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "feedback.sqlite")


@pytest.fixture
def pad(registry) -> DigitPad:
    return DigitPad(models=registry.root)


def refused(*reasons: str) -> Adaptation:
    verdicts = tuple(Verdict(f"gate {number}", False, reason) for number, reason in enumerate(reasons))
    review = Review(np.ones(10, dtype=bool), ())
    candidate = AdaptedCandidate("0001", 10, 10, review, tuple(range(10)), "0004", ())
    return Adaptation(candidate, Decision("0004", "0001", verdicts, {}), "refused", None)


def test_a_hand_is_learned_and_read_on_the_pad_at_once(pad, registry, store, splits, monkeypatch):
    reader = Predictor(registry.load())
    stored = list(load_drawings().values())
    *kept, fifth, sixth = simulated_use.simulate_days(reader, stored, 6)
    for one in itertools.chain(*kept):
        store.add(one)
    rehearsal = Rehearsal.of(Classifier.of(registry.load()), splits.train, mnist=2_000, drawn=100, others=50)

    monkeypatch.setattr(TEACH, functools.partial(teach, rehearsal=rehearsal))
    monkeypatch.setattr("mnistlab.data.mnist.load_mnist", lambda: splits)

    button = AdaptButton(pad, store=store)
    button.button.click()
    done = button.adaptation
    assert done.outcome == "passed", done.decision.refusals
    assert pad.predictor.version == done.version == registry.versions()[-1]
    assert registry.current() == "0001"  # other pads read as before
    assert done.version not in Registry(paths.models()).versions()
    assert (
        f"Version {done.version} reads on this pad now: 0001, tuned to {len(done.candidate.learned_from)} drawings"
        in button.note.value
    )
    assert not button.button.disabled
    assert store.marked() == {done.version: (len(done.candidate.learned_from), 0)}
    tuned = Predictor(registry.load(done.version))
    wrong = [
        sum(who.predict_strokes(c.strokes, c.pen_width).digit != c.digit for c in fifth + sixth)
        for who in (reader, tuned)
    ]
    assert wrong[1] < wrong[0]


def test_it_learns_from_the_session_of_its_own_pad_alone(registry, store, monkeypatch):
    pad, seen = DigitPad(models=registry.root, feedback=store), MagicMock(return_value=refused("no"))
    for session in ("stranger", pad.feedback.session.name):
        store.add(make(session=session))
    monkeypatch.setattr(TEACH, seen)
    AdaptButton(pad, store=store).press()
    ((own, *_), _) = seen.call_args
    assert [correction.session for correction in own] == [pad.feedback.session.name]


def test_too_few_drawings_are_said_and_nothing_changes(pad, store, registry):
    button = AdaptButton(pad, store=store)
    button.button.click()
    assert "Nothing was learned: 30 drawings or more are needed" in button.note.value
    assert 'role="alert"' in button.note.value
    assert registry.versions() == Registry(paths.models()).versions()
    assert pad.predictor.version == "0001"
    assert not button.button.disabled


def test_a_refusal_names_its_reasons_and_the_version_stays(pad, store, monkeypatch):
    monkeypatch.setattr(TEACH, lambda *_, **__: refused("it reads <3 % of the 7s", "it is too large"))
    button = AdaptButton(pad, store=store)
    button.press()
    assert "Version 0001 stays in use" in button.note.value
    assert "&lt;3 % of the 7s" in button.note.value
    assert "it is too large." in button.note.value
    assert pad.predictor.version == "0001"


def test_a_bug_is_said_and_raised(pad, store, monkeypatch):
    monkeypatch.setattr(TEACH, MagicMock(side_effect=ZeroDivisionError("oops")))
    button = AdaptButton(pad, store=store)
    with pytest.raises(ZeroDivisionError):
        button.press()
    assert "ZeroDivisionError: oops" in button.note.value
    assert not button.button.disabled


def test_a_pad_with_a_predictor_of_its_own_cannot_learn(registry):
    with pytest.raises(RegistryError, match="given a predictor"):
        AdaptButton(DigitPad(Predictor(registry.load())))


def test_a_hand_writes_again_a_little_differently(registry):
    reader, stored = Predictor(registry.load()), list(load_drawings().values())
    first, second = simulated_use.simulate_days(reader, stored, 2)
    assert [one.digit for one in first] == [one.digit for one in second] == [one.digit for one in stored]
    assert {one.session for one in first}.isdisjoint({one.session for one in second})
    assert max(one.created for one in first) < min(one.created for one in second) < now()
    same = simulated_use.simulate_days(reader, stored, 2)[1]
    assert all(np.array_equal(a.strokes[0], b.strokes[0]) for a, b in zip(second, same, strict=True))
    apart = [np.abs(a.strokes[0] - b.strokes[0]).max() for a, b in zip(first, second, strict=True)]
    assert min(apart) > 1
    assert np.median([np.abs(a.strokes[0] - s.strokes[0]).max() for a, s in zip(first, stored, strict=True)]) < 60
    with pytest.raises(LabError, match="1 day or more, not 0"):
        simulated_use.simulate_days(reader, stored, 0)
