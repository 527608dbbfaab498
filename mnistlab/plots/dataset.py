"""Figures of the data and of simple classifiers: how many, how grey, how alike, how often read right (notebook 01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import CLASSES, SIDE
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.evaluation.metrics import Evaluation
from mnistlab.plots.pictures import (
    NEUTRAL,
    PERMUTED,
    PLAIN,
    RIGHT,
    SIGNED,
    THIRD,
    WRONG,
    error_bars,
    grid,
    heat_map,
    image,
    wide_bars,
)

if TYPE_CHECKING:
    from torch import Tensor

    from mnistlab.data.mnist import Digits


def class_shares(parts: Mapping[str, Tensor]) -> Axes:
    """Share of each digit, a bar for each part; ``parts`` maps a name to counts int (10,)."""
    ax = plt.subplots(figsize=(7, 2.8))[1]
    width = 0.8 / len(parts)
    for number, (name, counts) in enumerate(parts.items()):
        share = np.asarray(counts) / int(counts.sum()) * 100
        places = np.arange(CLASSES) + (number - (len(parts) - 1) / 2) * width
        ax.bar(places, share, width, label=f"{name}, {int(counts.sum()):,}", color=(PLAIN, NEUTRAL, THIRD)[number % 3])
    first = next(iter(parts.values())) / next(iter(parts.values())).sum() * 100
    ax.axhline(100 / CLASSES, color="black", linewidth=0.8, linestyle=":", label="equal shares")
    ax.set(xticks=range(CLASSES), xlabel="digit", ylabel="share of the images (%)", ylim=(0, 15))
    ax.set_title(
        f"Not quite equal: {int(first.argmin())} is rarest ({first.min():.1f} %), "
        f"{int(first.argmax())} most frequent ({first.max():.1f} %)"
    )
    ax.legend(ncols=len(parts) + 1, fontsize=8, loc="upper center", frameon=False)
    return ax


def ink_map(images: Tensor) -> Axes:
    """Share of uint8 images (N, 28, 28) that have ink at each place; places that never have any are orange."""
    share = (images > 0).double().mean(dim=0).numpy() * 100
    figure, ax = plt.subplots(figsize=(4.8, 3.8))
    colours = plt.get_cmap("gray_r").with_extremes(bad=PERMUTED)
    shown = ax.imshow(np.ma.masked_equal(share, 0), cmap=colours, vmin=0, vmax=100)
    figure.colorbar(shown, label="images with ink here (%)")
    ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
    ax.set_title(f"{int((share == 0).sum())} of {share.size} pixels (orange) never hold ink", fontsize=11)
    return ax


def value_scales(pictures: Mapping[str, Tensor | np.ndarray], *, title: str) -> np.ndarray:
    """The same digit in several scales, each picture (28, 28) over its own colour bar. Returns the axes (n,)."""
    figure, axes = plt.subplots(1, len(pictures), figsize=(2.7 * len(pictures), 3.3), layout="constrained")
    for (name, picture), ax in zip(pictures.items(), axes, strict=True):
        low, high = float(picture.min()), float(picture.max())
        image(picture, ax=ax, title=name, scale=(low, high))
        bar = figure.colorbar(ax.images[0], ax=ax, orientation="horizontal", fraction=0.05, pad=0.04)
        bar.set_ticks([low, high], labels=[f"{low:.3g}", f"{high:.3g}"])
    figure.suptitle(title, fontsize=11)
    return axes


def means_and_spreads(digits: Digits) -> np.ndarray:
    """Mean image of each digit above its standard deviation, pixel by pixel, with its size in grey values (root mean square).

    Returns the axes (2, 10).
    """
    groups = [digits.images[digits.labels == digit].float() for digit in range(CLASSES)]
    means = np.stack([group.mean(dim=0) for group in groups])
    spreads = np.stack([group.std(dim=0, correction=0) for group in groups])
    size = np.sqrt((spreads**2).mean(axis=(1, 2)))  # grey values, over all 784 pixels
    return grid(
        np.concatenate([means, spreads / spreads.max() * 255]),
        titles=[*range(CLASSES), *(f"{s:.0f}" for s in size)],
        suptitle=f"Means above, spreads below: the {size.argmin()} varies least, the {size.argmax()} most",
    )


def strangers(queries: Digits, own: Digits, others: Digits, distances: Sequence[tuple[float, float]]) -> np.ndarray:
    """Each digit above its nearest of the same class and its nearest of another, with both distances.

    ``distances`` holds (own, other) of each digit, in grey 0..1. Returns the axes (3, n).
    """
    n = len(queries)
    titles = [
        *(f"a {label}" for label in queries.labels.tolist()),
        *(f"{label} at {near:.1f}" for label, (near, _) in zip(own.labels.tolist(), distances, strict=True)),
        *(f"{label} at {near:.1f}" for label, (_, near) in zip(others.labels.tolist(), distances, strict=True)),
    ]
    closer = sum(other < near for near, other in distances)
    return grid(
        np.concatenate([queries.images, own.images, others.images]),
        titles=titles,
        colors=["black"] * n + [RIGHT] * n + [WRONG] * n,
        columns=n,
        suptitle=f"For {closer} of these {n} the nearest stranger (orange) is closer than the nearest of their own (blue)",
    )


def kinship(shares: np.ndarray) -> Axes:
    """Which digit the nearest stranger is: shares (10, 10), row the digit, column the stranger."""
    figure, ax = plt.subplots(figsize=(5.6, 4.6))
    texts = {(i, j): f"{shares[i, j] * 100:.0f}" for i, j in np.argwhere(np.nan_to_num(shares) >= 0.05)}
    shown = heat_map(ax, shares * 100, texts, cmap="Blues", top=100)
    figure.colorbar(shown, label="share of the row's digits (%)")
    ax.set(xticks=range(CLASSES), yticks=range(CLASSES), xlabel="nearest stranger is a", ylabel="digit")
    row, column = np.unravel_index(np.nanargmax(shares), shares.shape)
    ax.set_title(
        f"The nearest stranger of a {row} is a {column} in {shares[row, column] * 100:.0f} % of cases", fontsize=11
    )
    return ax


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
