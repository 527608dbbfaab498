"""What wrong labels get through, and what they do: ``mnistlab benchmark poison``.

Attackers give the lab drawings of real writers with labels that are not theirs. Each attack is made in several sizes and from
several groups of writers. It is *refused* if the review of labels leaves nothing to learn from; if not, it is learned, and is
*harmless* if no digit of the other writers is then misread by more than two points more. Honest writers, and careless ones who
mislabel one drawing in a hundred, are the other side. Shares come with Wilson's interval.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import DataError
from mnistlab.common.progress import progress_bar
from mnistlab.data.augmentation import Augmentation
from mnistlab.data.mnist import Digits, Splits
from mnistlab.data.pen_files import PenDrawing
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.feedback.duplicates import MIN_DRAWINGS, without_near_duplicates
from mnistlab.feedback.label_review import review_labels
from mnistlab.inference.predictor import Predictor
from mnistlab.pipeline import finetune
from mnistlab.training import embedding
from mnistlab.training.networks import Classifier

HARM = 0.02  # share of a digit's drawings by others, misread only after the lesson, up to which an attack is harmless
SESSION = 75  # drawings of one session
SHARES = (0.05, 0.1, 0.2, 0.4, 0.6)  # of a session's drawings that bear a wrong label
SLIPS = 0.01  # of a careless writer's labels are wrong
GROUP = 4  # writers whose drawings an attacker has
LESSONS = 10  # sessions of an attack in many small ones, and of a slow drift
NEARLY = Augmentation(
    degrees=4, shear=0.08, scale=0.06, shift=1.0
)  # a drawing once more, too different to be a duplicate


@dataclass(frozen=True)
class AttackOutcome:
    """What became of one attack, or of one honest session."""

    kind: str  # ``"unsure"``, ``"honest"``
    drawings: int  # given
    wrong: int  # of them with a wrong label
    refused: bool  # nothing was learned
    harm: float  # the worst rise of a digit's share misread, of other writers; 0 if refused, or not learned here

    @property
    def is_harmless(self) -> bool:
        """Refused, or without effect on others."""
        return self.refused or self.harm <= HARM


@dataclass(frozen=True)
class PoisoningReport:
    """All outcomes of one version."""

    version: str
    outcomes: tuple[AttackOutcome, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {"version": self.version, "harm": HARM, "outcomes": [asdict(outcome) for outcome in self.outcomes]}

    def lines(self) -> Iterator[str]:
        """A row for each kind and size."""
        yield f"version {self.version}; harmless: no digit of other writers misread by more than {100 * HARM:.0f} points more"
        yield f"{'kind':<14}{'drawings':>9}{'wrong':>7}{'n':>6}  {'refused':<26}{'refused or harmless':<26}worst harm, points"
        for key in dict.fromkeys((o.kind, o.drawings, o.wrong) for o in self.outcomes):
            yield self._row(*key, [o for o in self.outcomes if (o.kind, o.drawings, o.wrong) == key])
        attacks = [outcome for outcome in self.outcomes if outcome.kind not in ("honest", "careless")]
        yield self._row("all attacks", None, None, attacks)

    @staticmethod
    def _row(kind: str, drawings: int | None, wrong: int | None, some: Sequence[AttackOutcome]) -> str:
        refused, harmless = ([getattr(o, name) for o in some] for name in ("refused", "is_harmless"))
        shares = [str(Accuracy(sum(flags), len(flags))) for flags in (refused, harmless)]
        numbers = f"{'' if drawings is None else drawings:>9}{'' if wrong is None else wrong:>7}{len(some):>6}"
        return f"{kind:<14}{numbers}  {shares[0]:<26}{shares[1]:<26}{100 * max((o.harm for o in some), default=0):.1f}"


@dataclass(frozen=True, eq=False)
class DrawingPool:
    """All drawings as the network sees them: images uint8 (N, 28, 28), features (N, F), probabilities (N, 10)."""

    images: Tensor
    labels: NDArray[np.int64]
    writers: NDArray[np.int64]
    features: Tensor
    probabilities: NDArray[np.floating]


class Attacks:
    """Makes and tries attacks on one version.

    Parameters
    ----------
    reader : the version.
    drawings : of several writers.
    splits : to rehearse.
    seed : of everything random.
    """

    def __init__(self, reader: Predictor, drawings: Sequence[PenDrawing], splits: Splits, *, seed: int = 0) -> None:
        self._base, self._learner = reader.checkpoint, Classifier.of(reader.checkpoint)
        images = torch.from_numpy(np.stack([reader.predict_strokes(drawing.strokes).image for drawing in drawings]))
        labels, writers = (np.array([getattr(d, name) for d in drawings]) for name in ("label", "writer"))
        self.pool = DrawingPool(
            images, labels, writers, embedding.embed(self._learner, images), self._base.probabilities(images)
        )
        self._rehearsal = finetune.Rehearsal.of(self._learner, splits.train, seed=seed)
        self._rng = np.random.default_rng(seed)

    def group(self) -> NDArray[np.int64]:
        """Where the drawings of a few writers are, chosen at random."""
        names = np.unique(self.pool.writers)
        return np.flatnonzero(
            np.isin(self.pool.writers, self._rng.choice(names, min(GROUP, len(names)), replace=False))
        )

    def wrong(self, kind: str, own: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """``n`` drawings among ``own`` and a wrong label for each, as an attack of this kind chooses them."""
        probabilities, labels = self.pool.probabilities[own], self.pool.labels[own]
        order = np.argsort(probabilities, axis=1)
        if kind == "unsure":  # those the network is least sure of, as what it would rather not read
            chosen = np.argsort(probabilities.max(axis=1))[:n]
            said = np.where(order[:, -2] != labels, order[:, -2], order[:, -1])[chosen]
        elif kind == "targeted":  # those most like one digit, as that digit
            target = int(self._rng.integers(CLASSES))
            likely = np.where(labels == target, -1.0, probabilities[:, target])
            chosen = np.argsort(-likely)[:n]
            said = np.full(n, target)
        elif kind == "random":
            chosen = self._rng.choice(len(own), n, replace=False)
            said = (labels[chosen] + self._rng.integers(1, CLASSES, n)) % CLASSES
        else:  # "copies": one of the least sure ones again and again
            chosen = np.full(n, self._rng.choice(np.argsort(probabilities.max(axis=1))[:10]))
            said = np.where(order[:, -2] != labels, order[:, -2], order[:, -1])[chosen]
        return own[chosen], said

    def session(self, kind: str, own: NDArray[np.int64], size: int, n: int) -> Digits:
        """Drawings of one session, ``n`` of them with a wrong label."""
        chosen, said = self.wrong(kind, own, n)
        rest = self._rng.choice(np.setdiff1d(own, chosen), size - n, replace=False)
        images = self.pool.images[np.concatenate([chosen, rest])]
        if kind == "copies":
            generator = torch.Generator().manual_seed(int(self._rng.integers(2**31)))
            images = torch.cat([NEARLY(images[:n], generator), images[n:]])
        return Digits(images, torch.from_numpy(np.concatenate([said, self.pool.labels[rest]])))

    def honest(self, writer: int, start: int, slips: float) -> Digits:
        """The drawings of one writer from a place on, some labels of them wrong at random."""
        own = np.flatnonzero(self.pool.writers == writer)[start : start + SESSION]
        labels = self.pool.labels[own].copy()
        slipped = self._rng.random(len(own)) < slips
        labels[slipped] = (labels[slipped] + self._rng.integers(1, CLASSES, int(slipped.sum()))) % CLASSES
        return Digits(self.pool.images[own], torch.from_numpy(labels))

    def review(self, digits: Digits, sessions: Sequence[str]) -> Digits | None:
        """What would be learned of it; None if it is refused."""
        distinct = without_near_duplicates(digits.images)
        found = review_labels(self._base, digits[distinct], [sessions[index] for index in distinct])
        kept = np.flatnonzero(found.kept)
        return digits[distinct][kept] if len(kept) >= MIN_DRAWINGS else None

    def learn(
        self, digits: Digits, own: NDArray[np.int64], learner: Classifier | None = None
    ) -> tuple[float, Classifier]:
        """The worst rise of a digit's share misread, of all drawings but ``own``, and the network that learned."""
        learner = learner or self._learner
        model = finetune.fine_tune(learner, digits, self._rehearsal, show_progress=False)
        others = np.setdiff1d(np.arange(len(self.pool.labels)), own)
        read = embedding.log_probabilities(embedding.split_head(model)[1], self.pool.features[others]).argmax(dim=1)
        labels = self.pool.labels[others]
        before, after = self.pool.probabilities[others].argmax(axis=1) != labels, read.numpy() != labels
        rises = [after[labels == digit].mean() - before[labels == digit].mean() for digit in np.unique(labels)]
        return float(max(rises)), replace(learner, model=model)

    def attack(self, kind: str, share: float) -> AttackOutcome:
        """One session with this share of wrong labels."""
        own, n = self.group(), round(share * SESSION)
        kept = self.review(self.session(kind, own, SESSION, n), ["one"] * SESSION)
        harm = 0.0 if kept is None else self.learn(kept, own)[0]
        return AttackOutcome(kind, SESSION, n, kept is None, harm)

    def lessons(self, kind: str, wrong: int, *, at_once: bool) -> AttackOutcome:
        """Ten sessions with a few wrong labels each, on the unsure: learned together, or one after the other."""
        own = self.group()
        parts = [self.session("unsure", own, SESSION, wrong) for _ in range(LESSONS)]
        if at_once:
            digits = Digits(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))
            kept = self.review(digits, [str(number // SESSION) for number in range(len(digits))])
            harm = 0.0 if kept is None else self.learn(kept, own)[0]
            return AttackOutcome(kind, len(digits), LESSONS * wrong, kept is None, harm)
        learner, harm, learned = self._learner, 0.0, False
        for part in parts:
            kept = self.review(part, ["one"] * len(part))
            if kept is not None:
                learned, (harm, learner) = True, self.learn(kept, own, learner)
        return AttackOutcome(kind, LESSONS * SESSION, LESSONS * wrong, not learned, harm)


def measure_poisoning(
    reader: Predictor, drawings: Sequence[PenDrawing], splits: Splits, *, repeats: int = 10, seed: int = 0
) -> PoisoningReport:
    """Try all attacks, and what honest and careless writers have to fear.

    Parameters
    ----------
    drawings : of several writers, 150 or more of some of them.
    repeats : groups of writers for each kind and size of an attack, >= 1.

    Raises
    ------
    DataError : no writer has drawings for two sessions, or ``repeats`` is less than 1.
    """
    counts = np.unique([drawing.writer for drawing in drawings], return_counts=True)
    writers = [int(writer) for writer, n in zip(*counts, strict=True) if n >= 2 * SESSION]
    if not writers or repeats < 1:
        raise DataError(
            f"writers with {2 * SESSION} drawings or more, and repeats of 1 or more, are needed", code="few"
        )
    attacks, outcomes = Attacks(reader, drawings, splits, seed=seed), []
    for kind, slips in (("honest", 0.0), ("careless", SLIPS)):
        for writer in writers:
            for start in range(0, int((attacks.pool.writers == writer).sum()) - SESSION + 1, SESSION // 3):
                kept = attacks.review(attacks.honest(writer, start, slips), ["one"] * SESSION)
                outcomes.append(AttackOutcome(kind, SESSION, 0, kept is None, 0.0))
    with progress_bar(total=repeats * (4 * len(SHARES) + 3), description="attacks", unit="attack") as bar:
        for _ in range(repeats):
            tries = [attacks.attack(kind, s) for kind in ("unsure", "targeted", "random", "copies") for s in SHARES]
            outcomes += tries
            bar.update(len(tries))
            outcomes += [attacks.lessons("many sessions", wrong, at_once=True) for wrong in (3, 6)]
            outcomes.append(attacks.lessons("slow drift", 3, at_once=False))
            bar.update(3)
    return PoisoningReport(reader.version, tuple(outcomes))
