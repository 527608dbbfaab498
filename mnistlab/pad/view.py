"""What a pad reads and shows: the ink on its canvas, and readings, explanation and the rest in its controls."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import escape as markup_escape

from mnistlab.data.strokes import rasterise
from mnistlab.pad.canvas import REACH
from mnistlab.pad.controls import NONE, show
from mnistlab.pad.prediction_html import links_html, origin_html, prediction_html, spoken
from mnistlab.pad.wiring import Part, handler

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction, Predictor
    from mnistlab.pad.widget import DigitPad


class View(Part):
    """Shows the state of a pad, and changes none of it."""

    def __init__(self, pad: DigitPad) -> None:
        super().__init__(pad)
        self._pending = 0  # points at the end of the stroke that have no ink yet

    # --- ink ----------------------------------------------------------------------------------------------------------

    def dot(self, point: np.ndarray) -> None:
        """Ink where the pen was put down, float64 (2,)."""
        self._pad.canvas.dot(point, self._pad.document.pen_width)

    def follow(self) -> None:
        """The stroke has another point: draw ink to it, but no more often than anybody can see."""
        self._pending += 1
        if self._pad.schedule.ink_is_due():
            self.ink()

    def ink(self) -> None:
        """Ink for the points that have none yet."""
        pad = self._pad
        if self._pending:
            pad.canvas.follow(pad.drawing.tail(self._pending + REACH), self._pending)
        pad.schedule.ink_shown(frame=self._pending > 0)
        self._pending = 0

    @handler
    def ink_in_time(self) -> None:
        """Ink when the schedule says so."""
        self.ink()

    def redraw(self) -> None:
        """All ink again, from what Python holds."""
        pad, document = self._pad, self._pad.document
        pad.schedule.ink_shown(frame=False)
        self._pending = 0
        pad.canvas.redraw(
            document.drawing.strokes,
            document.pen_width,
            picture=document.picture_ink(),
            shades=pad.explanation.shades,
            cursor=document.cursor,
            pen_is_down=document.pen_is_down,
        )

    # --- words --------------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """The readings, or a fault in place of the first, and what stands around them."""
        pad, controls, document, models = self._pad, self._pad.controls, self._pad.document, self._pad.model_choice
        compared = models.second is not None
        controls.prediction.value = self._reading(pad.prediction, models.first, pad.message, named=compared)
        second = ""
        if models.second is not None and pad.reading.second is not None:
            second = self._reading(pad.reading.second, models.second, named=True)
        show(controls.second_prediction, bool(second))
        controls.second_prediction.value = second
        controls.mark(document.true_digit if len(document.drawing) else None)
        show(controls.explanation, pad.explanation.is_on)
        controls.show_acts(document, pad.prediction, pad.transcript.digits)
        if pad.is_settled and (words := markup_escape(spoken(pad.prediction))) != controls.spoken.value:
            controls.spoken.value = words  # the same once more would be announced once more
        pad.feedback.show()
        if pad.is_settled and controls.more.value:
            strokes = document.drawing.strokes
            controls.links.value = links_html(strokes, pen_width=document.pen_width, digit=document.true_digit)
            controls.origin.value = origin_html(models.first.checkpoint.manifest, models.name(models.first))

    def explain(self, *, settled: bool) -> None:
        """The explanation; one that is not ``settled`` is about the drawing as it was, and pale."""
        pad = self._pad
        pad.controls.explanation.value = pad.explanation.html(pad.prediction, settled=settled)

    def offer(self) -> None:
        """Which versions read; one that was made since the pad joins the list."""
        pad, models = self._pad, self._pad.model_choice
        second = NONE if models.second is None else models.second.version
        with pad.wiring.quietly():
            pad.controls.offer(models.options(), models.first.version, second)
            pad.wiring.show(pad.controls.scramble, models.is_scrambled)
            show(pad.controls.scramble, models.scrambled is not None)

    def _reading(self, prediction: Prediction, predictor: Predictor, message: str = "", *, named: bool = False) -> str:
        return prediction_html(
            prediction,
            name=self._pad.model_choice.name(predictor) if named else "",
            text=self._pad.transcript.text,
            scrambled=predictor.scrambled(prediction),
            settled=self._pad.is_settled,
            message=message,
            meant=self._pad.true_digit,
        )


class LiveReading(Part):
    """Reads the document of a pad again and again, and has it shown."""

    first: Prediction  # what was read last
    second: Prediction | None  # the same by the second network; None if none is compared with

    def soon(self) -> None:
        """Read now if a reading is due, and else as soon as one is."""
        if self._pad.schedule.reading_is_due():
            self.now()

    def now(self) -> None:
        """Read, and show what was read; its explanation follows once the hand has rested."""
        pad = self._pad
        with pad.schedule.reading():
            second = pad.model_choice.second
            self.first = pad.document.read(pad.predictor)
            self.second = None if second is None else pad.document.read(second)
            pad.explanation.colour(pad.predictor, pad.document, self.first)
            pad.message = ""
            if pad.explanation.is_on:
                pad.view.redraw()
            pad.view.show()
            self._explain_soon()

    @handler
    def in_time(self) -> None:
        """Read when the schedule says so."""
        self.now()

    @handler
    def explain(self) -> None:
        """Find the steps from ink to input and the smallest edit that flips the reading, and show them."""
        pad = self._pad
        pad.schedule.explain_no_more()
        pad.explanation.search(pad.predictor, pad.document)
        pad.view.explain(settled=True)

    def _explain_soon(self) -> None:
        """Show the explanation of before in a paler tone until the next is found."""
        pad = self._pad
        pad.schedule.explain_no_more()
        if pad.explanation.is_on:
            pad.view.explain(settled=False)
            if pad.is_settled and len(pad.drawing) > 0 and pad.schedule.explanation_is_due():
                self.explain()


def mime_bundle(pad: DigitPad) -> dict[str, str]:
    """What is on the pad and what is read, as PNG in base64, beside its ``repr``."""
    import matplotlib.pyplot as plt  # heavy, and of no use to the live pad

    from mnistlab.plots.drawing import prediction

    ink = pad.document.picture_ink()
    if ink is None:
        ink = rasterise(pad.drawing.strokes, pen_width=pad.document.pen_width)
    scrambled = pad.predictor.scrambled(pad.prediction)
    figure = prediction(pad.prediction, ink, scrambled=scrambled)[0].figure
    plt.close(figure)  # shown here, not once more under the cell
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", dpi=72)
    return {"text/plain": repr(pad), "image/png": base64.b64encode(file.getvalue()).decode()}
