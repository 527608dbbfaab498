"""Why a drawing is read as it is, as HTML text: a legend, the steps from ink to input, the smallest edit that flips it.

No widget and no search in here: what ``explanation`` found goes in, a string comes out. How it looks is in ``pad.css``.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from mnistlab.common.constants import CANVAS
from mnistlab.data import polyline
from mnistlab.inference.attribution import PreprocessingStep
from mnistlab.inference.counterfactual import Edit
from mnistlab.pad import heatmap, prediction_html

INK, GONE, ADDED = "#1a1a1a", "#f3c9a8", "#d55e00"
NO_EDIT = "no small edit that was tried flips it"


def legend(digit: int | None) -> str:
    """What the colours of the ink mean."""
    if digit is None:
        return "<p>Draw a digit, and its ink takes the colour of what it says.</p>"
    words = ((heatmap.FOR, f"spoke for the {digit}"), (heatmap.AGAINST, "against it"), (heatmap.NEUTRAL, "said little"))
    keys = "".join(f'<span class="mnistlab-key" style="background:rgb{colour}"></span>{word}' for colour, word in words)
    return f"<p>{keys}</p>"


def render(
    digit: int | None,
    film: Sequence[PreprocessingStep] = (),
    strokes: Sequence[np.ndarray] = (),
    edit: Edit | None = None,
    *,
    pen_width: float,
    settled: bool = True,
) -> str:
    """The legend, and below it the film strip and the edit.

    Parameters
    ----------
    digit : the one that is explained, or None.
    film : the steps to the input; without any, only the legend is shown.
    strokes : the drawing, float64 arrays (n, 2).
    edit : the smallest that flips it; None if none was found.
    pen_width : px, to show the edit with.
    settled : False while a stroke is under way: what is shown is that of the last one.
    """
    figures = "".join(prediction_html.picture(step.image, step.name) for step in film)
    if film and digit is not None:
        figures += _edit(strokes, edit, pen_width)
    waiting = "" if settled else " mnistlab-waiting"
    return f'<div class="mnistlab-why{waiting}">{legend(digit)}<div class="mnistlab-film">{figures}</div></div>'


def _edit(strokes: Sequence[np.ndarray], edit: Edit | None, pen_width: float) -> str:
    inked = [(INK, strokes)]
    if edit is not None:
        inked += [(GONE, edit.removed), (ADDED, edit.added)]
    lines = "".join(_line(colour, line, pen_width) for colour, group in inked for line in group)
    words = prediction_html.sentence(NO_EDIT if edit is None else edit.words)
    return (
        f'<figure class="mnistlab-edit"><svg viewBox="0 0 {CANVAS} {CANVAS}" aria-hidden="true">{lines}</svg>'
        f"<figcaption>{html.escape(words)}</figcaption></figure>"
    )


def _line(colour: str, line: np.ndarray, pen_width: float) -> str:
    line = polyline.smooth(line) if len(line) > 1 else np.repeat(line, 2, axis=0)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{pen_width:g}" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )
