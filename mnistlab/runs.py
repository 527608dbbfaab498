"""Run notebooks headless, one after the other, into one report.

A run works in ``reports/<id>.partial/``. The folder gets its name, without the suffix, only when every notebook ran to its end
and the receipt is written; a run that is cut off, by an error, a signal or a power cut, stays ``.partial``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mnistlab import display, execution, metrics, paths
from mnistlab.errors import RunError
from mnistlab.files import sync_folder, to_json, write_atomic
from mnistlab.parameters import INJECTED, Parameter, assign, read
from mnistlab.progress import HEADLESS
from mnistlab.reports import missing, tidy, to_html

__all__ = ["Notebook", "Run", "find", "run", "tidy"]

RECEIPT, NOTE, PARTIAL = "receipt.json", "NOT-COMPLETE.txt", ".partial"
SIGNALS = {"SIGINT": "Ctrl-C", "SIGTERM": "a request to end (SIGTERM)", "SIGHUP": "the end of its terminal (SIGHUP)"}


@dataclass(frozen=True)
class Notebook:
    """A notebook to run, as found on the disk.

    Attributes
    ----------
    name : without suffix, ``"03_train"``.
    path : absolute.
    content : parsed, without a cell that an earlier run injected.
    sha256 : of the file.
    parameters : what it can be asked with, by name.
    """

    name: str
    path: Path
    content: NotebookNode
    sha256: str
    parameters: dict[str, Parameter]


@dataclass(frozen=True)
class Run:
    """A complete run.

    Attributes
    ----------
    folder : where its reports are.
    receipt : what ``receipt.json`` there holds.
    """

    folder: Path
    receipt: dict

    @property
    def headlines(self) -> dict[str, list[str]]:
        """What each notebook closed with, by its name, in the order they ran."""
        return {entry["name"]: entry["headlines"] for entry in self.receipt["notebooks"]}


def find(names: Sequence[str | Path] = ()) -> list[Notebook]:
    """The notebooks meant by ``names``, read and checked; none means the whole sequence, 01 to 05.

    Parameters
    ----------
    names : ``"03_train"``, its number ``"03"``, ``"studies/unscramble"``, or the path of an ``.ipynb`` file.

    Raises
    ------
    RunError : there is no such notebook, one is named twice, or it cannot be read.
    """
    folder = paths.notebooks()
    chosen = [_locate(str(name), folder) for name in names] or sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not chosen:
        raise RunError(f"there are no notebooks in {folder}", code="unknown-notebook")
    for i, path in enumerate(chosen):
        if path.stem in (other.stem for other in chosen[:i]):
            raise RunError(f"{path.stem} is named twice; a run has room for one of that name", code="twice")
    return [_read(path) for path in chosen]


def run(
    notebooks: Sequence[str | Path] = (),
    parameters: Mapping[str, object] | None = None,
    *,
    folder: Path | str | None = None,
    cell_timeout: int = execution.CELL_TIMEOUT,
    start_timeout: int = execution.START_TIMEOUT,
    update: bool = False,
    show_progress: bool = True,
) -> Run:
    """Run notebooks and leave executed copies, pages, figures and a receipt in a folder of their own.

    Parameters
    ----------
    notebooks : as in ``find``.
    parameters : values by ``"name"`` or ``"03_train.name"``; texts are read as the type the notebook expects.
    folder : where runs go; None is ``reports/``.
    cell_timeout, start_timeout : seconds a cell and the start of a kernel may take, >= 1.
    update : put the executed copies in the place of the notebooks, for a maintainer; not with ``parameters``.
    show_progress : on stderr.

    Raises
    ------
    RunError : refused before anything ran, or cut off. The sentence says where, the code why; what was made so far is in
        the ``.partial`` folder.
    """
    if update and parameters:
        raise RunError("--update keeps the notebooks' own parameters; it cannot go with others", code="usage")
    for name, seconds in (("cell timeout", cell_timeout), ("start timeout", start_timeout)):
        if type(seconds) is not int or seconds < 1:
            raise RunError(f"the {name} is a whole number of seconds, 1 or more, not {seconds!r}", code="usage")
    chosen = find(notebooks)
    assigned = assign(parameters or {}, {notebook.name: notebook.parameters for notebook in chosen})
    partial = _new_folder(Path(folder).resolve() if folder is not None else paths.reports())
    shown = display.choose(show_progress)
    try:
        with _stoppable():
            started, entries = time.time(), []
            for notebook in chosen:
                entries.append(_run_one(notebook, assigned[notebook.name], partial, shown, cell_timeout, start_timeout))
            receipt = _receipt(partial, started, entries)
        (partial / NOTE).unlink()
        write_atomic(partial / RECEIPT, to_json(receipt))
        final = partial.with_suffix("")
        os.rename(partial, final)
        sync_folder(final.parent)
    except KeyboardInterrupt as error:
        name = str(error) if str(error) in SIGNALS else "SIGINT"
        raise _cut_off(partial, f"stopped by {SIGNALS[name]} {shown.place}", name.lower()) from error
    except RunError as error:
        raise _cut_off(partial, str(error), error.code) from error.__cause__
    except OSError as error:
        raise _cut_off(partial, f"a report could not be written {shown.place}: {error}", "write") from error
    if update:
        for notebook in chosen:
            _put_back(notebook, final)
    return Run(final, receipt)


def _locate(name: str, folder: Path) -> Path:
    if name.endswith(".ipynb") and Path(name).is_file():
        return Path(name).resolve()
    known = {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.ipynb"))}
    known = {key: path for key, path in known.items() if not any(part.startswith(".") for part in Path(key).parts)}
    wanted = name.removesuffix(".ipynb")
    if wanted in known:
        return known[wanted]
    found = [path for path in known.values() if path.stem == wanted or path.stem.startswith(f"{wanted}_")]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(path.stem for path in found)
        raise RunError(f"{name!r} may be any of {several}; give the whole name", code="unknown-notebook")
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = f"did you mean {near[0]!r}? There is" if near else "there is"
    raise RunError(f"there is no notebook {name!r}; {hint} {', '.join(known) or 'none'}", code="unknown-notebook")


def _read(path: Path) -> Notebook:
    try:
        raw = path.read_bytes()
        content = nbformat.reads(raw.decode(), as_version=4)
    except Exception as error:  # nbformat raises a dozen types for a dozen faults
        raise RunError(f"{path.name} cannot be read as a notebook: {str(error)[:200]}", code="unreadable") from error
    language = content.metadata.get("kernelspec", {}).get("language", "python")
    if language != "python":
        raise RunError(f"{path.name} is written in {language}; only Python notebooks are run", code="unreadable")
    content.cells = [c for c in content.cells if INJECTED not in c.metadata.get("tags", [])]
    found = read(content, path.stem)
    return Notebook(path.stem, path, content, hashlib.sha256(raw).hexdigest(), found)


def _new_folder(reports: Path) -> Path:
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
            "any more, it was killed;\nin the notebooks here, the last cell with an execution count says how far it came.\n"
        )
    except OSError as error:
        raise RunError(f"no report can be written in {reports}: {error}", code="write") from error
    return partial


def _run_one(
    notebook: Notebook,
    values: dict[str, object],
    folder: Path,
    shown: display.Display,
    cell_timeout: int,
    start_timeout: int,
) -> dict:
    """Execute one notebook, write its report and return its entry for the receipt."""
    started, complete = time.monotonic(), False
    shown.begin(notebook.name, len(notebook.content.cells) + bool(values))  # values are injected in a cell of their own
    try:
        executed = execution.execute(
            notebook.content,
            folder / f"{notebook.name}.ipynb",
            cwd=notebook.path.parent,
            parameters=values,
            environment=_environment(folder),
            cell_timeout=cell_timeout,
            start_timeout=start_timeout,
            shown=shown,
        )
        shown.report()
        if fault := missing(executed):
            raise RunError(f"{notebook.name} is not complete: {fault}", code="incomplete")
        copy = tidy(executed)
        write_atomic(folder / f"{notebook.name}.ipynb", nbformat.writes(copy) + "\n")
        write_atomic(folder / f"{notebook.name}.html", to_html(copy, notebook.name))
        complete = True
    finally:
        shown.end(complete)
    return {
        "name": notebook.name,
        "sha256": notebook.sha256,
        "parameters": {name: _plain(values.get(name, p.default)) for name, p in notebook.parameters.items()},
        "changed": sorted(values),
        "cells": len(executed.cells),
        "seconds": round(time.monotonic() - started, 1),
        "headlines": _headlines(folder / f"{notebook.name}.json"),
    }


def _put_back(notebook: Notebook, folder: Path) -> None:
    """Replace a notebook by its executed copy, unless someone has worked on it meanwhile."""
    if hashlib.sha256(notebook.path.read_bytes()).hexdigest() != notebook.sha256:
        message = f"{notebook.path.name} was changed while it ran and is left as it is; its executed copy is in"
        raise RunError(f"{message} {shorten(folder)}", code="changed")
    write_atomic(notebook.path, (folder / notebook.path.name).read_bytes())


def _environment(folder: Path) -> dict[str, str]:
    """Variables for a kernel. It works in another folder, so relative places are spelt out."""
    places = {
        "MNISTLAB_MODELS": paths.models,
        "MNISTLAB_REPORTS": paths.reports,
        "MNISTLAB_DATA": paths.downloads,
        "MNISTLAB_NOTEBOOKS": paths.notebooks,
    }
    moved = {name: str(place()) for name, place in places.items() if os.environ.get(name)}
    return {**moved, HEADLESS: "1", metrics.FOLDER: str(folder)}


def _receipt(folder: Path, started: float, entries: list[dict]) -> dict:
    finished = time.time()
    return {
        "schema_version": 1,
        "id": folder.name.removesuffix(PARTIAL),
        "started": _utc(started),
        "finished": _utc(finished),
        "seconds": round(finished - started, 1),
        "notebooks": entries,
        "files": {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != NOTE
        },
        "environment": metrics.environment(),
    }


def _headlines(path: Path) -> list[str]:
    """From the figures the notebook left with ``metrics.write``; one that left none has none."""
    try:
        return [str(line) for line in json.loads(path.read_text(encoding="utf-8"))["headlines"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _cut_off(partial: Path, sentence: str, code: str) -> RunError:
    """Leave the sentence in the folder, and return it as the error to raise."""
    with suppress(OSError):  # a full disk may be the very reason
        write_atomic(partial / NOTE, f"This run is not complete: {sentence}.\n")
    return RunError(f"{sentence}; what was made so far is in {shorten(partial)}", code=code)


class _Stop(KeyboardInterrupt):
    """A signal. Of this type, because asyncio passes a KeyboardInterrupt on at once and keeps others to itself."""


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let the signals that ask to end raise ``_Stop``, so that everything on the way out is ended in order."""

    def stop(number: int, _frame: object) -> None:
        raise _Stop(signal.Signals(number).name)

    before = {}
    if threading.current_thread() is threading.main_thread():  # Python allows handlers nowhere else
        for number in (getattr(signal, name) for name in SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):  # "nohup" and "&" ask to ignore some
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _plain(value: object) -> object:
    """As it can stand in JSON."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return repr(value)


def shorten(path: Path) -> str:
    """A path as one would type it: from the working folder if it is below, else whole."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
