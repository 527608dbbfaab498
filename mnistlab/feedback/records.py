"""What a person said about a reading: a ``Correction``, kept under consent, and a ``Use``, counted without a name.

Both are strict pydantic dataclasses and refuse what they are not meant to hold, so that the store need not ask again. Times are
UTC.
"""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from mnistlab.common.errors import FeedbackError
from mnistlab.feedback.fields import (
    STRICT,
    Amount,
    Comment,
    Consent,
    Digit,
    Image,
    Moment,
    Name,
    Number,
    PenWidth,
    Probabilities,
    Strokes,
    Verdict,
    refusal,
)

if TYPE_CHECKING:  # it would bring PyTorch along
    from mnistlab.inference.predictor import Prediction

ABOUT = ("confidence", "digit", "pen_width", "slant", "size", "x", "y")  # what a use holds about the drawing


def new_key() -> str:
    """A random name, for a session or for one drawing: 32 hexadecimal digits, which say nothing about anybody."""
    return secrets.token_hex(16)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class _Record:
    """What is refused is a ``FeedbackError``, not an error of pydantic's, which shows values."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse(cls, values: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        try:
            return handler(values)
        except ValidationError as error:
            raise refusal(error) from None


@dataclass(frozen=True, eq=False, kw_only=True, config=STRICT)
class Correction(_Record):
    """What a person said a drawing is, and what the network had made of it. Right readings are among them.

    Raises
    ------
    FeedbackError : a value is not as it is said beside it.
    """

    strokes: Strokes = field(repr=False)  # float64 arrays (n, 2), px of a 280 x 280 canvas, y down; at least one
    pen_width: PenWidth  # px, 4 to 60
    image: Image = field(repr=False)  # uint8 (28, 28), what the network saw, before its permutation
    predicted: Digit | None  # 0 to 9, or None if it read no digit
    probabilities: Probabilities = field(repr=False)  # float64 (10,), sum 1
    milliseconds: Amount  # the reading took
    version: Name  # of the model
    digit: Digit  # what it really is, 0 to 9
    session: Name  # random name of the pad it was drawn on
    consent: Consent  # version of the text that was agreed to, in ``consent.TEXTS``
    consented_at: Moment  # when that was
    seconds: Amount = 0.0  # from the first touch to the last lift of the pen; 0 if unknown
    comment: Comment = field(default="", repr=False)  # of the person, at most 500 characters
    created: Moment = field(default_factory=now)  # when it was said
    # random name of the drawing, made by the caller; said again under the same key, it replaces what was said before
    key: Name = field(default_factory=new_key)
    id: int | None = None  # the store's number, 1 and up, never given twice; None before it is stored

    @model_validator(mode="after")
    def _after_the_consent(self) -> Correction:
        if self.consented_at > self.created:
            raise FeedbackError("nothing is kept that was said before the consent", code="value")
        return self

    @property
    def is_right(self) -> bool:
        """The network had read it right."""
        return self.predicted == self.digit


class Reading(TypedDict):
    """What a ``Correction`` holds of what the network had made of the drawing."""

    image: NDArray[np.uint8]
    predicted: int | None
    probabilities: NDArray[np.float64]
    milliseconds: float
    version: str


def as_reading(prediction: Prediction) -> Reading:
    """The part of a correction that comes from the network: ``Correction(**as_reading(prediction), strokes=...)``."""
    return {
        "image": prediction.image,
        "predicted": prediction.digit,
        "probabilities": prediction.probabilities,
        "milliseconds": prediction.milliseconds,
        "version": prediction.version,
    }


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Use(_Record):
    """One drawing that was read. Without a session, which only those have who agreed, it holds nothing about the drawing.

    Raises
    ------
    FeedbackError : a value is not as it is said beside it.
    """

    version: Name  # of the model
    milliseconds: Number  # the reading took
    verdict: Verdict = None  # ``"right"`` or ``"wrong"`` if somebody said so, else None
    created: Moment = field(default_factory=now)  # when; without a session the store keeps the hour only
    # random name of the drawing; counted again under the same key, it replaces what was counted before
    key: Name = field(default_factory=new_key)
    session: Name | None = None  # random name of the pad, with consent; else None, and so are all below
    confidence: Number | None = None  # probability of the digit, 0 to 1; 0 if none was read
    digit: Digit | None = None  # that was read, 0 to 9, or None
    # of the strokes, as ``data.stroke_stats`` has them
    pen_width: Number | None = None
    slant: Number | None = None
    size: Number | None = None
    x: Number | None = None
    y: Number | None = None

    @model_validator(mode="after")
    def _nothing_without_consent(self) -> Use:
        if self.session is None and any(getattr(self, name) is not None for name in ABOUT):
            raise FeedbackError("without consent nothing about a drawing is counted", code="value")
        return self


@dataclasses.dataclass(frozen=True)
class UsesOfDay:
    """What was read on one day, or in one hour, UTC, by one version.

    Attributes
    ----------
    day : ``"2026-11-21"``; of an hour ``"2026-11-21T18"``.
    version : of the model.
    n : readings.
    minimum, mean, maximum : ms that they took.
    right, wrong : of those that were called one or the other.
    """

    day: str
    version: str
    n: int
    minimum: float
    mean: float
    maximum: float
    right: int
    wrong: int
