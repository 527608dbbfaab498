"""Every figure of the notebooks. Each takes ``ax=None`` (or makes its own grid), and returns the axes it drew on.

Pictures of digits are shown as ink on paper: 0 white, 255 black. Two colours carry meaning everywhere: blue is plain or
right, orange is permuted or wrong; both are told apart by the colour-blind (Okabe and Ito 2008).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from mnistlab.comparison import CELLS, NAMES, Cell, Comparison
from mnistlab.data import CLASSES, PIXELS, SIDE, Digits
from mnistlab.evaluation import Accuracy, Evaluation, McNemar
from mnistlab.features import first_kernels, maps, neighbour_correlation
from mnistlab.handwriting import Style
from mnistlab.models import KERNEL, ConvNet
from mnistlab.permutation import Permutation
from mnistlab.predictor import Prediction
from mnistlab.strokes import rasterise, to_standard_size
from mnistlab.training import Epoch
from mnistlab.wording import interval, p_value, percent, points

PLAIN = RIGHT = "#0072B2"
PERMUTED = WRONG = "#D55E00"
NEUTRAL = "#8C8C8C"
THIRD = "#009E73"
SIGNED = LinearSegmentedColormap.from_list("signed", [PLAIN, "white", PERMUTED])  # below, at and above 0

# --- pictures ---------------------------------------------------------------------------------------------------------


def image(picture: Tensor | np.ndarray, *, title: str = "", ax: Axes | None = None, **options) -> Axes:
    """One picture (28, 28), ink black on white; ``options`` go to ``imshow``."""
    ax = ax or plt.subplots(figsize=(2, 2))[1]
    ax.imshow(np.asarray(picture), **{"cmap": "gray_r", "vmin": 0, "vmax": 255, "interpolation": "nearest", **options})
    ax.set_title(title, fontsize=9)
    ax.set_xticks([])
    ax.set_yticks([])
    return ax


def grid(
    pictures: Tensor | np.ndarray,
    *,
    titles: Sequence[object] | None = None,
    colors: Sequence[str] | None = None,
    columns: int = 10,
    suptitle: str = "",
    **options,
) -> np.ndarray:
    """Pictures (N, 28, 28) in rows of ``columns``, each under its title in its colour. Returns the axes (rows, columns).

    Raises
    ------
    ValueError : there is no picture, or not one title and colour a picture.
    """
    n = len(pictures)
    for name, given in (("titles", titles), ("colors", colors)):
        if given is not None and len(given) != n:
            raise ValueError(f"{n} pictures need {n} {name}, not {len(given)}")
    if not n:
        raise ValueError("there is no picture to show")
    rows = -(-n // columns)
    height = rows * (1.15 if titles is not None else 0.95) + (0.35 if suptitle else 0)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * 0.95, height), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for index, (picture, ax) in enumerate(zip(pictures, axes.flat, strict=False)):
        image(picture, ax=ax, **options)
        if titles is not None:
            ax.set_title(str(titles[index]), fontsize=9, color=colors[index] if colors is not None else "black")
    figure.suptitle(suptitle)
    figure.tight_layout()
    return axes


# --- 03 training ------------------------------------------------------------------------------------------------------


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
        _open(ax)
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
    losses.figure.tight_layout()
    return axes


def live_curves(epochs: int) -> Callable[[Sequence[Epoch]], None]:
    """Show empty learning curves now; what is returned redraws them in place when called with the history so far.

    Made for ``training.train(on_epoch=...)``. A saved notebook keeps one figure, the last.
    """
    from IPython.display import display

    axes = learning_curves((), epochs=epochs)
    figure = axes[0].figure
    plt.close(figure)  # it is shown through its handle; left open, the notebook would show it again under the cell
    handle = display(figure, display_id=True)

    def redraw(history: Sequence[Epoch]) -> None:
        learning_curves(history, epochs=epochs, axes=axes)
        if handle is not None:  # outside a notebook there is no display to update
            handle.update(figure)

    return redraw


def four_ways(comparison: Comparison, *, ax: Axes | None = None) -> Axes:
    """Validation accuracy of the four ways: a dot a seed, lines between the same seeds, mean and 95 % interval beside."""
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
    shown = np.concatenate(list(values.values()))
    margin = max(0.5, 0.25 * np.ptp(shown))
    ax.set(
        xlim=(-0.6, 4.1),
        ylim=(max(0, shown.min() - margin), min(100.2, shown.max() + margin)),
        xticks=list(places.values()),
        xticklabels=["permuted" if cell.permuted else "plain" for cell in CELLS],
        ylabel=f"right, of {comparison.n_validation:,} validation images (%)",
    )
    for x, name in ((0.5, NAMES["convnet"]), (3, NAMES["fully-connected"])):
        ax.text(x, -0.13, name, transform=ax.get_xaxis_transform(), ha="center", va="top", fontweight="bold")
    convnet, full = (points(comparison.cost(name).mean) for name in NAMES)
    ax.set_title(f"the permutation costs the ConvNet {convnet}, the fully connected net {full}", fontsize=10)
    _open(ax)
    return ax


def kernel_reach(
    picture: Tensor | np.ndarray,
    permutation: Permutation,
    *,
    corner: tuple[int, int] = (9, 11),
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Which 25 pixels of a picture (28, 28) one 5 x 5 kernel reads at one place: in order, and under a permutation.

    Parameters
    ----------
    corner : row and column of the upper left of the 5 x 5 pixels, 0 to 23 each.
    axes : three axes: the picture as drawn, the scrambled picture, the picture as drawn with the pixels found again.

    Raises
    ------
    ValueError : the kernel would stand outside the picture.
    """
    row, column = corner
    if not (0 <= row <= SIDE - KERNEL and 0 <= column <= SIDE - KERNEL):
        raise ValueError(f"corner must lie in 0 to {SIDE - KERNEL} each way, not {corner}")
    block = np.zeros((SIDE, SIDE), dtype=bool)
    block[row : row + KERNEL, column : column + KERNEL] = True
    scattered = permutation.inverse().apply(block)
    axes = list(axes if axes is not None else plt.subplots(1, 3, figsize=(9, 3.3))[1])
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
    axes[0].figure.tight_layout()
    return axes


