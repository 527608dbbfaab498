"""What was read: one answer, or those of a page with several digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from mnistlab.data.segments import Box, gap
from mnistlab.evaluation.conformal import Certainty

APART = 1.0  # of the height of two digits; with a wider gap they belong to two numbers
NAMED = 6  # digits of a page that a reason names


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network read.

    Attributes
    ----------
    digit : 0 to 9, or None if there was nothing to read, nothing like a digit, or several digits; ``reason`` then says why.
    probabilities : float64 (10,), sum 1; all 0.1 if there was nothing to read, or no single digit.
    image : uint8 (28, 28), ink bright, what the network saw, before its permutation.
    milliseconds : from the call to the answer.
    version : of the model.
    reason : why there is no digit, in plain words; empty if there is one.
    digits : what it may be, the likeliest first: ``(4,)``, or ``(4, 9)`` for a doubtful one. Never without ``digit``, and
        empty without one.
    level : share of MNIST-like digits for which ``digits`` holds the true one, 0.995; None if the version promises nothing.
    note : what was left out before reading, such as a stray mark, in plain words; empty if nothing was.
    parts : if there are several digits, each of them in reading order; else empty.
    certainty : how sure it is of ``digit``, as calibrated: ``"sure"``, ``"fairly sure"`` or ``"in doubt"``; None without one.
    """

    digit: int | None
    probabilities: np.ndarray
    image: np.ndarray
    milliseconds: float
    version: str
    reason: str = ""
    digits: tuple[int, ...] = ()
    level: float | None = None
    note: str = ""
    parts: tuple[PlacedPrediction, ...] = ()
    certainty: Certainty | None = None

    @property
    def confidence(self) -> float:
        """Probability of the digit, 0 to 1; 0 if there is none."""
        return 0.0 if self.digit is None else float(self.probabilities[self.digit])

    def __str__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        if self.digit is None:
            return f"no digit: {self.reason}{note}"
        others = f" or {' or '.join(map(str, self.digits[1:]))}" if len(self.digits) > 1 else ""
        return f"{self.digit} ({100 * self.confidence:.1f} %){others}{note}"


@dataclass(frozen=True, eq=False, kw_only=True)
class PlacedPrediction(Prediction):
    """What one digit of several was read as, and where it stands.

    Attributes
    ----------
    box : its left, top, right and bottom, in px of the picture, or in the unit of the strokes.
    line : on which line it stands, 0 for the uppermost.
    """

    box: Box
    line: int

    @property
    def words(self) -> str:
        """``"4"``, ``"4 or 9"``, or ``"no digit"``."""
        return " or ".join(map(str, self.digits)) or "no digit"


@dataclass(frozen=True, eq=False)
class Page(Sequence[PlacedPrediction]):
    """All that was read of a picture or a drawing, in reading order: from the top, each line from the left.

    Attributes
    ----------
    readings : one for each digit; none if there is nothing to read.
    milliseconds : from the call to the answer.
    version : of the model.
    reason : why there is nothing to read, in plain words; else empty.
    note : what was left out, as in ``Prediction``.
    picture : uint8 (H, W), ink dark, the picture as the boxes lie on it; None for strokes.
    """

    readings: tuple[PlacedPrediction, ...]
    milliseconds: float
    version: str
    reason: str = ""
    note: str = ""
    picture: np.ndarray | None = None

    @overload
    def __getitem__(self, index: int) -> PlacedPrediction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PlacedPrediction, ...]: ...
    def __getitem__(self, index: int | slice) -> PlacedPrediction | tuple[PlacedPrediction, ...]:
        return self.readings[index]

    def __len__(self) -> int:
        return len(self.readings)

    @property
    def lines(self) -> list[list[PlacedPrediction]]:
        """The readings of each line."""
        found: dict[int, list[PlacedPrediction]] = {}
        for reading in self.readings:
            found.setdefault(reading.line, []).append(reading)
        return list(found.values())

    @property
    def number(self) -> str | None:
        """All digits as they stand, if every one of them is sure: ``"12"``; a space parts two numbers, ``" / "`` two lines."""
        if not self.readings or any(len(reading.digits) != 1 for reading in self.readings):
            return None
        return " / ".join("".join(_spaced(line)) for line in self.lines)

    def __str__(self) -> str:
        return self.number or "; ".join(named(line) for line in self.lines) or f"no digit: {self.reason}"


def named(readings: Iterable[PlacedPrediction]) -> str:
    """Several readings in words: ``"1 or 7, then 4"``; of many, the first few and how many more."""
    words = [reading.words for reading in readings]
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", then ".join(words[:NAMED]) + more


def _spaced(line: Sequence[PlacedPrediction]) -> Iterator[str]:
    for before, reading in zip([None, *line], line, strict=False):
        if before and gap(before.box, reading.box) > APART:
            yield " "
        yield str(reading.digit)
