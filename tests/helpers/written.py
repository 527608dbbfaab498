"""What a process writes: every file that Python opens to write, makes, links or renames meanwhile, and SQLite's databases."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
ACTS = (
    "os.mkdir",
    "os.rename",
    "os.link",
    "os.symlink",
    "os.truncate",
    "sqlite3.connect",
    "subprocess.Popen",
    "os.system",
)
_watchers: list[list[str]] = []
_hooked: list[bool] = []


def _hook(event: str, arguments: tuple) -> None:
    if not _watchers:
        return
    if event == "open":
        path, _, flags = arguments
        if not isinstance(flags, int) or not flags & WRITES or path in (os.devnull, None):
            return
    elif event not in ACTS:
        return
    for watcher in _watchers:
        watcher.append(f"{event} {arguments[0]!s}")


@contextmanager
def written() -> Iterator[list[str]]:
    """What is written in a ``with`` block, as ``"open PATH"``; byte code of modules is left out."""
    if not _hooked:
        sys.addaudithook(_hook)  # it can never be taken away again
        _hooked.append(True)
    seen: list[str] = []
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _watchers.append(seen)
    try:
        yield seen
    finally:
        _watchers.remove(seen)
        sys.dont_write_bytecode = before