def robustness(
    damages: Mapping[str, tuple[Sequence[float], Sequence[Mapping[Cell, Sequence[float]]]]],
    *,
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Accuracy of the four ways under growing damage; lines are means over seeds, bands their extremes.

    Parameters
    ----------
    damages : for each kind, named as its axis should be, its sizes and for each size what ``Comparison.judge`` gave.

    Raises
    ------
    ValueError : there is no damage, or not one result a size.
    """
    if not damages or any(len(sizes) != len(results) for sizes, results in damages.values()):
        raise ValueError("robustness needs at least one kind of damage, and one result for each of its sizes")
    if axes is None:
        axes = plt.subplots(1, len(damages), figsize=(4.2 * len(damages), 3.4), sharey=True, squeeze=False)[1][0]
    axes = list(axes)
    for ax, (name, (sizes, results)) in zip(axes, damages.items(), strict=True):
        for cell in results[0]:
            values = 100 * np.asarray([result[cell] for result in results])  # (sizes, seeds)
            color = PERMUTED if cell.permuted else PLAIN
            style = "-" if cell.architecture == "convnet" else ":"
            ax.plot(sizes, values.mean(axis=1), "o" + style, color=color, label=str(cell), markersize=4)
            ax.fill_between(sizes, values.min(axis=1), values.max(axis=1), color=color, alpha=0.15, linewidth=0)
        means = {cell: 100 * np.mean(results[-1][cell]) for cell in results[-1]}
        best = max(means, key=means.get)
        ax.set_title(f"at {sizes[-1]:g}, best is the {best}: {means[best]:.0f} %", fontsize=10)
        ax.set(xlabel=name, xticks=list(sizes))
        _open(ax)
    axes[0].set(ylabel="right (%)", ylim=(0, 101))
    axes[0].legend(frameon=False, fontsize=8, loc="lower left")
    axes[0].figure.tight_layout()
    return axes


def _open(ax: Axes) -> None:
    """No frame above and to the right: it says nothing."""
    ax.spines[["top", "right"]].set_visible(False)


# --- 04 evaluation ----------------------------------------------------------------------------------------------------


def confusion(evaluation: Evaluation, *, name: str = "", ax: Axes | None = None) -> Axes:
    """How often each digit was read as each other one; the right answers, which would drown them, are left out."""
    ax = ax or plt.subplots(figsize=(5.2, 4.6))[1]
    wrong = evaluation.confusion - np.diag(np.diag(evaluation.confusion))
    ax.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1, wrong.max()))
    for true, answer in np.argwhere(wrong):
        dark = wrong[true, answer] > 0.6 * wrong.max()
        ax.text(
            answer, true, wrong[true, answer], ha="center", va="center", fontsize=9, color="white" if dark else "black"
        )
    for digit in range(CLASSES):
        ax.add_patch(plt.Rectangle((digit - 0.5, digit - 0.5), 1, 1, facecolor="#E6E6E6"))
    ax.set(xticks=range(CLASSES), yticks=range(CLASSES), xlabel="read as", ylabel="true digit")
    found = evaluation.confusions()
    title = "no digit was misread"
    if found:
        true, answer, count = found[0]
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
        for digit in np.flatnonzero(evaluation.support):
            recall = evaluation.recall_of(digit)
            ax.plot([digit + aside] * 2, [100 * recall.low, 100 * recall.high], color=color, linewidth=1.6)
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
    _open(ax)
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
        bins = evaluation.calibration
        used = np.flatnonzero(bins.count)
        judged = [Accuracy(round(bins.accuracy[b] * bins.count[b]), int(bins.count[b])) for b in used]
        x, y = 100 * bins.confidence[used], np.array([100 * a.value for a in judged])
        bounds = 100 * np.array([[a.low, a.high] for a in judged])
        error = np.abs(bounds.T - y)
        ax.errorbar(
            x, y, yerr=error, fmt="o-", color=color, markersize=4, linewidth=1, label=f"{name}, ECE {percent(bins.ece)}"
        )
    first, evaluation = next(iter(evaluations.items()))
    title = f"{first}: sure to {percent(evaluation.confidence.mean())} on average, right {percent(evaluation.accuracy.value)}"
    ax.set_title(title, fontsize=10)
    ax.set(xlabel="confidence (%)", ylabel="right (%)", xlim=(0, 102), ylim=(0, 102))
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    _open(ax)
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
    rows = -(-len(chosen) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(1.5 * columns, 1.75 * rows + 0.4), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for index, ax in zip(chosen, axes.flat, strict=False):
        label, answer, sure = int(digits.labels[index]), evaluation.predicted[index], evaluation.confidence[index]
        image(digits.images[index], title=f"true {label}, read {answer} ({percent(sure, 1)})", ax=ax)
        ax.title.set_fontsize(8)
    sure = (evaluation.confidence[evaluation.mistakes] > 0.9).sum()
    figure.suptitle(
        f"{sure} of {len(evaluation.mistakes)} mistakes were made with more than 90 % confidence", fontsize=10
    )
    figure.tight_layout()
    return axes


def agreement(
    test: McNemar, both: int, *, names: tuple[str, str] = ("plain", "permuted"), ax: Axes | None = None
) -> Axes:
    """The same images under two networks, in four groups; only the two where they disagree decide.

    Parameters
    ----------
    both : images that both networks read right.

    Raises
    ------
    ValueError : the four groups do not add up.
    """
    neither = test.n - both - test.only_first - test.only_second
    if both < 0 or neither < 0:
        raise ValueError(
            f"{both} right in both does not fit {test.n} images with {test.only_first + test.only_second} disagreements"
        )
    ax = ax or plt.subplots(figsize=(7.5, 2.4))[1]
    groups = (
        ("both right", both, NEUTRAL),
        (f"only {names[0]}", test.only_first, PLAIN),
        (f"only {names[1]}", test.only_second, PERMUTED),
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
        f"{names[0]} is {points(test.difference)} {interval(test.low, test.high)} ahead ({p_value(test.p_value)})",
        fontsize=10,
    )
    _open(ax)
    return ax


def kernels(models: Mapping[str, ConvNet], *, limit: int = 16) -> np.ndarray:
    """First-layer kernels (5 x 5) of one or more networks, a row each. Returns the axes (networks, kernels).

    Blue weights want paper where they stand, orange ones ink; a row has one scale, symmetric about 0.

    Parameters
    ----------
    limit : how many kernels a row shows at most.

    Raises
    ------
    ValueError : there is no network.
    """
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
        for index, (ax, one) in enumerate(zip(row, kernel, strict=False), start=1):
            image(one, title=f"{name} {index}", ax=ax, cmap=SIGNED, vmin=-top, vmax=top)
            ax.axis("on")
            ax.title.set_fontsize(8)
    shares = ", ".join(f"{name} {neighbour_correlation(kernel):.2f}" for name, kernel in weights.items())
    figure.suptitle(f"correlation of neighbouring weights: {shares}", fontsize=10)
    figure.tight_layout()
    return axes


def feature_maps(model: ConvNet, picture: Tensor, given: Tensor, *, name: str = "", limit: int = 16) -> np.ndarray:
    """What one picture becomes: as the network takes it, after the first, after the second convolution.

    Parameters
    ----------
    picture : uint8 (28, 28), as the network sees it: permuted if it is.
    given : float32 (1, 1, 28, 28), the same, normalised.
    name : of the network, for the title.
    limit : how many maps of a layer are shown at most.

    Returns
    -------
    The axes (2, 1 + maps).
    """
    layers = [layer[0, :limit] for layer in maps(model, given)]
    columns = 1 + len(layers[0])
    figure, axes = plt.subplots(2, columns, figsize=(1.2 * columns, 3.5), squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    image(picture, title="input\n28 x 28", ax=axes[0, 0]).axis("on")
    for row, layer in zip(axes, layers, strict=True):
        for index, (ax, one) in enumerate(zip(row[1:], layer, strict=True), start=1):
            image(one, title=f"map {index}\n{one.shape[0]} x {one.shape[1]}", ax=ax, vmin=0, vmax=layer.max() or 1)
            ax.axis("on")
    for ax in axes.flat:
        ax.title.set_fontsize(8)
    lead = f"{name}: " if name else ""
    order = ", then ".join(map(_neighbours, layers))
    figure.suptitle(f"{lead}correlation of neighbours on the maps {order}", fontsize=10)
    return axes


def _neighbours(pictures: np.ndarray) -> str:
    """Their correlation in words; silent maps, all 0, have none."""
    return f"{neighbour_correlation(pictures):.2f}" if np.ptp(pictures) else "unknown"


# --- 01 explore -------------------------------------------------------------------------------------------------------


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


def grey_levels(images: Tensor) -> Axes:
    """How often each grey occurs in uint8 images (N, 28, 28), on a logarithmic scale."""
    counts = np.bincount(images.flatten().numpy(), minlength=256)
    share = counts / counts.sum() * 100
    ax = plt.subplots(figsize=(7, 2.6))[1]
    ax.bar(np.arange(256), share, width=1, color=PLAIN)
    ax.set(yscale="log", xlabel="grey value (0 paper, 255 full ink)", ylabel="share of pixels (%)", xlim=(-2, 257))
    ax.set_title(f"{share[0]:.0f} % of all pixels are bare paper; between the ends every grey is rare")
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
        image(picture, ax=ax, title=name, vmin=low, vmax=high)
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


def readings(digits: Digits, answers: np.ndarray, *, reader: str, title: str = "") -> np.ndarray:
    """Digits under what ``reader`` answers, int (N,): right in blue, wrong in orange with the label in brackets.

    ``title`` replaces the one that counts the mistakes. Returns the axes (rows, 10).
    """
    labels = digits.labels.tolist()
    right = np.array(labels) == np.asarray(answers)
    return grid(
        digits.images,
        titles=[str(a) if ok else f"{a} (is {t})" for a, t, ok in zip(answers, labels, right, strict=True)],
        colors=[RIGHT if ok else WRONG for ok in right],
        suptitle=title or f"The {reader} misreads {int((~right).sum())} of these {len(right)}",
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
    shown = ax.imshow(shares * 100, cmap="Blues", vmin=0, vmax=100)
    for row, column in zip(*np.nonzero(np.nan_to_num(shares) >= 0.05), strict=True):
        share = shares[row, column]
        ax.text(
            column, row, f"{share * 100:.0f}", ha="center", va="center", fontsize=8, color="w" if share > 0.5 else "k"
        )
    figure.colorbar(shown, label="share of the row's digits (%)")
    ax.set(xticks=range(CLASSES), yticks=range(CLASSES), xlabel="nearest stranger is a", ylabel="digit")
    row, column = np.unravel_index(np.nanargmax(shares), shares.shape)
    ax.set_title(
        f"The nearest stranger of a {row} is a {column} in {shares[row, column] * 100:.0f} % of cases", fontsize=11
    )
    return ax


def templates(weights: Tensor | np.ndarray) -> np.ndarray:
    """What a linear classifier weighs up for each digit: weights (10, 784). Returns the axes (2, 5)."""
    pictures = np.asarray(weights).reshape(CLASSES, SIDE, SIDE)
    limit = np.quantile(np.abs(pictures), 0.99)  # a few border pixels with little ink would take the whole scale
    figure, axes = plt.subplots(2, 5, figsize=(7, 3.5))
    for digit, (picture, ax) in enumerate(zip(pictures, axes.flat, strict=True)):
        image(picture, ax=ax, title=str(digit), cmap=SIGNED, vmin=-limit, vmax=limit)
    figure.suptitle("Linear weights: ink on orange speaks for the digit, ink on blue against it", fontsize=11)
    figure.tight_layout()
    return axes


def accuracies(results: Mapping[str, Accuracy], *, title: str) -> Axes:
    """One accuracy a line, with its 95 % interval, the best on top."""
    ordered = sorted(results.items(), key=lambda item: item[1].value)
    ax = plt.subplots(figsize=(7, 0.8 + 0.5 * len(ordered)))[1]
    for place, (_, accuracy) in enumerate(ordered):
        low, value, high = (share * 100 for share in (accuracy.low, accuracy.value, accuracy.high))
        ax.plot([low, high], [place, place], color=PLAIN, linewidth=5, alpha=0.4, solid_capstyle="butt")
        ax.plot(value, place, "o", color=PLAIN)
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
        found = [evaluation.recall_of(digit) for digit in range(CLASSES)]
        value = np.array([a.value for a in found]) * 100
        reach = np.abs(np.array([[a.low, a.high] for a in found]).T * 100 - value)
        places = np.arange(CLASSES) + (number - (len(evaluations) - 1) / 2) * 0.2
        colour, marker = ((NEUTRAL, "s"), (THIRD, "D"), (PLAIN, "o"), ("black", "^"))[number % 4]
        ax.errorbar(places, value, reach, fmt=marker, color=colour, markersize=5, label=name)
    worst = {name: int(np.nanargmin(evaluation.recall)) for name, evaluation in evaluations.items()}
    ax.set_title("Hardest digit: " + ", ".join(f"{digit} for {name}" for name, digit in worst.items()), fontsize=11)
    ax.set(xticks=range(CLASSES), xlabel="digit", ylabel="read right (%)")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=8, ncols=len(evaluations), loc="upper center", bbox_to_anchor=(0.5, -0.18), frameon=False)
    return ax


# --- 02 permutation ---------------------------------------------------------------------------------------------------


def scrambled(digits: Digits, permutation: Permutation, *, title: str) -> np.ndarray:
    """Digits above the same digits with their pixels reordered. Returns the axes (2, n)."""
    labels = digits.labels.tolist()
    return grid(
        np.concatenate([digits.images, permutation.apply(digits.images)]),
        titles=[*labels, *(["scrambled"] * len(labels))],
        colors=[PLAIN] * len(labels) + [PERMUTED] * len(labels),
        columns=len(labels),
        suptitle=title,
    )


def journeys(permutation: Permutation) -> np.ndarray:
    """Every pixel coloured by the place it comes from, before and after. Returns the axes (2,)."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    home = np.stack([0.9 - 0.8 * rows, 0.25 + 0.5 * columns, 0.1 + 0.8 * rows], axis=2)  # a colour for each place
    rows, columns = np.divmod(permutation.order.numpy(), SIDE)
    here = np.divmod(np.arange(PIXELS), SIDE)
    travelled = np.hypot(rows - here[0], columns - here[1])
    axes = plt.subplots(1, 2, figsize=(6.4, 3.1))[1]
    for ax, colours, name in zip(
        axes, (home, permutation.apply(home, pixels="first")), ("where each pixel starts", "where it ends"), strict=True
    ):
        ax.imshow(colours)
        ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
        ax.set_title(name, fontsize=10)
    stay = int((travelled == 0).sum())
    axes[0].figure.suptitle(f"{stay} of {PIXELS} pixels stay; the mean journey is {travelled.mean():.0f} pixels long")
    axes[0].figure.tight_layout()
    return axes


def disorder(picture: Tensor, seed: int, shares: Sequence[float]) -> np.ndarray:
    """One picture uint8 (28, 28) with a growing share (0 to 1) of its pixels scrambled. Returns the axes (1, n)."""
    return grid(
        np.stack([Permutation.partial(seed, share).apply(picture) for share in shares]),
        titles=[percent(share, 0) for share in shares],
        columns=len(shares),
        suptitle="From order to disorder: share of the pixels that change places",
    )


def disorder_curve(shares: np.ndarray, correlations: np.ndarray) -> Axes:
    """Correlation of neighbours against the share of pixels scrambled, with the curve that counting predicts.

    ``shares`` float (n,), from 0 to 1; ``correlations`` float (n, repeats).
    """
    means = np.asarray(correlations).mean(axis=1)
    ax = plt.subplots(figsize=(6.4, 3.2))[1]
    fine = np.linspace(0, 1, 101)
    ax.plot(
        fine * 100, means[-1] + (means[0] - means[-1]) * (1 - fine) ** 2, color=NEUTRAL, label="(1 - share)²: both stay"
    )
    ax.plot(shares * 100, means, "o", color=PERMUTED, label=f"measured, mean of {correlations.shape[1]} scrambles")
    half = (1 - 0.5**0.5) * 100
    ax.set_title(f"Moving {half:.0f} % of the pixels already costs half of what neighbours share", fontsize=11)
    ax.set(xlabel="pixels that change places (%)", ylabel="correlation of neighbours", ylim=(-0.05, 0.8))
    ax.legend(fontsize=9)
    ax.grid(alpha=0.3)
    return ax


def same_greys(before: Tensor, after: Tensor) -> Axes:
    """Grey histograms of uint8 images before and after, one drawn over the other."""
    counts = [np.bincount(images.flatten().numpy(), minlength=256) for images in (before, after)]
    ax = plt.subplots(figsize=(6.4, 2.6))[1]
    for count, name, colour, width in zip(counts, ("plain", "scrambled"), (PLAIN, PERMUTED), (5, 1.5), strict=True):
        ax.step(np.arange(256), count, where="mid", color=colour, linewidth=width, label=name)
    changed = int((counts[0] != counts[1]).sum())
    ax.set_title(f"{changed} of 256 grey values change their count", fontsize=11)
    ax.set(yscale="log", xlabel="grey value (0 paper, 255 full ink)", ylabel="pixels")
    ax.legend(fontsize=9)
    return ax


def same_distances(before: np.ndarray, after: np.ndarray) -> Axes:
    """Distance of each pair of images after against before, both float (n,), in grey 0..1."""
    ax = plt.subplots(figsize=(4, 3.8))[1]
    ax.plot(before, after, ".", color=PERMUTED, markersize=3, alpha=0.4)
    ax.axline((0, 0), slope=1, color=NEUTRAL, linewidth=0.8)
    changed = int((~np.isclose(before, after)).sum())
    ax.set_title(f"{changed:,} of {len(before):,} distances change", fontsize=11)
    limits = (0, float(np.max(before)) * 1.05)
    ax.set(xlabel="distance before (grey 0 to 1)", ylabel="distance after (grey 0 to 1)", xlim=limits, ylim=limits)
    ax.set_aspect("equal")
    return ax


def correlation_maps(correlation: np.ndarray, permutation: Permutation, pixel: tuple[int, int]) -> np.ndarray:
    """How one pixel (row, column) varies with all others, where they stand before and after. Returns the axes (2,).

    ``correlation`` float (784, 784) is that of plain images.
    """
    before = correlation[pixel[0] * SIDE + pixel[1]]
    after = permutation.apply(before)
    there = int((permutation.order == pixel[0] * SIDE + pixel[1]).nonzero())
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.1), layout="constrained")
    for ax, values, place, name in zip(
        axes, (before, after), (pixel, divmod(there, SIDE)), ("plain", "scrambled"), strict=True
    ):
        shown = ax.imshow(values.reshape(SIDE, SIDE), cmap=SIGNED, vmin=-1, vmax=1)
        ax.plot(place[1], place[0], "s", color="black", fillstyle="none", markersize=7)
        ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
        ax.set_title(name, fontsize=10)
    figure.colorbar(shown, ax=axes, label="correlation with the framed pixel")
    figure.suptitle("Pixels near it vary with it; scrambled, they stand anywhere")
    return axes


