"""A picture of a pad, for a notebook that is read where no kernel runs."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from mnistlab.data.strokes import rasterise

if TYPE_CHECKING:
    from mnistlab.pad.widget import DigitPad


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
