"""Figures of the study of the permutation's effect: seeds crossed with permutations, layouts partly in order, digits."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import CLASSES
from mnistlab.evaluation.formatting import mean_points, points
from mnistlab.evaluation.intervals import MeanInterval
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, error_bars, open_frame
from mnistlab.studies.permutation_effect import CrossedTrainings, crossed_interval
from mnistlab.training.comparison import CELLS, NAMES


def crossed_accuracies(crossed: CrossedTrainings, *, ax: Axes | None = None) -> Axes:
    """Accuracy of every network: a column of dots per permutation, a line per seed; plain pixels in one column."""
    ax = ax or plt.subplots(figsize=(8.5, 4))[1]
    n = len(crossed.permutations)
    places, ticks = 0.0, {}
    for cell in CELLS:
        values = 100 * crossed.accuracies(cell)  # (seeds, 1 or permutations)
        at = places + 0.22 * np.arange(values.shape[1])
        color = PERMUTED if cell.permuted else PLAIN
        for row in values:
            ax.plot(at, row, "o-", color=color, linewidth=0.6, markersize=4, alpha=0.8)
        ax.plot([at[0] - 0.1, at[-1] + 0.1], [values.mean()] * 2, color="black", linewidth=1.2)
        ticks[at.mean()] = f"{NAMES[cell.architecture]}\n{'permuted' if cell.permuted else 'plain'}"
        places = at[-1] + 0.9
    ax.set_xticks(list(ticks), ticks.values())
    ax.set_ylabel("right on validation images (%)")
    losses = [mean_points(crossed_interval(crossed.costs(name))) for name in NAMES]
    ax.set_title(
        f"{len(crossed.seeds)} seeds x {n} permutations: the ConvNet loses {losses[0]},\nthe fully connected net {losses[1]}",
        fontsize=10,
    )
    ax.grid(axis="y", alpha=0.3)
    open_frame(ax)
    return ax


def partial_layouts(
    accuracies: Mapping[str, MeanInterval],
    kept: Mapping[str, float],
    ends: Mapping[str, float],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Accuracy of the ConvNet on each layout against the pairs of neighbours that the layout keeps.

    Parameters
    ----------
    accuracies : mean accuracy over seeds, by layout.
    kept : share of the neighbours that still touch, by layout, 0 to 1.
    ends : mean accuracies (0 to 1) to draw as lines across, by name; losses are taken from the first.
    """
    ax = ax or plt.subplots(figsize=(8.5, 4.4))[1]
    styles = {"blocks": ("s", PLAIN), "%": ("o", PERMUTED)}
    for name, mean in accuracies.items():
        marker, color = next((style for word, style in styles.items() if word in name), ("D", "black"))
        place, (value, reach) = 100 * kept[name], error_bars([mean])
        ax.errorbar(place, value, reach, fmt=marker, color=color, capsize=2, markersize=5)
        # Columns keep as many neighbours as rows: their names would overlap.
        aside = (7, 4) if name == "columns" else (7, -10)
        ax.annotate(name, (place, 100 * mean.mean), aside, textcoords="offset points", fontsize=8, color=color)
    for name, share in ends.items():
        ax.axhline(100 * share, color=NEUTRAL, linewidth=0.8, linestyle=":")
        ax.annotate(name, (0, 100 * share), (2, 3), textcoords="offset points", fontsize=8, color=NEUTRAL)
    ax.set(xlabel="neighbours that still touch (%)", ylabel="right on validation images (%)", xlim=(0, 108))
    least, most = (pick(accuracies, key=lambda name: accuracies[name].mean) for pick in (min, max))
    lost = {name: points(next(iter(ends.values())) - accuracies[name].mean) for name in (most, least)}
    ax.set_title(f"the ConvNet loses {lost[most]} to {most}, {lost[least]} to {least}", fontsize=10)
    open_frame(ax)
    return ax


def digit_costs(costs: Mapping[str, np.ndarray], *, ax: Axes | None = None) -> Axes:
    """What the permutation takes from the recall of each digit, with 95 % intervals, for one or two architectures.

    ``costs`` holds plain minus permuted, shares, float (10, seeds, permutations), by architecture.
    """
    ax = ax or plt.subplots(figsize=(7.5, 3.4))[1]
    for number, (name, table) in enumerate(costs.items()):
        values, reach = error_bars([crossed_interval(of_digit) for of_digit in table])
        at = np.arange(CLASSES) + 0.2 * number - 0.1 * (len(costs) - 1)
        ax.errorbar(
            at, values, reach, fmt="os"[number], color=(PERMUTED, NEUTRAL)[number], capsize=2, label=NAMES[name]
        )
    ax.axhline(0, color="black", linewidth=0.8)
    first = [crossed_interval(of_digit).mean for of_digit in next(iter(costs.values()))]
    most, least = int(np.argmax(first)), int(np.argmin(first))
    ax.set(xticks=range(CLASSES), xlabel="digit", ylabel="recall lost (points)")
    ax.set_title(
        f"{NAMES[next(iter(costs))]}: the {most} loses most, {points(first[most])}, the {least} least, {points(first[least])}",
        fontsize=10,
    )
    ax.legend(frameon=False, fontsize=8)
    open_frame(ax)
    return ax
