from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.common import locks, paths
from mnistlab.common.errors import TrainingError
from mnistlab.data import synthetic
from mnistlab.feedback.records import Correction
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pipeline import adapt
from mnistlab.pipeline.adapt import adapt_to, held_out
from mnistlab.pipeline.decision import JudgingData
from mnistlab.pipeline.finetune import FineTuneSettings, Rehearsal
from mnistlab.registry import card
from mnistlab.registry.registry import Registry
from mnistlab.training.networks import Classifier

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def corrections() -> list[Correction]:
    """Two sessions of somebody who writes a 1 as a level bar: 30 drawings, then 10."""
    rng, reader, found = np.random.default_rng(0), Predictor.load("0003"), []
    for number in range(40):
        digit = number % 5
        bar = np.stack([np.linspace(40, 240, 20), 140 + rng.normal(0, 4, 20).cumsum() / 3], axis=1)
        strokes = [bar] if digit == 1 else synthetic.draw(digit, rng)
        read = reader.predict_strokes(strokes)
        said = NOW + timedelta(minutes=number)
        found.append(
            Correction(
                strokes=strokes,
                pen_width=20,
                image=read.image,
                predicted=read.digit,
                probabilities=read.probabilities,
                milliseconds=3.0,
                version="0003",
                digit=digit,
                session="first" if number < 30 else "second",
                consent="1",
                consented_at=NOW,
                created=said,
                id=number + 1,
            )
        )
    return found


@pytest.fixture
def lab(tmp_path) -> Registry:
    """The version for drawing alone, in a registry of one's own."""
    root = tmp_path / "models"
    shutil.copytree(paths.models() / "0003", root / "0003")
    registry = Registry(root)
    registry.promote("0003")
    return registry


@pytest.fixture(scope="module")
def material(splits) -> JudgingData:
    """2,000 validation images: of fewer, two that are lost weigh more than the gates' margin."""
    few = dataclasses.replace(splits, validation=splits.validation.sample(2_000, seed=0))
    return JudgingData.of(few, drawn=40)


@pytest.fixture(scope="module")
def rehearsal(splits) -> Rehearsal:
    return Rehearsal.of(Classifier.of(Registry().load("0003")), splits.train, mnist=2_000, drawn=100, others=50)


def mislabelled(corrections: list[Correction]) -> list[Correction]:
    """A prankster's: every third label is another digit."""
    return [
        Correction(**{**vars(one), "digit": (one.digit + 3) % 10 if number % 3 == 0 else one.digit})
        for number, one in enumerate(corrections)
    ]


def test_the_last_sessions_judge():
    assert held_out(["a"] * 8 + ["b"] * 2).tolist() == [False] * 8 + [True] * 2
    assert held_out(["a"] * 8 + ["b"] + ["c"]).tolist() == [False] * 8 + [True] * 2
    assert held_out(["a"] * 2 + ["b"] * 8).tolist() == [False] * 2 + [True] * 8
    assert not held_out(["a"] * 10).any()
    assert held_out([]).tolist() == []
    assert held_out(["a", "b", "a", "a"]).tolist() == [False, True, False, False]


