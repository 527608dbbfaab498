"""The database behind ``feedback.store``: its tables, how it is opened, checked and migrated, and what its faults are called.

SQLite in a file of its own, or PostgreSQL by URL. A transaction is acknowledged once it is on the disk, and what is deleted is
overwritten. Every error that leaves this module is a ``FeedbackError``; none names a password or holds a drawing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mnistlab.common import paths
from mnistlab.common.errors import FeedbackError
from mnistlab.feedback.address import ALLOWED, as_path, as_server
from mnistlab.feedback.records import ABOUT

VARIABLE = "MNISTLAB_FEEDBACK"  # a URL, or the path of an SQLite file
FILE = "feedback.sqlite"  # in data/
WAIT = 30.0  # seconds for another writer
LOCK = 0x6D6E6973  # of PostgreSQL, held while the tables are made or changed; any number of our own

_Real: sa.types.TypeEngine[float] = sa.Double().with_variant(
    sa.REAL(), "sqlite"
)  # 8 bytes in both; STRICT tables of SQLite know no DOUBLE
tables = sa.MetaData()


def _table(name: str, *parts: sa.Column[Any] | sa.CheckConstraint) -> sa.Table:
    return sa.Table(name, tables, *parts, sqlite_strict=True, sqlite_autoincrement=True)  # an id is never given twice


schema = sa.Table("feedback_schema", tables, sa.Column("version", sa.Integer, nullable=False), sqlite_strict=True)

corrections = _table(
    "corrections",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("session", sa.Text, nullable=False, index=True),
    sa.Column("created", sa.Text, nullable=False, index=True),
    sa.Column("consent", sa.Text, sa.CheckConstraint("consent <> ''"), nullable=False),
    sa.Column("consented_at", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("digit", sa.Integer, sa.CheckConstraint("digit BETWEEN 0 AND 9"), nullable=False),
    sa.Column("predicted", sa.Integer, sa.CheckConstraint("predicted BETWEEN 0 AND 9")),
    sa.Column("probabilities", sa.Text, nullable=False),
    sa.Column("milliseconds", _Real, nullable=False),
    sa.Column("seconds", _Real, nullable=False),
    sa.Column("pen_width", _Real, nullable=False),
    sa.Column("strokes", sa.Text, nullable=False),
    sa.Column("image", sa.LargeBinary, sa.CheckConstraint("length(image) = 784"), nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
)

# What is about the drawing; the table itself refuses it without the session of somebody who agreed.
uses = _table(
    "uses",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("created", sa.Text, nullable=False, index=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("milliseconds", _Real, nullable=False),
    sa.Column("verdict", sa.Text, sa.CheckConstraint("verdict IN ('right', 'wrong')")),
    sa.Column("session", sa.Text, index=True),
    *(sa.Column(name, sa.Integer if name == "digit" else _Real) for name in ABOUT),
    sa.CheckConstraint(f"session IS NOT NULL OR ({' AND '.join(f'{name} IS NULL' for name in ABOUT)})"),
)

# Which corrections a version learned from, and which of those are erased since; only numbers, nothing of a drawing.
trainings = sa.Table(
    "trainings",
    tables,
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("correction", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("erased", sa.Text),
    sqlite_strict=True,
)

# Where exports were written, so that what is erased can be taken out of them.
exports = sa.Table("exports", tables, sa.Column("path", sa.Text, primary_key=True), sqlite_strict=True)

# What a store notes about itself: when it was last opened (``"seen"``), since when its clock is doubted (``"doubted"``), that
# deleted rows are still to be taken out of its file (``"rewrite"``), and why an export could not be cleaned (``"export PATH"``).
marks = sa.Table(
    "marks", tables, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text), sqlite_strict=True
)

# The n-th one lifts a store from schema n to n + 1. A new store gets the tables above, and none of these.
MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = ()


class Database:
    """An open database: made, checked and brought up to date.

    Parameters
    ----------
    url : ``sqlite:///PATH``, a path, or ``postgresql://USER@HOST/NAME``; None is ``MNISTLAB_FEEDBACK``, or else
        ``feedback.sqlite`` in the folder of downloads, ``data/``.
    wait : seconds to wait for another writer.

    Attributes
    ----------
    path : the file; None for a server.

    Raises
    ------
    FeedbackError : ``"url"``, it names none of these;
        ``"damaged"``, ``"foreign"``, ``"newer"``: what is there is no sound store of ours,
        and is left as it is; ``"unavailable"``, it cannot be opened; ``"busy"``, others have kept it to themselves too long.
    """

    def __init__(self, url: str | Path | None = None, *, wait: float = WAIT) -> None:
        address = url or os.environ.get(VARIABLE) or paths.downloads() / FILE
        self.path = as_path(address)
        self._secrets: tuple[str, ...] = ()
        if self.path:
            self._name, self._engine = str(self.path), _sqlite(self.path, wait)
        else:
            server = as_server(str(address))
            self._name = f"the database {server.database or 'of this name'} on {server.host or 'this machine'}"
            self._secrets = tuple(filter(None, (str(server.password or ""), os.environ.get("PGPASSWORD"))))
            self._engine = _postgresql(server, wait)
        if self.path is not None:
            _make_file(self.path)
        with self.begin() as connection:
            if self.path is not None:
                self._check(connection)
            self._prepare(connection)
        if self.path is not None:  # another program may have set WAL, whose file keeps what is deleted here
            self._autocommit("PRAGMA journal_mode = DELETE")

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction: written as a whole at the end of a ``with`` block, or not at all.

        Raises
        ------
        FeedbackError : as above, or ``"write"``, what is to be written is refused.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise self._translate(error) from None  # its own words may hold what was to be stored

    def vacuum(self) -> None:
        """Write the tables anew, so that nothing deleted is left in the file; PostgreSQL's log keeps it a little longer.

        Raises
        ------
        FeedbackError : as ``begin``; what was deleted stays so.
        """
        self._autocommit(*["VACUUM"] if self.path else [f"VACUUM FULL {table.name}" for table in (corrections, uses)])

    def marked(self, connection: sa.Connection) -> dict[str, str]:
        """What the store notes about itself, by name."""
        return {name: value for name, value in connection.execute(sa.select(marks.c.name, marks.c.value))}

    def mark(self, connection: sa.Connection, name: str, value: str | None) -> None:
        """Note something; None forgets it."""
        connection.execute(sa.delete(marks).where(marks.c.name == name))
        if value is not None:
            connection.execute(sa.insert(marks).values(name=name, value=value))

    def upsert(self, table: sa.Table, row: dict[str, object]) -> sa.sql.dml.ReturningInsert[int]:
        """A statement that puts a row in, or in the place of the one with its key; it returns the id."""
        from sqlalchemy.dialects import postgresql, sqlite

        statement: sqlite.Insert | postgresql.Insert
        statement = sqlite.insert(table) if self.path is not None else postgresql.insert(table)
        return statement.values(row).on_conflict_do_update(index_elements=["key"], set_=row).returning(table.c.id)

    def insert_new(self, table: sa.Table) -> sa.Insert:
        """A statement that puts in rows whose keys are not there yet, and leaves the others as they are."""
        from sqlalchemy.dialects import postgresql, sqlite

        statement = sqlite.insert(table) if self.path is not None else postgresql.insert(table)
        return statement.on_conflict_do_nothing(index_elements=["key"])

    def _autocommit(self, *statements: str) -> None:
        """Statements that may stand in no transaction."""
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)
        except sa.exc.SQLAlchemyError as error:
            raise self._translate(error) from None

    def _check(self, connection: sa.Connection) -> None:
        fault = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
        if fault != "ok":
            raise FeedbackError(_DAMAGED.format(self._name, fault.splitlines()[-1][:200]), code="damaged")

    def _prepare(self, connection: sa.Connection) -> None:
        """Make the tables, or bring them up to date, one process at a time."""
        if self.path is None:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        existing = set(sa.inspect(connection).get_table_names())
        newest = 1 + len(MIGRATIONS)
        if schema.name in existing:
            version = connection.execute(sa.select(schema.c.version)).scalar_one()
            if version > newest:
                raise FeedbackError(
                    f"{self._name} was written by a newer mnistlab (schema {version}; this one knows up to {newest})",
                    code="newer",
                )
            for migrate in MIGRATIONS[version - 1 :]:
                migrate(connection)
            connection.execute(sa.update(schema).values(version=newest))
            if marks.name not in existing:  # it came later, and older versions pass it over
                marks.create(connection)
        elif existing & set(tables.tables) or (self.path and existing):
            raise FeedbackError(
                f"{self._name} is the database of another program; nothing was changed in it. Name another: {ALLOWED}",
                code="foreign",
            )
        else:
            tables.create_all(connection)
            connection.execute(sa.insert(schema).values(version=newest))

    def _translate(self, error: sa.exc.SQLAlchemyError) -> FeedbackError:
        cause = getattr(error, "orig", None) or error
        words = (str(cause).strip().splitlines() or [type(cause).__name__])[0][:200]
        for secret in self._secrets:
            words = words.replace(secret, "***")
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the extended codes hold more in their higher bits
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or getattr(cause, "sqlstate", "") == "55P03":
            return FeedbackError(f"{self._name} is kept busy by others ({words}); try again", code="busy")
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return FeedbackError(_DAMAGED.format(self._name, words), code="damaged")
        if isinstance(error, sa.exc.IntegrityError | sa.exc.DataError):
            return FeedbackError(f"{self._name} refuses what was to be stored ({type(error).__name__})", code="write")
        return FeedbackError(f"{self._name} cannot be used: {words}", code="unavailable")


_DAMAGED = (
    "{} is damaged ({}); nothing was changed in it. Put an earlier copy in its place, or move it away to start afresh"
)


def _make_file(path: Path) -> None:
    """An empty file for its owner alone, where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise FeedbackError(f"{path} cannot be written: {error.strerror}", code="unavailable") from None


def _sqlite(path: Path, wait: float) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        # rw: a file that was taken away is a fault, not the beginning of an empty one
        return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=wait, isolation_level=None)

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: object) -> None:
        # EXTRA flushes the folder too, so that a power cut cannot bring a transaction back
        for setting in ("secure_delete = ON", "synchronous = EXTRA", "trusted_schema = OFF"):
            connection.execute(f"PRAGMA {setting}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A plain BEGIN takes the lock at the first write, and two that have read already cannot both have it.
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(url: sa.URL, wait: float) -> sa.Engine:
    milliseconds = max(1, round(1000 * wait))
    limits = {"connect_timeout": max(2, round(wait)), "options": f"-c lock_timeout={milliseconds}"}
    try:
        import psycopg  # noqa: F401  the driver, in an extra

        return sa.create_engine(url, connect_args=limits, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise FeedbackError(
            "PostgreSQL needs the package psycopg: pip install 'mnistlab[postgres]'", code="unavailable"
        ) from None
