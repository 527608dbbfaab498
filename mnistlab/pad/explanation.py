"""Why a document is read as it is, as far as it was asked for: the colours of its ink, and the reasons below it.

Colours follow the pen; reasons, which take longer to find, wait until it rests. Pure state, with no widget in it.
"""

from __future__ import annotations

import numpy as np

from mnistlab.inference import attribution, counterfactual
from mnistlab.inference.attribution import Attribution, PreprocessingStep
from mnistlab.inference.counterfactual import Edit
from mnistlab.inference.predictor import Prediction, Predictor
from mnistlab.pad import heatmap, reasons
from mnistlab.pad.document import Document


class Explanation:
    """What ``explanation`` finds about a document.

    Attributes
    ----------
    is_on : it is asked for.
    attribution : which ink spoke for the digit; None if it is not asked for, or there is no digit or no ink.
    film : the steps from ink to input, as last searched for.
    edit : the smallest that flips the reading, as last searched for, or None.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.attribution: Attribution | None = None
        self.film: list[PreprocessingStep] = []
        self.edit: Edit | None = None
        self._strokes: list[np.ndarray] = []
        self._pen_width = 0.0

    def switch(self, on: bool) -> None:
        """Ask for reasons, or ask no more."""
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
            self.film, self.edit = [], None

    def search(self, predictor: Predictor, document: Document) -> None:
        """Find the steps from ink to input, and the smallest edit."""
        strokes, pen_width = document.drawing.strokes, document.pen_width
        self.film = attribution.preprocessing_steps(predictor, strokes, pen_width)
        self.edit = counterfactual.smallest_edit(predictor, strokes, pen_width)
        self._strokes, self._pen_width = strokes, pen_width

    def text(self, prediction: Prediction, *, settled: bool) -> str:
        """All of it as HTML; what is not ``settled`` is about the drawing as it was."""
        return reasons.render(
            prediction.digit, self.film, self._strokes, self.edit, pen_width=self._pen_width, settled=settled
        )
