"""Writing so that a reader finds the old file or the new one, whole, whatever happens in between; and reading strictly."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write aside in the same folder, flush to the disk, swap in by rename, flush the folder."""
    content = content.encode() if isinstance(content, str) else content
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        write_durable(aside, content)
        os.replace(aside, path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def write_new(path: Path, content: bytes | str) -> None:
    """As ``write_atomic``, but never over what is there.

    Raises
    ------
    FileExistsError : there is a file of that name; it is left as it was.
    """
    content = content.encode() if isinstance(content, str) else content
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        write_durable(aside, content)
        os.link(aside, path)  # unlike a rename, it refuses a name that is taken
        sync_folder(path.parent)
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
