"""Where a store is: the path of a file, or a server by URL. No sentence of this module repeats what may be a password."""

from __future__ import annotations

import re
from pathlib import Path

import sqlalchemy as sa

from mnistlab.common.errors import FeedbackError

ALLOWED = "a path, sqlite:///PATH or postgresql://USER@HOST/NAME"
# What a server may be told beside its name; a password has its place before the @, or in PGPASSWORD.
OPTIONS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "target_session_attrs", "options"}
# An address that begins as a URL does, or is libpq's own form, and would name a file by mistake, password and all.
LOOKS_LIKE_SERVER = re.compile(r"[a-z][a-z0-9+]+:/|(host|user|password|dbname)\s*=", re.IGNORECASE)


def as_path(address: str | Path) -> Path | None:
    """The file an address names, or None if it names a server.

    Raises
    ------
    FeedbackError : it names neither.
    """
    if isinstance(address, str) and "://" in address:
        url = _parse(address)
        if url.get_backend_name() == "postgresql":
            return None
        if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:" or url.query:
            kind = url.get_backend_name()[:20]
            raise FeedbackError(f"a store is {ALLOWED}, not another address of {kind}", code="url")
        address = url.database
    elif isinstance(address, str) and LOOKS_LIKE_SERVER.match(address):
        raise FeedbackError(
            f"a store is {ALLOWED}; what came is neither, and is not taken for the name of a file", code="url"
        )
    return Path(address).expanduser().resolve()


def as_server(address: str) -> sa.URL:
    """The address of a PostgreSQL server.

    Raises
    ------
    FeedbackError : a part of it is in the wrong place; told without its words, which may be a password.
    """
    url = _parse(address)
    if "@" in (url.host or ""):
        raise FeedbackError("an @ in the password of a store's address is written %40, a : as %3A", code="url")
    if unknown := set(url.query) - OPTIONS:
        raise FeedbackError(
            f"{len(unknown)} of the options in a store's address are not among {', '.join(sorted(OPTIONS))}; a password stands "
            "before the @ or in PGPASSWORD",
            code="url",
        )
    return url.set(drivername="postgresql+psycopg")


def _parse(address: str) -> sa.URL:
    try:
        return sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        raise FeedbackError(f"a store is {ALLOWED}; what came is no URL", code="url") from None
