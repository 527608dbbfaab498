"""Intervals: Wilson's for a share, Student's t for a mean over seeds, McNemar's test for two networks on the same images.

SciPy's distributions take 65 MB and a second to import, so they are imported where they are used; a share needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.errors import LabError

CONFIDENCE = 0.95


def wilson(count: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bounds, 0 to 1, of the share of which ``count`` of ``n`` are a sample: Wilson's score interval (JASA 22, 1927).

    Raises
    ------
    LabError : ``n`` is 0, ``count`` is not between 0 and ``n``, or ``confidence`` not between 0 and 1.
    """
    if not (0 <= count <= n and n > 0 and 0 < confidence < 1):
        raise LabError(f"{count} of {n} is no sample of a share, or {confidence} no confidence", code="accuracy")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle, half = count + z * z / 2, z * (count * (n - count) / n + z * z / 4) ** 0.5
    low, high = (middle - half) / (n + z * z), (middle + half) / (n + z * z)
    return (0.0 if count == 0 else low), (1.0 if count == n else high)  # without a last bit of rounding


@dataclass(frozen=True)
class Accuracy:
    """``correct`` of ``n`` images right.

    Raises
    ------
    LabError : ``n`` is 0, or ``correct`` is not between 0 and ``n``.
    """

    correct: int
    n: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.n or self.n == 0:
            raise LabError(f"{self.correct} right of {self.n} images is not an accuracy", code="accuracy")

    @classmethod
    def of(cls, correct: NDArray[np.bool_]) -> Accuracy:
        """From one hit or miss an image: bool (n,), n >= 1."""
        return cls(int(correct.sum()), len(correct))

    @property
    def value(self) -> float:
        """Share right, 0 to 1."""
        return self.correct / self.n

    @property
    def low(self) -> float:
        """Lower bound of the Wilson 95 % interval, 0 to 1."""
        return wilson(self.correct, self.n)[0]

    @property
    def high(self) -> float:
        """Upper bound of the Wilson 95 % interval, 0 to 1."""
        return wilson(self.correct, self.n)[1]

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for a JSON file."""
        return {"value": self.value, "low": self.low, "high": self.high, "correct": self.correct, "n": self.n}

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} % [{100 * self.low:.2f}, {100 * self.high:.2f}], n = {self.n:,}"


@dataclass(frozen=True)
class MeanInterval:
    """Mean of one figure over several seeds, with its 95 % t interval and standard deviation.

    With one seed there is no spread to see: ``low``, ``high`` and ``std`` are NaN.
    """

    mean: float
    low: float
    high: float
    std: float
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> MeanInterval:
        """From one value per seed.

        Raises
        ------
        LabError : there is no value.
        """
        sample, n = np.asarray(values, dtype=float), len(values)
        if n == 0:
            raise LabError("a mean needs at least one value", code="empty")
        mean = float(sample.mean())
        if n == 1:
            return cls(mean, float("nan"), float("nan"), float("nan"), 1)
        from scipy import stats

        std = float(sample.std(ddof=1))
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * std / n**0.5
        return cls(mean, mean - half, mean + half, std, n)

    def __str__(self) -> str:
        if self.n == 1:
            return f"{100 * self.mean:.2f} %, one seed"
        return f"{100 * self.mean:.2f} % [{100 * self.low:.2f}, {100 * self.high:.2f}], {self.n} seeds"


@dataclass(frozen=True)
class McNemar:
    """Two networks on the same images: only those that one of them gets right can tell them apart.

    The interval of the difference is Wald's for pairs, of no width where the two never disagree.
    """

    only_first: int  # images that the first alone gets right
    only_second: int  # and the second alone
    n: int  # all images

    @property
    def p_value(self) -> float:
        """Exact, two-sided: how often equal networks would differ at least as much; 1 where they never disagree."""
        from scipy import stats

        disagreements = self.only_first + self.only_second
        return float(stats.binomtest(self.only_first, disagreements, 0.5).pvalue) if disagreements else 1.0

    @property
    def difference(self) -> float:
        """Accuracy of the first minus that of the second, -1 to 1."""
        return (self.only_first - self.only_second) / self.n

    @property
    def low(self) -> float:
        """Lower bound of the paired 95 % interval of ``difference``."""
        return self.difference - self._half()

    @property
    def high(self) -> float:
        """Upper bound of the paired 95 % interval of ``difference``."""
        return self.difference + self._half()

    def as_dict(self) -> dict[str, float]:
        """Plain numbers, for a JSON file."""
        counts = {"only_first": self.only_first, "only_second": self.only_second, "n": self.n}
        return {**counts, "difference": self.difference, "low": self.low, "high": self.high, "p_value": self.p_value}

    def _half(self) -> float:
        variance = (self.only_first + self.only_second) / self.n - self.difference**2
        return NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * (variance / self.n) ** 0.5


def compare(first_correct: np.ndarray, second_correct: np.ndarray) -> McNemar:
    """McNemar's test of two networks from which of the same images (N,) each got right.

    Raises
    ------
    LabError : the two are not of equal length, or empty.
    """
    first, second = np.asarray(first_correct, dtype=bool), np.asarray(second_correct, dtype=bool)
    if first.shape != second.shape or first.ndim != 1 or not first.size:
        raise LabError(
            f"a paired comparison needs the same images for both, not {first.shape} and {second.shape}", code="shape"
        )
    return McNemar(int((first & ~second).sum()), int((~first & second).sum()), int(first.size))
