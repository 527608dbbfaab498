"""From what people corrected to a decision: a personal candidate is made, judged, and put into use or refused.

    corrections -> distinct -> believed -> earlier sessions teach, later ones judge -> fine_tune -> gates -> promote

``mnistlab retrain --with-feedback`` goes this way with a report, ``adapt_button.AdaptButton`` in a notebook without one.

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

from mnistlab.common import locks
from mnistlab.common.errors import TrainingError
from mnistlab.data.mnist import Digits, Splits
from mnistlab.evaluation.intervals import Accuracy, compare
from mnistlab.feedback import label_review
from mnistlab.feedback.label_review import Review
from mnistlab.feedback.records import Correction
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pipeline import finetune, gates
from mnistlab.pipeline.decision import Decision, Material, Verdict
from mnistlab.registry.checkpoint import Checkpoint
from mnistlab.registry.registry import Registry

# Drawings to learn from: each digit three times. Of 150 sessions of so many, a tenth of them labelled wrong, the review of labels
# by version 0004 refused 146; of 20 it refused 130, and of ten none.
LEAST = 30
JUDGE = 0.2  # share of the drawings that judge, at least, in whole sessions
WORSE = 0.05  # p-value (exact McNemar) below which more errors on later drawings are no chance


@dataclass(frozen=True, eq=False)
class Taught:
    """A candidate, not judged by the gates of every version yet.

    Attributes
    ----------
    base : the version that learned.
    given, distinct : corrections, and those left when near-duplicates count once.
    review : what was thought of their labels.
    learned : numbers of those it learned from.
    candidate : its name among the versions it was added to.
    verdicts : of the two gates of its own.
    """

    base: str
    given: int
    distinct: int
    review: Review
    learned: tuple[int, ...]
    candidate: str
    verdicts: tuple[Verdict, ...]

    def as_dict(self) -> dict:
        """Counts for a receipt; nothing about a drawing is among them."""
        believed = int(self.review.kept.sum())
        counts = {"given": self.given, "distinct": self.distinct, "believed": believed}
        return {"base": self.base, **counts, "learned": len(self.learned)}


@dataclass(frozen=True, eq=False)
class Lesson:
    """What came of it.

    Attributes
    ----------
    taught : how the candidate was made.
    decision : of all gates.
    outcome : ``"promoted"``, ``"passed"`` or ``"refused"``.
    version : the name it has now; None if it was refused.
    """

    taught: Taught
    decision: Decision
    outcome: str
    version: str | None


def apart(sessions: Sequence[str]) -> np.ndarray:
    """Which drawings judge: those of the last sessions, a fifth of all or a little more; the others teach.

    Parameters
    ----------
    sessions : of each drawing, in the order they were drawn.

    Returns
    -------
    bool (N,); of a single session none, since its drawings would judge themselves.
    """
    judges: set[str] = set()
    first = list(dict.fromkeys(sessions))
    for name in reversed(first[1:]):
        if sum(one in judges for one in sessions) >= JUDGE * len(sessions):
            break
        judges.add(name)
    return np.array([one in judges for one in sessions], dtype=bool)


def teach(
    corrections: Sequence[Correction],
    registry: Registry,
    splits: Splits,
    *,
    settings: finetune.Settings | None = None,
    rehearsal: finetune.Rehearsal | None = None,
    run: str | None = None,
    show_progress: bool = True,
) -> Taught:
    """Tune the version in use to corrections, and add what comes out to the versions; the one in use stays.

    Parameters
    ----------
    corrections : what people said, from the store, in any order.
    splits : the data set the version learned from.
    rehearsal : None makes it from ``splits``.
    run : name of the report it is made for, if there is one.

    Raises
    ------
    TrainingError : fewer than ``LEAST`` drawings that differ and are believed; ``"few"``.
    RegistryError, CheckpointError, BusyError : as ``Registry.load`` and ``save``.
    """
    ordered = sorted(corrections, key=lambda one: one.created)
    base = registry.load()
    kept = [ordered[index] for index in finetune.distinct(np.stack([one.image for one in ordered]))] if ordered else []
    review = label_review.review_labels(base, _digits(kept), [one.session for one in kept])
    believed = [one for one, good in zip(kept, review.kept.tolist(), strict=True) if good]
    if len(believed) < LEAST:
        doubtful = "".join(f"; session {s.name[:8]} is {s}" for s in review.sessions if not s.believed)
        raise TrainingError(
            f"{LEAST} drawings or more are needed; of {len(ordered)} there are {len(kept)} that differ "
            f"and {len(believed)} whose labels can be believed{doubtful}",
            code="few",
        )
    judges = apart([one.session for one in believed])
    taught = [one for one, judge in zip(believed, judges, strict=True) if not judge]
    later = [one for one, judge in zip(believed, judges, strict=True) if judge]
    settings = settings or finetune.Settings()
    rehearsal = rehearsal or finetune.Rehearsal.of(base, splits.train, seed=settings.seed)
    model = finetune.fine_tune(base, _digits(taught), rehearsal, settings=settings, show_progress=show_progress)
    made, data = finetune.finish(base, model, _digits(taught), rehearsal, splits, settings)
    ids = tuple(sorted(one.id for one in taught if one.id is not None))
    name = base.manifest.version
    note = f"version {name} tuned to {len(taught)} drawings that people corrected; its convolutions are those of {name}"
    candidate = registry.save(made, data, test=splits.test, note=note, base=name, feedback=ids, run=run)
    verdicts = (_labels(review), _later(base, registry.load(candidate), later))
    return Taught(name, len(ordered), len(kept), review, ids, candidate, verdicts)


def learn(
    corrections: Sequence[Correction],
    registry: Registry,
    splits: Splits,
    *,
    promote: bool = True,
    store: Store | None = None,
    settings: finetune.Settings | None = None,
    material: Material | None = None,
    rehearsal: finetune.Rehearsal | None = None,
    show_progress: bool = True,
) -> Lesson:
    """Teach a candidate aside, ask the gates, and do what they say.

    Parameters
    ----------
    corrections, splits, settings, rehearsal : as in ``teach``.
    promote : False keeps a candidate that passes, but does not put it into use.
    store : told which version learned from which corrections.
    material : None makes it from ``splits``.

    Raises
    ------
    TrainingError, RegistryError, CheckpointError, BusyError : as ``teach``, ``Registry.adopt`` and ``promote``; a retraining is
        under way (``"locked"``).
    """
    with locks.retraining(registry.root), tempfile.TemporaryDirectory() as folder:
        staged = registry.copy(Path(folder) / "models")
        options = {"settings": settings, "rehearsal": rehearsal, "show_progress": show_progress}
        taught = teach(corrections, staged, splits, **options)
        path = staged.root / taught.candidate
        found = gates.decide(path, registry.root / taught.base, material or Material.of(splits))
        decision = replace(found, verdicts=(*found.verdicts, *taught.verdicts))
        if not decision.passed:
            return Lesson(taught, decision, "refused", None)
        version = registry.adopt(path)
        if store is not None:
            store.trained(version, taught.learned)
        if promote:
            registry.promote(version, instead_of=taught.base)
        return Lesson(taught, decision, "promoted" if promote else "passed", version)


def _labels(review: Review) -> Verdict:
    """Whether every session's labels can be believed. One that cannot is left out, which need not stop the others."""
    doubtful = [session for session in review.sessions if not session.believed]
    left_out = int((~review.kept).sum())
    told = f"{left_out} of {len(review.kept)} drawings are left out"
    told += "".join(f"; session {session.name[:8]} is {session}" for session in doubtful)
    return Verdict("labels", bool(review.kept.any()), told)


def _later(base: Checkpoint, candidate: Checkpoint, later: Sequence[Correction]) -> Verdict:
    """The person's later drawings: not significantly worse."""
    if not later:
        return Verdict("later", True, "all drawings are of one session, so none of them can judge")
    digits = _digits(later)
    before, after = (
        np.array([Predictor(one).predict_strokes(c.strokes, c.pen_width).digit == c.digit for c in later])
        for one in (base, candidate)
    )
    paired = compare(after, before)
    worse = paired.difference < 0 and paired.p_value < WORSE
    shares = [Accuracy(int(right.sum()), len(digits)) for right in (before, after)]
    return Verdict("later", not worse, f"of later sessions' drawings it reads {shares[1]}, before {shares[0]}")


def _digits(corrections: Sequence[Correction]) -> Digits:
    if not corrections:
        return Digits(torch.zeros(0, 28, 28, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))
    images = np.stack([one.image for one in corrections])
    return Digits(torch.from_numpy(images), torch.tensor([one.digit for one in corrections]))
