"""Erasing for good: rows out of the tables and out of the file, lines out of exports, and what could not be done, tried again.

What cannot be done at once (a full disk, an export that nobody may write) is noted in the store, tried whenever it is opened or
erased from, and told each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from mnistlab.common.errors import FeedbackError
from mnistlab.feedback import clock, export
from mnistlab.feedback.consent import RETENTION
from mnistlab.feedback.database import Database
from mnistlab.feedback.database import corrections as _corrections
from mnistlab.feedback.database import exports as _exports
from mnistlab.feedback.database import trainings as _trainings
from mnistlab.feedback.database import uses as _uses
from mnistlab.feedback.rows import stamp

SEEN, DOUBTED, REWRITE, EXPORT = "seen", "doubted", "rewrite", "export "  # names of the store's notes
Rows = sa.ColumnElement[bool]


@dataclass(frozen=True)
class Erased:
    """What was erased."""

    corrections: int  # how many
    uses: int = 0  # how many
    versions: tuple[str, ...] = ()  # of the model that had learned from some of them, in order
    # exports that may hold erased drawings still: gone from their place, or not to be written; they are tried again
    missing_exports: tuple[Path, ...] = ()
    # why the file could not be written anew; what was erased is out of the tables, but a part of it may be in the file still
    fault: str = ""


def erase(database: Database, corrections: Rows, uses: Rows | None, *, now: datetime) -> Erased:
    """Erase chosen rows, and clean what holds copies of them.

    Raises
    ------
    FeedbackError : they could not be erased, and are all there.
    """
    with database.begin() as connection:
        numbers = connection.execute(sa.select(_corrections.c.id).where(corrections)).scalars().all()
        learned = among(_trainings.c.correction, numbers) & _trainings.c.erased.is_(None)
        versions = connection.execute(sa.select(_trainings.c.version).where(learned).distinct()).scalars().all()
        connection.execute(sa.update(_trainings).where(learned).values(erased=stamp(now)))
        # before the deletion is sealed: killed in between, an export lacks a line, and nothing outlives its erasure
        dirty = _clean_exports(database, connection, set(numbers), every=bool(numbers))
        connection.execute(sa.delete(_corrections).where(corrections))
        counted = 0 if uses is None else connection.execute(sa.delete(_uses).where(uses)).rowcount
        if numbers or counted:
            database.mark(connection, REWRITE, "1")
        pending = REWRITE in database.marked(connection)
    fault = _rewrite(database) if pending else ""
    return Erased(len(numbers), counted, tuple(sorted(versions)), dirty, fault)


def tidy(database: Database, now: datetime) -> str:
    """What is due whenever a store is opened: erase what is too old, if the clock can be believed, and finish what is unfinished.

    Returns
    -------
    Why what is too old is still there, in a sentence; empty if it is not.
    """
    before = stamp(now - timedelta(days=RETENTION))
    old = (_corrections.c.created < before, _uses.c.created < before)
    with database.begin() as connection:
        notes = database.marked(connection)
        expired = any(connection.execute(sa.select(sa.exists().where(rows))).scalar() for rows in old)
        seen, doubted = (datetime.fromisoformat(notes[name]) if name in notes else None for name in (SEEN, DOUBTED))
        since = clock.doubted_since(now, seen, doubted) if expired else None
        if since != doubted:
            database.mark(connection, DOUBTED, None if since is None else stamp(since))
        if seen is None or abs(now - seen) > clock.FRESH:
            database.mark(connection, SEEN, stamp(now))
    unfinished = REWRITE in notes or any(name.startswith(EXPORT) for name in notes)
    if (expired and since is None) or unfinished:
        erase(database, *(old if since is None else (sa.false(), None)), now=now)
    if since is None:
        return ""
    last = (
        f"it says {now:%-d %B %Y}, and on {seen:%-d %B %Y} the store was last opened"
        if seen
        else f"it says {now:%-d %B %Y}"
    )
    return (
        f"drawings older than {RETENTION} days are kept one day longer, in case this machine's clock is wrong: {last}. "
        "Is the date right, `mnistlab feedback purge` erases them now"
    )


def exports(database: Database) -> dict[Path, str]:
    """Where exports were written, each with why it could not be cleaned when it last had to be, or empty."""
    with database.begin() as connection:
        notes = database.marked(connection)
        paths = connection.execute(sa.select(_exports.c.path).order_by(_exports.c.path)).scalars().all()
    return {Path(path): notes.get(EXPORT + path, "") for path in paths}


def remember_export(database: Database, path: Path, *, there: bool = True) -> None:
    """Remember where an export is, or that there is none any more."""
    with database.begin() as connection:
        connection.execute(sa.delete(_exports).where(_exports.c.path == str(path)))
        database.mark(connection, f"{EXPORT}{path}", None)
        if there:
            connection.execute(sa.insert(_exports).values(path=str(path)))


def among(column: sa.ColumnElement[int], numbers: Sequence[int]) -> sa.ColumnElement[bool]:
    """Whether a whole number is one of these, however many: written out, since only so many can be bound."""
    return column.in_(sa.bindparam("numbers", list(numbers), expanding=True, literal_execute=True, type_=sa.Integer))


def _clean_exports(database: Database, connection: sa.Connection, erased: set[int], *, every: bool) -> tuple[Path, ...]:
    """Leave in the exports what is left in the store; those that could not be cleaned. Not ``every``: only those of before."""
    notes, dirty = database.marked(connection), []
    paths = connection.execute(sa.select(_exports.c.path)).scalars().all()
    chosen = [path for path in paths if every or EXPORT + path in notes]
    left = set(connection.execute(sa.select(_corrections.c.id)).scalars()) - erased if chosen else set()
    for path in chosen:
        fault = export.keep_only(Path(path), left)
        database.mark(connection, EXPORT + path, fault or None)
        if fault:
            dirty.append(Path(path))
    return tuple(dirty)


def _rewrite(database: Database) -> str:
    """Write the file anew, without what was deleted; empty, or why it could not be done."""
    try:
        database.vacuum()
        with database.begin() as connection:
            database.mark(connection, REWRITE, None)
    except FeedbackError as error:
        return str(error)
    return ""
