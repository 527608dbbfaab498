"""The folder of one run: ``<id>.partial`` while it is under way, ``<id>`` once everything is complete, and nothing between.

A run that is cut off, by an error, a signal or a power cut, stays ``.partial`` with a note that says why. Complete is what has a
receipt: it says what went in (notebooks, parameters, code), what came out (a SHA-256 of every file), where and when.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from mnistlab.common import provenance
from mnistlab.common.errors import LabError, RunError
from mnistlab.common.files import sync_folder, to_json, write_atomic
from mnistlab.pipeline.progress_display import Display
from mnistlab.pipeline.report_head import put_heads

RECEIPT, NOTE, PARTIAL = "receipt.json", "NOT-COMPLETE.txt", ".partial"
SIGNALS = {"SIGINT": "Ctrl-C", "SIGTERM": "a request to end (SIGTERM)", "SIGHUP": "the end of its terminal (SIGHUP)"}


@dataclass
class ReportFolder:
    """A run under way."""

    path: Path  # where it works, with the suffix ``.partial``
    display: Display  # told where the run is
    notebooks: list[dict[str, Any]] = field(default_factory=list)  # the receipt's entry of each notebook that is done
    more: dict[str, Any] = field(default_factory=dict)  # what else goes into the receipt, by key
    # called when all work is done and signals are ignored, right before the receipt is written: for what must not
    # happen without a receipt. What it returns goes into that.
    last: Callable[[], dict[str, Any]] = dict
    # what ``receipt.json`` holds; empty before the folder is complete
    receipt: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Name of the run, from the time it started."""
        return self.path.name.removesuffix(PARTIAL)

    @property
    def final(self) -> Path:
        """The folder once it is complete."""
        return self.path.with_name(self.id)


@contextmanager
def begin(reports: Path, display: Display) -> Iterator[ReportFolder]:
    """A new folder for the length of a ``with`` block; it is complete if the block ends well.

    Parameters
    ----------
    reports : where the folders of runs are.
    display : told where the run is; its ``place`` is in the sentence of a run that is cut off.

    Raises
    ------
    RunError : the block was cut off, by an error of the lab, a signal or a disk; the code says why, the sentence where.
    """
    folder = ReportFolder(_new(reports), display)
    partial, started = folder.path, time.time()
    try:
        with _handled(_stop):  # so that everything on the way out is ended in order
            yield folder
        with _handled(signal.SIG_IGN):  # what is left takes a second, and is better done than half done
            folder.more |= folder.last()
            with suppress(OSError):  # what was decided is done by now, and needs its receipt more than a head
                put_heads(partial, folder.id, folder.notebooks, folder.more)
            folder.receipt = _receipt(folder, started)
            (partial / NOTE).unlink()
            write_atomic(partial / RECEIPT, to_json(folder.receipt))
            os.rename(partial, folder.final)
            with suppress(OSError):  # it is complete; after a power cut it may bear its old name, but with its receipt
                sync_folder(reports)
    except KeyboardInterrupt as error:
        name = str(error) if str(error) in SIGNALS else "SIGINT"
        raise _cut_off(partial, f"stopped by {SIGNALS[name]} {display.place}", name.lower()) from error
    except LabError as error:
        raise _cut_off(partial, str(error), error.code) from error.__cause__
    except OSError as error:
        raise _cut_off(partial, f"a report could not be written {display.place}: {error}", "write") from error


def shorten(path: Path) -> str:
    """A path as one would type it: from the working folder if it is below, else whole."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _new(reports: Path) -> Path:
    """An empty ``<id>.partial`` whose final name is free too, with a note on what it is."""
    start = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    try:
        reports.mkdir(parents=True, exist_ok=True)
        for suffix in ("", *(f"-{i}" for i in range(2, 1000))):
            partial = reports / f"{start}{suffix}{PARTIAL}"
            try:
                partial.mkdir()
            except FileExistsError:
                continue
            if partial.with_suffix("").exists():  # another run got done between two looks
                partial.rmdir()
                continue
            break
        (partial / NOTE).write_text(
            f"This run is not complete. It was started at {start} UTC as process {os.getpid()}. If there is no such process "
            "any more, it was killed;\nin the notebooks here, the last cell with an execution count says how far it got.\n"
        )
    except OSError as error:
        raise RunError(f"no report can be written in {reports}: {error}", code="write") from error
    return partial


def _receipt(folder: ReportFolder, started: float) -> dict[str, Any]:
    finished = time.time()
    return {
        "schema_version": 1,
        "id": folder.id,
        "started": _utc(started),
        "finished": _utc(finished),
        "seconds": round(finished - started, 1),
        "notebooks": folder.notebooks,
        **folder.more,
        "files": {
            path.relative_to(folder.path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.path.rglob("*"))
            if path.is_file() and path.name != NOTE
        },
        "code": {"commit": provenance.git_commit(), "sha256": provenance.sha256()},
        "environment": provenance.environment(),
    }


def _cut_off(partial: Path, sentence: str, code: str) -> RunError:
    """Leave the sentence in the folder, and return it as the error to raise."""
    with suppress(OSError):  # a full disk may be the very reason
        write_atomic(partial / NOTE, f"This run is not complete: {sentence}.\n")
    return RunError(f"{sentence}; what was made so far is in {shorten(partial)}", code=code)


class _Stop(KeyboardInterrupt):
    """A signal. Of this type, because asyncio passes a KeyboardInterrupt on at once and keeps others to itself."""


def _stop(number: int, _frame: FrameType | None) -> None:
    raise _Stop(signal.Signals(number).name)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """The signals that ask to end go to ``handler`` for the length of a ``with`` block."""
    before = {}
    if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
        for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # "nohup" and "&" ask to ignore some
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
