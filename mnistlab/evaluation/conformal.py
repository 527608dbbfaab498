"""How sure is sure: sets of digits with a stated coverage, and when to say "that is no digit".

Split conformal prediction (Vovk, Gammerman and Shafer 2005). A nonconformity score says how badly a digit fits a drawing;
here it is -log p in nats, which gives the smallest sets on average (Sadinle, Lei and Wasserman 2019). The scores of the true
digits of images that the network did not learn from set the threshold below which a digit belongs to the set. The coverage
holds for drawings like those it was calibrated on, the validation images of MNIST; on other people's drawings it has to be
measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnistlab.common.errors import LabError
from mnistlab.evaluation.intervals import Accuracy

LEVELS = (0.9, 0.95, 0.99, 0.995, 0.999)
# The level of a set that is shown. A network that reads more than 95 % right meets 95 % by leaving some sets empty; sets of
# two digits, which say what a doubtful drawing may be, begin above its accuracy.
LEVEL = 0.995
REFUSED = 0.003  # share of validation digits that may be called no digit
# The level at which a set of one digit is called sure. Of the validation images, version 0005 is sure of 4,876 and reads
# 99.92 % [99.79, 99.97] of them right, fairly sure of 87 (84 % right), and in doubt about 22 (73 % right).
SURE_LEVEL = 0.999
# Where nothing was calibrated: greatest score, nats, of a second digit that is counted in, for LEVEL and for SURE_LEVEL;
# about those of the versions that were.
DOUBT_LIMIT, SURE_LIMIT = 1.3, 3.5

LEAST = {"sure": 0.9, "fairly sure": 0.6}  # probability of the first choice, at least, whatever the sets are

Certainty = Literal["sure", "fairly sure", "in doubt"]


@dataclass(frozen=True)
class Coverage:
    """What the sets of one level hold."""

    level: float  # the share that was promised
    held: Accuracy  # sets with the true digit in them
    empty: Accuracy  # sets of no digit
    several: Accuracy  # sets of two or more

    def as_dict(self) -> dict[str, object]:
        """Plain values for a JSON file."""
        shares = {name: getattr(self, name).as_dict() for name in ("held", "empty", "several")}
        return {"level": self.level, **shares}


@dataclass(frozen=True)
class Calibration:
    """Thresholds taken from digits that the network did not learn from."""

    n: int  # digits it was calibrated on
    # for each level (share of drawings whose set holds the true digit) the greatest nonconformity score, -log p in
    # nats, that a digit in the set may have
    thresholds: Mapping[float, float]
    confidence: float  # probability 0 to 1 of the first choice, below which a drawing is called no digit

    def sets(self, logits: ArrayLike, level: float = LEVEL) -> NDArray[np.bool_]:
        """Which digits belong to the set of each drawing: logits (N, 10) -> bool (N, 10). A set may be empty.

        Raises
        ------
        LabError : the level was not calibrated.
        """
        if level not in self.thresholds:
            raise LabError(
                f"there is no level {level!r}; choose from {', '.join(f'{known:g}' for known in self.thresholds)}",
                code="level",
            )
        return nonconformity(logits) <= self.thresholds[level]

    def judge(self, logits: ArrayLike, labels: ArrayLike) -> list[Coverage]:
        """What the sets of each level hold, on digits with known labels: logits (N, 10), int64 (N,); N >= 1.

        Raises
        ------
        LabError : there are no digits.
        """
        labels = np.asarray(labels)
        if not len(labels):
            raise LabError("there are no digits to judge sets by", code="empty")
        coverages = []
        for level in self.thresholds:
            sets = self.sets(logits, level)
            held, sizes = sets[np.arange(len(labels)), labels], sets.sum(axis=1)
            counts = [int(x.sum()) for x in (held, sizes == 0, sizes > 1)]
            coverages.append(Coverage(level, *(Accuracy(count, len(labels)) for count in counts)))
        return coverages

    def is_digit(self, logits: ArrayLike) -> NDArray[np.bool_]:
        """Which drawings look like a digit at all: logits (N, 10) -> bool (N,)."""
        return np.exp(-nonconformity(logits).min(axis=1)) >= self.confidence

    def certainty(self, scores: ArrayLike) -> Certainty:
        """In a word, how sure the network is of its first choice; scores (10,) as ``nonconformity`` gives them."""
        return certainty(scores, self.thresholds.get(LEVEL, DOUBT_LIMIT), self.thresholds.get(SURE_LEVEL, SURE_LIMIT))


def certainty(scores: ArrayLike, doubt: float = DOUBT_LIMIT, sure: float = SURE_LIMIT) -> Certainty:
    """In a word, how sure a reading is: with several digits within reach, or none, it is in doubt.

    Parameters
    ----------
    scores : (10,), nats, as ``nonconformity`` gives them.
    doubt, sure : the greatest score of a digit in a set of ``LEVEL`` and of ``SURE_LEVEL``.
    """
    scores = np.asarray(scores)
    first = math.exp(-scores.min())
    if (scores <= doubt).sum() != 1 or first < LEAST["fairly sure"]:
        return "in doubt"
    return "fairly sure" if (scores <= sure).sum() > 1 or first < LEAST["sure"] else "sure"


def calibrate(logits: ArrayLike, labels: ArrayLike) -> Calibration:
    """Calibration on digits the network did not learn from.

    Parameters
    ----------
    logits : (N, 10), finite.
    labels : int64 (N,), 0 to 9.

    Raises
    ------
    LabError : there are no digits.
    """
    labels = np.asarray(labels)
    if not len(labels):
        raise LabError("there are no digits to calibrate on", code="empty")
    scores = nonconformity(logits)
    n, true = len(labels), np.sort(scores[np.arange(len(labels)), labels])
    # The ceil((n + 1) level)-th smallest makes the coverage at least `level` on average; too few digits reach up to no rank.
    ranks = {level: math.ceil((n + 1) * level) for level in LEVELS}
    limits = {level: float(true[rank - 1]) if rank <= n else math.log(1e6) for level, rank in ranks.items()}
    first = np.sort(scores.min(axis=1))[::-1]
    return Calibration(n, limits, math.exp(-float(first[int(REFUSED * n)])))


def nonconformity(logits: ArrayLike) -> NDArray[np.float64]:
    """The score of every digit, -log p in nats: logits (N, 10) -> float64 (N, 10). In float32, 99.99999 % would be 100 %."""
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    scores: NDArray[np.float64] = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted
    return scores