def correlation_by_distance(plain: np.ndarray, permuted: np.ndarray) -> Axes:
    """Mean correlation of two places against how far apart they stand, both float (n,) for 1 to n pixels."""
    ax = plt.subplots(figsize=(6.4, 3.2))[1]
    apart = np.arange(1, len(plain) + 1)
    ax.plot(apart, plain, "o-", color=PLAIN, markersize=4, label="plain")
    ax.plot(apart, permuted, "D-", color=PERMUTED, markersize=4, label="scrambled")
    ax.axvspan(0.5, KERNEL - 0.5, color=NEUTRAL, alpha=0.15, label=f"within a {KERNEL} x {KERNEL} kernel")
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_title(f"Side by side, the correlation falls from {plain[0]:.2f} to {permuted[0]:.2f}", fontsize=11)
    ax.set(xlabel="distance along a row or column (pixels)", ylabel="correlation", xlim=(0.5, len(plain) + 0.5))
    ax.legend(fontsize=9)
    ax.grid(alpha=0.3)
    return ax


def window_variance(plain: np.ndarray, permuted: np.ndarray, *, kernels: int = 6) -> Axes:
    """How much of a window n numbers can hold at best: cumulative shares float (25,) of plain and permuted pixels."""
    ax = plt.subplots(figsize=(6.4, 3.2))[1]
    numbers = np.arange(1, len(plain) + 1)
    ax.plot(numbers, plain * 100, "o-", color=PLAIN, markersize=4, label="plain")
    ax.plot(numbers, permuted * 100, "D-", color=PERMUTED, markersize=4, label="scrambled")
    ax.axvline(kernels, color=NEUTRAL, linestyle=":", label=f"{kernels} kernels")
    held = plain[kernels - 1] * 100, permuted[kernels - 1] * 100
    ax.set_title(f"{kernels} numbers hold {held[0]:.0f} % of a window; scrambled, {held[1]:.0f} %", fontsize=11)
    ax.set(xlabel="numbers kept of a window's 25 pixels", ylabel="variance held (%)", ylim=(0, 103))
    ax.legend(fontsize=9, loc="lower right")
    ax.grid(alpha=0.3)
    return ax


# --- 05 drawing -------------------------------------------------------------------------------------------------------


def reading(prediction: Prediction, ink: np.ndarray, *, scrambled: np.ndarray | None = None) -> np.ndarray:
    """A drawing, what the network saw of it, and what it made of that: the pad as a still picture. Returns the axes.

    Parameters
    ----------
    ink : uint8 (H, W), as drawn.
    scrambled : uint8 (28, 28), what a permuted network really got; None for a plain one.
    """
    pictures = [("as drawn", ink), ("as the network sees it", prediction.image)]
    if scrambled is not None:
        pictures = [
            ("as drawn", ink),
            ("as 28 x 28", prediction.image),
            ("scrambled, as the network sees it", scrambled),
        ]
    color = PLAIN if scrambled is None else PERMUTED
    axes = plt.subplots(
        1, len(pictures) + 1, figsize=(2.3 * len(pictures) + 3, 2.5), width_ratios=[*[1] * len(pictures), 1.35]
    )[1]
    for ax, (title, picture) in zip(axes, pictures, strict=False):
        image(picture, title=title, ax=ax)
    _bars(prediction, color, axes[-1])
    axes[0].figure.suptitle(f"version {prediction.version} reads {prediction}", fontsize=10)
    axes[0].figure.tight_layout()
    return axes


