"""What the pad says about a prediction, as HTML text: the digit, ten bars, what the network saw; and links to save a drawing.

No widget in here: a prediction goes in, a string comes out. How it looks is in ``pad.css``.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mnistlab.common.constants import CLASSES
from mnistlab.data.drawings import drawing_to_json, drawing_to_png
from mnistlab.evaluation.formatting import percent
from mnistlab.inference.predictor import Prediction
from mnistlab.pad.keyboard import HELP
from mnistlab.registry.card import lineage
from mnistlab.registry.manifest import Manifest

PROMPT = "draw a digit"
RIVAL = 0.1  # probability from which the second choice is worth naming
HASH = re.compile(r"[0-9a-f]{40,64}")  # of a commit, or a SHA-256
NAMED = 4  # digits of a larger set that are shown


def render(
    prediction: Prediction,
    *,
    scrambled: np.ndarray | None = None,
    settled: bool = True,
    message: str = "",
    meant: int | None = None,
) -> str:
    """A prediction as HTML.

    Parameters
    ----------
    prediction : what was read; without a digit its reason is shown, or ``PROMPT`` if the canvas is empty.
    scrambled : uint8 (28, 28), what a permuted network really got; None for a plain one.
    settled : the pen is up. Only then is the answer announced to screen readers: in mid-stroke it changes too often.
    message : a fault, shown in place of the answer; what is read stays as it was.
    meant : the digit that a person says it is, or None.
    """
    kind = "plain" if scrambled is None else "permuted"
    live = ' role="alert"' if message else ' role="status"' if settled else ""
    several = f" mnistlab-of{min(len(prediction.digits), 4)}" if len(prediction.digits) > 1 else ""
    pictures = picture(
        prediction.image, "what the network sees, 28 x 28" if scrambled is None else "your digit, 28 x 28"
    )
    if scrambled is not None:
        pictures += picture(scrambled, "scrambled, as the network sees it")
    return (
        f'<div class="mnistlab-readout mnistlab-{kind}">'
        f'<p class="mnistlab-head">version {html.escape(prediction.version)}, {kind} pixels</p>'
        f'<div class="mnistlab-answer{several}"{live}>{_answer(prediction, message, meant)}</div>'
        f'<div class="mnistlab-rows">{_rows(prediction)}</div>'
        f'<div class="mnistlab-seen">{pictures}</div>'
        f'<p class="mnistlab-foot">{_foot(prediction)}</p></div>'
    )


def picture(image: np.ndarray, caption: str, *, kind: str = "") -> str:
    """A figure of ink, uint8 (H, W), dark on white, with a caption below that says all there is to see."""
    file = io.BytesIO()
    Image.fromarray(255 - image).save(file, "PNG")
    source = _address("image/png", file.getvalue())
    return f'<figure class="{kind}"><img alt="" src="{source}"><figcaption>{html.escape(caption)}</figcaption></figure>'


def sentence(text: str) -> str:
    """A message as a sentence: a capital first, a full stop last."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"


def label(manifest: Manifest) -> str:
    """A version in a list: its name, its kind, how good it is on the test images, or failing them on validation."""
    kind = "plain" if manifest.permutation.kind == "identity" else "permuted"
    metric = manifest.metrics.get("test", manifest.metrics["validation"])
    return f"{manifest.version}: {kind}, {100 * metric.value:.1f} % right"


def links(strokes: Sequence[np.ndarray], *, pen_width: float, digit: int | None = None) -> str:
    """Two links that save a drawing, as PNG and as strokes; the files are inside them. A word instead if there is none."""
    if not strokes:
        return '<p class="mnistlab-side">Save: nothing is drawn yet</p>'
    name = "drawing" if digit is None else f"digit-{digit}"
    text = drawing_to_json(strokes, pen_width=pen_width, digit=digit, name=name).encode()
    saved = {
        ("as PNG", f"{name}.png"): _address("image/png", drawing_to_png(strokes, pen_width=pen_width, digit=digit)),
        ("as strokes", f"{name}.json"): _address("application/json", text),
    }
    anchors = " or ".join(f'<a download="{file}" href="{href}">{words}</a>' for (words, file), href in saved.items())
    return f'<p class="mnistlab-side">Save {anchors}</p>'


