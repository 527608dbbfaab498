"""A few digits drawn for the lab, stored as strokes: to replay where no hand is at hand.

They were drawn for this project, one or two of each digit, and are no test set: they show that the whole way from a pen to
a digit works. Strokes are px of the 280 x 280 canvas, y down, points in the order a hand would give them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from mnistlab.errors import StrokesError
from mnistlab.strokes import as_strokes


@dataclass(frozen=True, eq=False)
class StoredDrawing:
    """One of them.

    Attributes
    ----------
    name : unique, ``"seven with crossbar"``.
    digit : what it is meant to be, 0 to 9.
    note : how it is drawn.
    hard : a shape that MNIST hardly holds: nothing should rest on its being read right.
    pen_width : px it is drawn with.
    strokes : float64 arrays (n, 2).
    """

    name: str
    digit: int
    note: str
    hard: bool
    pen_width: float
    strokes: list[np.ndarray]


def load() -> dict[str, StoredDrawing]:
    """All of them by name, in the order of the digits."""
    stored = json.loads(files("mnistlab").joinpath("drawings.json").read_text(encoding="utf-8"))
    return {
        fields["name"]: StoredDrawing(**{**fields, "strokes": as_strokes(fields["strokes"])})
        for fields in sorted(stored, key=lambda fields: fields["digit"])
    }


def begun(strokes: Sequence[np.ndarray], share: float) -> list[np.ndarray]:
    """A drawing as it was when a ``share`` of its points was on the paper: for a look at a stroke under way.

    Parameters
    ----------
    strokes : float64 arrays (n, 2).
    share : 0, an empty sheet, to 1, all of it.

    Raises
    ------
    StrokesError : ``share`` does not lie between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise StrokesError(f"share lies between 0 and 1, not {share}", code="share")
    left = round(share * sum(map(len, strokes)))
    parts = []
    for stroke in strokes:
        if left <= 0:
            break
        parts.append(stroke[:left])
        left -= len(stroke)
    return parts
