"""Drawings as files: the few that come with the lab, and those a person saves as JSON, as PNG or as a test.

Strokes are px of the 280 x 280 canvas, y down, points in the order a hand gave them; they come back as they went in, to the
last bit. A file may come from anywhere: whatever it holds, only ``StrokesError`` leaves this module.

The drawings of the lab, one or two of each digit, are no test set: they show that the whole way from a pen to a digit works.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, PngImagePlugin, UnidentifiedImageError
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from mnistlab.common import paths
from mnistlab.common.constants import CLASSES, PEN_WIDTH, PEN_WIDTHS
from mnistlab.common.errors import LabError, StrokesError
from mnistlab.common.files import write_new
from mnistlab.data.strokes import as_strokes, check_pen, rasterise

KEY = "mnistlab-drawing"  # of the PNG's text that holds the strokes
MAX_BYTES = 5 * 2**20  # of a PNG with a drawing in it
MAX_TEXT = 2 * 2**20  # bytes of a drawing as JSON; 20,000 points with all their decimals take half of it
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")  # of a frozen drawing
MAX_NAME = 100  # characters

Coordinate = Annotated[float, Field(allow_inf_nan=False)]
Point = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]
Stroke = Annotated[list[Point], FailFast()]


class _File(BaseModel):
    """A drawing as JSON: no unknown field, no silent conversion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal["mnistlab drawing 1"] = "mnistlab drawing 1"
    name: Annotated[str, Field(max_length=MAX_NAME)] = ""
    digit: Annotated[int, Field(ge=0, lt=CLASSES)] | None = None
    pen_width: Annotated[float, Field(ge=PEN_WIDTHS[0], le=PEN_WIDTHS[1])] = PEN_WIDTH
    strokes: Annotated[list[Stroke], FailFast()]


@dataclass(frozen=True, eq=False)
class StoredDrawing:
    """A drawing with what is known of it."""

    strokes: list[np.ndarray]  # float64 arrays (n, 2)
    pen_width: float = PEN_WIDTH  # px it is drawn with
    digit: int | None = None  # what it is meant to be, 0 to 9; None if nobody said
    name: str = ""  # ``"seven with crossbar"``; unique among those of the lab
    note: str = ""  # how it is drawn
    hard: bool = False  # a shape that MNIST hardly holds: nothing should rest on its being read right


def load_drawings() -> dict[str, StoredDrawing]:
    """Those of the lab by name, in the order of the digits."""
    stored = json.loads(files("mnistlab.data").joinpath("drawings.json").read_text(encoding="utf-8"))
    return {
        fields["name"]: StoredDrawing(**{**fields, "strokes": as_strokes(fields["strokes"])})
        for fields in sorted(stored, key=lambda fields: fields["digit"])
    }


def partly_drawn(strokes: Sequence[np.ndarray], share: float) -> list[np.ndarray]:
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
        raise StrokesError(f"share must lie between 0 and 1, not {share}", code="share")
    left = round(share * sum(map(len, strokes)))
    parts = []
    for stroke in strokes:
        if left <= 0:
            break
        parts.append(stroke[:left])
        left -= len(stroke)
    return parts


def drawing_to_json(
    strokes: Iterable[ArrayLike], *, pen_width: float = PEN_WIDTH, digit: int | None = None, name: str = ""
) -> str:
    """A drawing as one line of JSON; ``drawing_from_json`` gives back the same numbers.

    Parameters
    ----------
    strokes : list of (n, 2) arrays, px of a 280 x 280 canvas.
    pen_width : px, 4 to 60.
    digit : what it is meant to be, 0 to 9, or None.
    name : at most 100 characters.

    Raises
    ------
    StrokesError : one of them is not as above.
    """
    points = [stroke.tolist() for stroke in as_strokes(strokes)]
    try:
        return _File(name=name, digit=digit, pen_width=check_pen(pen_width), strokes=points).model_dump_json()
    except ValidationError as error:
        raise _invalid(error) from None


def drawing_from_json(content: str | bytes) -> StoredDrawing:
    """The drawing that ``drawing_to_json`` wrote.

    Raises
    ------
    StrokesError : the content is no such drawing, or is larger than 2 MiB; the message names the first fault.
    """
    if not isinstance(content, str | bytes | bytearray):
        raise StrokesError(f"a drawing as JSON is text or bytes, not {type(content).__name__}", code="type")
    if len(content) > MAX_TEXT:
        raise StrokesError(f"the drawing takes more than {MAX_TEXT // 2**20} MiB", code="too-large")
    try:
        stored = _File.model_validate_json(content)
    except ValidationError as error:
        raise _invalid(error) from None
    return StoredDrawing(as_strokes(stored.strokes), stored.pen_width, stored.digit, stored.name)


