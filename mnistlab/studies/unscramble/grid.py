"""Pixels in the cells of the grid: fill it from a part that is known, and improve it by moving and exchanging pixels.

A layout is ``cell``, int (784,): the cell, 0 to 783 by rows, of each scrambled pixel, or -1 for one that has none yet.
``similarity`` is float (784, 784) between scrambled pixels. The search for the layout with the largest sum of similarities
that touch is a quadratic assignment problem; it is solved here step by step from a start that is nearly right.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array

from mnistlab.common.constants import PIXELS, SIDE

DIAGONAL = 0.3  # how much a corner neighbour counts against a side neighbour
GROWTH = 3  # one in three of the pixels that wait is placed before the others are judged anew
ROWS, COLUMNS = np.divmod(np.arange(PIXELS), SIDE)
FAR = np.maximum(abs(ROWS[:, None] - ROWS), abs(COLUMNS[:, None] - COLUMNS))  # between cells, in king's moves
TOUCHING = np.where(
    FAR == 1, np.where(abs(ROWS[:, None] - ROWS) + abs(COLUMNS[:, None] - COLUMNS) == 1, 1, DIAGONAL), 0
)


def objective(similarity: np.ndarray, cell: np.ndarray) -> float:
    """What the search raises: the similarities of all pixels that touch, summed, corners at 0.3."""
    return float((similarity * TOUCHING[np.ix_(cell, cell)]).sum() / 2)


def assign_cells(positions: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """A cell for each drawn pixel, as near to its position (row, column) as all together allow; -1 for the others."""
    squares = (positions[:, None, 0] - ROWS) ** 2 + (positions[:, None, 1] - COLUMNS) ** 2
    cell = np.full(PIXELS, -1)
    cell[pixels] = linear_sum_assignment(squares)[1]
    return cell


def room(similarity: np.ndarray, cell: np.ndarray) -> float:
    """How similar the pixels without a cell could be to those that have one, if all of them took the best free cells."""
    rest, placed = np.flatnonzero(cell < 0), np.flatnonzero(cell >= 0)
    free = np.setdiff1d(np.arange(PIXELS), cell[placed])
    likeness = similarity[np.ix_(rest, placed)] @ TOUCHING[np.ix_(cell[placed], free)]
    return float(likeness[linear_sum_assignment(likeness, maximize=True)].sum())


def grow(similarity: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """The pixels without a cell put beside those they are most similar to, the surest first; what is like none goes last."""
    cell = cell.copy()
    while (rest := np.flatnonzero(cell < 0)).size:
        placed = np.flatnonzero(cell >= 0)
        free = np.setdiff1d(np.arange(PIXELS), cell[placed])
        likeness = similarity[np.ix_(rest, placed)] @ TOUCHING[np.ix_(cell[placed], free)]
        where = linear_sum_assignment(likeness, maximize=True)[1]
        gain = likeness[np.arange(len(rest)), where]
        surest = np.argsort(-gain, kind="stable")
        if gain.max() > 1e-9:
            surest = surest[: max(10, len(rest) // GROWTH)]
            surest = surest[gain[surest] > 1e-9]
        cell[rest[surest]] = free[where[surest]]
    return cell


def gains(similarity: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """What each pixel would add to the objective in each cell, all others staying: float (784 pixels, 784 cells)."""
    return (csr_array(TOUCHING) @ similarity[np.argsort(cell)]).T


def settle(similarity: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """``move`` and ``exchange`` in turn until neither changes anything."""
    while True:
        cell, before = exchange(similarity, move(similarity, cell)), cell
        if (cell == before).all():
            return cell


def move(similarity: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Every pixel to the cell it gains most in, all at once, as long as that raises the objective. Rows move as one."""
    while True:
        new = linear_sum_assignment(gains(similarity, cell), maximize=True)[1]
        if objective(similarity, new) <= objective(similarity, cell) + 1e-9:
            return cell
        cell = new


def exchange(similarity: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Swap pixels two by two, the best swaps first, until none raises the objective."""
    cell = cell.copy()
    while True:
        there = gains(similarity, cell)[:, cell]  # of pixel i in the cell of pixel j
        own = np.diag(there)
        # Two that touch still touch after the swap, which their gains, taken one at a time, leave out.
        rise = there + there.T - own[:, None] - own + 2 * similarity * TOUCHING[np.ix_(cell, cell)]
        partner, best = rise.argmax(axis=1), rise.max(axis=1)
        if best.max() < 1e-9:
            return cell
        taken = np.zeros(PIXELS, dtype=bool)  # by cell: swaps that touch would change each other's gains
        for pixel in np.argsort(-best)[: np.count_nonzero(best > 1e-9)]:
            pair = [pixel, partner[pixel]]
            if not taken[cell[pair]].any():
                taken |= (FAR[cell[pair]] <= 1).any(axis=0)
                cell[pair] = cell[pair[::-1]]
