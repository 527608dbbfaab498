"""Corrections under consent: what a person said a drawing is, kept for the lab to learn from, and anonymous counts of use.

    store = Store()
    store.add(Correction(strokes=..., digit=7, ...))
    store.corrections(since=last_week)

Only what somebody agreed to is kept, for ``consent.RETENTION`` days; what is erased is gone from the file. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mnistlab.common.errors import FeedbackError
from mnistlab.feedback import erasing, export
from mnistlab.feedback.consent import RETENTION
from mnistlab.feedback.database import WAIT, Database
from mnistlab.feedback.database import corrections as _corrections
from mnistlab.feedback.database import trainings as _trainings
from mnistlab.feedback.database import uses as _uses
from mnistlab.feedback.erasing import Erased
from mnistlab.feedback.fields import AMOUNT, MOMENT, NAME, check
from mnistlab.feedback.records import Correction, Use, UsesOfDay, now
from mnistlab.feedback.rows import as_correction, as_use, correction_row, stamp, use_row


class Store:
    """Where corrections are kept. Opening it erases what is older than ``RETENTION`` days, unless the clock is doubted.

    Parameters
    ----------
    url : ``sqlite:///PATH``, a path, or ``postgresql://USER@HOST/NAME``; None is ``MNISTLAB_FEEDBACK``, or else
        ``data/feedback.sqlite``. It is made where it is missing.
    wait : seconds to wait for other writers.

    Attributes
    ----------
    doubt : why what is older is still there, in a sentence; empty if it is not.

    Raises
    ------
    FeedbackError : it cannot be opened, or is no sound store; what is there is left as it is. So do all methods.
    """

    def __init__(self, url: str | Path | None = None, *, wait: float = WAIT) -> None:
        self._database = Database(url, wait=wait)
        self.doubt = erasing.tidy(self._database, now())

    @property
    def path(self) -> Path | None:
        """The file; None for a server."""
        return self._database.path

    # --- corrections --------------------------------------------------------------------------------------------------

    def add(self, correction: Correction) -> int:
        """Keep a correction, and return its number once it is on the disk. The same key again replaces it."""
        with self._database.begin() as connection:
            return connection.execute(self._database.upsert(_corrections, correction_row(correction))).scalar_one()

    def corrections(
        self,
        *,
        since: datetime | None = None,
        version: str | None = None,
        session: str | None = None,
        newest: int | None = None,
    ) -> list[Correction]:
        """Those there are, the oldest first. All of them are under consent: what is withdrawn is no longer there.

        Parameters
        ----------
        since : only those said then or later.
        version : only those that this version of the model had read.
        session : only those of this pad.
        newest : only so many, those that were said last.
        """
        rows = self._select(_corrections, since=since, newest=newest, version=version, session=session)
        return [as_correction(row) for row in rows]

    # --- uses ---------------------------------------------------------------------------------------------------------

    def count(self, use: Use) -> None:
        """Count a drawing that was read; without a session the hour is all that is kept of the time."""
        with self._database.begin() as connection:
            connection.execute(self._database.upsert(_uses, use_row(use)))

    def uses(self, *, since: datetime | None = None, version: str | None = None, consented: bool = False) -> list[Use]:
        """The drawings that were read, the oldest first; parameters as in ``corrections``.

        ``consented`` leaves out those of which nothing is known but that they were read.
        """
        among = _uses.c.session.is_not(None) if consented else None
        rows = self._select(_uses, since=since, among=among, version=version)
        return [as_use(row) for row in rows]

    def count_all(self, uses: Iterable[Use]) -> None:
        """Count many drawings in one transaction; what is counted already, maybe with more said of it, stays as it is."""
        rows = [use_row(use) for use in uses]
        if rows:
            with self._database.begin() as connection:
                connection.execute(self._database.insert_new(_uses), rows)

    def use(self, key: str) -> Use | None:
        """The use of this key, if it is counted."""
        found = self._select(_uses, since=None, key=key)
        return as_use(found[0]) if found else None

    def days(self, since: datetime | None = None, *, by_hour: bool = False) -> list[UsesOfDay]:
        """Uses counted up by day, or hour, and version, the earliest first; since a moment, or all."""
        day, spent = sa.func.substr(_uses.c.created, 1, 13 if by_hour else 10), _uses.c.milliseconds
        judged = [sa.func.count(sa.case((_uses.c.verdict == word, 1))) for word in ("right", "wrong")]
        query = sa.select(
            day, _uses.c.version, sa.func.count(), sa.func.min(spent), sa.func.avg(spent), sa.func.max(spent), *judged
        )
        if since is not None:
            query = query.where(_uses.c.created >= stamp(check(MOMENT, since, "since")))
        with self._database.begin() as connection:
            rows = connection.execute(query.group_by(day, _uses.c.version).order_by(day, _uses.c.version)).all()
        return [UsesOfDay(*row) for row in rows]

    def answers(self) -> None:
        """Return if the store can be asked, and raise if not."""
        with self._database.begin() as connection:
            connection.execute(sa.select(1))

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
        if sum(chosen) != 1:
            raise FeedbackError("what to erase is chosen in one way: ids, key, session or everything", code="value")
        if ids is not None:
            numbers = sorted({int(number) for number in ids})
            if any(not 0 < number < 2**63 for number in numbers):
                raise FeedbackError(f"a correction has a number from 1 to {2**63 - 1}", code="value")
            return self._erase(erasing.among(_corrections.c.id, numbers), None)
        if key is not None:
            return self._erase(_corrections.c.key == key, None)
        if session is not None:
            return self._erase(_corrections.c.session == session, _uses.c.session == session)
        return self._erase(sa.true(), sa.true())

    def purge(self, days: float = RETENTION) -> Erased:
        """Erase what is older than so many days, corrections and uses; nothing is written if there is none."""
        before = stamp(now() - timedelta(days=check(AMOUNT, days, "days")))
        return self._erase(_corrections.c.created < before, _uses.c.created < before)

    def _erase(self, corrections: sa.ColumnElement[bool], uses: sa.ColumnElement[bool] | None) -> Erased:
        return erasing.erase(self._database, corrections, uses, now=now())

    def exports(self) -> dict[Path, str]:
        """Where exports were written, each with why it could not be cleaned when it last had to be, or empty."""
        return erasing.exports(self._database)

    def forget_export(self, path: Path) -> None:
        """Try no more to clean an export: whoever says so has deleted it, wherever it was."""
        erasing.remember_export(self._database, path.resolve(), there=False)

    def export(self, path: Path) -> int:
        """Write all corrections to a new file, and return how many. What is erased later is taken out of it, too.

        Raises
        ------
        FeedbackError : there is a file of that name, or it cannot be written.
        """
        path = path.resolve()
        erasing.remember_export(self._database, path)  # first: a file that nobody knows of could not be cleaned
        corrections = self.corrections()
        export.write(corrections, path)
        export.keep_only(
            path, {correction.id for correction in self.corrections()}
        )  # others may have been erased since
        return len(corrections)

    # --- versions -----------------------------------------------------------------------------------------------------

    def trained(self, version: str, ids: Iterable[int]) -> None:
        """Remember that a version learned from these corrections, so that it is marked if one of them is erased."""
        check(NAME, version, "version")
        rows: list[dict[str, Any]] = [{"version": version, "correction": int(number)} for number in sorted(set(ids))]
        with self._database.begin() as connection:
            existing = set(connection.execute(sa.select(_corrections.c.id)).scalars())
            for row in rows:  # erased while the version was trained: marked from the beginning
                row["erased"] = None if row["correction"] in existing else stamp(now())
            connection.execute(sa.delete(_trainings).where(_trainings.c.version == version))
            if rows:
                connection.execute(sa.insert(_trainings), rows)

    def marked(self) -> dict[str, tuple[int, int]]:
        """The versions that learned from corrections: how many, and how many of those are erased since."""
        counted = sa.select(_trainings.c.version, sa.func.count(), sa.func.count(_trainings.c.erased))
        with self._database.begin() as connection:
            rows = connection.execute(counted.group_by(_trainings.c.version).order_by(_trainings.c.version)).all()
        return {version: (learned, erased) for version, learned, erased in rows}

    def _select(
        self,
        table: sa.Table,
        *,
        since: datetime | None,
        newest: int | None = None,
        among: sa.ColumnElement[bool] | None = None,
        **equal: str | None,
    ) -> list[dict[str, Any]]:
        query = sa.select(table).order_by(table.c.created.desc(), table.c.id.desc()).limit(newest)
        if among is not None:
            query = query.where(among)
        if since is not None:
            query = query.where(table.c.created >= stamp(check(MOMENT, since, "since")))
        for name, value in equal.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        with self._database.begin() as connection:
            return [dict(row) for row in connection.execute(query).mappings()][::-1]
