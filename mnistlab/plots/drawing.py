"""Figures of drawings, how they are read and why: ink for and against (notebook 05)."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import CANVAS, CLASSES, PEN_WIDTH
from mnistlab.data.strokes import rasterise, rasterise_standard, to_standard_size
from mnistlab.evaluation.formatting import percent
from mnistlab.inference.attribution import Attribution
from mnistlab.inference.predictor import Prediction
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, RIGHT, SIGNED, WRONG, figure_of, grid, image, open_frame

PAPER_SIDE = 2.2  # inches of a drawing's edge
RIM = "#D0D0D0"


def prediction(prediction: Prediction, ink: np.ndarray, *, scrambled: np.ndarray | None = None) -> np.ndarray:
    """A drawing, what the network saw of it, and the ten probabilities: the pad as a still picture. Returns the axes.

    Parameters
    ----------
    ink : uint8 (H, W), as drawn.
    scrambled : uint8 (28, 28), what a permuted network really got; None for a plain one.
    """
    pictures = [("as drawn", ink), ("as the network sees it", prediction.image)]
    if scrambled is not None:
        pictures[1:] = [("as 28 x 28", prediction.image), ("scrambled, as the network sees it", scrambled)]
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


def preprocessing(strokes: Sequence[np.ndarray], pen_width: float, seen: np.ndarray) -> np.ndarray:
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
    image(rasterise_standard(standard), title=f"redrawn, pen of {width:g} px", ax=axes[1])
    image(seen, title="28 x 28, centre of mass", ax=axes[2])
    centre = (np.indices(seen.shape) * seen).sum(axis=(1, 2)) / seen.sum()  # row, column
    axes[2].plot(centre[1], centre[0], "+", color=PERMUTED, markersize=16)
    tall, wide = np.ptp(np.argwhere(seen), axis=0) + 1
    axes[0].figure.suptitle(
        f"whatever its size and place, the digit ends up {wide} x {tall} px in the middle", fontsize=10
    )
    axes[0].figure.tight_layout()
    return axes


def prediction_while_drawn(
    shares: Sequence[float], predictions: Sequence[Prediction], inks: Sequence[np.ndarray], *, shown: int = 8
) -> np.ndarray:
    """How the prediction changes while a digit is drawn: pictures above, probabilities below. Returns the axes, curves last.

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
        image(inks[index], title=f"{100 * shares[index]:.0f} %: {_digit(predictions[index])}", ax=ax)
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
    digits = [p.digit for p in predictions]
    since = next((i + 1 for i in range(len(digits) - 1, -1, -1) if digits[i] != final), 0)
    path = [digit for i, digit in enumerate(digits) if digit is not None and (i == 0 or digit != digits[i - 1])]
    curves.set(xlabel="drawn so far (% of the points)", ylabel="probability (%)", xlim=(0, 102), ylim=(0, 112))
    curves.set_title(
        f"read as {', '.join(map(str, path[:-1]))}, and as {final} from {100 * shares[since]:.0f} % on"
        if len(path) > 1
        else f"read as {final} from {100 * shares[since]:.0f} % on",
        fontsize=10,
    )
    open_frame(curves)
    figure.tight_layout()
    return np.array([*axes, curves])


def replayed_drawings(
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
    titles = [f"{d}, read {_digit(p)}\n({percent(p.confidence, 1)})" for d, p in zip(digits, predictions, strict=True)]
    return grid(
        inks,
        titles=titles,
        colors=[RIGHT if r else WRONG for r in right],
        columns=columns,
        suptitle=f"{name}: {sum(right)} of {len(right)} read right",
    )


def _bars(prediction: Prediction, color: str, ax: Axes) -> None:
    """Ten probabilities, that of the predicted digit in colour."""
    shares = 100 * prediction.probabilities * (prediction.digit is not None)
    ax.barh(range(CLASSES), shares, color=[color if digit == prediction.digit else NEUTRAL for digit in range(CLASSES)])
    ax.set(yticks=range(CLASSES), xlim=(0, 100), xlabel="probability (%)", ylabel="digit")
    ax.invert_yaxis()
    ax.tick_params(labelsize=8)
    open_frame(ax)


def _digit(prediction: Prediction) -> str:
    return "none" if prediction.digit is None else str(prediction.digit)


def attribution(explained: Attribution, *, pen_width: float = PEN_WIDTH, ax: Axes | None = None) -> Axes:
    """Pieces of ink coloured by their weight: blue speaks for the digit, orange against it, the paler the less; the pen in px."""
    ax = _canvas(ax)
    most = max(1.0, float(np.abs(explained.weights).max(initial=0)))
    _ink(ax, explained.pieces, RIM, pen_width + 3)  # so that ink of no weight is seen as well
    for piece, weight in zip(explained.pieces, explained.weights, strict=True):
        _ink(ax, [piece], SIGNED(0.5 - 0.5 * weight / most), pen_width, capstyle="butt")
    ax.set_title("nothing to read" if explained.digit is None else f"why {explained.digit}", fontsize=9)
    return ax


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