def test_a_hand_is_learned_judged_and_put_into_use(corrections, lab, small, material, rehearsal):
    nearly = dataclasses.replace(corrections[6], image=corrections[6].image // 4 * 4, id=99)
    again = [*corrections, *corrections[:3], nearly]
    done = adapt_to(again, lab, small, judging=material, rehearsal=rehearsal)
    assert done.outcome == "promoted", done.decision.refusals
    assert (done.candidate.base, done.version, lab.current()) == ("0003", "0004", "0004")
    assert (done.candidate.given, done.candidate.distinct) == (44, 40)  # three sent twice, and two that are nearly one
    assert {"labels", "later", "overall", "drawings"} <= {verdict.gate for verdict in done.decision.verdicts}
    assert set(done.candidate.learned_from) <= {*range(1, 31), nearly.id}  # of the first session
    manifest = lab.manifest("0004")
    assert manifest.training.base == "0003"
    assert tuple(manifest.training.feedback) == done.candidate.learned_from
    assert card.lineage(manifest)["tuned from"].startswith("0003, on ")
    reader = Predictor.load("0004", models=lab.root)
    bars = [one for one in corrections[30:] if one.digit == 1]
    assert [reader.predict_strokes(one.strokes).digit for one in bars] == [1] * len(bars)


def test_pranks_do_not_get_through(corrections, lab, small, material, rehearsal):
    with pytest.raises(TrainingError, match="0 have labels that can be believed; session first is left out"):
        adapt_to(mislabelled(corrections), lab, small, judging=material, rehearsal=rehearsal)
    assert lab.versions() == ["0003"]


def test_the_gates_refuse_what_the_review_let_through(corrections, lab, small, material, rehearsal, monkeypatch):
    """Should wrong labels be believed, MNIST and the person's own later drawings stand in the way."""
    monkeypatch.setattr(adapt.label_review.SessionReview, "believed", True)
    monkeypatch.setattr(adapt.label_review.Review, "together", "")
    monkeypatch.setattr(adapt.label_review, "_like", lambda features, labels: np.full(len(labels), 3))
    wrong = [Correction(**{**vars(one), "digit": (one.digit + 3) % 10}) for one in corrections[:30]]
    settings = FineTuneSettings(distillation=0.0)
    done = adapt_to(
        [*wrong, *corrections[30:]],
        lab,
        small,
        settings=settings,
        judging=material,
        rehearsal=rehearsal,
    )
    assert done.outcome == "refused"
    assert {"overall", "later"} <= {verdict.gate for verdict in done.decision.verdicts if not verdict.passed}
    assert lab.versions() == ["0003"]


def test_too_few_are_refused(corrections, lab, small, material, rehearsal):
    for given in ([], corrections[:9]):
        with pytest.raises(TrainingError, match="30 drawings or more are needed"):
            adapt_to(given, lab, small, judging=material, rehearsal=rehearsal)


def test_the_command_says_what_is_missing_and_waits_for_nobody(tmp_path, lab, monkeypatch):
    monkeypatch.setenv("MNISTLAB_MODELS", str(lab.root))
    store = Store(tmp_path / "feedback.sqlite")
    done = CliRunner().invoke(main, ["retrain", "--with-feedback", "--store", str(store.path)])
    assert done.exit_code == 1
    assert "30 corrections or more are needed to learn from; there are 0" in done.output
    with locks.hold(Path(lab.root) / locks.RETRAIN, "a retraining"):
        done = CliRunner().invoke(main, ["retrain", "--with-feedback", "--store", str(store.path)])
    assert done.exit_code == 75


# --- the command, with a report ----------------------------------------------------------------------------------------


def test_retraining_with_feedback_leaves_a_report_and_marks_the_version(tmp_path, corrections, monkeypatch):
    root, reports = tmp_path / "models", tmp_path / "reports"
    shutil.copytree(paths.models(), root)
    monkeypatch.setenv("MNISTLAB_MODELS", str(root))
    monkeypatch.setenv("MNISTLAB_REPORTS", str(reports))
    registry, store = Registry(root), Store(tmp_path / "feedback.sqlite")
    before, in_use = registry.versions(), registry.current()
    for one in corrections:
        store.add(one)
    done = CliRunner().invoke(main, ["retrain", "--with-feedback", "--store", str(store.path), "--quiet"])
    assert done.exit_code == 0, done.output
    (version,) = set(registry.versions()) - set(before)
    assert (
        done.stdout.splitlines()[-1]
        == f"Version {version} passed and is kept, not in use; it was compared with {in_use}."
    )
    assert registry.current() == in_use  # strangers' corrections are never promoted unwatched
    monkeypatch.setenv("MNISTLAB_FEEDBACK", str(store.path))
    store.erase(session="first")
    learned = store.marked()[version][0]
    shown = CliRunner().invoke(main, ["models", "show", version]).output
    assert f"- tuned from: {before[-1]}, on {learned} corrections" in shown
    assert f"- erased since: {learned} of them" in shown
    (folder,) = [path for path in reports.iterdir() if path.is_dir()]
    written = json.loads((folder / "receipt.json").read_text())
    assert (written["recipe"], written["outcome"], written["version"]) == ("feedback", "passed", version)
    assert written["feedback"]["given"] == 40
    assert 20 < written["feedback"]["learned"] <= 30  # of the first session
    assert learned == written["feedback"]["learned"]
    assert f"- training run: {folder.name}" in shown
    assert [path.name for path in (folder / "candidate").iterdir()] == [version]
    assert {"labels", "later"} <= {verdict["gate"] for verdict in written["decision"]["verdicts"]}
    assert (folder / "04_evaluate.html").is_file()
    assert "feedback, 40 corrections" in (reports / "index.html").read_text()


@pytest.mark.parametrize(
    "wrong", [["--with-feedback", "--preset", "quick"], ["--with-feedback", "-p", "epochs=1"], ["--session", "x"]]
)
def test_the_command_refuses_what_does_not_go_together(wrong):
    done = CliRunner().invoke(main, ["retrain", *wrong])
    assert done.exit_code == 2
    assert "--with-feedback" in done.output
