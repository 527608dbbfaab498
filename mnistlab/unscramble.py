"""Find the layout of scrambled images again, from the images alone.

Neighbouring pixels vary together, and no permutation can hide that. ``unscramble`` draws the graph of neighbours
(``unscramble_graph``), gives each pixel a cell of the 28 x 28 grid, and improves the cells by exchanging pixels. It never sees
the permutation that scrambled the images; ``score`` does, at the end, and turns or mirrors the picture for it, since up and
left cannot be known.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from torch import Tensor

from mnistlab.data import PIXELS, SIDE
from mnistlab.permutation import Permutation
from mnistlab.unscramble_graph import embed, lit_counts, neighbour_graph, partial_correlation, snap

MIN_LIT = 10  # images a pixel must be lit in to be identified: from fewer, its correlations are chance
GRAPH_RIDGE, CELL_RIDGE = 0.3, 0.05  # the graph must hold no false edge, so it is smoothed more than the cells' values
DIAGONAL = 0.3  # how much a corner neighbour counts against a side neighbour
ROWS, COLUMNS = np.divmod(np.arange(PIXELS), SIDE)
FAR = np.maximum(abs(ROWS[:, None] - ROWS), abs(COLUMNS[:, None] - COLUMNS))  # between cells, in king's moves
TOUCHING = np.where(
    FAR == 1, np.where(abs(ROWS[:, None] - ROWS) + abs(COLUMNS[:, None] - COLUMNS) == 1, 1, DIAGONAL), 0
)

SHIFTS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]


@dataclass(frozen=True)
class Step:
    """The layout at one stage: ``permutation`` brings scrambled images into it.

    ``objective`` is what the search raises: the partial correlations of all pixels that touch, summed, corners at 0.3.
    """

    name: str
    permutation: Permutation
    objective: float
    seconds: float


@dataclass(frozen=True)
class Unscrambled:
    """What was found.

    Attributes
    ----------
    permutation : applied to the scrambled images it gives the recovered ones.
    steps : the stages on the way, the last of them this permutation.
    lit : int (784,), in how many images each scrambled pixel is lit.
    positions, pixels : float (n, 2) row and column before the grid, and the scrambled pixels they are of.
    """

    permutation: Permutation
    steps: tuple[Step, ...]
    lit: np.ndarray
    positions: np.ndarray
    pixels: np.ndarray

    @property
    def identifiable(self) -> np.ndarray:
        """Which scrambled pixels are lit in enough images to be told apart: bool (784,)."""
        return self.lit >= MIN_LIT


@dataclass(frozen=True)
class Score:
    """How much of the layout was found, turned and mirrored to suit it best.

    ``exact`` and ``within_one`` are shares (0 to 1) of ``n`` pixels: in their own cell; there or in one that touches it, by
    side or corner. ``furthest`` is the worst distance in king's moves, ``symmetry`` what makes the recovered
    images stand upright.
    """

    exact: float
    within_one: float
    furthest: int
    n: int
    symmetry: Permutation


def unscramble(images: Tensor) -> Unscrambled:
    """The layout of scrambled images, uint8 (N, 28, 28) or (N, 784); the same images give the same layout.

    Raises
    ------
    DataError : the images are too few, or have no neighbours to find.
    """
    started = time.perf_counter()
    steps: list[Step] = []
    lit = lit_counts(images)
    similarity = partial_correlation(images, ridge=CELL_RIDGE)

    def note(name: str, cell: np.ndarray) -> None:
        order = Permutation(torch.from_numpy(np.argsort(cell)))
        steps.append(Step(name, order, _objective(similarity, cell), time.perf_counter() - started))

    core = np.flatnonzero(lit >= MIN_LIT)
    edges, kept = neighbour_graph(partial_correlation(images, ridge=GRAPH_RIDGE)[np.ix_(core, core)])
    pixels, ink = core[kept], images.reshape(len(images), PIXELS).double().mean(dim=0).numpy()[core[kept]]
    drawn = embed(edges)
    note("embedding", assign(_on_page(drawn, ink), pixels, similarity))
    positions = _on_page(snap(drawn, edges), ink)
    cell = assign(positions, pixels, similarity)
    note("snapped to rows and columns", cell)
    cell = settle(similarity, cell)
    note("pixels exchanged", cell)
    while True:  # the edge of the page: which way does the whole layout leave its outermost pixels the best cells?
        tries = [settle(similarity, shifted(cell, down, right)) for down, right in SHIFTS]
        best = max(tries, key=lambda tried: _objective(similarity, tried))
        if _objective(similarity, best) <= _objective(similarity, cell) + 1e-9:
            break
        cell = best
        note("moved on the page", cell)
    return Unscrambled(steps[-1].permutation, tuple(steps), lit, positions, pixels)


def score(found: Unscrambled, scramble: Permutation, *, min_lit: int = MIN_LIT) -> Score:
    """Compare with the truth, over the pixels lit in at least ``min_lit`` images. Nothing but this may know ``scramble``."""
    counted = found.lit >= min_lit
    cell = found.permutation.inverse().order.numpy()[counted]
    best = None
    for symmetry in symmetries():
        away = FAR[symmetry.inverse().order.numpy()[cell], scramble.order.numpy()[counted]]
        judged = Score(float((away == 0).mean()), float((away <= 1).mean()), int(away.max()), len(away), symmetry)
        if best is None or (judged.within_one, judged.exact) > (best.within_one, best.exact):
            best = judged
    return best


def symmetries() -> list[Permutation]:
    """The four turns of the grid, each as it is and mirrored."""
    turns = [torch.rot90(torch.arange(PIXELS).view(SIDE, SIDE), k) for k in range(4)]
    return [Permutation(grid.flatten()) for turn in turns for grid in (turn, turn.fliplr())]


def assign(positions: np.ndarray, pixels: np.ndarray, similarity: np.ndarray) -> np.ndarray:
    """A cell for each of the 784 pixels, int (784,): the drawn ones near their positions, the others by their likeness."""
    squares = (positions[:, None, 0] - ROWS) ** 2 + (positions[:, None, 1] - COLUMNS) ** 2
    cell = np.full(PIXELS, -1)
    cell[pixels] = linear_sum_assignment(squares)[1]
    rest, free = np.flatnonzero(cell < 0), np.setdiff1d(np.arange(PIXELS), cell)
    likeness = similarity[np.ix_(rest, pixels)] @ TOUCHING[np.ix_(cell[pixels], free)]
    cell[rest] = free[linear_sum_assignment(likeness, maximize=True)[1]]
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


def shifted(cell: np.ndarray, down: int, right: int) -> np.ndarray:
    """The whole layout moved; what leaves the grid comes back at the other side, where ``settle`` finds it a better place."""
    return (ROWS[cell] + down) % SIDE * SIDE + (COLUMNS[cell] + right) % SIDE


def move(similarity: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Every pixel to the cell it gains most in, all at once, as long as that raises the objective. Rows move as one."""
    while True:
        new = linear_sum_assignment(gains(similarity, cell), maximize=True)[1]
        if _objective(similarity, new) <= _objective(similarity, cell) + 1e-9:
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


def _objective(similarity: np.ndarray, cell: np.ndarray) -> float:
    return float((similarity * TOUCHING[np.ix_(cell, cell)]).sum() / 2)


def _on_page(positions: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Moved so that the ink's centre of mass is at the grid's, as far as nothing has to leave the grid for it."""
    centred = positions - np.average(positions, axis=0, weights=ink) + (SIDE - 1) / 2
    low, high = -centred.min(axis=0), SIDE - 1 - centred.max(axis=0)
    return centred + np.where(low <= high, np.clip(0, low, high), (low + high) / 2)