def origin(manifest: Manifest) -> str:
    """Where the version that reads comes from, folded away; a hash is cut, and whole where the mouse rests on it."""

    def shorten(found: re.Match) -> str:
        return f'<span title="{found[0]}">{found[0][:12]}</span>'

    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{HASH.sub(shorten, html.escape(text))}</dd>"
        for name, text in lineage(manifest).items()
    )
    return (
        f'<details class="mnistlab-side"><summary>Where version {html.escape(manifest.version)} comes from</summary>'
        f'<dl class="mnistlab-keys">{rows}</dl></details>'
    )


def keys() -> str:
    """The keys of the canvas, as a small table."""
    rows = "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(meaning)}</dd>" for key, meaning in HELP)
    return f'<div class="mnistlab-side"><p>Keys, once the canvas has the focus:</p><dl class="mnistlab-keys">{rows}</dl></div>'


def note(text: str) -> str:
    """A word about what a button did, announced to screen readers."""
    return f'<p class="mnistlab-side" role="status">{html.escape(text)}</p>'


def _answer(prediction: Prediction, message: str, meant: int | None) -> str:
    if message:
        return f'<div class="mnistlab-words mnistlab-fault">{html.escape(message)}</div>'
    told = [] if meant is None else [f"you meant {_a(meant)}"]
    if prediction.digit is None:
        blank = not prediction.image.any()
        words = PROMPT if blank else "not sure"
        if prediction.reason != "the canvas is empty":
            told = [prediction.reason, *told]
        return f'<div class="mnistlab-words">{words}{_small(told)}</div>'
    shares = prediction.probabilities
    if len(prediction.digits) > 1:
        shown = [str(digit) for digit in prediction.digits[:NAMED]]
        digits = f"{'<small>, </small>'.join(shown[:-1])}<small> or </small>{shown[-1]}"
        more = [f"or {len(prediction.digits) - NAMED} more"] * (len(prediction.digits) > NAMED)
        told_of = (
            prediction.digits if len(prediction.digits) == 2 else prediction.digits[:1]
        )  # there is room for no more
        chances = [f"{digit}: {_percent(shares[digit])}" for digit in told_of]
        return (
            f'<div class="mnistlab-digit">{digits}</div>'
            f'<div class="mnistlab-words">{_small([*chances, *more, *told])}</div>'
        )
    second = int(np.argsort(shares)[-2])
    other = [f"perhaps {_a(second)}: {_percent(shares[second])}"] * bool(shares[second] >= RIVAL)
    return (
        f'<div class="mnistlab-digit">{prediction.digit}</div>'
        f'<div class="mnistlab-words">{_percent(prediction.confidence)} sure{_small([*other, *told])}</div>'
    )


def _foot(prediction: Prediction) -> str:
    took = f"read in {prediction.milliseconds:.1f} ms" if prediction.image.any() else ""
    if len(prediction.digits) > 1 and prediction.level is not None:
        return f"on digits like MNIST's, {percent(prediction.level, 1)} of readings hold the right one<br>{took}"
    return took


def _rows(prediction: Prediction) -> str:
    read = bool(prediction.image.any())  # a doubtful drawing has its shares, an empty canvas none
    shares = prediction.probabilities if read else np.zeros(CLASSES)
    among = prediction.digits or (prediction.digit,)
    return "".join(
        f'<div class="mnistlab-row{" mnistlab-first" if digit in among else ""}"><span>{digit}</span>'
        f'<div class="mnistlab-track"><div class="mnistlab-bar" style="width:{100 * share:.1f}%"></div></div>'
        f"<span>{_percent(share) if read else ''}</span></div>"
        for digit, share in enumerate(shares)
    )


def _small(lines: Sequence[str]) -> str:
    return "".join(f"<small>{html.escape(line)}</small>" for line in lines)


def _a(digit: int) -> str:
    return f"{'an' if digit == 8 else 'a'} {digit}"


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _percent(share: float) -> str:
    """One decimal; 100 % only for what is 100 % to the decimal shown, never for 99.97."""
    return f"{np.floor(1000 * share) / 10:.1f} %"
