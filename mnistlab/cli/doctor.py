"""Is everything there that the lab needs? One result a subject, with what to do where something is missing.

Every check is made for real: the data are read, the model reads its probe, a kernel is started.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mnistlab.common import paths
from mnistlab.common.errors import LabError

OK, WARNING, FAULT = "ok", "warning", "fault"
CHROMIUM, BROWSERS = "MNISTLAB_CHROMIUM", ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LEAST_SQLITE = (3, 37)  # the first with STRICT tables
REINSTALL = "`make setup`, or pip install --editable . --constraint constraints.txt"


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    subject : one word.
    state : ``"ok"``, ``"warning"`` (something is missing that not all need) or ``"fault"``.
    text : what is there.
    remedy : what to do, empty if all is well.
    """

    subject: str
    state: str
    text: str
    remedy: str = ""


def run_checks() -> Iterator[CheckResult]:
    """All results, one after the other as they come; a check that fails in an unforeseen way is a fault, too."""
    for check in CHECKS:
        subject = check.__name__.removeprefix("check_")
        try:
            yield CheckResult(subject, *check())
        except Exception as error:  # a broken installation breaks anywhere, and the other checks still tell something
            yield CheckResult(subject, FAULT, f"{type(error).__name__}: {str(error).strip()[:300]}", REINSTALL)


def check_python() -> tuple[str, ...]:
    """The version, and which one this is."""
    return OK, f"{sys.version.split()[0]} at {sys.executable}"


def check_libraries() -> tuple[str, ...]:
    """Every library the lab names, against its floor, and whether it is the version it was tried with."""
    from packaging.requirements import Requirement

    required = [Requirement(text) for text in metadata.requires("mnistlab") or ()]
    wrong, other, tried = [], [], _tried()
    for need in required:
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if not need.specifier.contains(found, prereleases=True):
            wrong.append(f"{need.name} {found} is too old ({need.specifier})")
        elif tried.get(need.name, found) != found.split("+")[0]:
            other.append(f"{need.name} {found} (tried: {tried[need.name]})")
    if wrong:
        return FAULT, ", ".join(wrong), REINSTALL
    if other:
        return OK, f"all there; not the versions tried: {', '.join(other)}"
    return OK, "all there, in the versions tried" if tried else "all there"


def check_torch() -> tuple[str, ...]:
    """torch and torchvision must be a pair; others fail at the import."""
    import torch

    found = f"torch {torch.__version__}"
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:
        text = f"{found} does not work with torchvision {metadata.version('torchvision')}: {str(error)[:200]}"
        return FAULT, text, REINSTALL
    return OK, f"{found} with torchvision {torchvision.__version__}"


def check_device() -> tuple[str, ...]:
    """What training would run on."""
    import torch

    from mnistlab.training.networks import best_device

    device = best_device()
    name = f" ({torch.cuda.get_device_name()})" if device == "cuda" else ""
    return OK, f"{device}{name}; {torch.get_num_threads()} threads on {os.cpu_count()} CPUs"


def check_data() -> tuple[str, ...]:
    """The shipped MNIST files, each by its SHA-256."""
    from mnistlab.data.mnist import load_mnist

    try:
        splits = load_mnist()
    except LabError as error:
        return FAULT, str(error), REINSTALL
    sizes = f"{len(splits.train):,} + {len(splits.validation):,} training and {len(splits.test):,} test images"
    return OK, f"MNIST, {sizes}, SHA-256 right"


def check_model() -> tuple[str, ...]:
    """The version in use: every check of its file, and its stored images read as stored."""
    from mnistlab.registry.registry import Registry

    registry = Registry()
    try:
        manifest = registry.load().manifest
    except LabError as error:
        remedy = "`mnistlab models promote VERSION` chooses one, `mnistlab run 03_train` makes one"
        return FAULT, str(error), remedy
    return OK, f"version {manifest.version} in {registry.root} is sound: {manifest.summary()}"


def check_kernel() -> tuple[str, ...]:
    """A real kernel, started as a headless run starts it, that multiplies."""
    from nbformat.v4 import new_code_cell, new_notebook

    from mnistlab.pipeline.executor import execute

    notebook = new_notebook(cells=[new_code_cell("print(6 * 7)")])
    with tempfile.TemporaryDirectory() as folder:
        try:
            executed = execute(notebook, Path(folder) / "kernel.ipynb", cwd=Path(folder), cell_timeout=60)
        except LabError as error:
            return FAULT, str(error).split(";")[0], REINSTALL
    if executed.cells[0].outputs[0].text != "42\n":
        return FAULT, f"the kernel answered {executed.cells[0].outputs[0].text!r} to 6 * 7", REINSTALL
    return OK, "starts, computes and ends"


def check_folders() -> tuple[str, ...]:
    """Models and reports can be written."""
    closed = [str(folder) for folder in (paths.models(), paths.reports()) if not _is_writable(folder)]
    if closed:
        remedy = "set MNISTLAB_MODELS or MNISTLAB_REPORTS to folders of yours"
        return FAULT, f"cannot be written: {', '.join(closed)}", remedy
    return OK, f"{paths.models()} and {paths.reports()} can be written"


def check_sqlite() -> tuple[str, ...]:
    """Python's own; corrections will be kept in it."""
    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        wanted = ".".join(map(str, LEAST_SQLITE))
        return WARNING, f"{found}, older than {wanted}", f"a Python built with SQLite {wanted} or newer"
    return OK, found


def check_browser() -> tuple[str, ...]:
    """A Chromium for the browser tests; drawing works in any browser."""
    chosen = os.environ.get(CHROMIUM)
    found = chosen or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if chosen and not os.access(chosen, os.X_OK):
        return WARNING, f"{CHROMIUM} names {chosen}, which cannot be run", f"correct or unset {CHROMIUM}"
    if not found:
        remedy = f"`apt-get install chromium`, or name one in the variable {CHROMIUM}"
        return WARNING, "no Chromium found; only the browser tests need one", remedy
    return OK, f"Chromium for the browser tests at {found}"


CHECKS: tuple[Callable[[], tuple[str, ...]], ...] = (
    check_python,
    check_libraries,
    check_torch,
    check_device,
    check_data,
    check_model,
    check_kernel,
    check_folders,
    check_sqlite,
    check_browser,
)


def _tried() -> dict[str, str]:
    """Versions in ``constraints.txt``; none outside a checkout."""
    try:
        lines = (paths.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return dict(line.strip().split("==") for line in lines if "==" in line and not line.startswith("#"))


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
