"""From what people corrected to a decision: a personal candidate is tuned, judged, and put into use or refused.

    corrections -> near-duplicates out -> doubtful labels out -> fine_tune on earlier sessions -> gates -> promote

``mnistlab retrain --with-feedback`` does this with a report, ``pad.adapt_button.AdaptButton`` in a notebook without one.

The gates are those of every version, on MNIST's validation images and on drawn digits, and two of its own: whether the labels
can be believed, and whether the person's later drawings are read no worse. No correction comes near the test images, which are
read once, when the candidate is saved.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mnistlab.common import locks
from mnistlab.common.constants import CANVAS, SIDE
from mnistlab.common.errors import TrainingError
from mnistlab.data.mnist import Digits, Splits
from mnistlab.evaluation.intervals import Accuracy, compare
from mnistlab.feedback import label_review
from mnistlab.feedback.duplicates import MIN_DRAWINGS, without_near_duplicates
from mnistlab.feedback.label_review import Review
from mnistlab.feedback.records import Correction
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pipeline import finetune, gates
from mnistlab.pipeline.decision import Decision, JudgingData, Verdict
from mnistlab.pipeline.finetune import FineTuneSettings, Rehearsal
from mnistlab.registry.checkpoint import Checkpoint
from mnistlab.registry.registry import Registry
from mnistlab.training.networks import Classifier

HELD_OUT = 0.2  # share of the drawings that judge, at least, in whole sessions
SIGNIFICANCE = 0.05  # p-value (exact McNemar) below which more errors on later drawings are not put down to chance


@dataclass(frozen=True, eq=False)
class AdaptedCandidate:
    """A version tuned to corrections, not yet judged by the gates of every version.

    Attributes
    ----------
    base : the version it was tuned from.
    given, distinct : how many corrections there were, and how many are left when near-duplicates count once.
    review : how far their labels can be believed.
    learned_from : ids in the store of the corrections it was tuned on, ascending.
    version : its name in the registry it was added to.
    verdicts : of the two gates of its own.
    """

    base: str
    given: int
    distinct: int
    review: Review
    learned_from: tuple[int, ...]
    version: str
    verdicts: tuple[Verdict, ...]

    def as_dict(self) -> dict[str, str | int]:
        """Counts for a receipt; nothing about a drawing is among them."""
        believed = int(self.review.kept.sum())
        counts = {"given": self.given, "distinct": self.distinct, "believed": believed}
        return {"base": self.base, **counts, "learned": len(self.learned_from)}


@dataclass(frozen=True, eq=False)
class Adaptation:
    """A complete adaptation, whatever was decided.

    Attributes
    ----------
    candidate : what was judged.
    decision : of all gates.
    outcome : ``"promoted"``, ``"passed"`` (kept, not in use) or ``"refused"``.
    version : the candidate's name among the lab's versions; None if it was refused.
    """

    candidate: AdaptedCandidate
    decision: Decision
    outcome: str
    version: str | None


def held_out(sessions: Sequence[str]) -> NDArray[np.bool_]:
    """Which drawings judge: those of the last sessions, a fifth of all or a little more. The others are learned from.

    Parameters
    ----------
    sessions : of each drawing, in the order they were drawn.

    Returns
    -------
    bool (N,); all False for a single session, whose drawings would judge themselves.
    """
    judging: set[str] = set()
    in_order = list(dict.fromkeys(sessions))
    for name in reversed(in_order[1:]):
        if sum(session in judging for session in sessions) >= HELD_OUT * len(sessions):
            break
        judging.add(name)
    return np.array([session in judging for session in sessions], dtype=bool)


def tune_candidate(
    corrections: Sequence[Correction],
    registry: Registry,
    splits: Splits,
    *,
    settings: FineTuneSettings | None = None,
    rehearsal: Rehearsal | None = None,
    run: str | None = None,
) -> AdaptedCandidate:
    """Tune the version in use to corrections, and add the result to the registry; the one in use stays.

    Parameters
    ----------
    corrections : from the store, in any order.
    splits : the data set the version learned from.
    settings, rehearsal : None means the defaults, made from ``splits``.
    run : name of the report it is made for, if there is one.

    Raises
    ------
    TrainingError : fewer than ``MIN_DRAWINGS`` drawings that differ and are believed; ``"few"``.
    RegistryError, CheckpointError, BusyError : as ``Registry.load`` and ``save``.
    """
    settings = settings or FineTuneSettings()
    base = registry.load()
    learner = Classifier.of(base)
    ordered = sorted(corrections, key=lambda correction: correction.created)
    distinct = [ordered[index] for index in without_near_duplicates(_digits(ordered).images)]
    judge = _untaught(registry, base)
    review = label_review.review_labels(judge, _digits(distinct), [correction.session for correction in distinct])
    believed = _chosen(distinct, review.kept.tolist())
    if len(believed) < MIN_DRAWINGS:
        doubtful = "".join(f"; session {s.name[:8]} is {s}" for s in review.sessions if not s.believed)
        doubtful += f"; {review.together}" if review.together else ""
        raise TrainingError(
            f"{MIN_DRAWINGS} drawings or more are needed; of {len(ordered)}, {len(distinct)} differ "
            f"and {len(believed)} have labels that can be believed{doubtful}",
            code="few",
        )
    judging = held_out([correction.session for correction in believed])
    earlier, later = _chosen(believed, (~judging).tolist()), _chosen(believed, judging.tolist())
    rehearsal = rehearsal or Rehearsal.of(learner, splits.train, seed=settings.seed)
    model = finetune.fine_tune(learner, _digits(earlier), rehearsal, settings=settings, show_progress=False)
    training, data = finetune.as_training(learner, model, _digits(earlier), rehearsal, splits, settings)
    ids = tuple(sorted(correction.id for correction in earlier if correction.id is not None))
    name = base.manifest.version
    note = (
        f"version {name} tuned to {len(earlier)} drawings that people corrected; its convolutions are those of {name}"
    )
    version = registry.save(training, data, test=splits.test, note=note, base=name, feedback=ids, run=run)
    verdicts = (_labels(review), _later(base, registry.load(version), later))
    return AdaptedCandidate(name, len(ordered), len(distinct), review, ids, version, verdicts)


def teach(
    corrections: Sequence[Correction],
    registry: Registry,
    splits: Splits,
    *,
    store: Store | None = None,
    settings: FineTuneSettings | None = None,
    rehearsal: Rehearsal | None = None,
    judging: JudgingData | None = None,
) -> Adaptation:
    """Tune a candidate in a copy of the registry, ask the gates, and keep it if all are open. The version in use stays.

    Parameters
    ----------
    corrections, splits, settings, rehearsal : as in ``tune_candidate``.
    store : notes which version learned from which corrections.
    judging : None makes it from ``splits``.

    Raises
    ------
    TrainingError, RegistryError, CheckpointError : as ``tune_candidate``, ``Registry.adopt``.
    BusyError : the same; or a retraining is under way, with code ``"locked"``.
    """
    with locks.retraining(registry.root), tempfile.TemporaryDirectory() as folder:
        staged = registry.copy(Path(folder) / "models")
        candidate = tune_candidate(corrections, staged, splits, settings=settings, rehearsal=rehearsal)
        path = staged.root / candidate.version
        judging, best = judging or JudgingData.of(splits), gates.best_in(registry, path)
        decision = gates.decide(path, registry.root / candidate.base, judging, best=best)
        decision = replace(decision, verdicts=(*decision.verdicts, *candidate.verdicts))
        if not decision.passed:
            return Adaptation(candidate, decision, "refused", None)
        version = registry.adopt(path)
        if store is not None:
            store.trained(version, candidate.learned_from)
        return Adaptation(candidate, decision, "passed", version)


def adapt_to(
    corrections: Sequence[Correction],
    registry: Registry,
    splits: Splits,
    *,
    store: Store | None = None,
    settings: FineTuneSettings | None = None,
    rehearsal: Rehearsal | None = None,
    judging: JudgingData | None = None,
) -> Adaptation:
    """As ``teach``, and put into use what passes: for a lab of one's own, never for what strangers corrected.

    Raises
    ------
    TrainingError, RegistryError, CheckpointError, BusyError : as ``teach`` and ``Registry.promote``.
    """
    done = teach(corrections, registry, splits, store=store, settings=settings, rehearsal=rehearsal, judging=judging)
    if done.version is None:
        return done
    registry.promote(done.version, instead_of=done.candidate.base)
    return replace(done, outcome="promoted")


def _untaught(registry: Registry, version: Checkpoint) -> Checkpoint:
    """The version that a row of lessons began with, which judges labels: what learned from them would agree with them."""
    names = set(registry.versions())
    while version.manifest.training and (name := version.manifest.training.base) in names:
        names.discard(version.manifest.version)
        version = registry.load(name)
    return version


def _labels(review: Review) -> Verdict:
    """Whether every session's labels can be believed. One that cannot is left out, which need not stop the others."""
    doubtful = [session for session in review.sessions if not session.believed]
    left_out = int((~review.kept).sum())
    reason = f"{left_out} of {len(review.kept)} drawings are left out"
    reason += "".join(f"; session {session.name[:8]} is {session}" for session in doubtful)
    return Verdict("labels", bool(review.kept.any()), reason)


