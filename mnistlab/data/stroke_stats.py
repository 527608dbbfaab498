"""How a drawing was drawn, in five plain numbers: how wide the pen, how slanted, how large, and where on the sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mnistlab.common.errors import StrokesError
from mnistlab.data.strokes import as_strokes, check_pen


@dataclass(frozen=True)
class StrokeStats:
    """Five numbers of a drawing."""

    pen_width: float  # px
    slant: float  # degrees from upright, positive to the right, -90 to 90; 0 for a level line or a dot
    size: float  # px of the longer side of the box around all points
    x: float  # px, the middle of that box
    y: float  # px, likewise; down


def stroke_stats(strokes: Iterable[ArrayLike], pen_width: float) -> StrokeStats:
    """The five numbers of strokes, a list of (n, 2) arrays in px of a 280 x 280 canvas.

    The slant is that of the line's second moments, by which MNIST's digits are commonly set upright: covariance of x and y over
    the variance of y, each piece of line counting by its length.

    Raises
    ------
    StrokesError : there is no point, or what came is no drawing; the pen is no number from 4 to 60.
    """
    strokes = as_strokes(strokes)
    if not strokes:
        raise StrokesError("an empty canvas has neither slant nor size", code="empty")
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = ((low + high) / 2).tolist()
    return StrokeStats(check_pen(pen_width), _slant(strokes), float((high - low).max()), x, y)


def _slant(strokes: list[np.ndarray]) -> float:
    pieces = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
    lengths = np.hypot(*pieces.T)
    if lengths.sum() == 0:
        return 0.0
    starts = np.concatenate([stroke[:-1] for stroke in strokes])
    middles = starts + pieces / 2
    centre = np.average(middles, axis=0, weights=lengths)
    dx, dy = (middles - centre).T
    # a straight piece spreads by a twelfth of its square around its own middle
    spread = np.average(dy**2 + pieces[:, 1] ** 2 / 12, weights=lengths)
    joint = np.average(dx * dy + pieces[:, 0] * pieces[:, 1] / 12, weights=lengths)
    return 0.0 if spread < 1e-9 else math.degrees(math.atan(-joint / spread))
