"""Figures of why a drawing is read as it is: ink for and against, the steps to the network, the edit that flips it."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import CANVAS, PEN_WIDTH
from mnistlab.inference.attribution import Attribution, PreprocessingStep
from mnistlab.inference.counterfactual import Edit
from mnistlab.plots.pictures import SIGNED, WRONG, figure_of, image

PAPER_SIDE = 2.2  # inches of a drawing's edge
RIM = "#D0D0D0"
REMOVED = "#F3C9A8"  # a pale orange


def attribution(explained: Attribution, *, pen_width: float = PEN_WIDTH, ax: Axes | None = None) -> Axes:
    """Pieces of ink coloured by their weight: blue speaks for the digit, orange against it, the paler the less.

    Parameters
    ----------
    pen_width : px of the canvas, to draw them with.
    """
    ax = _canvas(ax)
    most = max(1.0, float(np.abs(explained.weights).max(initial=0)))
    _ink(ax, explained.pieces, RIM, pen_width + 3)  # so that ink of no weight is seen as well
    for piece, weight in zip(explained.pieces, explained.weights, strict=True):
        _ink(ax, [piece], SIGNED(0.5 - 0.5 * weight / most), pen_width, capstyle="butt")
    ax.set_title("nothing to read" if explained.digit is None else f"why {explained.digit}", fontsize=9)
    return ax


def edit(strokes: Sequence[np.ndarray], change: Edit, *, pen_width: float = PEN_WIDTH, ax: Axes | None = None) -> Axes:
    """A drawing with what the edit removes in pale orange and what it adds in orange, under the edit in words.

    Parameters
    ----------
    strokes : before the edit, float64 arrays (n, 2), px of the canvas.
    """
    ax = _canvas(ax)
    _ink(ax, strokes, "black", pen_width)
    _ink(ax, change.removed, REMOVED, pen_width)
    _ink(ax, change.added, WRONG, pen_width)
    ax.set_title(change.words, fontsize=9)
    return ax


def preprocessing_images(steps: Sequence[PreprocessingStep]) -> np.ndarray:
    """The steps from ink to input side by side. Returns the axes.

    Raises
    ------
    ValueError : there is no step.
    """
    if not steps:
        raise ValueError("an empty drawing has no steps to show")
    axes = plt.subplots(1, len(steps), figsize=(PAPER_SIDE * len(steps), PAPER_SIDE + 0.4), squeeze=False)[1][0]
    for step, ax in zip(steps, axes, strict=True):
        image(step.image, title=f"{step.name}\n{step.image.shape[0]} x {step.image.shape[1]}", ax=ax)
    axes[0].figure.tight_layout()
    return axes


def _canvas(ax: Axes | None) -> Axes:
    """An empty canvas, 280 x 280, y down."""
    ax = ax or plt.subplots(figsize=(PAPER_SIDE, PAPER_SIDE))[1]
    ax.set(xlim=(0, CANVAS), ylim=(CANVAS, 0), aspect="equal", xticks=[], yticks=[])
    return ax


def _ink(ax: Axes, lines: Sequence[np.ndarray], color: object, pen_width: float, *, capstyle: str = "round") -> None:
    """Lines as wide as the pen; a single point is a dot."""
    inches = ax.get_position().width * figure_of(ax).get_size_inches()[0]
    width = 72 * inches * pen_width / CANVAS  # points of 1/72 inch
    for line in lines:
        line = np.repeat(line, 2, axis=0) if len(line) == 1 else line
        ax.plot(*line.T, color=color, linewidth=width, solid_capstyle=capstyle, solid_joinstyle="round")