def drawing_to_png(strokes: Iterable[ArrayLike], *, pen_width: float = PEN_WIDTH, digit: int | None = None) -> bytes:
    """A drawing as a picture: a PNG of 280 x 280, black on white, with the strokes inside for ``drawing_from_png``.

    Raises
    ------
    StrokesError : as ``drawing_to_json``.
    """
    strokes = as_strokes(strokes)
    text = PngImagePlugin.PngInfo()
    text.add_text(KEY, drawing_to_json(strokes, pen_width=pen_width, digit=digit))
    file = io.BytesIO()
    picture = Image.fromarray(255 - rasterise(strokes, pen_width=pen_width))
    picture.save(file, "PNG", pnginfo=text)
    return file.getvalue()


def drawing_from_png(content: bytes) -> StoredDrawing | None:
    """The strokes inside a PNG of ours, or None for a PNG that holds none.

    Raises
    ------
    StrokesError : no PNG that can be read, larger than 5 MiB, or its strokes are no drawing.
    """
    if not isinstance(content, bytes | bytearray | memoryview):
        raise StrokesError(f"a PNG is bytes, not {type(content).__name__}", code="type")
    if len(content) > MAX_BYTES:
        raise StrokesError(f"the file is larger than {MAX_BYTES // 2**20} MiB", code="too-large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # no pixel is decoded here
            with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
                text = picture.info.get(KEY)
    except UnidentifiedImageError:  # its own words name an address in memory
        raise StrokesError("this is not a PNG", code="unreadable") from None
    except Exception as error:  # decoders of broken files raise nearly anything; one error type leaves this module
        raise StrokesError(
            f"this PNG cannot be read ({type(error).__name__}: {str(error)[:100]})", code="unreadable"
        ) from error
    return None if text is None else drawing_from_json(str(text))


def freeze(
    strokes: Iterable[ArrayLike],
    *,
    pen_width: float = PEN_WIDTH,
    digit: int | None,
    name: str | None = None,
    folder: Path | str | None = None,
) -> Path:
    """Keep a drawing as a test: ``tests/inference/test_frozen_drawings.py`` reads every one in the folder, as if drawn by hand.

    Parameters
    ----------
    digit : what it is meant to be, 0 to 9; the test asks for it.
    name : of the file, lower-case letters, digits and hyphens; None makes one from the digit and the strokes.
    folder : None is ``tests/drawings`` of the lab's checkout.

    Returns
    -------
    path of the new file, ``tests/drawings/NAME.json``.

    Raises
    ------
    StrokesError : the drawing is empty or as in ``drawing_to_json``, there is no digit, or the name is no such name.
    LabError : code ``"exists"``, a drawing of that name is there; ``"no-checkout"``, there is no such folder to write to.
    """
    strokes = as_strokes(strokes)
    if not strokes:
        raise StrokesError("an empty canvas makes no test", code="empty")
    if digit is None:
        raise StrokesError("a test must know which digit the drawing is meant to be, 0 to 9", code="digit")
    if name is None:
        fingerprint = hashlib.sha256(drawing_to_json(strokes, pen_width=pen_width, digit=digit).encode()).hexdigest()
        name = f"{digit}-{fingerprint[:8]}"
    elif type(name) is not str or len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise StrokesError(
            f"a name consists of lower-case letters, digits and hyphens, at most {MAX_NAME}; not {str(name)[:100]!r}",
            code="name",
        )
    content = drawing_to_json(strokes, pen_width=pen_width, digit=digit, name=name) + "\n"
    path = _folder(folder) / f"{name}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, content)
    except FileExistsError:
        raise LabError(f"there is already a drawing {path.name}; it is left as it is", code="exists") from None
    except OSError as error:
        raise LabError(f"{path} cannot be written ({error.strerror})", code="unwritable") from error
    return path


def _folder(chosen: Path | str | None) -> Path:
    """Where to freeze. An installed package stands in no checkout, and its neighbours are none of our business."""
    if chosen is not None:
        return Path(chosen)
    folder = paths.drawings()
    if paths.checkout() is None and not os.environ.get("MNISTLAB_DRAWINGS"):
        raise LabError(
            "drawings are frozen in tests/drawings of the lab's checkout, and this package is installed without one; "
            "name a folder, or set MNISTLAB_DRAWINGS",
            code="no-checkout",
        )
    return folder


def _invalid(error: ValidationError) -> StrokesError:
    """The first fault that the schema found, in one sentence."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:100]
    return StrokesError(f"this is not a drawing of the lab: {where or 'the file'}: {first['msg'][:200]}", code="file")
