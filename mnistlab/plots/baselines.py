"""Figures of simple classifiers: what they predict, how they weigh pixels, how often they are right (notebook 01)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from mnistlab.common.constants import CLASSES, SIDE
from mnistlab.data.mnist import Digits
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.evaluation.metrics import Evaluation
from mnistlab.plots.pictures import NEUTRAL, PLAIN, RIGHT, SIGNED, THIRD, WRONG, error_bars, grid, image, wide_bars


def predictions(digits: Digits, predicted: np.ndarray, *, reader: str, title: str = "") -> np.ndarray:
    """Digits under what ``reader`` takes them for, int (N,): right in blue, wrong in orange with the label in brackets.

    ``title`` replaces the one that counts the mistakes. Returns the axes (rows, 10).
    """
    labels = digits.labels.tolist()
    right = np.array(labels) == np.asarray(predicted)
    return grid(
        digits.images,
        titles=[str(a) if ok else f"{a} (is {t})" for a, t, ok in zip(predicted, labels, right, strict=True)],
        colors=[RIGHT if ok else WRONG for ok in right],
        suptitle=title or f"The {reader} misreads {int((~right).sum())} of these {len(right)}",
    )


def templates(weights: Tensor | np.ndarray) -> np.ndarray:
    """How a linear classifier weighs each pixel for each digit: weights (10, 784). Returns the axes (2, 5)."""
    pictures = np.asarray(weights).reshape(CLASSES, SIDE, SIDE)
    limit = np.quantile(np.abs(pictures), 0.99)  # a few border pixels with little ink would take the whole scale
    figure, axes = plt.subplots(2, 5, figsize=(7, 3.5))
    for digit, (picture, ax) in enumerate(zip(pictures, axes.flat, strict=True)):
        image(picture, ax=ax, title=str(digit), cmap=SIGNED, scale=(-limit, limit))
    figure.suptitle("Linear weights: ink on orange speaks for the digit, ink on blue against it", fontsize=11)
    figure.tight_layout()
    return axes


def accuracies(results: Mapping[str, Accuracy], *, title: str) -> Axes:
    """One accuracy per line, with its 95 % interval, the best on top."""
    ordered = sorted(results.items(), key=lambda item: item[1].value)
    ax = plt.subplots(figsize=(7, 0.8 + 0.5 * len(ordered)))[1]
    for place, value in enumerate(wide_bars(ax, [accuracy for _, accuracy in ordered])):
        ax.annotate(f"{value:.1f} %", (value, place), (0, 7), textcoords="offset points", ha="center", fontsize=9)
    ax.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    ax.set(ylim=(-0.5, len(ordered) - 0.3), xlabel=f"right of {ordered[0][1].n:,} (%); bars are 95 % intervals")
    ax.set_title(title)
    ax.grid(axis="x", alpha=0.3)
    return ax


def recall_by_digit(evaluations: Mapping[str, Evaluation]) -> Axes:
    """Share of each digit that each classifier reads right, with 95 % intervals."""
    ax = plt.subplots(figsize=(7, 3.4))[1]
    for number, (name, evaluation) in enumerate(evaluations.items()):
        values, reach = error_bars([evaluation.recall_of(digit) for digit in range(CLASSES)])
        places = np.arange(CLASSES) + (number - (len(evaluations) - 1) / 2) * 0.2
        colour, marker = ((NEUTRAL, "s"), (THIRD, "D"), (PLAIN, "o"), ("black", "^"))[number % 4]
        ax.errorbar(places, values, reach, fmt=marker, color=colour, markersize=5, label=name)
    worst = {name: int(np.nanargmin(evaluation.recall)) for name, evaluation in evaluations.items()}
    ax.set_title("Hardest digit: " + ", ".join(f"{digit} for {name}" for name, digit in worst.items()), fontsize=11)
    ax.set(xticks=range(CLASSES), xlabel="digit", ylabel="read right (%)")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=8, ncols=len(evaluations), loc="upper center", bbox_to_anchor=(0.5, -0.18), frameon=False)
    return ax
