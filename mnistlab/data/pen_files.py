"""Files of real pen strokes, one drawing per line as JSON."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import DataError, StrokesError
from mnistlab.data import ujipen
from mnistlab.data.strokes import as_strokes


@dataclass(frozen=True)
class PenDrawing:
    """What somebody drew."""

    label: int  # the digit they meant, 0 to 9
    writer: int  # a number for the person; 0 if not known
    strokes: list[np.ndarray]  # float64 arrays (n, 2), px of a 280 x 280 canvas


def read_drawings(path: Path | str) -> list[PenDrawing]:
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
            drawings = [PenDrawing(*digit) for digit in ujipen.read_ujipen(content, path.name)]
        else:
            rows = enumerate(content.decode().split("\n"), start=1)
            drawings = [_drawing(line, number, path.name) for number, line in rows if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read as drawings: {reason}", code="unreadable") from error
    if not drawings:
        raise DataError(f"{path} holds no drawing", code="empty")
    return drawings


def _drawing(line: str, number: int, name: str) -> PenDrawing:
    try:
        content = json.loads(line)
        label, strokes = content["label"], as_strokes(content["strokes"])
        writer = content.get("writer", 0)
        if type(label) is not int or label not in range(CLASSES) or type(writer) is not int or not strokes:
            raise ValueError("label is 0 to 9, writer a whole number, and there is at least one stroke")
    except (ValueError, KeyError, TypeError, AttributeError, StrokesError) as error:
        raise DataError(f"line {number} of {name} is not a drawing: {error!s:.200}", code="line") from error
    return PenDrawing(label, writer, strokes)
