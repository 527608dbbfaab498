"""What the figures share: pictures of digits, colours that carry a meaning, intervals as error bars."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from mnistlab.evaluation.intervals import Accuracy, MeanInterval

if TYPE_CHECKING:
    from torch import Tensor

PLAIN = RIGHT = "#0072B2"
PERMUTED = WRONG = "#D55E00"
NEUTRAL = "#8C8C8C"
THIRD = "#009E73"
INK = "#111111"  # black that stays so where a page turns what is black light
SIGNED = LinearSegmentedColormap.from_list("signed", [PLAIN, "white", PERMUTED])  # below, at and above 0


def image(
    picture: Tensor | np.ndarray,
    *,
    title: str = "",
    ax: Axes | None = None,
    cmap: str | Colormap = "gray_r",
    scale: tuple[float, float] = (0, 255),
    alpha: float | None = None,
) -> Axes:
    """One picture (28, 28), ink black on white.

    Parameters
    ----------
    cmap, scale : other colours, and the values at their ends.
    alpha : opacity, 0 to 1; None is opaque.
    """
    ax = ax or plt.subplots(figsize=(2, 2))[1]
    ax.imshow(np.asarray(picture), cmap=cmap, vmin=scale[0], vmax=scale[1], alpha=alpha, interpolation="nearest")
    ax.set_title(title, fontsize=9)
    ax.set(xticks=[], yticks=[])
    return ax


def grid(
    pictures: Tensor | np.ndarray | Sequence[np.ndarray],
    *,
    titles: Sequence[object] | None = None,
    colors: Sequence[str] | None = None,
    columns: int = 10,
    suptitle: str = "",
    edge: float = 0.95,
) -> np.ndarray:
    """Pictures (N, 28, 28) in rows of ``columns``, each under its title in its colour. Returns the axes (rows, columns).

    Parameters
    ----------
    edge : of a picture with its margin, inches.

    Raises
    ------
    ValueError : there is no picture, or not one title and colour a picture.
    """
    n = len(pictures)
    for name, texts in (("titles", titles), ("colors", colors)):
        if texts is not None and len(texts) != n:
            raise ValueError(f"{n} pictures need {n} {name}, not {len(texts)}")
    if not n:
        raise ValueError("there is no picture to show")
    rows = -(-n // columns)
    lines = max(str(title).count("\n") + 1 for title in titles) if titles is not None else 0
    height = rows * (edge + 0.2 * lines) + (0.35 if suptitle else 0)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * edge, height), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for index, (picture, ax) in enumerate(zip(pictures, axes.flat, strict=False)):
        image(picture, ax=ax)
        if titles is not None:
            ax.set_title(str(titles[index]), fontsize=9, color=colors[index] if colors is not None else "black")
    figure.suptitle(suptitle)
    figure.tight_layout()
    return axes


def heat_map(
    ax: Axes, table: np.ndarray, texts: Mapping[tuple[int, int], object], *, cmap: str = "Oranges", top: float = 1
) -> AxesImage:
    """A table, row by column, in colours from 0 to ``top``, with the texts of some of its cells."""
    for (row, column), text in texts.items():
        color = "white" if table[row, column] > 0.6 * top else INK
        ax.text(column, row, str(text), ha="center", va="center", fontsize=8, color=color)
    return ax.imshow(table, cmap=cmap, vmin=0, vmax=top)


def error_bars(estimates: Sequence[Accuracy | MeanInterval]) -> tuple[np.ndarray, np.ndarray]:
    """Estimates in per cent, float64 (n,), and how far their intervals reach below and above, (2, n); 0 where there is none."""
    values = [each.mean if isinstance(each, MeanInterval) else each.value for each in estimates]
    reach = [(value - each.low, each.high - value) for value, each in zip(values, estimates, strict=True)]
    return 100 * np.array(values), 100 * np.abs(np.nan_to_num(reach)).T


def wide_bars(ax: Axes, estimates: Sequence[Accuracy]) -> np.ndarray:
    """A dot on a wide bar, the 95 % interval, for each estimate, row by row; returns the dots' places, per cent (n,)."""
    values, reach = error_bars(estimates)
    ax.errorbar(values, range(len(values)), xerr=reach, fmt="o", color=PLAIN, elinewidth=5, ecolor=(PLAIN, 0.4))
    return values


def as_svg(figure: Figure) -> Markup:
    """A figure as SVG to stand in a page, light or dark: what is black has the colour of the page's text, its ground is clear.

    The same bytes whenever it is drawn, without the XML declaration.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = file.getvalue().partition("<svg")[2].replace("#000000", "currentColor")
    return Markup('<svg fill="currentColor"' + drawn)


def figure_of(ax: Axes) -> Figure:
    """The figure that an axes stands on; unlike ``ax.figure`` never a part of one."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def open_frame(ax: Axes) -> None:
    """Take away the frame above and to the right: it says nothing."""
    ax.spines[["top", "right"]].set_visible(False)
