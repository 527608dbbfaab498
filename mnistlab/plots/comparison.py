"""Figures of comparisons between networks: four ways to train, and how each bears corrupted images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.evaluation.formatting import points
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, figure_of, open_frame
from mnistlab.training.comparison import CELLS, NAMES, Cell, Comparison


def four_ways(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Validation accuracy of the four ways: a dot per seed, lines between the same seeds, mean and 95 % interval beside."""
    ax = ax or plt.subplots(figsize=(7, 3.8))[1]
    places = dict(zip(CELLS, (0, 1, 2.5, 3.5), strict=True))
    values = {cell: 100 * np.asarray(comparison.accuracies(cell)) for cell in CELLS}
    for plain, permuted in (CELLS[:2], CELLS[2:]):
        for pair in zip(values[plain], values[permuted], strict=True):
            ax.plot([places[plain], places[permuted]], pair, color=NEUTRAL, linewidth=0.8, zorder=1)
    for cell, x in places.items():
        color, mean = PERMUTED if cell.permuted else PLAIN, comparison.mean(cell)
        beside = x + (0.18 if cell.permuted else -0.18)
        ax.plot([x] * len(values[cell]), values[cell], "o", color=color, zorder=2)
        ax.plot(beside, 100 * mean.mean, "_", color=color, markersize=16, markeredgewidth=2.5)
        if mean.n > 1:
            ax.plot([beside] * 2, [100 * mean.low, 100 * mean.high], color=color, linewidth=1.5)
    every = np.concatenate(list(values.values()))
    margin = max(0.5, 0.25 * np.ptp(every))
    ax.set(
        xlim=(-0.6, 4.1),
        ylim=(max(0, every.min() - margin), min(100.2, every.max() + margin)),
        xticks=list(places.values()),
        xticklabels=["permuted" if cell.permuted else "plain" for cell in CELLS],
        ylabel=f"right, of {comparison.n_validation:,} validation images (%)",
    )
    for x, name in ((0.5, NAMES["convnet"]), (3, NAMES["fully-connected"])):
        ax.text(x, -0.13, name, transform=ax.get_xaxis_transform(), ha="center", va="top", fontweight="bold")
    convnet, full = (points(comparison.cost(name).mean) for name in NAMES)
    ax.set_title(f"the permutation costs the ConvNet {convnet}, the fully connected net {full}", fontsize=10)
    open_frame(ax)
    return ax


def robustness(
    corruptions: Mapping[str, tuple[Sequence[float], Sequence[Mapping[Cell, Sequence[float]]]]],
    *,
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Accuracy of the four ways under growing corruption; lines are means over seeds, bands their extremes.

    Parameters
    ----------
    corruptions : for each kind, named as its axis should be, its sizes and for each size what ``Comparison.judge`` gave.

    Raises
    ------
    ValueError : there is no corruption, or not one result a size.
    """
    if not corruptions or any(len(sizes) != len(results) for sizes, results in corruptions.values()):
        raise ValueError("robustness needs at least one kind of corruption, and one result for each of its sizes")
    if axes is None:
        axes = plt.subplots(1, len(corruptions), figsize=(4.2 * len(corruptions), 3.4), sharey=True, squeeze=False)[1][
            0
        ]
    axes = list(axes)
    for ax, (name, (sizes, results)) in zip(axes, corruptions.items(), strict=True):
        for cell in results[0]:
            values = 100 * np.asarray([result[cell] for result in results])  # (sizes, seeds)
            color = PERMUTED if cell.permuted else PLAIN
            style = "-" if cell.architecture == "convnet" else ":"
            ax.plot(sizes, values.mean(axis=1), "o" + style, color=color, label=str(cell), markersize=4)
            ax.fill_between(sizes, values.min(axis=1), values.max(axis=1), color=color, alpha=0.15, linewidth=0)
        means = {cell: 100 * float(np.mean(results[-1][cell])) for cell in results[-1]}
        best = max(means, key=means.__getitem__)
        ax.set_title(f"at {sizes[-1]:g}, best is the {best}: {means[best]:.0f} %", fontsize=10)
        ax.set(xlabel=name, xticks=list(sizes))
        open_frame(ax)
    axes[0].set(ylabel="right (%)", ylim=(0, 101))
    axes[0].legend(frameon=False, fontsize=8, loc="lower left")
    figure_of(axes[0]).tight_layout()
    return axes
