"""Ink in the colour of what it did: blue spoke for the digit, orange against it, grey said little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnistlab.data import polyline

if TYPE_CHECKING:  # colours need no network
    from mnistlab.inference.attribution import Attribution

FOR, AGAINST, NEUTRAL = (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00), (0x8C, 0x8C, 0x8C)  # RGB; all 3:1 or more on white
FULL = 1.0  # log-odds from which a piece may have the full colour; less is little, even if no piece said more


def shade(attribution: Attribution) -> tuple[np.ndarray, np.ndarray]:
    """Short lines that cover the ink, and the colour of each; from piece to piece the colour changes gradually.

    Lines are float64 (n, 2, 2), from and to, px of the canvas; colours uint8 (n, 3), RGB.
    """
    most = max(FULL, float(np.abs(attribution.weights).max(initial=0.0)))
    lines, shares = [], []
    for pieces, weights in _runs(attribution):
        curve = polyline.smooth(np.concatenate(pieces))
        if len(curve) == 1:
            dot = np.array([[0.0, 0.0], [0.01, 0.0]])  # a line of no length leaves none
            curve = np.repeat(curve, 2, axis=0) + dot
        lengths = np.array([polyline.length(piece) for piece in pieces])
        middles = lengths.cumsum() - lengths / 2
        along = np.hypot(*np.diff(curve, axis=0).T).cumsum()
        lines.append(np.stack([curve[:-1], curve[1:]], axis=1))
        shares.append(np.interp(along, middles, weights) / most)
    if not lines:
        return np.zeros((0, 2, 2)), np.zeros((0, 3), dtype=np.uint8)
    return np.concatenate(lines), colour(np.concatenate(shares))


def colour(share: np.ndarray) -> np.ndarray:
    """RGB, uint8 (n, 3), of shares (n,): 1 is blue, -1 orange, 0 grey."""
    share = np.clip(share, -1, 1)[:, None]
    full = np.where(share > 0, np.array(FOR), np.array(AGAINST))
    return np.rint(np.array(NEUTRAL) + np.abs(share) * (full - np.array(NEUTRAL))).astype(np.uint8)


def _runs(attribution: Attribution) -> list[tuple[list[np.ndarray], list[float]]]:
    """Pieces of one stroke together: each begins where the one before ended."""
    runs: list[tuple[list[np.ndarray], list[float]]] = []
    for piece, weight in zip(attribution.pieces, attribution.weights.tolist(), strict=True):
        if not runs or (runs[-1][0][-1][-1] != piece[0]).any():
            runs.append(([], []))
        runs[-1][0].append(piece)
        runs[-1][1].append(weight)
    return runs
