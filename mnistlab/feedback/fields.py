"""The kinds of values that corrections and uses hold, as pydantic knows them: strict, finite, and refused in plain sentences.

A text of a person or a drawing is never shown in an error. Arrays are copied, so that what was checked is what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from numbers import Real
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from mnistlab.common.constants import CLASSES, SIDE
from mnistlab.common.errors import FeedbackError, LabError
from mnistlab.data.strokes import as_strokes, check_pen
from mnistlab.feedback import consent

COMMENT = 500  # characters of a comment at most
KEY = 64  # characters of a random name or of a version's at most
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)

T = TypeVar("T")


def _allowed(words: str, *, private: bool = False) -> WrapValidator:
    """Whatever is wrong with a value, say what is allowed, and what came; of what is private, its kind and length."""

    def validate(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(f"is {words}, not {_came(value, private)}") from None

    return WrapValidator(validate)


def _came(value: object, private: bool) -> str:
    with suppress(Exception):  # a number may have too many digits to be shown
        if not private and len(text := repr(value)) <= 60:
            return text
    return type(value).__name__ + (f" of length {len(value):,}" if isinstance(value, str | bytes) else "")


def _real(value: object) -> object:
    """NumPy's numbers are taken as well as Python's; arrays of one number and decimals are not."""
    number = value.item() if isinstance(value, np.generic) else value
    if not isinstance(number, Real):
        raise ValueError("is no number")
    return number


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


def _storable(text: object) -> object:
    if isinstance(text, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("holds a character that cannot be stored")
    return text


def _agreed(version: object) -> str:
    if not isinstance(version, str) or version not in consent.TEXTS:
        allowed = ", ".join(consent.TEXTS)
        raise ValueError(f"is the version of a text that was agreed to, one of {allowed}, not {version!r:.60}")
    return version


def _strokes(value: Any) -> tuple[NDArray[np.float64], ...]:
    try:
        strokes = tuple(stroke.copy() for stroke in as_strokes(value))
    except TypeError:
        raise ValueError(f"are lists of points, not {type(value).__name__}") from None
    if not strokes:
        raise ValueError("hold at least one stroke")
    return strokes


def _image(value: object) -> NDArray[np.uint8]:
    image = np.array(value)
    if image.dtype != np.uint8 or image.shape != (SIDE, SIDE):
        raise ValueError(f"is uint8 ({SIDE}, {SIDE}), not {image.dtype} {image.shape}")
    return image


def _probabilities(value: Any) -> NDArray[np.float64]:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"are {CLASSES} numbers") from None
    if array.shape != (CLASSES,):
        raise ValueError(f"are {CLASSES} numbers, not {array.shape}")
    if not ((array >= 0).all() and abs(array.sum() - 1) < 1e-3):  # NaN fails too
        raise ValueError("are at least 0 and sum to 1")
    return array


Digit = Annotated[int, Field(ge=0, lt=CLASSES), BeforeValidator(_real), _allowed("a digit from 0 to 9")]
Number = Annotated[float, BeforeValidator(_real), _allowed("a finite number")]
Amount = Annotated[float, Field(ge=0), BeforeValidator(_real), _allowed("a finite number of at least 0")]
Name = Annotated[
    str,
    Field(max_length=KEY),
    AfterValidator(_not_blank),
    _allowed(f"text of 1 to {KEY} characters that is not blank"),
    BeforeValidator(_storable),
]
Comment = Annotated[
    str,
    Field(max_length=COMMENT),
    _allowed(f"text of at most {COMMENT} characters", private=True),
    BeforeValidator(_storable),
]
Moment = Annotated[AwareDatetime, _allowed("a time with its zone")]
Verdict = Annotated[Literal["right", "wrong"] | None, _allowed("'right', 'wrong' or None")]
Consent = Annotated[str, PlainValidator(_agreed)]
PenWidth = Annotated[float, PlainValidator(check_pen)]
Strokes = Annotated[Sequence[NDArray[np.float64]], PlainValidator(_strokes)]
Image = Annotated[NDArray[np.uint8], PlainValidator(_image)]
Probabilities = Annotated[NDArray[np.float64], PlainValidator(_probabilities)]

AMOUNT: TypeAdapter[float] = TypeAdapter(Amount, config=STRICT)
NAME: TypeAdapter[str] = TypeAdapter(Name, config=STRICT)
MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment, config=STRICT)


def check(kind: TypeAdapter[T], value: object, name: str) -> T:
    """A value by itself, of the kind ``AMOUNT``, ``NAME`` or ``MOMENT``.

    Raises
    ------
    FeedbackError : it is of another; the message calls it ``name``.
    """
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise refusal(error, name) from None


def refusal(error: ValidationError, name: str = "") -> FeedbackError:
    """The first fault in a sentence, with the name of the field, or another one."""
    first = error.errors(include_url=False, include_input=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, LabError):  # of strokes and pens, whole sentences
        return FeedbackError(str(cause), code=cause.code)
    where = name or ".".join(map(str, first["loc"]))
    return FeedbackError(f"{where} {cause}" if cause else f"{where}: {first['msg']}", code="value")
