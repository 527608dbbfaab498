"""Writing so that a reader finds the old file or the new one, whole, whatever happens in between; and reading strictly."""

from __future__ import annotations

import json
import math
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistlab.common.errors import CheckpointError


class UnflushedError(OSError):
    """A file was swapped in, and every reader sees the new one; but its folder could not be flushed to the disk, so after a
    power cut it may be the old one again."""


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write aside in the same folder, flush to the disk, swap in by rename, flush the folder.

    Raises
    ------
    UnflushedError : the new file is in its place, but may not be after a power cut.
    OSError : any other: the old file is as it was.
    """
    with _written_aside(path, content) as aside:
        os.replace(aside, path)
        try:
            sync_folder(path.parent)
        except OSError as error:
            raise UnflushedError(error.errno, error.strerror) from error


def write_new(path: Path, content: bytes | str) -> None:
    """As ``write_atomic``, but never over what is there.

    Raises
    ------
    FileExistsError : there is a file of that name; it is left as it was.
    """
    with _written_aside(path, content) as aside:
        os.link(aside, path)  # unlike a rename, it refuses a name that is taken
        sync_folder(path.parent)


@contextmanager
def _written_aside(path: Path, content: bytes | str) -> Iterator[Path]:
    """A new file beside ``path``, on the disk, for the length of a ``with`` block."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        write_durable(aside, content.encode() if isinstance(content, str) else content)
        yield aside
    finally:
        aside.unlink(missing_ok=True)


def write_durable(path: Path, content: bytes) -> None:
    """Write a new file and flush it to the disk; an existing one is an error."""
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush a folder's own entries to the disk, where the system can (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def to_json(value: object) -> str:
    """Strict JSON (no NaN), indented, with a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def without_nan(value: object) -> object:
    """A value for JSON with None for each number in its dictionaries that is not finite, which means not known."""
    if isinstance(value, dict):
        return {key: without_nan(part) for key, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def strict_json(text: bytes) -> object:
    """The value of a JSON text in UTF-8: no key twice in an object, no NaN or infinity, not nested without end.

    Raises
    ------
    ValueError : it is not such a text.
    """
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_regular(path: Path, limit: int) -> bytes:
    """A regular file of a version, not a link and at most ``limit`` bytes, read once.

    Raises
    ------
    CheckpointError : it is missing (``"missing"``), no regular file or not readable (``"not-a-file"``), or ``"too-large"``.
    """
    name = f"{path.parent.name}/{path.name}"
    if path.parent.is_symlink():
        raise CheckpointError(f"{path.parent.name} is a link; a version must be a real folder", code="not-a-file")
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise CheckpointError(f"{name} is missing", code="missing") from None
    except OSError as error:
        raise CheckpointError(f"{name} cannot be opened as a file: {error.strerror}", code="not-a-file") from None
    try:  # by descriptor, so that what is checked is what is read; a folder must be refused before it is wrapped
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise CheckpointError(f"{name} is not a regular file", code="not-a-file")
        if info.st_size > limit:
            raise CheckpointError(f"{name} has {info.st_size:,} bytes; at most {limit:,} are allowed", code="too-large")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit)
    except OSError as error:
        raise CheckpointError(f"{name} cannot be read: {error.strerror}", code="not-a-file") from None
    finally:
        os.close(descriptor)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)[:50]!r} appears twice")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")
