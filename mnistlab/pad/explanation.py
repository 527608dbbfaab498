"""Why a document is read as it is, as far as it was asked for: the colours of its ink, and below it the steps from ink to input
and the smallest edit that flips the reading.

Colours follow the pen; steps and edit, which take longer to find, wait until it rests. No widget in here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnistlab.common.constants import CANVAS
from mnistlab.common.html import render
from mnistlab.data import polyline
from mnistlab.evaluation.formatting import sentence
from mnistlab.inference import attribution, counterfactual
from mnistlab.inference.attribution import Attribution, PreprocessingStep
from mnistlab.inference.counterfactual import Edit
from mnistlab.pad import heatmap
from mnistlab.pad.document import Document
from mnistlab.pad.prediction_html import picture_address

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction, Predictor

INK, GONE, ADDED = "#1a1a1a", "#f3c9a8", "#d55e00"
NO_EDIT = "no small change that was tried makes it another digit"


class Explanation:
    """What is found about a document."""

    def __init__(self) -> None:
        self.is_on = False  # it is asked for
        # which ink spoke for the digit; None if it is not asked for, or there is no digit or no ink
        self.attribution: Attribution | None = None
        self.steps: list[PreprocessingStep] = []  # from ink to input, as last searched for
        self.edit: Edit | None = None  # the smallest that flips the reading, as last searched for, or None
        self._strokes: list[np.ndarray] = []
        self._pen_width = 0.0

    def switch(self, on: bool) -> None:
        """Ask for an explanation, or ask no more."""
        self.is_on, self.attribution = on, None

    @property
    def shades(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Colours for the ink, as ``heatmap.shade`` gives them, or None."""
        return None if self.attribution is None else heatmap.shade(self.attribution)

    def colour(self, predictor: Predictor, document: Document, prediction: Prediction) -> None:
        """Find which ink spoke for the digit that was read, if that is asked for."""
        self.attribution = None
        strokes = document.drawing.strokes
        if self.is_on and prediction.digit is not None and strokes:
            self.attribution = attribution.attribute(
                predictor, strokes, pen_width=document.pen_width, digit=prediction.digit
            )
        if not strokes:
            self.steps, self.edit = [], None

    def search(self, predictor: Predictor, document: Document) -> None:
        """Find the steps from ink to input, and the smallest edit."""
        strokes, pen_width = document.drawing.strokes, document.pen_width
        self.steps = attribution.preprocessing_steps(predictor, strokes, pen_width)
        self.edit = counterfactual.smallest_edit(predictor, strokes, pen_width)
        self._strokes, self._pen_width = strokes, pen_width

    def html(self, prediction: Prediction, *, settled: bool) -> str:
        """What the colours mean, the steps and the edit; what is not ``settled`` is about the drawing as it was, and pale."""
        digit = prediction.digit
        return render(
            "pad/explanation.html",
            digit=digit,
            settled=settled,
            legend=[
                (heatmap.FOR, f"spoke for the {digit}"),
                (heatmap.AGAINST, "spoke against it"),
                (heatmap.NEUTRAL, "said little"),
            ],
            steps=[(picture_address(step.image), step.name) for step in self.steps],
            side=CANVAS,
            lines=self._lines(),
            pen_width=self._pen_width,
            edit=sentence(NO_EDIT if self.edit is None else self.edit.words),
        )

    def _lines(self) -> list[tuple[str, str]]:
        """The drawing with the edit in it: the colour of each line, and its points as SVG wants them."""
        coloured = [(INK, self._strokes)]
        if self.edit is not None:
            coloured += [(GONE, self.edit.removed), (ADDED, self.edit.added)]
        return [(colour, _points(line)) for colour, lines in coloured for line in lines]


def _points(line: np.ndarray) -> str:
    line = polyline.smooth(line) if len(line) > 1 else np.repeat(line, 2, axis=0)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