def way_to_the_network(strokes: Sequence[np.ndarray], pen_width: float, seen: np.ndarray) -> np.ndarray:
    """A drawing as the hand left it, redrawn at the standard size, and as 28 x 28 with its centre of mass. Returns the axes.

    Parameters
    ----------
    strokes : float64 arrays (n, 2), px of the 280 x 280 canvas; not empty.
    pen_width : px, of the pen they were drawn with.
    seen : uint8 (28, 28), what the network saw of them.
    """
    standard, width = to_standard_size(strokes)
    axes = plt.subplots(1, 3, figsize=(8, 3.1))[1]
    image(rasterise(strokes, pen_width=pen_width), title=f"as drawn, pen of {pen_width:g} px", ax=axes[0])
    image(rasterise(standard, pen_width=width), title=f"drawn anew, pen of {width:g} px", ax=axes[1])
    image(seen, title="28 x 28, centre of mass", ax=axes[2])
    rows, columns = np.indices(seen.shape)
    weight = seen / seen.sum()
    axes[2].plot((columns * weight).sum(), (rows * weight).sum(), "+", color=PERMUTED, markersize=16)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    tall, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    axes[0].figure.suptitle(
        f"whatever its size and place, the digit ends up {wide} x {tall} px in the middle", fontsize=10
    )
    axes[0].figure.tight_layout()
    return axes


