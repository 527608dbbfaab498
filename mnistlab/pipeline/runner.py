"""Run notebooks headless, one after the other, into one report.

What becomes of the report, and of a run that is cut off, is the business of ``report_folder``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from mnistlab.common import paths
from mnistlab.common.errors import RunError
from mnistlab.common.files import write_atomic
from mnistlab.common.progress import HEADLESS
from mnistlab.pipeline import executor, progress_display, tracking
from mnistlab.pipeline.executor import DEFAULT_LIMITS, TimeLimits
from mnistlab.pipeline.html import find_fault, thumbnail, tidy, to_html
from mnistlab.pipeline.parameters import INJECTED, Parameter, assign, read_parameters
from mnistlab.pipeline.report_folder import ReportFolder, begin, shorten


@dataclass(frozen=True)
class Notebook:
    """A notebook to run, as found on the disk."""

    name: str  # without suffix, ``"03_train"``
    path: Path  # absolute
    content: NotebookNode  # parsed, without a cell that an earlier run injected
    sha256: str  # of the file
    parameters: dict[str, Parameter]  # what it can be asked with, by name


@dataclass(frozen=True)
class Run:
    """A complete run."""

    folder: Path  # where its reports are
    receipt: dict[str, Any]  # what ``receipt.json`` there holds


def find(names: Sequence[str | Path] = ()) -> list[Notebook]:
    """The notebooks meant by ``names``, read and checked; none means the whole sequence, 01 to 05, with 02a and 02b.

    Parameters
    ----------
    names : ``"03_train"``, its number ``"03"``, ``"studies/unscramble"``, or the path of an ``.ipynb`` file.

    Raises
    ------
    RunError : there is no such notebook, one is named twice, or it cannot be read.
    """
    folder = paths.notebooks()
    chosen = [_locate(str(name), folder) for name in names] or sorted(folder.glob("[0-9][0-9]*_*.ipynb"))
    if not chosen:
        raise RunError(f"there are no notebooks in {paths.told(folder)}", code="unknown-notebook")
    for i, path in enumerate(chosen):
        if path.stem in (other.stem for other in chosen[:i]):
            raise RunError(f"{path.stem} is named twice; a run has room for one of that name", code="twice")
    return [_read(path) for path in chosen]


def run(
    notebooks: Sequence[str | Path] = (),
    parameters: Mapping[str, object] | None = None,
    *,
    folder: Path | str | None = None,
    limits: TimeLimits = DEFAULT_LIMITS,
    update: bool = False,
    show_progress: bool = True,
) -> Run:
    """Run notebooks and leave executed copies, pages, figures and a receipt in a folder of their own.

    Parameters
    ----------
    notebooks : as in ``find``.
    parameters : values by ``"name"`` or ``"03_train.name"``; texts are read as the type the notebook expects.
    folder : where runs go; None is ``reports/``.
    limits : of time, for each notebook.
    update : put the executed copies in the place of the notebooks, for a maintainer; not with ``parameters``.
    show_progress : on stderr.

    Raises
    ------
    RunError : refused before anything ran, or cut off. The sentence says where, the code why; what was made so far is in
        the ``.partial`` folder.
    """
    if update and parameters:
        raise RunError("--update keeps the notebooks' own parameters; it cannot go with others", code="usage")
    if update and paths.notebooks() == paths.INSTALLED / "notebooks":
        raise RunError(
            "--update replaces notebooks, and those of an installed package stay as they are; `mnistlab notebooks DIR` copies "
            "them into a folder that MNISTLAB_NOTEBOOKS can name",
            code="usage",
        )
    chosen = find(notebooks)
    assigned = assign(parameters or {}, {notebook.name: notebook.parameters for notebook in chosen})
    display = progress_display.choose(show_progress)
    with begin(Path(folder).resolve() if folder is not None else paths.reports(), display) as report:
        for notebook in chosen:
            run_notebook(notebook, assigned[notebook.name], report, limits=limits)
    if update:
        for notebook in chosen:
            _put_back(notebook, report.final)
    tracking.mirror_if_asked(report.final)
    return Run(report.final, report.receipt)


def run_notebook(
    notebook: Notebook,
    values: Mapping[str, object],
    folder: ReportFolder,
    *,
    environment: Mapping[str, str] | None = None,
    limits: TimeLimits = DEFAULT_LIMITS,
) -> None:
    """Execute one notebook in the folder of a run, write its report there, and enter it in the receipt.

    Parameters
    ----------
    values : of its parameters, with the types they have (``parameters.assign``).
    environment : variables for the kernel besides the usual ones.
    limits : of time.

    Raises
    ------
    RunError, KeyboardInterrupt : as ``executor.execute``; the notebook is not complete.
    """
    display = folder.display
    started, complete = time.monotonic(), False
    cells = len(notebook.content.cells) + bool(values)  # values are injected in a cell of their own
    display.begin(notebook.name, cells)
    try:
        executed = executor.execute(
            notebook.content,
            folder.path / f"{notebook.name}.ipynb",
            cwd=notebook.path.parent,
            parameters=values,
            environment={**_environment(folder.path), **(environment or {})},
            limits=limits,
            display=display,
        )
        display.report()
        if fault := find_fault(executed):
            raise RunError(f"{notebook.name} is not complete: {fault}", code="incomplete")
        copy = tidy(executed)
        write_atomic(folder.path / f"{notebook.name}.ipynb", nbformat.writes(copy) + "\n")
        write_atomic(folder.path / f"{notebook.name}.html", to_html(copy, notebook.name))
        if picture := thumbnail(copy):
            write_atomic(folder.path / f"{notebook.name}.png", picture)
        complete = True
    finally:
        display.end(complete)
    entry = {
        "name": notebook.name,
        "sha256": notebook.sha256,
        "parameters": {name: _plain(values.get(name, p.default)) for name, p in notebook.parameters.items()},
        "changed": sorted(values),
        "cells": len(executed.cells),
        "seconds": round(time.monotonic() - started, 1),
        "headlines": _headlines(folder.path / f"{notebook.name}.json"),
    }
    folder.notebooks.append(entry)


def _locate(name: str, folder: Path) -> Path:
    if name.endswith(".ipynb") and Path(name).is_file():
        return Path(name).resolve()
    known = {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.ipynb"))}
    known = {key: path for key, path in known.items() if not any(part.startswith(".") for part in Path(key).parts)}
    wanted = name.removesuffix(".ipynb")
    if wanted in known:
        return known[wanted]
    matches = [path for path in known.values() if path.stem == wanted or path.stem.startswith(f"{wanted}_")]
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = ", ".join(path.stem for path in matches)
        raise RunError(f"{name!r} could be any of {several}; give the whole name", code="unknown-notebook")
    if not known:
        raise RunError(f"there are no notebooks in {paths.told(folder)}", code="unknown-notebook")
    near = difflib.get_close_matches(wanted, known, n=1)
    hint = f"did you mean {near[0]!r}? Choose from" if near else "choose from"
    raise RunError(f"there is no notebook {name!r}; {hint} {', '.join(known)}", code="unknown-notebook")


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
    parameters = read_parameters(content, path.stem)
    return Notebook(path.stem, path, content, hashlib.sha256(raw).hexdigest(), parameters)


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
    return {**moved, HEADLESS: "1", paths.RUN_FOLDER: str(folder)}


def _headlines(path: Path) -> list[str]:
    """From the figures the notebook left with ``results.write_results``; one that left none has none."""
    try:
        return [str(line) for line in json.loads(path.read_text(encoding="utf-8"))["headlines"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _plain(value: object) -> object:
    """As it can stand in JSON."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return repr(value)
