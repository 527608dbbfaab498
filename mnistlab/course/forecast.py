"""The prediction of notebook 02, what a reader guesses, and how notebook 03 scores both.

All figures are points of a hundred of the accuracy that a scramble costs, means over seeds; below 0 it would bring some.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mnistlab.common.errors import LabError
from mnistlab.evaluation.intervals import MeanInterval


@dataclass(frozen=True)
class Forecast:
    """What was said before anything was trained.

    Attributes
    ----------
    convnet, fully_connected : from, to; the lab's own prediction.
    guess : the reader's two numbers, for the ConvNet and for the fully connected net.
    """

    convnet: tuple[float, float] = (2.0, 10.0)
    fully_connected: tuple[float, float] = (-1.0, 1.0)
    guess: tuple[float, float] = (4.0, 0.0)

    @classmethod
    def of(cls, results: Mapping[str, Any] | None) -> Forecast:
        """As notebook 02 wrote it down in its results; None, or results without one, give the one stored with the lab."""
        found = (results or {}).get("prediction_points")
        return cls(**{name: tuple(pair) for name, pair in found.items()}) if found else cls()

    def as_dict(self) -> dict[str, list[float]]:
        """For ``write_results``."""
        return {name: list(getattr(self, name)) for name in ("convnet", "fully_connected", "guess")}


def guessed(answer: object) -> tuple[float, float]:
    """A reader's two numbers, in points; None is the guess stored with the lab.

    Raises
    ------
    LabError : it is something else, or beyond 100 points.
    """
    if answer is None:
        return Forecast().guess
    try:
        first, second = (float(value) for value in answer)  # type: ignore[attr-defined]  # anything that is not two numbers raises
    except (TypeError, ValueError) as error:
        raise LabError(f"a guess is two numbers, such as (4, 0), not {answer!r}", code="guess") from error
    if not all(-100 <= value <= 100 for value in (first, second)):
        raise LabError(f"a guess lies between -100 and 100 points, not {answer!r}", code="guess")
    return first, second


def score_range(bounds: tuple[float, float], measured: MeanInterval) -> str:
    """Was a predicted range right? Only if all of the 95 % interval lies in it; wrong if none of it does; open between.

    Parameters
    ----------
    bounds : from, to, points.
    measured : a share, as ``Comparison.cost`` gives it.
    """
    low, high = 100 * measured.low, 100 * measured.high
    if measured.n < 2:
        return "open: one seed has no interval"
    if bounds[0] <= low and high <= bounds[1]:
        return "right: the whole interval lies within"
    if high < bounds[0] or bounds[1] < low:
        return "wrong: the whole interval lies outside"
    if bounds[0] <= 100 * measured.mean <= bounds[1]:
        return "open: the mean lies within, the interval reaches beyond"
    return "open: the mean lies outside, the interval reaches in"


def score_number(number: float, measured: MeanInterval) -> str:
    """How far a guess lies from the mean, and whether the 95 % interval holds it; points and shares as in ``score_range``."""
    off = f"{abs(number - 100 * measured.mean):.2f} points off"
    if measured.n < 2:
        return f"{off}, and one seed has no interval"
    held = 100 * measured.low <= number <= 100 * measured.high
    return f"{off}, {'within' if held else 'outside'} the interval"