def under_way(
    shares: Sequence[float], predictions: Sequence[Prediction], inks: Sequence[np.ndarray], *, shown: int = 8
) -> np.ndarray:
    """How the reading changes while a digit is drawn: pictures above, probabilities below. Returns the axes, curves last.

    Parameters
    ----------
    shares : how much of the drawing was on the paper, 0 to 1, rising.
    predictions, inks : one each.
    shown : how many of the moments are shown as pictures.

    Raises
    ------
    ValueError : there are fewer than two moments, or not one prediction and one ink for each.
    """
    if len(shares) < 2 or not len(shares) == len(predictions) == len(inks):
        raise ValueError(f"{len(shares)} moments, {len(predictions)} predictions and {len(inks)} inks do not match")
    figure = plt.figure(figsize=(8, 4.4))
    grid_spec = figure.add_gridspec(2, shown, height_ratios=(1, 2.4))
    axes = [figure.add_subplot(grid_spec[0, column]) for column in range(shown)]
    for ax, index in zip(axes, np.linspace(0, len(shares) - 1, shown).round().astype(int), strict=True):
        image(inks[index], title=f"{100 * shares[index]:.0f} %: {_answer(predictions[index])}", ax=ax)
    curves = figure.add_subplot(grid_spec[1, :])
    probabilities = np.array([p.probabilities if p.digit is not None else np.zeros(CLASSES) for p in predictions])
    final = predictions[-1].digit
    for digit in np.flatnonzero(probabilities.max(axis=0) > 0.4):
        color = PLAIN if digit == final else NEUTRAL
        curves.plot(
            100 * np.asarray(shares), 100 * probabilities[:, digit], color=color, linewidth=2 if digit == final else 1
        )
        top = int(probabilities[:, digit].argmax())
        top = top if digit != final else len(shares) - 1
        curves.text(100 * shares[top], 100 * probabilities[top, digit] + 2, str(digit), color=color, ha="center")
    answers = [p.digit for p in predictions]
    since = next((i + 1 for i in range(len(answers) - 1, -1, -1) if answers[i] != final), 0)
    path = [a for i, a in enumerate(answers) if a is not None and (i == 0 or a != answers[i - 1])]
    curves.set(xlabel="drawn so far (% of the points)", ylabel="probability (%)", xlim=(0, 102), ylim=(0, 112))
    curves.set_title(
        f"read as {', '.join(map(str, path[:-1]))}, and as {final} from {100 * shares[since]:.0f} % on"
        if len(path) > 1
        else f"read as {final} from {100 * shares[since]:.0f} % on",
        fontsize=10,
    )
    _open(curves)
    figure.tight_layout()
    return np.array([*axes, curves])


