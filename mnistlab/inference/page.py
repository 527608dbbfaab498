"""Several digits in one drawing or picture: which pieces are one digit, and what each of them is.

``segments`` says what stands beside what; where a gap is so narrow that two pieces may be the halves of one digit, the network
reads each of them and both together. The rules were chosen on the pen strokes that ``segments`` names: two digits of one hand,
set side by side, against single digits of several strokes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.constants import CLASSES
from mnistlab.data import preprocess, segments
from mnistlab.data.ink_marks import Marks
from mnistlab.data.segments import Box, Piece
from mnistlab.data.strokes import rasterise_standard, to_standard_size
from mnistlab.inference.prediction import Page, PlacedPrediction, Prediction, named

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Predictor

SURE, NEAR = (
    0.2,
    0.15,
)  # gaps, of the height: from the first on two pieces are two digits; below the second both must read as one
READ, CERTAIN = 0.5, 0.9  # probability from which a piece may be a digit by itself; if the two overlap
EQUAL = 0.8  # of the height of both, shared; an open 4 has no two parts as much alike
OPEN = (4, 9)  # digits that people write as a part and, to the right of it, a stem that reads as a 1
PARTS = (0, 1, 2, 6)  # what that part, the bowl of a 9 or the arms of a 4, reads as

Look = Callable[[Piece], NDArray[np.uint8]]  # a piece as 28 x 28


class Drawn(NamedTuple):
    """Strokes to be taken apart."""

    strokes: list[NDArray[np.float64]]  # px of the 280 x 280 canvas
    boxes: list[Box]  # of each of them
    unit: float = 1.0  # of the points as they came, in px of that canvas


@dataclass(frozen=True)
class Layout:
    """A drawing or a picture, taken apart.

    Attributes
    ----------
    lines : pieces in reading order, as ``segments.lines`` gives them.
    look : makes 28 x 28 of a piece.
    strays : how many stray marks were left out.
    unit : by which the boxes of the pieces are multiplied to tell where they stand.
    """

    lines: list[list[Piece]]
    look: Look
    strays: int = 0
    unit: float = 1.0

    @property
    def note(self) -> str:
        """What was left out, in words."""
        if not self.strays:
            return ""
        return "a stray mark was left out" if self.strays == 1 else f"{self.strays} stray marks were left out"


def stroke_layout(drawn: Drawn) -> Layout:
    """Strokes taken apart; at least one."""
    strokes, boxes, unit = drawn
    strays = segments.strays(boxes)
    kept = [number for number in range(len(strokes)) if number not in strays] if strays else range(len(strokes))
    lines = segments.lines([boxes[number] for number in kept])

    def look(piece: Piece) -> NDArray[np.uint8]:
        standard, _ = to_standard_size([strokes[kept[member]] for member in piece.members])
        return preprocess.fit(rasterise_standard(standard))

    return Layout(lines, look, len(strays), unit)


def marks_layout(marks: Marks) -> Layout:
    """A picture's marks taken apart."""

    def look(piece: Piece) -> NDArray[np.uint8]:
        return marks.image(piece.members)

    return Layout(segments.lines(marks.boxes), look)


def settle(reader: Predictor, layout: Layout) -> Layout:
    """The same with pieces put together that are one digit."""
    doubts = {
        (number, k): (left, right, segments.join(left, right))
        for number, line in enumerate(layout.lines)
        for k, (left, right) in enumerate(pairwise(line))
        if segments.gap(left.box, right.box) < SURE
    }
    if not doubts:
        return layout
    images = np.stack([layout.look(piece) for doubt in doubts.values() for piece in doubt])
    read = reader.predict_digits(images).reshape(-1, 3, CLASSES)
    one = {
        key for (key, (left, right, _)), p in zip(doubts.items(), read, strict=True) if is_one(left.box, right.box, p)
    }
    lines = []
    for number, line in enumerate(layout.lines):
        pieces = [line[0]]
        for k, piece in enumerate(line[1:]):
            if (number, k) in one:
                pieces[-1] = segments.join(pieces[-1], piece)
            else:
                pieces.append(piece)
        lines.append(pieces)
    return replace(layout, lines=lines)


def is_one(left: Box, right: Box, probabilities: NDArray[np.floating]) -> bool:
    """Whether two pieces side by side are parts of one digit.

    Parameters
    ----------
    left, right : their boxes.
    probabilities : (3, 10), of the left one, the right one and both together.
    """
    apart = segments.gap(left, right)
    first, second, both = probabilities.argmax(axis=1).tolist()
    if both in OPEN and second == 1 and first in PARTS and segments.shared_height(left, right) < EQUAL:
        return apart < SURE
    return apart < NEAR and bool(probabilities[:2].max(axis=1).min() < (READ if apart > -segments.OVERLAP else CERTAIN))


def read(reader: Predictor, layout: Layout, started: float) -> Page:
    """Every digit of a drawing or picture, by itself; ``started`` by ``time.perf_counter``."""
    return _read(reader, settle(reader, layout), started)


def predict(reader: Predictor, layout: Layout, started: float) -> Prediction:
    """The digit of a drawing or picture; of several, none, but a reason that names them, and each in ``parts``."""
    settled = settle(reader, layout)
    pieces = [piece for line in settled.lines for piece in line]
    image = layout.look(segments.join(*pieces))
    if len(pieces) == 1:
        prediction = reader.judge(image[None], started)[0]
        return replace(prediction, note=layout.note) if layout.strays else prediction
    return several(_read(reader, settled, started), image)


def several(page: Page, image: NDArray[np.uint8]) -> Prediction:
    """A page with several digits as one answer.

    Parameters
    ----------
    image : uint8 (28, 28), what they look like together.
    """
    reason = f"several digits: {named(page)}"
    none, parts = np.full(CLASSES, 1 / CLASSES), page.readings
    return Prediction(None, none, image, page.milliseconds, page.version, reason, note=page.note, parts=parts)


def of_one(read: Prediction, box: Box) -> Page:
    """The page of a single digit."""
    return Page((_placed(read, box, 0),), read.milliseconds, read.version)


def _read(reader: Predictor, layout: Layout, started: float) -> Page:
    placed = [(number, piece) for number, line in enumerate(layout.lines) for piece in line]
    images = np.stack([layout.look(piece) for _, piece in placed])
    readings = [
        _placed(prediction, Box(*(side * layout.unit for side in piece.box)), line)
        for prediction, (line, piece) in zip(reader.judge(images, started), placed, strict=True)
    ]
    return Page(tuple(readings), 1000 * (time.perf_counter() - started), reader.version, note=layout.note)


def _placed(read: Prediction, box: Box, line: int) -> PlacedPrediction:
    return PlacedPrediction(
        read.digit,
        read.probabilities,
        read.image,
        read.milliseconds,
        read.version,
        read.reason,
        read.digits,
        read.level,
        certainty=read.certainty,
        box=box,
        line=line,
    )
