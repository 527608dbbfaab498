"""The smallest edit of a drawing that flips its reading: a stroke left out, an end cut short or prolonged, a gap made or closed.

Edits are tried from the smallest on, each by the path that a drawing takes to its reading, and the first that flips it
wins. Coordinates are px of the 280 x 280 canvas, y down; how much ink an edit changes is counted along the line of the
pen, in px at the standard size, where a digit is 200 px long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from mnistlab.common.constants import CANVAS, PEN_WIDTH
from mnistlab.data import polyline
from mnistlab.data.preprocess import fit
from mnistlab.data.strokes import (
    DIGIT,
    MANY_POINTS,
    PEN_SHARE,
    as_strokes,
    is_dot,
    rasterise_standard,
    to_standard_size,
)
from mnistlab.evaluation.formatting import a_digit
from mnistlab.inference.predictor import Predictor

PEN = PEN_SHARE * DIGIT  # px of the standard size, as all lengths below
TRIMS = (12, 20, 30, 42, 56, 72, 92, 120, 150)  # cut from an end
MOST_TRIMMED = 0.7  # share of a stroke
GAPS = (36, 52, 72, 100)  # taken out of the middle; the pen's round ends close up to 24 of it
SLIT = 52  # the longest of them that still looks like a gap in a line
CLOSED = (16, 100)  # shortest and longest bridge
EXTENSIONS = (16, 28, 42, 60, 80)  # added to an end
REACH = 24  # of an end, to judge which way it runs
WINDOWS = 30  # places along a stroke where a gap is tried
MOST_STROKES = 12  # in a digit; more are a scribble, and no edit is tried
MOST_POINTS = MANY_POINTS  # likewise
BATCH = 8  # edits read at a time; the first batch with a flip is the last
LEAST = 0.5  # probability of the new digit; more than all others together


@dataclass(frozen=True, eq=False)
class Edit:
    """A small change of a drawing that flips its reading.

    Attributes
    ----------
    strokes : the edited drawing, float64 arrays (n, 2), px of the canvas.
    removed, added : the lines taken away and put in, float64 arrays (m, 2), px of the canvas.
    digit : what it is read as then, 0 to 9.
    length : px of ink changed, along the line at the standard size.
    words : ``"without this bar it is a 1"``.
    """

    strokes: list[np.ndarray]
    removed: list[np.ndarray]
    added: list[np.ndarray]
    digit: int
    length: float
    words: str


@dataclass(frozen=True, eq=False)
class _Candidate:
    length: float
    strokes: list[np.ndarray]
    removed: list[np.ndarray] = field(default_factory=list)
    added: list[np.ndarray] = field(default_factory=list)
    how: str = ""  # in words


def smallest_edit(predictor: Predictor, strokes: Iterable[ArrayLike], pen_width: float = PEN_WIDTH) -> Edit | None:
    """The edit with the least ink changed, of those tried, after which the drawing is read as another digit.

    Another digit must be likelier than all others together, and ``Predictor.predict_strokes`` must read it.

    Returns
    -------
    None if the drawing has no digit, or no edit that was tried flips it; or if it has more than 12 strokes or 2,000 points,
    of which none are tried.

    Raises
    ------
    StrokesError : strokes or pen are not as ``Predictor.predict_strokes`` takes them.
    """
    drawn = as_strokes(strokes)
    predicted = predictor.predict_strokes(drawn, pen_width, CANVAS).digit
    if predicted is None or len(drawn) > MOST_STROKES or sum(map(len, drawn)) > MOST_POINTS:
        return None
    visible = [np.clip(stroke, 0, CANVAS) for stroke in drawn]
    candidates = sorted(_candidates(visible), key=lambda candidate: candidate.length)
    for first in range(0, len(candidates), BATCH):
        batch = [c for c in candidates[first : first + BATCH] if c.strokes and not is_dot(c.strokes, pen_width)]
        if not batch:
            continue
        probabilities = predictor.predict_digits(np.stack([_image(candidate.strokes) for candidate in batch]))
        for candidate, row in zip(batch, probabilities, strict=True):
            digit = int(row.argmax())
            if digit == predicted or row[digit] < LEAST:
                continue
            if predictor.predict_strokes(candidate.strokes, pen_width, CANVAS).digit != digit:
                continue  # refused, or on the edge of a rounding
            words = f"{candidate.how} it is {a_digit(digit)}"
            return Edit(candidate.strokes, candidate.removed, candidate.added, digit, candidate.length, words)
    return None


def _image(strokes: list[np.ndarray]) -> np.ndarray:
    standard, _ = to_standard_size(strokes)
    return fit(rasterise_standard(standard))


def _candidates(strokes: list[np.ndarray]) -> Iterator[_Candidate]:
    """All edits that are tried; lengths in px of the standard size."""
    points = np.concatenate(strokes)
    scale = (DIGIT - PEN) / max(float(np.ptp(points, axis=0).max()), 1.0)  # from the canvas to the standard size
    lengths = [scale * polyline.length(stroke) for stroke in strokes]
    for index, (stroke, length) in enumerate(zip(strokes, lengths, strict=True)):

        def replace(*parts: np.ndarray, index: int = index) -> list[np.ndarray]:
            return [*strokes[:index], *parts, *strokes[index + 1 :]]

        if len(strokes) > 1:
            yield _Candidate(max(length, PEN), replace(), removed=[stroke], how=f"without this {_noun(stroke, scale)}")
        yield from _cuts(stroke, length, scale, replace)
        yield from _longer(stroke, scale, replace)
    yield from _bridges(strokes, scale)


def _cuts(
    stroke: np.ndarray, length: float, scale: float, replace: Callable[..., list[np.ndarray]]
) -> Iterator[_Candidate]:
    """A start or an end cut off, or a gap made."""
    for cut in TRIMS:
        share = cut / max(length, 1.0)
        if share > MOST_TRIMMED:
            break
        for start, end, name in ((0.0, share, "start"), (1 - share, 1.0, "end")):
            gone = polyline.part(stroke, start, end)
            left = polyline.part(stroke, share, 1) if name == "start" else polyline.part(stroke, 0, 1 - share)
            what = f"without this {_noun(gone, scale)}" if _is_bar(gone, scale) else f"with a shorter {name}"
            yield _Candidate(cut, replace(left), removed=[gone], how=what)
    for cut in GAPS:
        share = cut / max(length, 1.0)
        step = max(share / 2, 1 / WINDOWS)
        for start in np.arange(PEN / 2 / max(length, 1.0), 1 - share, step):
            gone = polyline.part(stroke, start, start + share)
            rest = polyline.part(stroke, 0, start), polyline.part(stroke, start + share, 1)
            how = "with a gap here" if cut <= SLIT else f"without this {'bar' if _is_bar(gone, scale) else 'part'}"
            yield _Candidate(cut, replace(*rest), removed=[gone], how=how)


def _longer(stroke: np.ndarray, scale: float, replace: Callable[..., list[np.ndarray]]) -> Iterator[_Candidate]:
    """A start or an end prolonged the way it runs, as far as the canvas goes."""
    for line, name in ((stroke[::-1], "start"), (stroke, "end")):
        way = polyline.direction(line, reach=REACH / scale)
        if not way.any():
            continue
        for extension in EXTENSIONS:
            tip = np.clip(line[-1] + way * extension / scale, 0, CANVAS)
            longer = np.concatenate([line, tip[None]])
            added = np.stack([line[-1], tip])
            parts = longer[::-1] if name == "start" else longer
            yield _Candidate(extension, replace(parts), added=[added], how=f"with a longer {name}")


def _bridges(strokes: list[np.ndarray], scale: float) -> Iterator[_Candidate]:
    """A line between two ends, or from an end to the nearest ink that is not its own neighbourhood."""
    ends = [(index, at) for index in range(len(strokes)) for at in (0, -1)]
    spans = [(strokes[i][a], strokes[j][b]) for (i, a), (j, b) in combinations(ends, 2)]
    for index, at in ends:
        for other, line in enumerate(strokes):
            away = np.hypot(*(line - strokes[index][at]).T)
            if other == index:  # ink of its own counts from where the pen has come back to it
                along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
                along = along if at == 0 else along[-1] - along
                away = np.where(along > 2 * away + PEN / scale, away, np.inf)
            if np.isfinite(away.min()):
                spans.append((strokes[index][at], line[away.argmin()]))
    for tip, target in spans:
        distance = scale * float(np.hypot(*(target - tip)))
        if CLOSED[0] <= distance <= CLOSED[1]:
            bridge = np.stack([tip, target])
            yield _Candidate(distance, [*strokes, bridge], added=[bridge], how="with the gap closed")


def _noun(line: np.ndarray, scale: float) -> str:
    """What to call a line: dot, bar or stroke."""
    if scale * polyline.length(line) < PEN:
        return "dot"
    return "bar" if _is_bar(line, scale) else "stroke"


def _is_bar(line: np.ndarray, scale: float) -> bool:
    """Straight, closer to level than 30 degrees, and longer than the pen is wide twice."""
    across, down = np.abs(line[-1] - line[0])
    return scale * across >= 2 * PEN and down <= 0.5 * across and polyline.length(line) <= 1.15 * np.hypot(across, down)
