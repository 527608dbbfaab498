"""Figures of the study of what a ConvNet sees: strongest patches, occlusion, nearest digits, disputed labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from mnistlab.data.mnist import Digits
from mnistlab.evaluation.formatting import percent, points
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.plots.pictures import RIGHT, SIGNED, WRONG, grid, image, open_frame, wide_bars
from mnistlab.studies.label_errors import DisputedLabel


def strongest_patches(patches: Sequence[Tensor]) -> np.ndarray:
    """The patches of pictures to which the feature maps respond most strongly, a column per map, a block of rows per layer.

    ``patches`` holds uint8 (k, n, side, side) for each layer, the strongest first. Returns the axes (n layers * n, k).
    """
    k, n = patches[0].shape[:2]
    rows = len(patches) * n
    figure, axes = plt.subplots(rows, k, figsize=(1.0 * k + 0.6, 0.85 * rows + 0.8), squeeze=False)
    for number, layer in enumerate(patches):
        for (row, column), ax in np.ndenumerate(axes[number * n : (number + 1) * n]):
            image(layer[column, row], ax=ax, title=f"map {column + 1}" if row == 0 else "")
        side = layer.shape[-1]
        axes[number * n, 0].set_ylabel(f"layer {number + 1}\n{side} x {side}", fontsize=9)
    sides = " and then ".join(f"{layer.shape[-1]} x {layer.shape[-1]}" for layer in patches)
    figure.suptitle(f"what each feature map responds to most, in patches of {sides} pixels", fontsize=10)
    figure.tight_layout()
    return axes


def occlusions(
    pictures: Tensor, falls: Sequence[np.ndarray], titles: Sequence[str], *, suptitle: str = ""
) -> np.ndarray:
    """Pictures (n, 28, 28) over what a square of paper does at each place (n, 28, 28), log-odds. Returns the axes (2, n).

    Orange: what stood there spoke for the digit; blue: against it. All maps share one scale, symmetric about 0.
    No picture, or not one map and one title for each, is a ValueError.
    """
    n = len(pictures)
    if not n or len(falls) != n or len(titles) != n:
        raise ValueError(f"{n} pictures need as many maps and titles, not {len(falls)} and {len(titles)}")
    top = float(np.abs(falls).max()) or 1.0
    figure, axes = plt.subplots(2, n, figsize=(1.05 * n + 0.8, 2.9), squeeze=False, layout="constrained")
    for column, (picture, fall, title) in enumerate(zip(pictures, falls, titles, strict=True)):
        image(picture, ax=axes[0, column], title=title)
        shown = image(fall, ax=axes[1, column], cmap=SIGNED, scale=(-top, top))
        shown.contour(np.asarray(picture) > 127, levels=[0.5], colors="black", linewidths=0.5)
    figure.colorbar(axes[1, -1].images[0], ax=axes[1], fraction=0.02, label="fall of log-odds")
    figure.suptitle(suptitle or f"covering one place takes up to {np.max(falls):.0f} from the log-odds", fontsize=10)
    return axes


def nearest_digits(queries: Digits, predicted: Tensor, references: Digits, nearest: Tensor) -> np.ndarray:
    """Digits, and beside each the training digits nearest to it as the network sees it. Returns the axes (n, 1 + m).

    Parameters
    ----------
    queries : n digits to show.
    predicted : int64 (n,), what the network reads in them.
    references : the training digits.
    nearest : int64 (n, m), their indices, nearest first.
    """
    n, m = nearest.shape
    pictures, titles, colors = [], [], []
    for index in range(n):
        label, read = int(queries.labels[index]), int(predicted[index])
        around = references.labels[nearest[index]].tolist()
        pictures += [queries.images[index].numpy(), *references.images[nearest[index]].numpy()]
        titles += [f"{label}, read {read}", *map(str, around)]
        colors += [RIGHT if digit == label else WRONG for digit in (read, *around)]
    alike = int((references.labels[nearest] == predicted[:, None]).sum())
    return grid(
        pictures,
        titles=titles,
        colors=colors,
        columns=1 + m,
        suptitle=f"{alike} of {n * m} neighbours have the label that was predicted",
    )


def disputed_labels(images: Tensor, disputed: Sequence[DisputedLabel], predicted: Tensor) -> np.ndarray:
    """The disputed test images, uint8 (n, 28, 28), with label, votes and what the network reads, int64 (n,).

    Blue: it reads the label as given; orange: it does not. Returns the axes (rows, 5).
    """
    titles, kept = [], []
    for case, read in zip(disputed, predicted.tolist(), strict=True):
        label, other, neither = case.votes
        votes = f"{case.label}: {label}, {case.proposed}: {other}, none: {neither}"
        titles.append(f"label {case.label}, read {read}\n{votes}")
        kept.append(read == case.label)
    return grid(
        images,
        titles=titles,
        colors=[RIGHT if agrees else WRONG for agrees in kept],
        columns=5,
        suptitle=f"the network disagrees with {len(kept) - sum(kept)} of {len(kept)} disputed labels",
        edge=1.5,
    )


def ceiling(results: Mapping[str, Accuracy], limit: Accuracy, *, ax: Axes | None = None) -> Axes:
    """Accuracies with Wilson 95 % intervals, and shaded what lies above ``limit``: agreement with disputed labels."""
    ax = ax or plt.subplots(figsize=(7.5, 0.5 * len(results) + 1.4))[1]
    wide_bars(ax, list(results.values()))
    left = min(100 * accuracy.low for accuracy in results.values())
    ax.axvspan(100 * limit.value, 100, color=WRONG, alpha=0.2, linewidth=0)
    ax.set_yticks(range(len(results)), list(results))
    ax.set(ylim=(len(results) - 0.4, -0.6), xlim=(left - 0.1, 100), xlabel="right (%); bars are 95 % intervals")
    width = points(next(iter(results.values())).high - next(iter(results.values())).low)
    ax.set_title(
        f"above {percent(limit.value)} (orange) only disputed labels are left; one interval spans {width}",
        fontsize=10,
    )
    open_frame(ax)
    return ax
