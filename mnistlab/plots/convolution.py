"""Figures of one convolution, computed by hand (notebook 02a)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistlab.plots.pictures import NEUTRAL, PERMUTED, SIGNED

WIDTH = 6.8  # inches of a figure, 680 px on the screen


def numbers(ax: Axes, table: np.ndarray, *, title: str, ink: bool = False) -> None:
    """A small table, float (n, m), as coloured squares with their numbers; ``ink``: from 0, paper, to 1."""
    top = 1.0 if ink else max(float(np.abs(table).max()), 1e-9)
    ax.imshow(table, cmap="gray_r" if ink else SIGNED, vmin=0 if ink else -top, vmax=top)
    for (row, column), value in np.ndenumerate(table):
        dark = value > 0.45 * top if ink else -value > 0.8 * top
        text = f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "\u2212") if abs(value) >= 0.005 else "0"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if dark else "black")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=10)


def products(window: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A window of a picture (k, k), ink 0 to 1, a kernel (k, k), and their products. Returns the axes (3,)."""
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.75), layout="constrained")
    numbers(axes[0], window, title="window: ink x", ink=True)
    numbers(axes[1], kernel, title="kernel: weights w")
    numbers(axes[2], window * kernel, title="products w x")
    figure.suptitle(f"{kernel.size} products, and their sum is {(window * kernel).sum():.2f}", fontsize=11)
    return axes


def row_of_maps(
    pictures: Mapping[str, np.ndarray], *, title: str, height: float = 2.2, width: float = WIDTH, same: bool = False
) -> np.ndarray:
    """Pictures side by side under their names. Returns the axes (n,).

    Parameters
    ----------
    pictures : arrays (H, W). Those without a value below 0 are drawn as ink, the others in blue (below 0) and orange.
    same : one scale for all that are drawn in colour, so that they can be compared; else each has its own.
    """
    figure, axes = plt.subplots(1, len(pictures), figsize=(width, height), layout="constrained", squeeze=False)
    most = max(float(np.abs(picture).max()) for picture in pictures.values())
    for ax, (name, picture) in zip(axes[0], pictures.items(), strict=True):
        signed_image(ax, picture, top=most if same else None)
        ax.set_title(name, fontsize=10)
    figure.suptitle(title, fontsize=11)
    return axes[0]


def signed_image(ax: Axes, picture: np.ndarray, *, top: float | None = None) -> None:
    """One array (H, W): as ink if nothing in it is below 0, else blue below 0 and orange above."""
    top = top or max(float(np.abs(picture).max()), 1e-9)
    signed = float(picture.min()) < 0
    ax.imshow(
        picture, cmap=SIGNED if signed else "gray_r", vmin=-top if signed else 0, vmax=top, interpolation="nearest"
    )
    ax.set(xticks=[], yticks=[])


def frame(ax: Axes, place: tuple[int, int], size: int) -> plt.Rectangle:
    """An orange square of ``size`` pixels whose upper left pixel stands at ``place``, row and column."""
    square = plt.Rectangle((place[1] - 0.5, place[0] - 0.5), size, size, fill=False, edgecolor=PERMUTED, linewidth=2)
    ax.add_patch(square)
    return square


def sliding(
    picture: np.ndarray, kernel: np.ndarray, answer: np.ndarray, places: Sequence[tuple[int, int]]
) -> tuple[Figure, Callable[[int], None]]:
    """A window that moves over a picture while its map fills: the figure, and what draws its n-th state.

    Parameters
    ----------
    picture, kernel, answer : (28, 28), ink 0 to 1; (5, 5); (24, 24), the whole map.
    places : of the window, row and column, in reading order; with the last one, wherever it is, the map is complete.
    """
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.6), layout="constrained")
    signed_image(axes[0], picture)
    axes[0].set_title("digit and window", fontsize=10)
    size, top = len(kernel), float(np.abs(answer).max())
    square = frame(axes[0], (0, 0), size)
    terms = axes[1].imshow(kernel * 0, cmap=SIGNED, vmin=-1, vmax=1)
    axes[1].set(xticks=[], yticks=[])
    filled = axes[2].imshow(np.full_like(answer, np.nan), cmap=SIGNED, vmin=-top, vmax=top)
    axes[2].set(xticks=[], yticks=[])
    axes[2].set_facecolor("#EDEDED")
    axes[2].set_title("map so far", fontsize=10)
    here = frame(axes[2], (0, 0), 1)

    def update(index: int) -> None:
        row, column = places[index]
        square.set_xy((column - 0.5, row - 0.5))
        here.set_xy((column - 0.5, row - 0.5))
        terms.set_data(picture[row : row + size, column : column + size] * kernel)
        axes[1].set_title(f"25 products, sum {answer[row, column]:.2f}", fontsize=10)
        last = answer.size if index == len(places) - 1 else row * answer.shape[1] + column
        done = np.arange(answer.size).reshape(answer.shape) <= last
        filled.set_data(np.where(done, answer, np.nan))

    return figure, update


def weight_matrix(matrix: np.ndarray, *, title: str) -> Axes:
    """Which weights of a matrix (outputs, inputs) are not 0, in blue and orange."""
    ax = plt.subplots(figsize=(WIDTH, 3.6), layout="constrained")[1]
    top = float(np.abs(matrix).max())
    ax.imshow(matrix, cmap=SIGNED, vmin=-top, vmax=top, interpolation="nearest", aspect="auto")
    ax.set(xlabel="pixel of the picture", ylabel="place on the map")
    ax.set_title(title, fontsize=11)
    ax.spines[:].set_color(NEUTRAL)
    return ax


def painted(kernel: np.ndarray, picture: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """A kernel that somebody painted, a digit, and the map after the ReLU, its strongest place framed. Returns the axes (3,)."""
    row, column = np.unravel_index(int(answer.argmax()), answer.shape)
    what = f"answers most strongly at row {row}, column {column}" if answer.max() > 0 else "finds nothing"
    shown = {"digit": picture, "kernel": kernel, "map after ReLU": answer}
    axes = row_of_maps(shown, title=f"This kernel {what}", height=2.6)
    if answer.max() > 0:
        frame(axes[0], (int(row), int(column)), len(kernel))
    return axes
