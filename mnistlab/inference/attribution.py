"""Why a drawing is read as it is: which ink spoke for the digit, the steps from ink to input, the smallest edit that flips it.

Ink is judged by occlusion (Zeiler and Fergus 2014) over the person's own strokes: a piece is taken away, the rest stays
where it is, and the log-odds of the digit fall or rise. Coordinates are px of the 280 x 280 canvas, y down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mnistlab.common.constants import BOX, CANVAS, CLASSES, PEN_WIDTH
from mnistlab.common.errors import LabError
from mnistlab.data import polyline, segments
from mnistlab.data.preprocess import bounds, centre, place, shrink
from mnistlab.data.strokes import as_strokes, check_pen, is_dot, rasterise, rasterise_standard, to_standard_size
from mnistlab.evaluation.metrics import log_odds
from mnistlab.inference.predictor import Predictor


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each piece of ink did for the digit.

    Attributes
    ----------
    digit : the one that is explained, 0 to 9; None if there is nothing to read.
    pieces : float64 arrays (m, 2), px of the canvas, in the order they were drawn; together the whole drawing.
    weights : float64 (n,), one a piece: the log-odds of the digit with it minus those without, > 0 if it spoke for the digit.
    """

    digit: int | None
    pieces: list[np.ndarray]
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class PreprocessingStep:
    """A drawing on its way into the network.

    Attributes
    ----------
    name : what was done, in a few words.
    image : uint8 (H, W), 0 paper, 255 ink.
    """

    name: str
    image: np.ndarray


def attribute(
    predictor: Predictor,
    strokes: Iterable[ArrayLike],
    *,
    pen_width: float = PEN_WIDTH,
    digit: int | None = None,
    pieces: int = 16,
) -> Attribution:
    """Which ink spoke for a digit, and which against.

    The strokes are cut into pieces of about equal length. Each is taken away in turn from the drawing at its standard size;
    what is left keeps the size and the place of the whole, so that ink alone is judged.

    Parameters
    ----------
    strokes, pen_width : as for ``Predictor.predict_strokes``.
    digit : the one to explain, 0 to 9; None is the likeliest.
    pieces : about how many, 1 to 100. Every stroke has at least one; of more than twice as many, only the longest are
        judged, and the rest, specks of a scribble, weigh 0.

    Raises
    ------
    StrokesError : strokes or pen are no such.
    LabError : the digit or the number of pieces is out of bounds.
    """
    if digit is not None and digit not in range(CLASSES):
        raise LabError(f"the digit to explain is 0 to 9, not {digit!r}", code="digit")
    if pieces not in range(1, 101):
        raise LabError(f"a drawing is cut into 1 to 100 pieces, not {pieces!r}", code="pieces")
    strokes, pen = as_strokes(strokes), check_pen(pen_width)
    if not strokes or is_dot(strokes, pen):
        return Attribution(None, [], np.zeros(0))
    stray = segments.strays(segments.boxes_of(strokes))  # they were left out when the drawing was read, and say nothing
    kept = [number for number in range(len(strokes)) if number not in stray]
    standard, width = to_standard_size([strokes[number] for number in kept])
    whole = rasterise_standard(standard)
    window = bounds(whole)
    small = shrink(whole[window])
    at = centre(small)
    cuts = _cuts(standard, pieces)
    judged = sorted(range(len(cuts)), key=lambda k: -_length(standard, *cuts[k]))[: 2 * pieces]
    left = (rasterise_standard(_without(standard, *cuts[k], width / 2)) for k in judged)
    images = [place(small, at), *(place(shrink(ink[window]), at) for ink in left)]
    logits = predictor.checkpoint.logits(np.stack(images))
    digit = int(logits[0].argmax()) if digit is None else int(digit)
    odds = log_odds(logits, digit)
    places = [(kept[i], start, end) for i, start, end in cuts] + [(number, 0.0, 1.0) for number in stray]
    weights = np.zeros(len(places))
    weights[judged] = odds[0] - odds[1:]
    drawn = [np.clip(stroke, 0, CANVAS) for stroke in strokes]  # the ink anybody saw
    order = sorted(range(len(places)), key=lambda k: places[k][0])  # stroke by stroke, as they were drawn
    return Attribution(digit, [polyline.part(drawn[places[k][0]], *places[k][1:]) for k in order], weights[order])


def preprocessing_steps(
    predictor: Predictor, strokes: Iterable[ArrayLike], pen_width: float = PEN_WIDTH
) -> list[PreprocessingStep]:
    """A drawing from its ink to what the network gets, each step by the functions that the reading itself uses.

    An empty drawing has none, and a dot, which is not read, only the first.

    Raises
    ------
    StrokesError : strokes or pen are no such.
    """
    strokes, pen = as_strokes(strokes), check_pen(pen_width)
    if not strokes:
        return []
    steps = [PreprocessingStep("as drawn", rasterise(strokes, pen_width=pen))]
    if is_dot(strokes, pen):
        return steps
    standard, _ = to_standard_size(strokes)
    ink = rasterise_standard(standard)
    small = shrink(ink[bounds(ink)])
    image = place(small, centre(small))
    steps += [
        PreprocessingStep("redrawn at one size", ink),
        PreprocessingStep(f"in a box of {BOX}", _boxed(small)),
        PreprocessingStep("centre of mass in the middle", image),
    ]
    if not predictor.permutation.is_identity:
        steps.append(PreprocessingStep("scrambled", predictor.permutation.apply(image)))
    return steps


def _cuts(strokes: list[np.ndarray], pieces: int) -> list[tuple[int, float, float]]:
    """(stroke, start, end) of pieces of about equal length, start and end as places on the stroke."""
    lengths = [polyline.length(stroke) for stroke in strokes]
    counts = [max(1, round(pieces * length / max(sum(lengths), 1.0))) for length in lengths]
    return [(i, k / n, (k + 1) / n) for i, n in enumerate(counts) for k in range(n)]


def _length(strokes: list[np.ndarray], index: int, start: float, end: float) -> float:
    return polyline.length(strokes[index]) * (end - start)


def _without(strokes: list[np.ndarray], index: int, start: float, end: float, radius: float) -> list[np.ndarray]:
    """The strokes with no ink of one of them between two places: what is left of it ends, round, where the piece began."""
    stroke = strokes[index]
    gap = radius / max(polyline.length(stroke), 1.0)
    left = []
    if start > 0:
        left.append(polyline.part(stroke, 0, max(0.0, start - gap)))
    if end < 1:
        left.append(polyline.part(stroke, min(1.0, end + gap), 1))
    return [*strokes[:index], *left, *strokes[index + 1 :]]


def _boxed(small: np.ndarray) -> np.ndarray:
    """A picture with a longer side of 20 px in the middle of 20 x 20."""
    box = np.zeros((BOX, BOX), dtype=np.uint8)
    top, left = ((BOX - side) // 2 for side in small.shape)
    box[top : top + small.shape[0], left : left + small.shape[1]] = small
    return box
