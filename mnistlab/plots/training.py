"""Figures of training: learning curves, the four ways compared, and why it ends as it does (notebook 03)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import SIDE
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.formatting import percent, points
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, figure_of, image, open_frame
from mnistlab.registry.architecture import KERNEL

if TYPE_CHECKING:
    from torch import Tensor

    from mnistlab.training.comparison import Cell, Comparison
    from mnistlab.training.records import Epoch

REACH = (9, 11)  # row and column of the upper left of the pixels that ``kernel_reach`` shows: amid the digit


def learning_curves(
    history: Sequence[Epoch], *, epochs: int | None = None, axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Loss (training, validation) and validation accuracy by epoch, side by side. Returns the two axes.

    Parameters
    ----------
    history : epochs so far; none yet is allowed and gives empty axes.
    epochs : how many there will be, for the width of the axes; None is as many as there are.
    axes : two axes to draw on, cleared first.

    Raises
    ------
    ValueError : ``axes`` are not two.
    """
    axes = list(axes if axes is not None else plt.subplots(1, 2, figsize=(8, 3))[1])
    if len(axes) != 2:
        raise ValueError(f"learning curves need 2 axes, not {len(axes)}")
    numbers = [epoch.epoch for epoch in history]
    width = max(epochs or 1, len(numbers))
    losses, accuracies = axes
    for ax, label in ((losses, "cross-entropy (nats)"), (accuracies, "validation images right (%)")):
        ax.clear()
        ax.set(xlabel="epoch", ylabel=label, xlim=(0.5, width + 0.5))
        ax.set_xticks(range(1, width + 1, -(-width // 10)))
        open_frame(ax)
    losses.plot(numbers, [epoch.train_loss for epoch in history], "o-", color=NEUTRAL, label="training")
    losses.plot(numbers, [epoch.validation_loss for epoch in history], "o-", color=PLAIN, label="validation")
    accuracies.plot(numbers, [100 * epoch.validation_accuracy for epoch in history], "o-", color=PLAIN)
    losses.set_title("waiting for the first epoch", fontsize=10)
    if history:
        losses.legend(frameon=False)
        losses.set_title(f"loss after epoch {numbers[-1]}: {history[-1].validation_loss:.3f} nats", fontsize=10)
        accuracies.set_title(
            f"right after epoch {numbers[-1]}: {percent(history[-1].validation_accuracy)}", fontsize=10
        )
    figure_of(losses).tight_layout()
    return axes


def live_curves(epochs: int) -> Callable[[Sequence[Epoch]], None]:
    """Show empty learning curves now; what is returned redraws them in place when called with the history so far.

    Made for ``loop.train(on_epoch=...)``. A saved notebook keeps one figure, the last.
    """
    from IPython.display import display

    axes = learning_curves((), epochs=epochs)
    figure = figure_of(axes[0])
    plt.close(figure)  # it is shown through its handle; left open, the notebook would show it again under the cell
    handle = display(figure, display_id=True)

    def redraw(history: Sequence[Epoch]) -> None:
        learning_curves(history, epochs=epochs, axes=axes)
        if handle is not None:  # outside a notebook there is no display to update
            handle.update(figure)

    return redraw


def kernel_reach(picture: Tensor, permutation: Permutation) -> list[Axes]:
    """Which 25 pixels of a picture (28, 28) one 5 x 5 kernel reads at one place: in order, and under a permutation.

    Returns the three axes: the picture as drawn, the scrambled picture, the picture as drawn with the pixels found again.
    """
    row, column = REACH
    block = np.zeros((SIDE, SIDE), dtype=bool)
    block[row : row + KERNEL, column : column + KERNEL] = True
    scattered = permutation.inverse().apply(block)
    axes = list(plt.subplots(1, 3, figsize=(9, 3.3))[1])
    span = np.ptp(np.argwhere(scattered), axis=0) + 1
    for ax, shown, marked, color, title in (
        (axes[0], picture, block, PLAIN, f"in order: {KERNEL} x {KERNEL} neighbours"),
        (axes[1], permutation.apply(picture), block, PERMUTED, "scrambled: the same 25 places"),
        (axes[2], picture, scattered, PERMUTED, f"what stood there: from {span[0]} x {span[1]} pixels"),
    ):
        image(shown, title=title, ax=ax, alpha=0.45)
        for y, x in np.argwhere(marked):
            ax.add_patch(
                plt.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=color, alpha=0.55, edgecolor="white", linewidth=0.4)
            )
    figure_of(axes[0]).tight_layout()
    return axes


def four_ways(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Validation accuracy of the four ways: a dot per seed, lines between the same seeds, mean and 95 % interval beside."""
    from mnistlab.training.comparison import CELLS, NAMES  # needs PyTorch

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
) -> list[Axes]:
    """Accuracy of the four ways under growing corruption; lines are means over seeds, bands their extremes.

    ``corruptions`` holds for each kind, named as its axis should be, its sizes and for each size what ``Comparison.judge`` gave;
    none at all, or not one result a size, is a ValueError.
    """
    if not corruptions or any(len(sizes) != len(results) for sizes, results in corruptions.values()):
        raise ValueError("robustness needs at least one kind of corruption, and one result for each of its sizes")
    n = len(corruptions)
    axes = list(plt.subplots(1, n, figsize=(4.2 * n, 3.4), sharey=True, squeeze=False)[1][0])
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