def replays(
    inks: Sequence[np.ndarray], digits: Sequence[int], predictions: Sequence[Prediction], *, name: str, columns: int = 9
) -> np.ndarray:
    """Drawings under what they were read as, misread ones in orange. Returns the axes (rows, columns).

    Parameters
    ----------
    inks : uint8 (H, W) each, as drawn.
    digits : what they are meant to be.
    name : of the network, for the title.
    """
    right = [p.digit == digit for p, digit in zip(predictions, digits, strict=True)]
    titles = [f"{d}, read {_answer(p)}\n({percent(p.confidence, 1)})" for d, p in zip(digits, predictions, strict=True)]
    return grid(
        inks,
        titles=titles,
        colors=[RIGHT if r else WRONG for r in right],
        columns=columns,
        suptitle=f"{name}: {sum(right)} of {len(right)} read right",
    )


def _bars(prediction: Prediction, color: str, ax: Axes) -> None:
    """Ten probabilities, the answer in its colour."""
    shares = 100 * prediction.probabilities * (prediction.digit is not None)
    ax.barh(range(CLASSES), shares, color=[color if digit == prediction.digit else NEUTRAL for digit in range(CLASSES)])
    ax.set(yticks=range(CLASSES), xlim=(0, 100), xlabel="probability (%)", ylabel="digit")
    ax.invert_yaxis()
    ax.tick_params(labelsize=8)
    _open(ax)


