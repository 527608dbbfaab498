"""How long a reading takes: percentiles over many of them, in the kernel and, with ``browser_latency``, in a real browser.

Percentiles need no assumption about how times are spread; n stands with them, and the 99th of fewer than 100 is the worst.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Concatenate

import numpy as np

from mnistlab.common.errors import LabError
from mnistlab.data.drawings import load_drawings
from mnistlab.inference.attribution import attribute
from mnistlab.inference.counterfactual import smallest_edit
from mnistlab.inference.predictor import Predictor

WARM_UP = 20  # calls before the first that counts


@dataclass(frozen=True, eq=False)
class Timing:
    """Times of one thing done many times."""

    name: str  # what was done
    milliseconds: np.ndarray  # float64 (n,), one a call
    aim: dict[int, float]  # percentile -> ms it should stay within; empty if there is none

    def percentile(self, q: int) -> float:
        """Milliseconds that ``q`` of 100 calls stay within."""
        return float(np.percentile(self.milliseconds, q))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "name": self.name,
            "n": len(self.milliseconds),
            **{f"p{q}": round(self.percentile(q), 4) for q in (50, 95, 99)},
            "aim": {f"p{q}": most for q, most in self.aim.items()},
        }


def measure_latency(predictor: Predictor, *, n: int = 500) -> list[Timing]:
    """Times in this process with the drawings that come with the lab.

    Parameters
    ----------
    n : readings; explanations, which take longer, are fewer: a fifth, and of edits a tenth.

    Raises
    ------
    LabError : ``n`` is not 10 or more.
    """
    if n < 10:
        raise LabError(f"to time something takes at least 10 calls, not {n}", code="number")
    stored = cycle(load_drawings().values())
    images = cycle([predictor.predict_strokes(d.strokes, d.pen_width).image[None] for d in load_drawings().values()])

    def on_drawing(function: Callable[Concatenate[Predictor, list[np.ndarray], ...], object]) -> Callable[[], object]:
        return lambda: function(predictor, (drawing := next(stored)).strokes, pen_width=drawing.pen_width)

    return [
        _timed("28 x 28 array to probabilities", lambda: predictor.predict_digits(next(images)), n, {50: 0.3}),
        _timed("strokes to prediction", on_drawing(Predictor.predict_strokes), n, {50: 0.6, 95: 1}),
        _timed("which ink spoke for it", on_drawing(attribute), n // 5, {50: 25}),
        _timed("the smallest edit that flips it", on_drawing(smallest_edit), n // 10, {99: 300}),
    ]


def _timed(name: str, call: Callable[[], object], n: int, aim: dict[int, float]) -> Timing:
    for _ in range(min(n, WARM_UP)):
        call()
    times = np.zeros(n)
    for index in range(n):
        started = time.perf_counter()
        call()
        times[index] = time.perf_counter() - started
    return Timing(name, 1000 * times, aim)


def timing_table(timings: Sequence[Timing]) -> Iterator[str]:
    """Timings as a table for a terminal, line by line: milliseconds, and what they should stay within."""
    width = max(len(timing.name) for timing in timings)
    yield f"{'milliseconds':<{width}}      p50      p95      p99      n  aim"
    for timing in timings:
        shares = "".join(f"{timing.percentile(q):9.2f}" for q in (50, 95, 99))
        aims = ", ".join(
            f"p{q} <= {most:g}{'' if timing.percentile(q) <= most else ', missed'}" for q, most in timing.aim.items()
        )
        yield f"{timing.name:<{width}}{shares}{len(timing.milliseconds):>7}  {aims}".rstrip()
