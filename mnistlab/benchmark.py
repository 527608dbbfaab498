"""Measuring on real pen strokes: replay drawings through the path that a person's strokes take.

A file of drawings is JSON Lines, gzipped or not, one drawing a line: ``{"label": 8, "writer": 12, "strokes": [[[x, y], ...]]}``,
coordinates in px of a 280 x 280 canvas, y down; or it is the text file of "UJI Pen Characters (Version 2)", as ``ujipen`` reads
it. The strokes of UCI's "Pen-Based Recognition of Handwritten Digits" (Alpaydin and Alimoglu, CC BY 4.0) can be written so; none
ships with the lab, and the committed models learned from none.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch

from mnistlab import ujipen
from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import DataError, StrokesError
from mnistlab.common.progress import track
from mnistlab.evaluation import formatting
from mnistlab.evaluation.conformal import Coverage
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.predictor import Predictor
from mnistlab.strokes import CANVAS, PEN_WIDTH, as_strokes

PEN_WIDTHS = (8, 14, 20, 28)  # px
SIZES = (60, 120, 180, 260)  # px of the longer side, pen not counted
PLACES = ("centre", "top left", "top right", "bottom left", "bottom right")
MARGIN = 5  # px between a digit in a corner and the edges


@dataclass(frozen=True)
class Drawing:
    """What somebody drew.

    Attributes
    ----------
    label : the digit they meant, 0 to 9.
    writer : a number for the person; 0 if not known.
    strokes : float64 arrays (n, 2), px of a 280 x 280 canvas.
    """

    label: int
    writer: int
    strokes: list[np.ndarray]


@dataclass(frozen=True)
class PenReport:
    """How well drawings were read.

    Attributes
    ----------
    version : of the model.
    as_drawn : all drawings, at the size and place they were drawn.
    by_digit : the same for each digit that occurs.
    by_writer : the same for each writer.
    by_condition : a sample of the drawings for each (pen width px, size px, place) of the grid.
    refused : drawings that were called no digit. They count as misread above.
    coverage : what the sets of each level of the version's calibration hold; empty without one.
    """

    version: str
    as_drawn: Accuracy
    by_digit: dict[int, Accuracy]
    by_writer: dict[int, Accuracy]
    by_condition: dict[tuple[int, int, str], Accuracy]
    refused: Accuracy
    coverage: list[Coverage]

    @property
    def spread(self) -> float:
        """Best minus worst condition of the grid, in shares; 0 if there is no grid."""
        values = [accuracy.value for accuracy in self.by_condition.values()]
        return max(values) - min(values) if values else 0.0

    def as_dict(self) -> dict:
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
            "coverage": [one.as_dict() for one in self.coverage],
        }


def read_drawings(path: Path | str) -> list[Drawing]:
    """All drawings of a file, JSON Lines or the text of UJI Pen Characters, either of them gzipped if its name ends in ".gz".

    Raises
    ------
    DataError : the file cannot be read, or a line is no drawing; the message names the line.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        if ujipen.is_ujipen(content):
            drawings = [Drawing(*digit) for digit in ujipen.digits(content, path.name)]
        else:
            rows = enumerate(content.decode().split("\n"), start=1)
            drawings = [_drawing(line, number, path.name) for number, line in rows if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as drawings: {error}", code="unreadable") from error
    if not drawings:
        raise DataError(f"{path} holds no drawing", code="empty")
    return drawings


def replay(
    reader: Predictor, drawings: Sequence[Drawing], *, sample: int = 200, seed: int = 0, show_progress: bool = True
) -> PenReport:
    """Read every drawing as it was drawn, and a sample of them in every condition of the grid.

    Parameters
    ----------
    sample : drawings read in each of the 80 conditions; 0 leaves the grid out.
    seed : fixes the sample.
    """
    read = [reader.predict_strokes(d.strokes) for d in track(drawings, description="as drawn", show=show_progress)]
    labels = np.array([d.label for d in drawings])
    right = np.array([p.digit == label for p, label in zip(read, labels, strict=True)])
    writers = np.array([d.writer for d in drawings])
    chosen = np.random.default_rng(seed).permutation(len(drawings))[: max(0, sample)]
    grid = list(product(PEN_WIDTHS, SIZES, PLACES)) if len(chosen) else []
    by_condition = {
        (width, size, place): Accuracy(
            sum(_is_read(reader, placed(drawings[i], size, place), pen_width=width) for i in chosen), len(chosen)
        )
        for width, size, place in track(grid, description="grid", show=show_progress and bool(grid))
    }
    images, calibration = torch.from_numpy(np.stack([p.image for p in read])), reader.checkpoint.calibration
    return PenReport(
        reader.version,
        Accuracy(int(right.sum()), len(right)),
        {digit: _share(right[labels == digit]) for digit in range(CLASSES) if (labels == digit).any()},
        {int(writer): _share(right[writers == writer]) for writer in np.unique(writers)},
        by_condition,
        _share(np.array([p.digit is None for p in read])),
        calibration.judge(reader.checkpoint.logits(images), torch.from_numpy(labels)) if calibration else [],
    )


def placed(drawing: Drawing, size: float, place: str) -> Drawing:
    """The same drawing, ``size`` px long, in the centre or in a corner of the canvas.

    Raises
    ------
    DataError : there is no such place.
    """
    if place not in PLACES:
        raise DataError(f"there is no place {place!r}; there is {', '.join(PLACES)}", code="place")
    points = np.concatenate(drawing.strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = size / max(float(extent.max()), 1.0)
    room = CANVAS - extent * scale
    corner = np.array([place.endswith("right"), place.startswith("bottom")])
    origin = room / 2 if place == "centre" else np.where(corner, room - MARGIN, MARGIN)
    return Drawing(drawing.label, drawing.writer, [(stroke - low) * scale + origin for stroke in drawing.strokes])


def _drawing(line: str, number: int, name: str) -> Drawing:
    try:
        content = json.loads(line)
        label, strokes = content["label"], as_strokes(content["strokes"])
        writer = content.get("writer", 0)
        if type(label) is not int or label not in range(CLASSES) or type(writer) is not int or not strokes:
            raise ValueError("label is 0 to 9, writer a whole number, and there is at least one stroke")
    except (ValueError, KeyError, TypeError, AttributeError, StrokesError) as error:
        raise DataError(f"line {number} of {name} is no drawing: {error!s:.200}", code="line") from error
    return Drawing(label, writer, strokes)


def _is_read(reader: Predictor, drawing: Drawing, pen_width: float = PEN_WIDTH) -> bool:
    return reader.predict_strokes(drawing.strokes, pen_width=pen_width).digit == drawing.label


def _share(right: np.ndarray) -> Accuracy:
    return Accuracy(int(right.sum()), len(right))


def lines(report: PenReport) -> Iterator[str]:
    """The report as a table for a terminal, line by line."""
    yield f"version {report.version}, as drawn: {report.as_drawn}"
    yield ""
    yield "digit  accuracy"
    for digit, accuracy in report.by_digit.items():
        yield f"{digit:>5}  {accuracy}"
    yield ""
    yield f"called no digit: {report.refused}"
    yield from (f"sets made to hold {100 * one.level:g} % hold {one.held}" for one in report.coverage)
    if not report.by_condition:
        return
    n = next(iter(report.by_condition.values())).n
    yield ""
    yield f"pen, size and place ({n} drawings each): best minus worst {100 * report.spread:.1f} points"
    for axis, name in enumerate(("pen px", "size px", "place")):
        for value in dict.fromkeys(condition[axis] for condition in report.by_condition):
            cells = [a for condition, a in report.by_condition.items() if condition[axis] == value]
            mean = formatting.percent(sum(a.correct for a in cells) / sum(a.n for a in cells))
            # An interval is that of one condition: the same drawings in another one are no further evidence.
            yield f"{name:>7} {value!s:<12} {mean:>8}, worst {formatting.accuracy(min(cells, key=lambda a: a.value))}"
