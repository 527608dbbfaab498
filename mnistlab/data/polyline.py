"""A stroke as a line with a length: how long it is, the part of it between two places, and a smooth curve through it.

A line is float64 (n, 2), n >= 1, points in order; lengths are in the unit of its points. A place on it is a share of its
length, 0 the first point, 1 the last. Lengths are sums of square roots in the order of the points, so that ``why.js`` of the web
page, which cuts the same lines, gets the same numbers to the last bit.
"""

from __future__ import annotations

import numpy as np

SPACING = 4.0  # px of the canvas between two points of a smooth curve; closer ones look no smoother
MOST = 16  # points of a curve between two of the line
NEAR = 4.0  # px; closer points are one movement that a screen has rounded to whole px


def length(line: np.ndarray) -> float:
    """From the first point to the last, along the line."""
    return float(_along(line)[-1])


def part(line: np.ndarray, start: float, end: float) -> np.ndarray:
    """The line from one place to another, 0 <= start <= end <= 1: float64 (m, 2), its ends put between points if need be."""
    if len(line) < 2 or (start, end) == (0, 1):
        return line
    along = _along(line)
    low, high = start * along[-1], end * along[-1]
    ends = [[np.interp(at, along, line[:, axis]) for axis in (0, 1)] for at in (low, high)]
    return np.concatenate([ends[:1], line[(along > low) & (along < high)], ends[1:]])


def direction(line: np.ndarray, *, reach: float) -> np.ndarray:
    """The way the line runs where it ends, judged by its last ``reach``: (2,) of length 1, or zeros if it goes nowhere."""
    whole = length(line)
    run = line[-1] - part(line, max(0.0, 1 - reach / whole), 1)[0] if whole else np.zeros(2)
    size = float(np.hypot(*run))
    return run / size if size else np.zeros(2)


def smooth(line: np.ndarray, *, first: int = 0, spacing: float = SPACING) -> np.ndarray:
    """A smooth curve through the points, from point ``first`` on: float64 (m, 2), at most ``spacing`` apart if it can be.

    Centripetal Catmull-Rom (Yuksel, Schaefer and Keyser 2011): it neither loops nor overshoots where points lie unevenly.
    Points that lie close stay as they are; between two far ones at most ``MOST`` are put in, so that the result is bounded.
    """
    if len(line) - first < 2:
        return line[first:]
    ends = np.concatenate([2 * line[:1] - line[1:2], line, 2 * line[-1:] - line[-2:-1]])
    step = np.diff(ends, axis=0)[first:]
    knots = np.maximum(np.hypot(*step.T), 1e-9) ** 0.5  # between two points; a point that stands twice has no tangent
    slope = step / knots[:, None]
    across = (step[:-1] + step[1:]) / (knots[:-1] + knots[1:])[:, None]
    tangent = slope[:-1] - across + slope[1:]
    counts = np.clip(np.ceil(np.hypot(*step[1:-1].T) / spacing), 1, MOST).astype(int)
    which = np.repeat(np.arange(len(counts)), counts)
    t = ((np.arange(len(which)) - np.repeat(counts.cumsum() - counts, counts)) / counts[which])[:, None]
    a, b = line[first:][which], line[first + 1 :][which]
    u, v = (knots[1:-1, None] * part for part in (tangent[:-1], tangent[1:]))
    curve = (2 * t**3 - 3 * t**2 + 1) * a + (3 * t**2 - 2 * t**3) * b
    curve += (t**3 - 2 * t**2 + t) * u[which] + (t**3 - t**2) * v[which]
    return np.concatenate([curve, line[-1:]])


def calm(line: np.ndarray) -> np.ndarray:
    """The line without the steps of whole px in which a screen tells where a pen is: float64 (n, 2).

    A point within ``NEAR`` of both its neighbours moves halfway to their middle; ends and points that lie far apart stay.
    """
    if len(line) < 3:
        return line
    near = np.hypot(*np.diff(line, axis=0).T) <= NEAR
    both = (near[:-1] & near[1:])[:, None]
    middle = (line[:-2] + 2 * line[1:-1] + line[2:]) / 4
    return np.concatenate([line[:1], np.where(both, middle, line[1:-1]), line[-1:]])


def ink(line: np.ndarray, *, first: int = 0) -> np.ndarray:
    """The curve that a pen leaves on the pad, from point ``first`` on; ``curve.js`` of the pad draws the same."""
    return smooth(calm(line), first=first)


def _along(line: np.ndarray) -> np.ndarray:
    """How far along the line each of its points lies: float64 (n,), the first 0."""
    steps = np.sqrt((np.diff(line, axis=0) ** 2).sum(axis=1))
    return np.concatenate([[0.0], steps.cumsum()])
