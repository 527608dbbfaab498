"""Figures of evaluation: confusion, calibration, mistakes, and a look inside at kernels and feature maps (notebook 04)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import CLASSES
from mnistlab.evaluation.conformal import Coverage
from mnistlab.evaluation.formatting import interval, p_value, percent, points
from mnistlab.evaluation.intervals import Accuracy, McNemar
from mnistlab.evaluation.metrics import Evaluation
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, SIGNED, error_bars, grid, heat_map, image, open_frame

if TYPE_CHECKING:
    from torch import Tensor

    from mnistlab.data.mnist import Digits
    from mnistlab.training.networks import ConvNet


def confusion(evaluation: Evaluation, *, name: str = "", ax: Axes | None = None) -> Axes:
    """How often each digit was read as each other one; the right answers, which would drown them, are left out."""
    ax = ax or plt.subplots(figsize=(5.2, 4.6))[1]
    wrong = evaluation.confusion - np.diag(np.diag(evaluation.confusion))
    heat_map(ax, wrong, {(i, j): wrong[i, j] for i, j in np.argwhere(wrong)}, top=max(1, wrong.max()))
    for digit in range(CLASSES):
        ax.add_patch(plt.Rectangle((digit - 0.5, digit - 0.5), 1, 1, facecolor="#E6E6E6"))
    ax.set(xticks=range(CLASSES), yticks=range(CLASSES), xlabel="read as", ylabel="true digit")
    title = "no digit was misread"
    if confusions := evaluation.confusions():
        true, answer, count = confusions[0]
        title = f"{int(wrong.sum()):,} misread; most often a {true} as a {answer}: {count} times"
    ax.set_title(f"{name}: {title}" if name else title, fontsize=10)
    return ax


def per_class(evaluations: Mapping[str, Evaluation], *, ax: Axes | None = None) -> Axes:
    """Recall of each digit with its Wilson 95 % interval (dot and bar), and precision (cross), for one or two networks.

    Raises
    ------
    ValueError : there are not one or two networks.
    """
    if not 1 <= len(evaluations) <= 2:
        raise ValueError(f"per_class shows one or two networks, not {len(evaluations)}")
    ax = ax or plt.subplots(figsize=(7.5, 3.6))[1]
    for index, (name, evaluation) in enumerate(evaluations.items()):
        color, aside = (PLAIN, PERMUTED)[index], 0.24 * index - 0.12 * (len(evaluations) - 1)
        for digit in np.flatnonzero(evaluation.support).tolist():
            bar = evaluation.recall_of(digit)
            ax.plot([digit + aside] * 2, [100 * bar.low, 100 * bar.high], color=color, linewidth=1.6)
        at = np.arange(CLASSES) + aside
        ax.plot(at, 100 * evaluation.recall, "o", color=color, label=f"recall, {name}")
        ax.plot(at + 0.1, 100 * evaluation.precision, "x", color=color, label=f"precision, {name}")
    first, *second = evaluations
    recall = evaluations[first].recall
    worst = int(np.nanargmin(recall))
    title = (
        f"hardest for the {first}: the {worst}, {percent(recall[worst])} of {evaluations[first].support[worst]:,} found"
    )
    if second:
        behind = recall - evaluations[second[0]].recall
        most = int(np.nanargmax(behind))
        title = f"the {second[0]} is furthest behind on the {most}: {points(behind[most])} of recall"
    ax.set_title(title, fontsize=10)
    ax.set(xticks=range(CLASSES), xlabel="digit", ylabel="found, and rightly answered (%)")
    ax.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    ax.grid(axis="y", alpha=0.25)
    open_frame(ax)
    return ax


def reliability(evaluations: Mapping[str, Evaluation], *, ax: Axes | None = None) -> Axes:
    """Share right against confidence, in 15 bins, with Wilson 95 % intervals; honest confidence lies on the diagonal.

    Raises
    ------
    ValueError : there are not one or two networks.
    """
    if not 1 <= len(evaluations) <= 2:
        raise ValueError(f"reliability shows one or two networks, not {len(evaluations)}")
    ax = ax or plt.subplots(figsize=(5.2, 4.4))[1]
    ax.plot([0, 100], [0, 100], color=NEUTRAL, linewidth=1, linestyle="--", label="as sure as right")
    for color, (name, evaluation) in zip((PLAIN, PERMUTED), evaluations.items(), strict=False):
        bins = evaluation.reliability
        used = np.flatnonzero(bins.count)
        judged = [Accuracy(round(bins.accuracy[b] * bins.count[b]), int(bins.count[b])) for b in used]
        x, (y, reach) = 100 * bins.confidence[used], error_bars(judged)
        label = f"{name}, ECE {percent(bins.ece)}"
        ax.errorbar(x, y, yerr=reach, fmt="o-", color=color, markersize=4, linewidth=1, label=label)
    first, evaluation = next(iter(evaluations.items()))
    title = f"{first}: sure to {percent(evaluation.confidence.mean())} on average, right {percent(evaluation.accuracy.value)}"
    ax.set_title(title, fontsize=10)
    ax.set(xlabel="confidence (%)", ylabel="right (%)", xlim=(0, 102), ylim=(0, 102))
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    open_frame(ax)
    return ax


def coverage(levels: Sequence[Coverage], *, ax: Axes | None = None) -> Axes:
    """Share of sets that hold the true digit, beside what each level promised, with Wilson 95 % intervals.

    Raises
    ------
    ValueError : there is no level.
    """
    if not levels:
        raise ValueError("coverage shows one level or more, not none")
    ax = ax or plt.subplots(figsize=(7.5, 2.9))[1]
    rows = np.arange(len(levels))
    values, reach = error_bars([level.held for level in levels])
    ax.errorbar(values, rows, xerr=reach, fmt="o", color=PLAIN, elinewidth=1.6, label="held")
    ax.plot([100 * level.level for level in levels], rows, "|", color="black", markersize=16, label="promised")
    for row, level in enumerate(levels):
        sizes = f"{percent(level.empty.value, 1)} empty, {percent(level.several.value, 1)} of two or more"
        ax.text(1.02, row, sizes, transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    gap = points(max(abs(level.held.value - level.level) for level in levels))
    ax.set_title(f"no level is further than {gap} from what it promised", fontsize=10)
    ax.set(yticks=rows, yticklabels=[f"{100 * level.level:g} %" for level in levels], ylabel="level")
    ax.set(xlabel="sets with the true digit in them (%)", ylim=(len(levels) - 0.5, -0.5))
    ax.legend(frameon=False, fontsize=8, loc="lower left")
    ax.grid(axis="x", alpha=0.25)
    open_frame(ax)
    return ax


def mistakes(digits: Digits, evaluation: Evaluation, *, n: int = 20, columns: int = 5) -> np.ndarray:
    """The ``n`` most confident wrong answers as pictures, the surest first. Returns the axes (rows, columns).

    Raises
    ------
    ValueError : the digits are not those that were judged, or none was misread.
    """
    if len(digits) != len(evaluation.predicted):
        raise ValueError(f"{len(evaluation.predicted):,} digits were judged; here are {len(digits):,}")
    chosen = evaluation.mistakes[:n]
    if not len(chosen):
        raise ValueError("no digit was misread, so there is no mistake to show")
    sure = evaluation.confidence[evaluation.mistakes] > 0.9
    return grid(
        digits.images[chosen],
        titles=[
            f"true {digits.labels[i]}, read {evaluation.predicted[i]}\n({percent(evaluation.confidence[i], 1)})"
            for i in chosen
        ],
        columns=columns,
        suptitle=f"{sure.sum()} of {len(sure)} mistakes were made with more than 90 % confidence",
        edge=1.3,
    )


def agreement(test: McNemar, both: int, *, ax: Axes | None = None) -> Axes:
    """The same images under the plain and the permuted network, in four groups; only those where they disagree decide.

    ``both`` counts the images that both read right; groups that do not add up are a ValueError.
    """
    neither = test.n - both - test.only_first - test.only_second
    if both < 0 or neither < 0:
        raise ValueError(
            f"{both} right in both does not fit {test.n} images with {test.only_first + test.only_second} disagreements"
        )
    ax = ax or plt.subplots(figsize=(7.5, 2.4))[1]
    groups = (
        ("both right", both, NEUTRAL),
        ("only plain", test.only_first, PLAIN),
        ("only permuted", test.only_second, PERMUTED),
        ("neither", neither, NEUTRAL),
    )
    for y, (_, count, color) in enumerate(groups):
        ax.barh(y, count, color=color)
        ax.text(count * 1.08 + 0.5, y, f"{count:,}", va="center", fontsize=9)
    ax.set(yticks=range(4), yticklabels=[label for label, *_ in groups], xlabel="images (each step is tenfold)")
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xlim(0, 3 * test.n)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.invert_yaxis()
    ax.set_title(
        f"plain is {points(test.difference)} {interval(test.low, test.high)} ahead ({p_value(test.p_value)})",
        fontsize=10,
    )
    open_frame(ax)
    return ax


def kernels(models: Mapping[str, ConvNet], *, limit: int = 16) -> np.ndarray:
    """First-layer kernels (5 x 5) of one or more networks, a row each. Returns the axes (networks, kernels).

    Blue weights want paper where they stand, orange ones ink; a row shows ``limit`` kernels at most, and has one scale, symmetric
    about 0. No network is a ValueError.
    """
    from mnistlab.training.features import first_kernels, neighbour_correlation  # needs PyTorch

    if not models:
        raise ValueError("there is no network whose kernels could be shown")
    weights = {name: first_kernels(model)[:limit] for name, model in models.items()}
    columns = max(len(w) for w in weights.values())
    figure, axes = plt.subplots(
        len(weights), columns, figsize=(1.15 * columns, 1.45 * len(weights) + 0.3), squeeze=False
    )
    for row, (name, kernel) in zip(axes, weights.items(), strict=True):
        top = np.abs(kernel).max()
        for ax in row:
            ax.axis("off")
        for index, (ax, weight) in enumerate(zip(row, kernel, strict=False), start=1):
            image(weight, title=f"{name} {index}", ax=ax, cmap=SIGNED, scale=(-top, top))
            ax.axis("on")
            ax.title.set_fontsize(8)
    shares = ", ".join(f"{name} {neighbour_correlation(kernel):.2f}" for name, kernel in weights.items())
    figure.suptitle(f"correlation of neighbouring weights: {shares}", fontsize=10)
    figure.tight_layout()
    return axes


def feature_maps(model: ConvNet, picture: Tensor, given: Tensor, *, name: str = "", limit: int = 16) -> np.ndarray:
    """What one picture becomes: as the network takes it, and after each convolution. Returns the axes (2, 1 + maps).

    Parameters
    ----------
    picture : uint8 (28, 28), as the network sees it: permuted if it is.
    given : float32 (1, 1, 28, 28), the same, normalised.
    name : of the network, for the title.
    limit : how many maps of a layer are shown at most.
    """
    from mnistlab.training.features import maps  # needs PyTorch

    layers = [layer[0, :limit] for layer in maps(model, given)]
    columns = 1 + len(layers[0])
    figure, axes = plt.subplots(2, columns, figsize=(1.2 * columns, 3.5), squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    image(picture, title="input\n28 x 28", ax=axes[0, 0]).axis("on")
    for row, layer in zip(axes, layers, strict=True):
        for index, (ax, feature_map) in enumerate(zip(row[1:], layer, strict=True), start=1):
            image(
                feature_map,
                title=f"map {index}\n{feature_map.shape[0]} x {feature_map.shape[1]}",
                ax=ax,
                scale=(0, layer.max() or 1),
            )
            ax.axis("on")
    for ax in axes.flat:
        ax.title.set_fontsize(8)
    lead = f"{name}: " if name else ""
    order = ", then ".join(map(_correlation, layers))
    figure.suptitle(f"{lead}correlation of neighbours on the maps {order}", fontsize=10)
    return axes


def _correlation(pictures: np.ndarray) -> str:
    """Correlation of neighbouring pixels in words; silent maps, all 0, have none."""
    from mnistlab.training.features import neighbour_correlation  # needs PyTorch

    return f"{neighbour_correlation(pictures):.2f}" if np.ptp(pictures) else "unknown"