def _answer(prediction: Prediction) -> str:
    return "none" if prediction.digit is None else str(prediction.digit)


# --- study: handwriting -----------------------------------------------------------------------------------------------


def styles(pictures: Mapping[Style, Tensor], *, columns: int = 11) -> np.ndarray:
    """One picture (28, 28) of each style under its digit and name. Returns the axes (rows, columns)."""
    titles = [f"{style.digit}: {_two_lines(style.name)}" for style in pictures]
    axes = grid(
        np.stack([np.asarray(p[0]) for p in pictures.values()]),
        titles=titles,
        columns=columns,
        suptitle=f"{len(pictures)} ways to write ten digits",
    )
    for ax in axes.flat:
        ax.title.set_fontsize(7)
    axes[0, 0].figure.set_size_inches(columns * 0.95, len(axes) * 1.3)
    axes[0, 0].figure.tight_layout()
    return axes


def style_readings(read: Mapping[str, Mapping[Style, Accuracy]], *, worst: int = 14, ax: Axes | None = None) -> Axes:
    """The styles the first network reads worst, with how each network reads them (Wilson 95 %).

    Parameters
    ----------
    read : for each network its accuracy on every style; two networks at most.
    """
    first = next(iter(read.values()))
    chosen = sorted(first, key=lambda style: first[style].value)[:worst]
    ax = ax or plt.subplots(figsize=(7, 0.32 * len(chosen) + 1))[1]
    for shift, (color, (name, values)) in enumerate(zip((WRONG, RIGHT), read.items(), strict=False)):
        found = [values[style] for style in chosen]
        places = np.arange(len(chosen)) + 0.18 * (2 * shift - 1) * (len(read) > 1)
        errors = [[100 * (a.value - a.low) for a in found], [100 * (a.high - a.value) for a in found]]
        ax.errorbar([100 * a.value for a in found], places, xerr=errors, fmt="o", color=color, capsize=2, label=name)
    ax.set_yticks(range(len(chosen)), [f"{style.digit}, {style.name}" for style in chosen])
    ax.invert_yaxis()
    ax.set_xlim(-2, 102)
    ax.set_xlabel("read right, % of drawn digits")
    lowest = chosen[0]
    ax.set_title(
        f"{next(iter(read))} reads a {lowest.digit} ({lowest.name}) right {percent(first[lowest].value, 0)} of the time"
    )
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower left", bbox_to_anchor=(1, 0), frameon=False)
    return ax


def recipes(figures: Mapping[str, Mapping[str, Accuracy]]) -> np.ndarray:
    """Share of errors (%, Wilson 95 %) of each recipe on each set of digits, one panel a set. Returns the axes.

    Parameters
    ----------
    figures : by recipe, then by set.
    """
    sets = list(next(iter(figures.values())))
    figure, axes = plt.subplots(1, len(sets), figsize=(4.2 * len(sets), 2.6), squeeze=False, sharey=True)
    for ax, name in zip(axes[0], sets, strict=True):
        found = [by_set[name] for by_set in figures.values()]
        wrong = [100 * (1 - a.value) for a in found]
        errors = [[100 * (a.high - a.value) for a in found], [100 * (a.value - a.low) for a in found]]
        ax.barh(range(len(found)), wrong, xerr=errors, color=PLAIN, height=0.6, capsize=2)
        ax.set_yticks(range(len(found)), list(figures))
        ax.set_xlabel(f"wrong, % of {found[0].n:,}")
        ax.set_title(f"{name}: {wrong[0]:.1f} % wrong at first, {wrong[-1]:.1f} % at last", fontsize=9)
    axes[0, 0].invert_yaxis()
    figure.tight_layout()
    return axes


def _two_lines(text: str) -> str:
    """Broken at the space nearest to the middle, if it is long."""
    if len(text) < 10 or " " not in text:
        return text
    middle = min((i for i, c in enumerate(text) if c == " "), key=lambda i: abs(i - len(text) / 2))
    return text[:middle] + "\n" + text[middle + 1 :]
