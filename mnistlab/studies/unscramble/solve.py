"""Find the layout of scrambled images again, from the images alone.

Neighbouring pixels vary together, and no permutation can hide that. ``unscramble`` draws the graph of neighbours of the pixels
that are often lit (``unscramble.graph``), gives each a cell of the 28 x 28 grid, puts the others beside those they are lit
together with, and improves the cells by exchanging pixels (``unscramble.grid``). It never sees the permutation that
scrambled the images; ``score`` does, at the end, and turns or mirrors the picture for it, since up and left cannot be known.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import product

import numpy as np
from torch import Tensor

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import DataError
from mnistlab.data.permutation import Permutation
from mnistlab.studies.unscramble.graph import (
    correlation,
    embed,
    lit_counts,
    lit_together,
    misfits,
    neighbour_graph,
    partial_correlation,
    snap,
)
from mnistlab.studies.unscramble.grid import FAR, assign_cells, grow, objective, room, settle

MIN_LIT = 10  # images a pixel must be lit in to be identified: from fewer, its correlations are chance
# Drafts are made with every pair of these; which succeeds depends on the number of images.
CORES = (10, 30, 100)  # images a pixel must be lit in to be drawn
RIDGES = (0.03, 0.1, 0.3)  # against noise in the graph of neighbours
CELL_RIDGE = 0.05  # where the cells are judged; here a false edge does no harm
MISFIT = 10  # edges that fit it takes to make up for one that does not: it may fold everything around it


@dataclass(frozen=True)
class Stage:
    """The layout at one stage."""

    name: str
    permutation: Permutation  # brings scrambled images into it
    objective: float  # as ``grid.objective`` has it; the search raises it
    seconds: float  # since the start


@dataclass(frozen=True)
class Draft:
    """A drawing of the graph of neighbours."""

    pixels: np.ndarray  # int (n,), the scrambled pixels drawn
    edges: np.ndarray  # bool (n, n), who is next to whom
    drawn: np.ndarray  # float (n, 2), row and column of each as distances along the edges have it
    snapped: np.ndarray  # with edges one pixel long along rows and columns; both up to a shift, a turn and a mirror

    @property
    def fit(self) -> int:
        """Edges that came out one pixel long, less ten for each that did not."""
        return int(self.edges.sum()) // 2 - (1 + MISFIT) * misfits(self.snapped, self.edges)


@dataclass(frozen=True)
class Unscrambled:
    """What was found."""

    permutation: Permutation  # applied to the scrambled images it gives the recovered ones
    stages: tuple[Stage, ...]  # the stages on the way, the last of them this permutation
    draft: Draft  # the drawing of the graph they began with
    lit: np.ndarray  # int (784,), in how many images each scrambled pixel is lit

    @property
    def identifiable(self) -> np.ndarray:
        """Which scrambled pixels are lit in enough images to be told apart: bool (784,)."""
        return self.lit >= MIN_LIT


@dataclass(frozen=True)
class Score:
    """How much of the layout was found, turned and mirrored to suit it best."""

    exact: float  # share (0 to 1) of the pixels in their own cell
    within_one: float  # share of those there or in a cell that touches it, by side or corner
    furthest: int  # worst distance in king's moves
    n: int  # pixels
    symmetry: Permutation  # makes the recovered images stand upright

    def as_dict(self) -> dict[str, float]:
        """Plain values for a JSON file."""
        return {"exact": self.exact, "within_one": self.within_one, "furthest": self.furthest, "n": self.n}


def unscramble(images: Tensor) -> Unscrambled:
    """The layout of scrambled images, uint8 (N, 28, 28) or (N, 784); the same images give the same layout.

    Raises
    ------
    DataError : the images are too few, or have no neighbours to find.
    """
    started = time.perf_counter()
    stages: list[Stage] = []
    lit, together = lit_counts(images), correlation(images)
    draft = _best_draft(together, lit)
    core = np.zeros(PIXELS, dtype=bool)
    core[draft.pixels] = True
    similarity = np.where(np.outer(core, core), partial_correlation(together, ridge=CELL_RIDGE), lit_together(images))
    ink = images.reshape(len(images), PIXELS).double().mean(dim=0).numpy()[draft.pixels]

    def note(name: str, cell: np.ndarray) -> None:
        order = Permutation(np.argsort(cell))
        stages.append(Stage(name, order, objective(similarity, cell), time.perf_counter() - started))

    note("graph drawn", grow(similarity, assign_cells(on_page(draft.drawn, ink)[0], draft.pixels)))
    places = [assign_cells(placed, draft.pixels) for placed in on_page(draft.snapped, ink)]
    note("rows and columns", grow(similarity, places[0]))
    # By what the rare pixels share with the drawn ones alone: among themselves they suit each other anywhere.
    best = grow(similarity, max(places, key=lambda cell: room(similarity, cell)))
    note("place on the page", best)
    note("pixels exchanged", settle(similarity, best))
    return Unscrambled(stages[-1].permutation, tuple(stages), draft, lit)


def score(unscrambled: Unscrambled, scramble: Permutation) -> Score:
    """Compare with the truth, over the pixels that can be identified. Nothing but this may know ``scramble``."""
    counted = unscrambled.identifiable
    cell = unscrambled.permutation.inverse().order[counted]
    scores = []
    for symmetry in symmetries():
        away = FAR[symmetry.inverse().order[cell], scramble.order[counted]]
        scores.append(Score(float((away == 0).mean()), float((away <= 1).mean()), int(away.max()), len(away), symmetry))
    return max(scores, key=lambda each: (each.within_one, each.exact))


def symmetries() -> list[Permutation]:
    """The four turns of the grid, each as it is and mirrored."""
    turns = [np.rot90(np.arange(PIXELS).reshape(SIDE, SIDE), k) for k in range(4)]
    return [Permutation(grid.ravel()) for turn in turns for grid in (turn, np.fliplr(turn))]


def on_page(positions: np.ndarray, ink: np.ndarray) -> list[np.ndarray]:
    """The positions on whole pixels at four places of the page, those that bring the ink's centre of mass nearest to its middle.

    The digits' centres of mass were put in the middle of their pictures. A page of 28 x 28 has none of its own: the middle lies
    between two rows and two columns, and which of them was taken only the pixels at the margin can tell.

    Parameters
    ----------
    positions, ink : float (n, 2), where each pixel lies, and float (n,), how much ink it holds.
    """
    positions = positions - np.median(positions - np.rint(positions), axis=0)
    missing = (SIDE - 1) / 2 - np.average(positions, axis=0, weights=ink)
    low = np.floor(missing)
    shifts = [low + step for step in product((0, 1), repeat=2)]
    return [positions + shift for shift in sorted(shifts, key=lambda shift: float(np.hypot(*(shift - missing))))]


def _best_draft(together: np.ndarray, lit: np.ndarray) -> Draft:
    """Of the drawings with each core and ridge, the one with the most edges that fit a grid."""
    drafts, problems = [], []
    for ridge in RIDGES:
        similarity = partial_correlation(together, ridge=ridge)
        for least in CORES:
            core = np.flatnonzero(lit >= least)
            try:
                edges, kept = neighbour_graph(similarity[np.ix_(core, core)])
            except DataError as error:
                problems.append(error)
                continue
            drawn = embed(edges)
            drafts.append(Draft(core[kept], edges, drawn, snap(drawn, edges)))
    if not drafts:
        raise problems[0]
    return max(drafts, key=lambda draft: draft.fit)
