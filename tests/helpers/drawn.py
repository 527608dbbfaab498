"""Drawings that a test makes: digits set side by side, marks that a hand leaves beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnistlab.common.constants import CANVAS
from mnistlab.data import synthetic

WIDE_GAPS = (0.25, 0.6)  # of the digits' height


def extent(strokes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The upper left and the lower right corner of all points."""
    points = np.concatenate(strokes)
    return points.min(axis=0), points.max(axis=0)


def placed(strokes: Sequence[np.ndarray], *, height: float, left: float, top: float) -> list[np.ndarray]:
    """The same strokes, so high, and with their upper left corner there; px."""
    low, high = extent(strokes)
    return [(stroke - low) * (height / (high - low)[1]) + (left, top) for stroke in strokes]


def side_by_side(digits: Sequence[int], rng: np.random.Generator, *, gap: float, top: float = 60, height: float = 80):
    """Digits beside each other, as the lab draws them: strokes in px, ``gap`` in heights between their points."""
    strokes, left = [], 0.0
    for digit in digits:
        drawn = placed(synthetic.draw(digit, rng), height=height, left=left, top=top + rng.normal(0, 3))
        strokes += drawn
        left = extent(drawn)[1][0] + gap * height
    return strokes


def fitted(strokes: Sequence[np.ndarray], *, size: float = 240) -> list[np.ndarray]:
    """The drawing in the middle of the canvas, so many px long."""
    low, high = extent(strokes)
    return [(stroke - (low + high) / 2) * (size / (high - low).max()) + CANVAS / 2 for stroke in strokes]
