"""One at a time: locks between processes that end with the process that holds them, even if it is killed.

The lock itself is the system's, on an open file (``flock`` on POSIX), taken through ``filelock``: when its holder dies, it is
free at once. Who holds it stands in a file beside it, for people; the lock does not depend on that file.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mnistlab.common.errors import BusyError, CheckpointError, RegistryError
from mnistlab.common.files import read_regular, strict_json, to_json

WAIT = 60.0  # seconds a change of the registry waits for another; saving a version takes the longest, a few seconds
RETRAIN, REGISTRY = ".retrain.lock", ".registry.lock"  # in models/


@contextmanager
def hold(path: Path, what: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock ``path`` for the length of a ``with`` block.

    Parameters
    ----------
    path : of the lock file; it is made where it is missing, and stays.
    what : what is being done, for the sentence a second process gets: ``"a retraining"``.
    wait : seconds to wait for another holder; 0 is not at all.

    Raises
    ------
    BusyError : another process holds it, with code ``"locked"``; the sentence says which.
    RegistryError : the lock file cannot be made, with code ``"write"``.
    """
    lock, card = FileLock(path), path.with_suffix(".holder")
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise BusyError(f"{what} is already under way, by {_holder(card)}", code="locked") from None
    except OSError as error:
        raise RegistryError(f"{path.parent} cannot be written: {error.strerror or error}", code="write") from error
    try:
        with suppress(OSError):  # a full disk; the lock holds without it
            _introduce(card)
        yield
    finally:
        with suppress(OSError):
            card.unlink()
        lock.release()


@contextmanager
def retraining(models: Path) -> Iterator[None]:
    """Hold the lock of a retraining for the length of a ``with`` block, without waiting.

    Parameters
    ----------
    models : folder of the versions; it is made where it is missing.

    Raises
    ------
    BusyError, RegistryError : as ``hold``; or the folder cannot be made.
    """
    try:
        models.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegistryError(f"{models} cannot be created: {error.strerror or error}", code="write") from error
    with hold(models / RETRAIN, "a retraining"):
        yield


def _introduce(card: Path) -> None:
    who = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
    }
    # Anew, for what lies there may be a link or a pipe. A reader who comes too early gets no name, and no harm.
    card.unlink(missing_ok=True)
    card.write_text(to_json(who), encoding="utf-8")


def _holder(card: Path) -> str:
    """Who said to hold it. The file may be missing for a moment, or be that of a killed holder a moment ago."""
    try:
        who: Any = strict_json(read_regular(card, 1_000))
        return f"process {int(who['pid'])} on {str(who['host'])[:100]}, since {str(who['since'])[:30]}"
    except (ValueError, KeyError, TypeError, ArithmeticError, CheckpointError):
        return "a process that left no name"