def _later(base: Checkpoint, candidate: Checkpoint, drawings: Sequence[Correction]) -> Verdict:
    """The person's later drawings: not significantly worse."""
    if not drawings:
        return Verdict("later", True, "all drawings are of one session, so none of them can judge")
    before, after = _read_right(base, drawings), _read_right(candidate, drawings)
    paired = compare(after, before)
    worse = paired.difference < 0 and paired.p_value < SIGNIFICANCE
    shares = [Accuracy.of(right) for right in (before, after)]
    return Verdict("later", not worse, f"of later sessions' drawings it reads {shares[1]}, before {shares[0]}")


def _read_right(version: Checkpoint, drawings: Sequence[Correction]) -> NDArray[np.bool_]:
    predictor = Predictor(version)
    return np.array([predictor.predict_strokes(d.strokes, d.pen_width, CANVAS).digit == d.digit for d in drawings])


def _chosen(corrections: Sequence[Correction], chosen: Sequence[bool]) -> list[Correction]:
    return [correction for correction, keep in zip(corrections, chosen, strict=True) if keep]


def _digits(corrections: Sequence[Correction]) -> Digits:
    images = np.array([correction.image for correction in corrections], dtype=np.uint8).reshape(-1, SIDE, SIDE)
    labels = torch.tensor([correction.digit for correction in corrections], dtype=torch.int64)
    return Digits(torch.from_numpy(images), labels)
