"""Pictures of digits, one or many, and the colours that carry a meaning in every figure."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

PLAIN = RIGHT = "#0072B2"
PERMUTED = WRONG = "#D55E00"
NEUTRAL = "#8C8C8C"
THIRD = "#009E73"
SIGNED = LinearSegmentedColormap.from_list("signed", [PLAIN, "white", PERMUTED])  # below, at and above 0


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
    lines = max(str(title).count("\n") + 1 for title in titles) if titles is not None else 0
    height = rows * (0.95 + 0.2 * lines) + (0.35 if suptitle else 0)
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


def open_frame(ax: Axes) -> None:
    """No frame above and to the right: it says nothing."""
    ax.spines[["top", "right"]].set_visible(False)
