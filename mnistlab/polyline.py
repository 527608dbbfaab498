"""A stroke as a line with a length: how long it is, and the part of it between two places.

A line is float64 (n, 2), n >= 1, points in order; lengths are in the unit of its points. A place on it is a share of its
length, 0 the first point, 1 the last.
"""

from __future__ import annotations

import numpy as np


def length(line: np.ndarray) -> float:
    """From the first point to the last, along the line."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def part(line: np.ndarray, start: float, end: float) -> np.ndarray:
    """The line from one place to another, 0 <= start <= end <= 1: float64 (m, 2), its ends put between points if need be."""
    if len(line) < 2 or (start, end) == (0, 1):
        return line
    along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    low, high = start * along[-1], end * along[-1]
    ends = [[np.interp(at, along, line[:, axis]) for axis in (0, 1)] for at in (low, high)]
    return np.concatenate([ends[:1], line[(along > low) & (along < high)], ends[1:]])


def direction(line: np.ndarray, *, reach: float) -> np.ndarray:
    """The way the line runs where it ends, judged by its last ``reach``: (2,) of length 1, or zeros if it goes nowhere."""
    whole = length(line)
    run = line[-1] - part(line, max(0.0, 1 - reach / whole), 1)[0] if whole else np.zeros(2)
    size = float(np.hypot(*run))
    return run / size if size else np.zeros(2)
