"""What a person said about a reading: a ``Correction``, kept under consent, and a ``Use``, counted without a name.

Both refuse what they are not meant to hold, so that the store need not ask again. Times are UTC.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np

from mnistlab.common.constants import CLASSES, SIDE
from mnistlab.common.errors import FeedbackError
from mnistlab.data.strokes import as_strokes, check_pen
from mnistlab.feedback import consent

if TYPE_CHECKING:  # it would bring PyTorch along
    from mnistlab.inference.predictor import Prediction

COMMENT = 500  # characters of a comment at most
KEY = 64  # characters of a random name or of a version's at most
ABOUT = ("confidence", "digit", "pen_width", "slant", "size", "x", "y")  # what a use holds about the drawing


def new_key() -> str:
    """A random name, for a session or for one drawing: 32 hexadecimal digits, which say nothing about anybody."""
    return secrets.token_hex(16)


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, eq=False, kw_only=True)
class Correction:
    """What a person said a drawing is, and what the network had made of it. Right readings are among them.

    Attributes
    ----------
    strokes : float64 arrays (n, 2), px of a 280 x 280 canvas, y down; at least one.
    pen_width : px, 4 to 60.
    image : uint8 (28, 28), what the network saw, before its permutation.
    predicted : 0 to 9, or None if it read no digit.
    probabilities : float64 (10,), sum 1.
    milliseconds : the reading took.
    version : of the model.
    digit : what it really is, 0 to 9.
    session : random name of the pad it was drawn on.
    consent : version of the text that was agreed to, in ``consent.TEXTS``.
    consented_at : when that was.
    seconds : from the first touch to the last lift of the pen; 0 if unknown.
    comment : of the person, at most 500 characters.
    created : when it was said.
    key : random name of the drawing, made by the caller; said again under the same key, it replaces what was said before.
    id : the store's number, 1 and up, never given twice; None before it is stored.

    Raises
    ------
    FeedbackError, StrokesError : one of them is not as above.
    """

    strokes: Sequence[np.ndarray] = field(repr=False)
    pen_width: float
    image: np.ndarray = field(repr=False)
    predicted: int | None
    probabilities: np.ndarray = field(repr=False)
    milliseconds: float
    version: str
    digit: int
    session: str
    consent: str
    consented_at: datetime
    seconds: float = 0.0
    comment: str = field(default="", repr=False)
    created: datetime = field(default_factory=now)
    key: str = field(default_factory=new_key)
    id: int | None = None

    def __post_init__(self) -> None:
        set_ = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731  the dataclass is frozen
        set_("strokes", tuple(as_strokes(self.strokes)))
        expect(len(self.strokes) > 0, "a correction has at least one stroke")
        set_("pen_width", check_pen(self.pen_width))
        image = np.asarray(self.image)
        expect(
            image.dtype == np.uint8 and image.shape == (SIDE, SIDE),
            f"image is uint8 ({SIDE}, {SIDE}), not {image.dtype} {image.shape}",
        )
        set_("image", image)
        set_("digit", _digit(self.digit, "digit"))
        if self.predicted is not None:
            set_("predicted", _digit(self.predicted, "predicted"))
        set_("probabilities", _probabilities(self.probabilities))
        for name in ("milliseconds", "seconds"):
            set_(name, check_number(getattr(self, name), name, low=0))
        for name in ("version", "session", "key"):
            check_name(getattr(self, name), name)
        _text(self.comment, "comment", COMMENT)
        expect(
            self.consent in consent.TEXTS,
            f"consent is the version of a text that was agreed to, one of {', '.join(consent.TEXTS)}, not {self.consent!r}",
        )
        for name in ("created", "consented_at"):
            check_moment(getattr(self, name), name)
        expect(self.consented_at <= self.created, "nothing is kept that was said before the consent")

    @classmethod
    def of(
        cls, read: Prediction, strokes: Sequence[np.ndarray], pen_width: float, digit: int, **said: object
    ) -> Correction:
        """What a person said of a reading; ``said`` are the other attributes, from ``session`` on."""
        return cls(
            strokes=strokes,
            pen_width=pen_width,
            image=read.image,
            predicted=read.digit,
            probabilities=read.probabilities,
            milliseconds=read.milliseconds,
            version=read.version,
            digit=digit,
            **said,
        )

    @property
    def is_right(self) -> bool:
        """The network had read it right."""
        return self.predicted == self.digit


@dataclass(frozen=True, kw_only=True)
class Use:
    """One drawing that was read. Without a session, which only those have who agreed, it holds nothing about the drawing.

    Attributes
    ----------
    version : of the model.
    milliseconds : the reading took.
    verdict : ``"right"`` or ``"wrong"`` if somebody said so, else None.
    created : when; without a session the store keeps the hour only.
    key : random name of the drawing; counted again under the same key, it replaces what was counted before.
    session : random name of the pad, with consent; else None, and so are all below.
    confidence : probability of the digit, 0 to 1; 0 if none was read.
    digit : that was read, 0 to 9, or None.
    pen_width, slant, size, x, y : of the strokes, as ``stroke_stats`` has them.
    """

    version: str
    milliseconds: float
    verdict: Literal["right", "wrong"] | None = None
    created: datetime = field(default_factory=now)
    key: str = field(default_factory=new_key)
    session: str | None = None
    confidence: float | None = None
    digit: int | None = None
    pen_width: float | None = None
    slant: float | None = None
    size: float | None = None
    x: float | None = None
    y: float | None = None

    def __post_init__(self) -> None:
        for name in ("version", "key", *["session"] * (self.session is not None)):
            check_name(getattr(self, name), name)
        check_moment(self.created, "created")
        expect(self.verdict in ("right", "wrong", None), f"verdict is right, wrong or None, not {self.verdict!r}")
        for name in ("milliseconds", *ABOUT):
            value = getattr(self, name)
            if value is not None or name == "milliseconds":
                object.__setattr__(
                    self, name, _digit(value, name) if name == "digit" else check_number(value, name, low=-np.inf)
                )
        expect(
            self.session is not None or all(getattr(self, name) is None for name in ABOUT),
            "without consent nothing about a drawing is counted",
        )


def expect(condition: bool, otherwise: str) -> None:
    """Or else a ``FeedbackError`` that says ``otherwise``."""
    if not condition:
        raise FeedbackError(otherwise, code="value")


def _digit(value: object, name: str) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < CLASSES
    expect(whole, f"{name} is a digit from 0 to 9, not {value!r}")
    return int(value)


def check_number(value: object, name: str, *, low: float) -> float:
    """A finite number of at least ``low``, or a ``FeedbackError``."""
    finite = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value) and value >= low
    expect(finite, f"{name} is a finite number{' of at least 0' if low == 0 else ''}, not {value!r}")
    return float(value)


def _probabilities(values: object) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise FeedbackError(f"probabilities are {CLASSES} numbers", code="value") from None
    expect(array.shape == (CLASSES,), f"probabilities are {CLASSES} numbers, not {array.shape}")
    expect(
        bool(np.isfinite(array).all() and (array >= 0).all() and abs(array.sum() - 1) < 1e-3),
        "probabilities are at least 0 and sum to 1",
    )
    return array


def check_name(value: object, name: str) -> str:
    """A text of 1 to ``KEY`` characters that is not blank, or a ``FeedbackError``."""
    _text(value, name, KEY)
    expect(bool(value.strip()), f"{name} is not empty")
    return value


def _text(value: object, name: str, most: int) -> None:
    expect(isinstance(value, str), f"{name} is text, not {type(value).__name__}")
    expect(len(value) <= most, f"{name} has at most {most} characters, not {len(value):,}")
    storable = "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    expect(storable, f"{name} holds a character that cannot be stored")


def check_moment(value: object, name: str) -> datetime:
    """A time with its zone, or a ``FeedbackError``."""
    aware = isinstance(value, datetime) and value.tzinfo is not None
    expect(aware, f"{name} is a time with its zone, not {value!r}")
    return value
