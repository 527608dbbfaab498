"""Corrections under consent: what a person said a drawing is, kept for the lab to learn from, and anonymous counts of use.

    store = Store()
    store.add(Correction(strokes=..., digit=7, ...))
    store.corrections(since=last_week)

Only what somebody agreed to is kept, for ``consent.RETENTION`` days; what is erased is gone from the file. Times are UTC.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Literal

import numpy as np
import sqlalchemy as sa

from mnistlab import consent
from mnistlab.consent import RETENTION
from mnistlab.database import KEY, WAIT, Database
from mnistlab.database import corrections as _corrections
from mnistlab.database import trainings as _trainings
from mnistlab.database import uses as _uses
from mnistlab.errors import FeedbackError
from mnistlab.strokes import as_strokes, check_pen

COMMENT = 500  # characters of a comment at most
CLASSES, SIDE = 10, 28  # as in data, which would bring PyTorch along


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
    comment: str = ""
    created: datetime = field(default_factory=now)
    key: str = field(default_factory=new_key)
    id: int | None = None

    def __post_init__(self) -> None:
        set_ = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731  the dataclass is frozen
        set_("strokes", tuple(as_strokes(self.strokes)))
        _expect(len(self.strokes) > 0, "a correction has at least one stroke")
        set_("pen_width", check_pen(self.pen_width))
        image = np.asarray(self.image)
        _expect(
            image.dtype == np.uint8 and image.shape == (SIDE, SIDE),
            f"image is uint8 ({SIDE}, {SIDE}), not {image.dtype} {image.shape}",
        )
        set_("image", image)
        set_("digit", _digit(self.digit, "digit"))
        if self.predicted is not None:
            set_("predicted", _digit(self.predicted, "predicted"))
        set_("probabilities", _probabilities(self.probabilities))
        for name in ("milliseconds", "seconds"):
            set_(name, _number(getattr(self, name), name, low=0))
        for name in ("version", "session", "key"):
            _name(getattr(self, name), name)
        _text(self.comment, "comment", COMMENT)
        _expect(
            self.consent in consent.TEXTS,
            f"consent is the version of a text that was agreed to, one of {', '.join(consent.TEXTS)}, not {self.consent!r}",
        )
        for name in ("created", "consented_at"):
            _moment(getattr(self, name), name)
        _expect(self.consented_at <= self.created, "nothing is kept that was said before the consent")

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
    pen_width, slant, size, x, y : of the strokes, as ``terms`` has them.
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
            _name(getattr(self, name), name)
        _moment(self.created, "created")
        _expect(self.verdict in ("right", "wrong", None), f"verdict is right, wrong or None, not {self.verdict!r}")
        about = ("confidence", "digit", "pen_width", "slant", "size", "x", "y")
        for name in ("milliseconds", *about):
            value = getattr(self, name)
            if value is not None or name == "milliseconds":
                object.__setattr__(
                    self, name, _digit(value, name) if name == "digit" else _number(value, name, low=-np.inf)
                )
        _expect(
            self.session is not None or all(getattr(self, name) is None for name in about),
            "without consent nothing about a drawing is counted",
        )


@dataclass(frozen=True)
class Erased:
    """What was erased.

    Attributes
    ----------
    corrections, uses : how many.
    versions : of the model that had learned from some of them, in order.
    """

    corrections: int
    uses: int = 0
    versions: tuple[str, ...] = ()


class Store:
    """Where corrections are kept. Opening it erases what is older than ``RETENTION`` days.

    Parameters
    ----------
    url : ``sqlite:///PATH``, a path, or ``postgresql://USER@HOST/NAME``; None is ``MNISTLAB_FEEDBACK``, or else
        ``data/feedback.sqlite``. It is made where it is missing.
    wait : seconds to wait for other writers.

    Raises
    ------
    FeedbackError : it cannot be opened, or is no sound store; what is there is left as it is. So do all methods.
    """

    def __init__(self, url: str | Path | None = None, *, wait: float = WAIT) -> None:
        self._database = Database(url, wait=wait)
        self.purge()

    @property
    def path(self) -> Path | None:
        """The file; None for a server."""
        return self._database.path

    # --- corrections --------------------------------------------------------------------------------------------------

    def add(self, correction: Correction) -> int:
        """Keep a correction, and return its number once it is on the disk. The same key again replaces it."""
        with self._database.begin() as connection:
            return connection.execute(self._database.upsert(_corrections, _row(correction))).scalar_one()

    def corrections(
        self, *, since: datetime | None = None, version: str | None = None, session: str | None = None
    ) -> list[Correction]:
        """Those there are, the oldest first. All of them are under consent: what is withdrawn is no longer there.

        Parameters
        ----------
        since : only those said then or later.
        version : only those that this version of the model had read.
        session : only those of this pad.
        """
        rows = self._select(_corrections, since=since, version=version, session=session)
        return [_correction(row) for row in rows]

    # --- uses ---------------------------------------------------------------------------------------------------------

    def count(self, use: Use) -> None:
        """Count a drawing that was read; without a session the hour is all that is kept of the time."""
        created = use.created if use.session else use.created.replace(minute=0, second=0, microsecond=0)
        row = {**vars(use), "created": _stamp(created)}
        with self._database.begin() as connection:
            connection.execute(self._database.upsert(_uses, row))

    def uses(self, *, since: datetime | None = None, version: str | None = None) -> list[Use]:
        """The drawings that were read, the oldest first; parameters as in ``corrections``."""
        rows = self._select(_uses, since=since, version=version)
        fields = [{name: value for name, value in row.items() if name != "id"} for row in rows]
        return [Use(**{**row, "created": datetime.fromisoformat(row["created"])}) for row in fields]

    # --- erasing ------------------------------------------------------------------------------------------------------

    def erase(
        self,
        *,
        ids: Iterable[int] | None = None,
        key: str | None = None,
        session: str | None = None,
        everything: bool = False,
    ) -> Erased:
        """Erase corrections for good, chosen in one way: by number, by key, all of a session and its uses, or everything.

        Versions that learned from them are marked. What is erased is gone from the file as soon as this returns.
        """
        chosen = [ids is not None, key is not None, session is not None, everything]
        _expect(sum(chosen) == 1, "what to erase is chosen in one way: ids, key, session or everything")
        if ids is not None:
            return self._erase(_corrections.c.id.in_([int(number) for number in ids]), None)
        if key is not None:
            return self._erase(_corrections.c.key == key, None)
        if session is not None:
            return self._erase(_corrections.c.session == session, _uses.c.session == session)
        return self._erase(sa.true(), sa.true())

    def purge(self, days: float = RETENTION) -> Erased:
        """Erase what is older than so many days, corrections and uses; nothing is written if there is none."""
        before = _stamp(now() - timedelta(days=_number(days, "days", low=0)))
        return self._erase(_corrections.c.created < before, _uses.c.created < before)

    def _erase(self, corrections: sa.ColumnElement[bool], uses: sa.ColumnElement[bool] | None) -> Erased:
        with self._database.begin() as connection:
            numbers = connection.execute(sa.select(_corrections.c.id).where(corrections)).scalars().all()
            learned = _trainings.c.correction.in_(numbers) & _trainings.c.erased.is_(None)
            versions = connection.execute(sa.select(_trainings.c.version).where(learned).distinct()).scalars().all()
            connection.execute(sa.update(_trainings).where(learned).values(erased=_stamp(now())))
            connection.execute(sa.delete(_corrections).where(corrections))
            counted = 0 if uses is None else connection.execute(sa.delete(_uses).where(uses)).rowcount
        if numbers or counted:
            self._database.vacuum()
        return Erased(len(numbers), counted, tuple(sorted(versions)))

    # --- versions -----------------------------------------------------------------------------------------------------

    def trained(self, version: str, ids: Iterable[int]) -> None:
        """Remember that a version learned from these corrections, so that it is marked if one of them is erased."""
        rows = [{"version": _name(version, "version"), "correction": int(number)} for number in sorted(set(ids))]
        with self._database.begin() as connection:
            there = set(connection.execute(sa.select(_corrections.c.id)).scalars())
            for row in rows:  # erased while the version was trained: marked from the beginning
                row["erased"] = None if row["correction"] in there else _stamp(now())
            connection.execute(sa.delete(_trainings).where(_trainings.c.version == version))
            if rows:
                connection.execute(sa.insert(_trainings), rows)

    def marked(self) -> dict[str, tuple[int, int]]:
        """The versions that learned from corrections: how many, and how many of those are erased since."""
        counted = sa.select(_trainings.c.version, sa.func.count(), sa.func.count(_trainings.c.erased))
        with self._database.begin() as connection:
            rows = connection.execute(counted.group_by(_trainings.c.version).order_by(_trainings.c.version)).all()
        return {version: (learned, erased) for version, learned, erased in rows}

    def _select(self, table: sa.Table, *, since: datetime | None, **equal: str | None) -> list[dict]:
        query = sa.select(table).order_by(table.c.created, table.c.id)
        if since is not None:
            query = query.where(table.c.created >= _stamp(_moment(since, "since")))
        for name, value in equal.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        with self._database.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


def _row(correction: Correction) -> dict[str, object]:
    row = {name: value for name, value in vars(correction).items() if name != "id"}
    return row | {
        "strokes": json.dumps([stroke.tolist() for stroke in correction.strokes]),
        "image": correction.image.tobytes(),
        "probabilities": json.dumps(correction.probabilities.tolist()),
        "created": _stamp(correction.created),
        "consented_at": _stamp(correction.consented_at),
    }


def _correction(row: dict) -> Correction:
    try:
        return Correction(
            **row
            | {
                "strokes": json.loads(row["strokes"]),
                "image": np.frombuffer(row["image"], np.uint8).reshape(SIDE, SIDE),
                "probabilities": json.loads(row["probabilities"]),
                "created": datetime.fromisoformat(row["created"]),
                "consented_at": datetime.fromisoformat(row["consented_at"]),
            }
        )
    except ValueError as error:  # ours are among them
        raise FeedbackError(f"correction {row['id']} of the store is damaged: {error}", code="damaged") from error


def _stamp(moment: datetime) -> str:
    """UTC, always as long, so that the order of the texts is that of the times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise FeedbackError(otherwise, code="value")


