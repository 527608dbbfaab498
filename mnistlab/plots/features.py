"""Figures of a look inside a network: its kernels and feature maps (notebook 04)."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from torch import Tensor

from mnistlab.inference.features import first_kernels, maps, neighbour_correlation
from mnistlab.plots.pictures import SIGNED, image
from mnistlab.training.networks import ConvNet


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
        for index, (ax, weight) in enumerate(zip(row, kernel, strict=False), start=1):
            image(weight, title=f"{name} {index}", ax=ax, cmap=SIGNED, scale=(-top, top))
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
    return f"{neighbour_correlation(pictures):.2f}" if np.ptp(pictures) else "unknown"
