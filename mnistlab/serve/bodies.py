"""What a client sends to be read: a picture, the 784 pixels of one, or strokes; checked, and never kept.

Pixels may be given as fractions, 0 to 1, or as whole numbers, 0 to 255; which of the two is decided for an image as a whole.
If no value is above 1, 1 is full ink, so an image of nothing but 0 and 1 is black and white; else all must be whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import python_multipart
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from python_multipart.exceptions import FormParserError

from mnistlab.common.constants import CLASSES, PEN_WIDTH, PEN_WIDTHS, PIXELS, SIDE
from mnistlab.data.strokes import CANVASES, MAX_POINTS
from mnistlab.feedback.consent import TEXTS
from mnistlab.feedback.fields import COMMENT
from mnistlab.serve.errors import ApiError

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction, Predictor

FAR = 10_000  # px; a point farther outside the canvas is no drawing
FIELD = "file"  # of a form
PICTURES = ("image/", "application/octet-stream")
ALLOWED = "image/png, image/jpeg, application/octet-stream, multipart/form-data or application/json"

Grey = Annotated[float, Field(ge=0, le=255)]
Coordinate = Annotated[float, Field(ge=-FAR, le=FAR)]
Flat = Annotated[list[Grey], Field(min_length=PIXELS, max_length=PIXELS, fail_fast=True)]
Line = Annotated[list[Grey], Field(min_length=SIDE, max_length=SIDE, fail_fast=True)]
Square = Annotated[list[Line], Field(min_length=SIDE, max_length=SIDE, fail_fast=True)]
Point = tuple[Coordinate, Coordinate]
StrokePoints = Annotated[list[Point], Field(max_length=MAX_POINTS, fail_fast=True)]
Strokes = Annotated[list[StrokePoints], Field(max_length=MAX_POINTS, fail_fast=True)]
Pen = Annotated[float, Field(ge=PEN_WIDTHS[0], le=PEN_WIDTHS[1])]
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
DrawnStroke = Annotated[list[Point], Field(min_length=1, max_length=MAX_POINTS, fail_fast=True)]


def _whole(value: object) -> object:
    """7.0 is as whole as 7, in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class FeedbackBody(BaseModel):
    """What was said about an answer. Without consent nothing of the drawing is kept, though it came."""

    model_config = STRICT

    id: Key
    verdict: Literal["right", "wrong"] | None = None
    digit: Annotated[int, Field(ge=0, lt=CLASSES), BeforeValidator(_whole)] | None = None
    comment: Annotated[str, Field(max_length=COMMENT, pattern=r"^[^\x00]*$")] | None = None
    consent: Annotated[str, Field(json_schema_extra={"enum": list(TEXTS)})] | None = None
    session: Key | None = None
    strokes: Annotated[list[DrawnStroke], Field(min_length=1, max_length=MAX_POINTS, fail_fast=True)] | None = None
    pen_width: Pen = PEN_WIDTH
    image: Flat | Square | None = None


class PredictBody(BaseModel):
    """JSON to be read: an image or strokes."""

    model_config = STRICT

    image: Flat | Square | None = None
    strokes: Strokes | None = None
    pen_width: Pen = PEN_WIDTH
    canvas: Annotated[
        float | None,
        Field(ge=CANVASES[0], le=FAR, description="side of the canvas in px; without it 280 is held for it"),
    ] = None


@dataclass(frozen=True)
class PenInk:
    """A drawing: strokes as ``Predictor.predict_strokes`` takes them, the pen's width in px, and the side of its canvas."""

    strokes: list[NDArray[np.float64]]
    pen_width: float
    canvas: float | None = None

    @property
    def n_points(self) -> int:
        """Points in all strokes."""
        return sum(map(len, self.strokes))


Source = bytes | NDArray[np.uint8] | PenInk  # a picture file, uint8 (28, 28), strokes


