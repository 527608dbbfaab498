"""Figures of the study of unscrambling: the digits coming back, the graph, misplaced pixels, what it is worth."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from torch import Tensor

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.formatting import percent
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, THIRD, error_bars, image, open_frame
from mnistlab.studies.unscramble.grid import FAR
from mnistlab.studies.unscramble.solve import Draft, Score, Unscrambled


def recovery_stages(scrambled: Tensor, unscrambled: Unscrambled, judged: Score) -> np.ndarray:
    """Digits uint8 (n, 28, 28) as they came and after each stage, a row for each. Returns the axes (1 + stages, n).

    They are turned upright by ``judged.symmetry``, for the eye alone.
    """
    stages = {"scrambled": scrambled}
    for stage in unscrambled.stages:
        stages[f"{stage.name}\n{stage.seconds:.0f} s"] = judged.symmetry.apply(stage.permutation.apply(scrambled))
    n = len(scrambled)
    figure, axes = plt.subplots(len(stages), n, figsize=(1.6 + 0.95 * n, 1.0 * len(stages) + 0.4), squeeze=False)
    for row, (name, pictures) in zip(axes, stages.items(), strict=True):
        for ax, picture in zip(row, pictures, strict=True):
            image(picture, ax=ax)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    figure.suptitle(
        f"{percent(judged.exact, 1)} of the {judged.n} pixels that can be told apart are back in their own cell"
    )
    figure.tight_layout()
    return axes


def drawn_graph(draft: Draft, home: Permutation) -> np.ndarray:
    """The graph of neighbours as distances along its edges place it, and on rows and columns. Returns the axes (2,).

    Dots take their colour from the row and the column where ``home``, the scramble, says that the pixel truly stands: a good
    drawing has smooth colours.
    """
    rows, columns = np.divmod(home.order[draft.pixels], SIDE) / np.array(SIDE - 1)[..., None]
    colours = np.stack([0.9 - 0.8 * rows, 0.25 + 0.5 * columns, 0.1 + 0.8 * rows], axis=1)
    i, j = np.nonzero(np.triu(draft.edges))
    axes = plt.subplots(1, 2, figsize=(8, 4.2))[1]
    for ax, positions, name in zip(
        axes, (draft.drawn, draft.snapped), ("as long as its paths", "on rows and columns"), strict=True
    ):
        places = positions[:, ::-1]
        ax.add_collection(
            LineCollection(list(np.stack([places[i], places[j]], axis=1)), colors=NEUTRAL, linewidths=0.5)
        )
        ax.scatter(*places.T, c=colours, s=9, zorder=2)
        ax.set_title(name, fontsize=10)
        ax.set(aspect="equal", xlabel="pixels", ylabel="pixels")
    axes[0].figure.suptitle(f"{len(draft.pixels)} pixels and {len(i):,} pairs of neighbours draw themselves a grid")
    axes[0].figure.tight_layout()
    return axes


def placement_errors(unscrambled: Unscrambled, scramble: Permutation, judged: Score, *, ax: Axes | None = None) -> Axes:
    """The grid as it truly is, each pixel coloured by how far from its cell it was put; grey cannot be told apart."""
    cell = judged.symmetry.inverse().order[unscrambled.permutation.inverse().order]
    home = scramble.order
    away = np.empty(PIXELS)
    away[home] = np.where(unscrambled.identifiable, np.minimum(FAR[cell, home], 2), -1)
    ax = ax or plt.subplots(figsize=(5, 3.8))[1]
    colours = ListedColormap(["#E5E5E5", PLAIN, THIRD, PERMUTED])
    shown = ax.imshow(away.reshape(SIDE, SIDE), cmap=colours, norm=BoundaryNorm([-1.5, -0.5, 0.5, 1.5, 2.5], 4))
    bar = ax.figure.colorbar(shown, ax=ax, ticks=[-1, 0, 1, 2])
    bar.ax.set_yticklabels(["hardly ever lit", "own cell", "one cell away", "further"])
    ax.set(xlabel="true column (pixels)", ylabel="true row (pixels)")
    missed = round((1 - judged.exact) * judged.n)
    ax.set_title(f"{missed} of {judged.n} pixels are not in their own cell", fontsize=10)
    return ax


def layouts(
    read: Mapping[str, Accuracy], beside: Mapping[str, Accuracy] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Share of images read right on each layout, with Wilson 95 % intervals.

    Parameters
    ----------
    read : by what was shown to one network: plain, scrambled and recovered pixels, in this order.
    beside : of another network, to compare with, below them.
    """
    names, shares = [*read, *(beside or {})], [*read.values(), *(beside or {}).values()]
    ax = ax or plt.subplots(figsize=(6.5, 0.45 * len(shares) + 1.2))[1]
    values, reach = error_bars(shares)
    for row, colour in enumerate((PLAIN, PERMUTED, THIRD, PLAIN, PERMUTED)[: len(shares)]):
        marker = "o" if row < len(read) else "s"
        ax.errorbar(values[row], row, xerr=reach[:, row, None], fmt=marker, color=colour, capsize=3)
        ax.annotate(f"{values[row]:.1f}", (values[row], row), (0, 7), textcoords="offset points", ha="center")
    ax.set_yticks(range(len(shares)), names)
    ax.set_ylim(len(shares) - 0.5, -0.7)
    ax.set_xlabel(f"right, of {shares[0].n:,} readings (%)")
    plain, scrambled, recovered = values[:3]
    lost = "nothing" if plain - recovered < 0.05 else f"{plain - recovered:.1f}"
    ax.set_title(f"scrambling costs {plain - scrambled:.1f} points; once unscrambled, {lost} is lost", fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    open_frame(ax)
    return ax
