"""Measuring on real pen strokes: replay drawings through the path that a person's strokes take.

A file of drawings is JSON Lines, gzipped or not, one drawing per line:
``{"label": 8, "writer": 12, "strokes": [[[x, y], ...]]}``, coordinates in px of a 280 x 280 canvas, y down; or it is the
text file of "UJI Pen Characters (Version 2)", as ``ujipen`` reads it. The strokes of UCI's "Pen-Based Recognition of
Handwritten Digits" (Alpaydin and Alimoglu, CC BY 4.0) can be written so; none ships with the lab, and the committed models
learned from none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from mnistlab.common.constants import CANVAS, CLASSES, PEN_WIDTH
from mnistlab.common.errors import DataError
from mnistlab.common.progress import track
from mnistlab.data.pen_files import PenDrawing
from mnistlab.evaluation import formatting
from mnistlab.evaluation.conformal import Coverage
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.inference.predictor import Predictor

WIDTHS = (8, 14, 20, 28)  # px
SIZES = (60, 120, 180, 260)  # px of the longer side, pen not counted
PLACES = ("centre", "top left", "top right", "bottom left", "bottom right")
MARGIN = 5  # px between a digit in a corner and the edges


@dataclass(frozen=True)
class PenReport:
    """How well drawings were read."""

    version: str  # of the model
    as_drawn: Accuracy  # all drawings, at the size and place they were drawn
    by_digit: dict[int, Accuracy]  # the same for each digit that occurs
    by_writer: dict[int, Accuracy]  # the same for each writer
    # a sample of the drawings for each (pen width px, size px, place) of the grid
    by_condition: dict[tuple[int, int, str], Accuracy]
    refused: Accuracy  # drawings that were called no digit. They count as misread above.
    coverage: list[Coverage]  # what the sets of each level of the version's calibration hold; empty without one

    @property
    def spread(self) -> float:
        """Best minus worst condition of the grid, in shares; 0 if there is no grid."""
        values = [accuracy.value for accuracy in self.by_condition.values()]
        return max(values) - min(values) if values else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "version": self.version,
            "as_drawn": self.as_drawn.as_dict(),
            "by_digit": {str(digit): accuracy.as_dict() for digit, accuracy in self.by_digit.items()},
            "by_writer": {str(writer): accuracy.as_dict() for writer, accuracy in self.by_writer.items()},
            "by_condition": [
                {"pen_width": width, "size": size, "place": place, **accuracy.as_dict()}
                for (width, size, place), accuracy in self.by_condition.items()
            ],
            "spread": self.spread,
            "refused": self.refused.as_dict(),
            "coverage": [level.as_dict() for level in self.coverage],
        }

    def lines(self) -> Iterator[str]:
        """The report as a table for a terminal, line by line."""
        yield f"version {self.version}, as drawn: {self.as_drawn}"
        yield ""
        yield "digit  accuracy"
        for digit, accuracy in self.by_digit.items():
            yield f"{digit:>5}  {accuracy}"
        yield ""
        yield f"called no digit: {self.refused}"
        yield from (f"sets made to hold {100 * level.level:g} % hold {level.held}" for level in self.coverage)
        if not self.by_condition:
            return
        n = next(iter(self.by_condition.values())).n
        yield ""
        yield f"pen, size and place ({n} drawings each): best minus worst {100 * self.spread:.1f} points"
        for axis, name in enumerate(("pen px", "size px", "place")):
            for value in dict.fromkeys(condition[axis] for condition in self.by_condition):
                cells = [a for condition, a in self.by_condition.items() if condition[axis] == value]
                mean = formatting.percent(sum(a.correct for a in cells) / sum(a.n for a in cells))
                # An interval is that of one condition: the same drawings in another one are no further evidence.
                yield f"{name:>7} {value!s:<12} {mean:>8}, worst {formatting.accuracy(min(cells, key=lambda a: a.value))}"


def replay_drawings(
    reader: Predictor, drawings: Sequence[PenDrawing], *, sample: int = 200, seed: int = 0, show_progress: bool = True
) -> PenReport:
    """Read every drawing as it was drawn, and a sample of them in every condition of the grid.

    Parameters
    ----------
    sample : drawings read in each of the 80 conditions; 0 leaves the grid out.
    seed : fixes the sample.
    """
    read = [
        reader.predict_strokes(d.strokes, canvas=CANVAS)
        for d in track(drawings, description="as drawn", show=show_progress)
    ]
    labels = np.array([d.label for d in drawings])
    right = np.array([p.digit == label for p, label in zip(read, labels, strict=True)])
    writers = np.array([d.writer for d in drawings])
    chosen = np.random.default_rng(seed).permutation(len(drawings))[: max(0, sample)]
    grid = list(product(WIDTHS, SIZES, PLACES)) if len(chosen) else []
    by_condition = {
        (width, size, place): Accuracy(
            sum(_is_read(reader, placed(drawings[i], size, place), pen_width=width) for i in chosen), len(chosen)
        )
        for width, size, place in track(grid, description="grid", show=show_progress and bool(grid))
    }
    images, calibration = np.stack([p.image for p in read]), reader.checkpoint.calibration
    return PenReport(
        reader.version,
        Accuracy.of(right),
        {digit: Accuracy.of(right[labels == digit]) for digit in range(CLASSES) if (labels == digit).any()},
        {int(writer): Accuracy.of(right[writers == writer]) for writer in np.unique(writers)},
        by_condition,
        Accuracy.of(np.array([p.digit is None for p in read])),
        calibration.judge(reader.checkpoint.logits(images), labels) if calibration else [],
    )


def placed(drawing: PenDrawing, size: float, place: str) -> PenDrawing:
    """The same drawing, ``size`` px long, in the centre or in a corner of the canvas.

    Raises
    ------
    DataError : there is no such place.
    """
    if place not in PLACES:
        raise DataError(f"there is no place {place!r}; choose from {', '.join(PLACES)}", code="place")
    points = np.concatenate(drawing.strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = size / max(float(extent.max()), 1.0)
    room = CANVAS - extent * scale
    corner = np.array([place.endswith("right"), place.startswith("bottom")])
    origin = room / 2 if place == "centre" else np.where(corner, room - MARGIN, MARGIN)
    return PenDrawing(drawing.label, drawing.writer, [(stroke - low) * scale + origin for stroke in drawing.strokes])


def _is_read(reader: Predictor, drawing: PenDrawing, pen_width: float = PEN_WIDTH) -> bool:
    return reader.predict_strokes(drawing.strokes, pen_width, CANVAS).digit == drawing.label
