"""What the pad says about a prediction, as HTML text: the digit, ten bars, what the network saw.

No widget in here: a prediction goes in, a string comes out. Colours come from JupyterLab's theme, with others to fall back
on; blue is a plain network and orange a permuted one, as in every figure, in lighter tones on a dark page.
"""

from __future__ import annotations

import base64
import html
import io

import numpy as np
from PIL import Image

from mnistlab.checkpoint import Manifest
from mnistlab.data import CLASSES, SIDE
from mnistlab.predictor import Prediction

PROMPT = "draw a digit"
RIVAL = 0.1  # probability from which the second choice is worth naming
ZOOM = 4  # screen px for each of the 28

STYLE = """<style>
.mnistlab-pad { gap: 12px 32px; padding: 4px; --pad-plain: #0072B2; --pad-permuted: #D55E00; --pad-shade: invert(0);
  --pad-text: var(--jp-ui-font-color1, currentColor); --pad-faint: var(--jp-ui-font-color2, currentColor);
  --pad-line: var(--jp-border-color1, #9E9E9E); --pad-track: var(--jp-layout-color2, rgba(128, 128, 128, 0.2)); }
body[data-jp-theme-light="false"] .mnistlab-pad, body.vscode-dark .mnistlab-pad {
  --pad-plain: #56B4E9; --pad-permuted: #E69F00; --pad-shade: invert(0.92); }
.mnistlab-pad .mnistlab-sheet { background: #fff; box-shadow: 0 0 0 1px #9E9E9E; border-radius: 3px; cursor: crosshair;
  touch-action: none; filter: var(--pad-shade); max-width: calc(100% - 2px); height: auto !important; aspect-ratio: 1; }
.mnistlab-pad .mnistlab-sheet:focus-visible { outline: 2px solid var(--pad-plain); outline-offset: 1px; }
.mnistlab-readout { --pad-accent: var(--pad-plain); font: 13px/18px var(--jp-ui-font-family, sans-serif);
  color: var(--pad-text); }
.mnistlab-readout.mnistlab-permuted { --pad-accent: var(--pad-permuted); }
.mnistlab-readout p { margin: 0; }
.mnistlab-answer { display: flex; align-items: center; gap: 12px; height: 84px; }
.mnistlab-digit { flex: none; width: 56px; font-size: 84px; line-height: 84px; font-weight: 600; text-align: center;
  font-variant-numeric: tabular-nums; color: var(--pad-accent); }
.mnistlab-words { font-size: 16px; line-height: 22px; }
.mnistlab-words small { display: block; font-size: 13px; line-height: 18px; color: var(--pad-faint); }
.mnistlab-fault { font-size: 14px; line-height: 18px; max-height: 84px; overflow-y: auto; }
.mnistlab-rows { margin: 8px 0 12px; }
.mnistlab-row { display: grid; grid-template-columns: 12px 1fr 52px; gap: 8px; align-items: center; height: 17px;
  font-variant-numeric: tabular-nums; color: var(--pad-faint); }
.mnistlab-row span:last-child { text-align: right; }
.mnistlab-track { height: 9px; border-radius: 2px; background: var(--pad-track); overflow: hidden; }
.mnistlab-bar { height: 100%; background: var(--pad-line); }
.mnistlab-first { color: var(--pad-text); font-weight: 600; }
.mnistlab-first .mnistlab-bar { background: var(--pad-accent); }
.mnistlab-seen { display: flex; flex-wrap: wrap; gap: 8px 16px; }
.mnistlab-seen figure { margin: 0; }
.mnistlab-seen img { display: block; width: 112px; height: 112px; image-rendering: pixelated; box-sizing: content-box;
  border: 1px solid #9E9E9E; border-radius: 2px; filter: var(--pad-shade); }
.mnistlab-seen figcaption, .mnistlab-foot { font-size: 12px; color: var(--pad-faint); }
.mnistlab-foot { margin-top: 8px !important; }
</style>"""


def render(
    prediction: Prediction, *, scrambled: np.ndarray | None = None, settled: bool = True, message: str = ""
) -> str:
    """A prediction as HTML.

    Parameters
    ----------
    prediction : what was read; without a digit its reason is shown, or ``PROMPT`` if the canvas is empty.
    scrambled : uint8 (28, 28), what a permuted network really got; None for a plain one.
    settled : the pen is up. Only then is the answer announced to screen readers: in mid-stroke it changes too often.
    message : a fault, shown in place of the answer; what is read stays as it was.
    """
    kind = "plain" if scrambled is None else "permuted"
    live = ' role="alert"' if message else ' role="status"' if settled else ""
    took = f", {prediction.milliseconds:.1f} ms" if prediction.digit is not None else ""
    pictures = _picture(
        prediction.image, "what the network sees, 28 x 28" if scrambled is None else "your digit, 28 x 28"
    )
    if scrambled is not None:
        pictures += _picture(scrambled, "scrambled, as it sees it")
    return (
        f'<div class="mnistlab-readout mnistlab-{kind}">'
        f'<div class="mnistlab-answer"{live}>{_answer(prediction, message)}</div>'
        f'<div class="mnistlab-rows">{_rows(prediction)}</div>'
        f'<div class="mnistlab-seen">{pictures}</div>'
        f'<p class="mnistlab-foot">version {html.escape(prediction.version)}, {kind} pixels{took}</p></div>'
    )


def sentence(text: str) -> str:
    """A message as a sentence: a capital first, a full stop last."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"


def label(manifest: Manifest) -> str:
    """A version in a list: its name, its kind, how good it is on the test images, or failing them on validation."""
    kind = "plain" if manifest.permutation.kind == "identity" else "permuted"
    metric = manifest.metrics.get("test", manifest.metrics["validation"])
    return f"{manifest.version}: {kind}, {100 * metric.value:.1f} % right"


def _answer(prediction: Prediction, message: str) -> str:
    if message:
        return f'<div class="mnistlab-words mnistlab-fault">{html.escape(message)}</div>'
    if prediction.digit is None:
        empty = not prediction.image.any() and prediction.reason == "the canvas is empty"
        words = PROMPT if empty else f"{PROMPT}<small>{html.escape(prediction.reason)}</small>"
        return f'<div class="mnistlab-words">{words}</div>'
    second = int(np.argsort(prediction.probabilities)[-2])
    rival = prediction.probabilities[second]
    other = f"<small>perhaps a {second}: {_percent(rival)}</small>" if rival >= RIVAL else ""
    return (
        f'<div class="mnistlab-digit">{prediction.digit}</div>'
        f'<div class="mnistlab-words">{_percent(prediction.confidence)} sure{other}</div>'
    )


def _rows(prediction: Prediction) -> str:
    shares = prediction.probabilities if prediction.digit is not None else np.zeros(CLASSES)
    return "".join(
        f'<div class="mnistlab-row{" mnistlab-first" if digit == prediction.digit else ""}"><span>{digit}</span>'
        f'<div class="mnistlab-track"><div class="mnistlab-bar" style="width:{100 * share:.1f}%"></div></div>'
        f"<span>{_percent(share) if prediction.digit is not None else ''}</span></div>"
        for digit, share in enumerate(shares)
    )


def _picture(image: np.ndarray, caption: str) -> str:
    file = io.BytesIO()
    Image.fromarray(255 - image).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<figure><img alt="" width="{ZOOM * SIDE}" height="{ZOOM * SIDE}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _percent(share: float) -> str:
    """One decimal; 100 % only for what is 100 % to the decimal shown, never for 99.97."""
    return f"{np.floor(1000 * share) / 10:.1f} %"