def parse(content_type: str, body: bytes) -> Source:
    """What a body holds.

    Raises
    ------
    ApiError : 415, it is of another type; 422 or 400, it is not as that type should be.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return parse_json(body)
    if kind == "multipart/form-data":
        return _from_form(content_type, body)
    if kind.startswith(PICTURES):
        return body
    came = f"not {kind[:60]!r}" if kind else "and no Content-Type came"
    raise ApiError(f"a body is {ALLOWED}, {came}", code="media-type", status=415)


def parse_json(body: bytes) -> NDArray[np.uint8] | PenInk:
    """An image or strokes from JSON.

    Raises
    ------
    ApiError : 422, it holds none, or both, or another thing; the message says where.
    """
    try:
        sent = PredictBody.model_validate_json(body)
    except ValidationError as error:
        raise refusal(error) from None
    named = sent.model_fields_set & {"image", "strokes"}  # with null it is named as well, and holds nothing
    if len(named) == 1 and sent.strokes is not None:
        return as_ink(sent.strokes, sent.pen_width, sent.canvas)
    if len(named) == 1 and sent.image is not None:
        return as_image(sent.image)
    came = "both" if len(named) == 2 else "neither"
    raise ApiError(f'JSON holds either "image" or "strokes"; {came} came', code="value", status=422)


def as_image(values: object) -> NDArray[np.uint8]:
    """784 numbers, flat or 28 x 28, as uint8 (28, 28).

    Raises
    ------
    ApiError : 422, fractions and numbers above 1 are mixed.
    """
    image = np.array(values, dtype=np.float64).reshape(SIDE, SIDE)
    if image.max() <= 1:
        return np.rint(255 * image).astype(np.uint8)
    whole = image.astype(np.uint8)
    if (whole != image).any():
        fraction = float(image[whole != image][0])
        raise ApiError(
            "an image holds fractions from 0 to 1 or whole numbers from 0 to 255; "
            f"{fraction:g} and {image.max():g} came together",
            code="mixed",
            status=422,
        )
    return whole


def as_ink(strokes: list[list[tuple[float, float]]], pen_width: float, canvas: float | None = None) -> PenInk:
    """Lists of points as arrays (n, 2)."""
    return PenInk([np.array(stroke, dtype=np.float64).reshape(-1, 2) for stroke in strokes], pen_width, canvas)


def read(reader: Predictor, source: Source) -> Prediction:
    """Read it, whatever it is.

    Raises
    ------
    ImageError, StrokesError : it is no picture that is allowed; there are too many points.
    """
    if isinstance(source, PenInk):
        size = () if source.canvas is None else (source.canvas,)
        return reader.predict_strokes(source.strokes, source.pen_width, *size)
    return reader.predict_digit(source) if isinstance(source, np.ndarray) else reader.predict_image(source)


def refusal(error: ValidationError) -> ApiError:
    """The first fault of a JSON body in a sentence: where, what is allowed, what came."""
    first, *others = error.errors(include_url=False)
    if others and isinstance(first["input"], list) and len(first["loc"]) == 3:  # lists in an image: 28 x 28 was meant
        first = others[0]
    if first["type"] == "json_invalid":
        return ApiError(f"the body is no JSON: {first['ctx']['error']}", code="json", status=400)
    where = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part.isidentifier())
    came, allowed = first["input"], first["msg"].replace(" after validation", "")
    shown = repr(came) if isinstance(came, int | float | bool | None) else _kind(came)
    return ApiError(f"{where or 'the body'}: {allowed}; {shown} came"[:300], code="value", status=422)


def _kind(value: object) -> str:
    words: dict[type, str] = {list: "a list", tuple: "a list", dict: "an object", str: "a text"}
    length = f" of {len(value):,}" if isinstance(value, list | tuple) else ""
    return words.get(type(value), "another kind of value") + length


def _from_form(content_type: str, body: bytes) -> bytes:
    """The one file of a form; its name is not looked at."""
    files: list[bytes] = []
    names: list[bytes] = []

    def take(file: python_multipart.multipart.File) -> None:
        names.append(file.field_name or b"")
        file.file_object.seek(0)
        files.append(file.file_object.read())

    def refuse(field: python_multipart.multipart.Field) -> None:
        names.append(field.field_name or b"")

    try:
        headers = {"Content-Type": content_type.encode()}
        limits = {"MAX_MEMORY_FILE_SIZE": len(body) + 1, "MAX_FIELDS": 8}  # nothing is written to the disk
        parser = python_multipart.create_form_parser(headers, refuse, take, config=limits)
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise ApiError(f"the form cannot be read: {error}"[:200], code="form", status=400) from None
    if names != [FIELD.encode()] or len(files) != 1:
        came = ", ".join(name.decode(errors="replace")[:20] for name in names[:5]) or "nothing"
        raise ApiError(
            f'a form has one field, "{FIELD}", which holds the picture as a file; {came} came', code="form", status=422
        )
    return files[0]
