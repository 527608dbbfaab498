"""From what people corrected to a decision: a personal candidate is made, judged, and put into use or refused.

    corrections -> distinct -> believed -> earlier sessions teach, later ones judge -> fine_tune -> gates -> promote

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

from mnistlab import gates, personal, plausibility
from mnistlab.checkpoint import Checkpoint
from mnistlab.data import Digits, Splits
from mnistlab.errors import TrainingError
from mnistlab.evaluation import Accuracy, compare
from mnistlab.feedback import Correction
from mnistlab.gates import Decision, Material, Verdict
from mnistlab.plausibility import Review
from mnistlab.predictor import Predictor
from mnistlab.registry import Registry

LEAST = 10  # drawings to learn from; with fewer nothing is gained that could be measured
JUDGE = 0.2  # share of the drawings that judge, at least, in whole sessions
WORSE = 0.05  # p-value (exact McNemar) below which more errors on later drawings are no chance


@dataclass(frozen=True, eq=False)
class Lesson:
    """What came of it.

    Attributes
    ----------
    base : the version that learned.
    given, distinct : corrections, and those left when near-duplicates count once.
    review : what was thought of their labels.
    learned : numbers of those it learned from.
    decision : of all gates.
    outcome : ``"promoted"``, ``"passed"`` or ``"refused"``.
    version : the name it has now; None if it was refused.
    """

    base: str
    given: int
    distinct: int
    review: Review
    learned: tuple[int, ...]
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


def learn(
    corrections: Sequence[Correction],
    registry: Registry,
    splits: Splits,
    *,
    promote: bool = True,
    settings: personal.Settings | None = None,
    material: Material | None = None,
    rehearsal: personal.Rehearsal | None = None,
    show_progress: bool = True,
) -> Lesson:
    """Tune the version in use to corrections, ask the gates, and do what they say.

    Parameters
    ----------
    corrections : what people said, from the store, in any order.
    splits : the data set the version learned from.
    promote : False keeps a candidate that passes, but does not put it into use.
    material, rehearsal : None makes them from ``splits``.

    Raises
    ------
    TrainingError : fewer than ``LEAST`` drawings that differ and are believed; ``"few"``.
    RegistryError, CheckpointError, BusyError : as ``Registry.load``, ``add`` and ``promote``.
    """
    ordered = sorted(corrections, key=lambda one: one.created)
    base = registry.load()
    kept = [ordered[index] for index in personal.distinct(np.stack([one.image for one in ordered]))] if ordered else []
    review = plausibility.review(base, _digits(kept), [one.session for one in kept])
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
    settings = settings or personal.Settings()
    rehearsal = rehearsal or personal.Rehearsal.of(base, splits.train, seed=settings.seed)
    model = personal.fine_tune(base, _digits(taught), rehearsal, settings=settings, show_progress=show_progress)
    made, data = personal.finish(base, model, _digits(taught), rehearsal, splits, settings)
    ids = tuple(sorted(one.id for one in taught if one.id is not None))
    name = base.manifest.version
    note = f"version {name} tuned to {len(taught)} drawings that people corrected; its convolutions are those of {name}"
    with tempfile.TemporaryDirectory() as folder:
        staged = Registry(Path(folder) / "models")
        candidate = staged.save(made, data, test=splits.test, note=note, base=name, feedback=ids)
        path = staged.root / candidate
        found = gates.decide(path, registry.root / name, material or Material.of(splits))
        own = (_labels(review), _later(base, staged.load(candidate), later))
        decision = replace(found, verdicts=(*found.verdicts, *own))
        outcome, version = "refused", None
        if decision.passed:
            outcome, version = "passed", registry.adopt(path)
            if promote:
                registry.promote(version, instead_of=name)
                outcome = "promoted"
    return Lesson(name, len(ordered), len(kept), review, ids, decision, outcome, version)


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