def _digit(value: object, name: str) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < CLASSES
    _expect(whole, f"{name} is a digit from 0 to 9, not {value!r}")
    return int(value)


def _number(value: object, name: str, *, low: float) -> float:
    finite = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value) and value >= low
    _expect(finite, f"{name} is a finite number{' of at least 0' if low == 0 else ''}, not {value!r}")
    return float(value)


def _probabilities(values: object) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise FeedbackError(f"probabilities are {CLASSES} numbers", code="value") from None
    _expect(array.shape == (CLASSES,), f"probabilities are {CLASSES} numbers, not {array.shape}")
    _expect(
        bool(np.isfinite(array).all() and (array >= 0).all() and abs(array.sum() - 1) < 1e-3),
        "probabilities are at least 0 and sum to 1",
    )
    return array


def _name(value: object, name: str) -> str:
    _text(value, name, KEY)
    _expect(bool(value.strip()), f"{name} is not empty")
    return value


def _text(value: object, name: str, most: int) -> None:
    _expect(isinstance(value, str), f"{name} is text, not {type(value).__name__}")
    _expect(len(value) <= most, f"{name} has at most {most} characters, not {len(value):,}")
    storable = "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    _expect(storable, f"{name} holds a character that cannot be stored")


def _moment(value: object, name: str) -> datetime:
    aware = isinstance(value, datetime) and value.tzinfo is not None
    _expect(aware, f"{name} is a time with its zone, not {value!r}")
    return value
