"""What the pad says about a prediction, as HTML: the digit, ten bars, what the network saw; and links to save a drawing.

No widget in here: a prediction goes in, a text comes out. Its templates lie beside this module; how it looks is in ``pad.css``.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mnistlab.common.constants import CLASSES
from mnistlab.common.html import render
from mnistlab.data.drawings import drawing_to_json, drawing_to_png
from mnistlab.evaluation import conformal
from mnistlab.evaluation.formatting import a_digit, percent
from mnistlab.pad.keyboard import HELP
from mnistlab.registry.card import lineage

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction
    from mnistlab.registry.manifest import Manifest

PROMPT = "draw a digit"
EMPTY, SEVERAL = "the canvas is empty", "several digits"  # reasons of a predictor for no digit; the second goes on
SPOKEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SECOND = 0.1  # probability from which the second choice is worth naming
HASH = re.compile(r"([0-9a-f]{40,64})")  # of a commit, or a SHA-256
NAMED = 4  # digits of a larger set that are shown


def prediction_html(
    prediction: Prediction,
    *,
    name: str = "",
    text: str = "",
    scrambled: np.ndarray | None = None,
    settled: bool = True,
    message: str = "",
    meant: int | None = None,
) -> str:
    """A prediction as HTML.

    Parameters
    ----------
    prediction : what was read; without a digit its reason is shown, or ``PROMPT`` if the canvas is empty.
    name : of the version, shown above it where two are compared.
    text : what is copied.
    scrambled : uint8 (28, 28), what a permuted network really got; None for a plain one.
    settled : the pen is up.
    message : a fault, shown in place of the answer; what is read stays as it was.
    meant : the digit that a person says it is, or None.
    """
    is_read = bool(prediction.image.any())  # a doubtful drawing has its probabilities, an empty canvas none
    caption = "What the network sees, 28 by 28 pixels" if scrambled is None else "Your digit, 28 by 28 pixels"
    pictures = [(picture_address(prediction.image), caption)]
    if scrambled is not None:
        pictures.append((picture_address(scrambled), "The same pixels, scrambled, as the network sees them"))
    headline, remarks = words(prediction)
    return render(
        "pad/prediction.html",
        kind="plain" if scrambled is None else "permuted",
        version=prediction.version,
        name=name,
        text=text,
        settled=settled,
        is_empty=prediction.reason == EMPTY,
        message=message,
        digits=prediction.digits,
        unsaid=_short(as_text(prediction)) if prediction.digit is None else "",
        most=NAMED,
        strength=1.0 if headline == "sure" else 0.8 * prediction.confidence**2,  # how dark the digit is
        exact=_exact(prediction),
        headline=headline,
        remarks=remarks if meant is None else [*remarks, f"you meant {a_digit(meant)}"],
        probabilities=prediction.probabilities.tolist() if is_read else [0.0] * CLASSES,
        percent=_percent,
        is_read=is_read,
        pictures=pictures,
        milliseconds=prediction.milliseconds,
    )


def picture_address(image: np.ndarray) -> str:
    """The address of a picture that is inside it: ink, uint8 (H, W), dark on white, as PNG."""
    file = io.BytesIO()
    Image.fromarray(255 - image).save(file, "PNG")
    return _address("image/png", file.getvalue())


def links_html(strokes: Sequence[np.ndarray], *, pen_width: float, digit: int | None = None) -> str:
    """Two links that save strokes (n, 2), as PNG and as they are; the files are inside them. A word instead if there is none."""
    links = []
    if strokes:
        name = "drawing" if digit is None else f"digit-{digit}"
        png = drawing_to_png(strokes, pen_width=pen_width, digit=digit)
        text = drawing_to_json(strokes, pen_width=pen_width, digit=digit, name=name)
        links = [
            ("as PNG", f"{name}.png", _address("image/png", png)),
            ("as strokes", f"{name}.json", _address("application/json", text.encode())),
        ]
    return render("pad/links.html", links=links)


def origin_html(manifest: Manifest, name: str) -> str:
    """Where the version that reads comes from, folded away; a hash is cut, and whole where the mouse rests on it."""
    rows = {name: HASH.split(text) for name, text in lineage(manifest).items()}  # every second part is a hash
    return render("pad/origin.html", name=name, rows=rows)


def keys_html(name: str) -> str:
    """A button that opens a small table of the keys of the canvas; ``name`` tells it from those of other pads."""
    return render("pad/keys.html", name=name, keys=HELP)


def message_html(text: str) -> str:
    """A word about what a button did, announced to screen readers."""
    return render("pad/note.html", text=text, failed=False, kind="mnistlab-side")


def words(prediction: Prediction) -> tuple[str, list[str]]:
    """The words beside the digit: a line, and smaller ones below it. Figures are for a second choice; the bars have all."""
    probabilities = prediction.probabilities
    if prediction.digit is None:
        is_empty = prediction.reason == EMPTY
        if prediction.parts:
            return SEVERAL, [prediction.reason.removeprefix(f"{SEVERAL}: ")]
        return "not sure" if prediction.image.any() else PROMPT, [] if is_empty else [prediction.reason]
    if len(prediction.digits) > 1:
        named = prediction.digits if len(prediction.digits) == 2 else prediction.digits[:1]  # there is room for no more
        remarks = [", ".join(f"{digit}: {_percent(probabilities[digit])}" for digit in named)]
        if len(prediction.digits) > NAMED:
            remarks.append(f"or {len(prediction.digits) - NAMED} more")
        return "in doubt", remarks
    second = int(np.argsort(probabilities)[-2])
    remarks = []
    if probabilities[second] >= SECOND:
        remarks.append(f"perhaps {a_digit(second)}: {_percent(probabilities[second])}")
    return prediction.certainty or conformal.certainty(_scores(prediction)), remarks


def spoken(prediction: Prediction) -> str:
    """The answer for those who listen: ``"seven, sure"``, ``"four or nine, in doubt"``; empty for an empty canvas."""
    if prediction.reason == EMPTY:
        return ""
    headline, _ = words(prediction)
    if prediction.digit is None:
        return f"{headline}: {prediction.reason}" if headline == "not sure" else prediction.reason
    *first, last = (SPOKEN[digit] for digit in prediction.digits[:NAMED])
    named = f"{', '.join(first)} or {last}" if first else last
    return f"{named}, {headline}"


def as_text(prediction: Prediction) -> str:
    """The reading as it is copied: ``"7"``, ``"4 or 9"``, ``"37"`` for several, ``"?"``; empty for an empty canvas."""
    if prediction.digit is None:
        one_by_one = "".join("?" if part.digit is None else str(part.digit) for part in prediction.parts)
        return one_by_one or ("" if prediction.reason == EMPTY else "?")
    return " or ".join(str(digit) for digit in prediction.digits)


def _short(number: str) -> str:
    return number if len(number) <= NAMED else f"{number[: NAMED - 1]}…"


def _exact(prediction: Prediction) -> str:
    """For a tooltip: the figure behind the word, and what a set promises."""
    if prediction.digit is None:
        return ""
    figure = f"{prediction.digit}: {_percent(prediction.confidence)}"
    if len(prediction.digits) < 2 or prediction.level is None:
        return figure
    return f"{figure}; for digits like MNIST's, {percent(prediction.level, 1)} of readings include the right one"


def _scores(prediction: Prediction) -> np.ndarray:
    """Nats, float64 (10,)."""
    return -np.log(np.maximum(prediction.probabilities, 1e-12))


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _percent(probability: float) -> str:
    """One decimal; 100 % only for what is 100 % to the decimal shown, never for 99.97."""
    return f"{np.floor(1000 * probability) / 10:.1f} %"
