"""``mnistlab doctor``: is everything here that the lab needs, and what to do about what is missing.

Nothing is taken on trust: the data are read, the model reads its probe, a kernel is started. What that takes is imported where
it is used: the help of the command is not to wait for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from mnistlab.common import paths
from mnistlab.common.errors import LabError

OK, WARNING, FAULT = "ok", "warning", "fault"
LEAST_SQLITE = (3, 37)  # the first with STRICT tables
REINSTALL = "`make setup`, or pip install --editable . --constraint constraints.txt"


@dataclass(frozen=True)
class CheckResult:
    """What a check found."""

    subject: str  # what was checked, one word
    state: str  # ``"ok"``, ``"warning"`` (something is missing that not everybody needs) or ``"fault"``
    text: str  # what was found
    remedy: str = ""  # what to do about it; empty if all is well


def run_checks() -> Iterator[CheckResult]:
    """The results of ``CHECKS``, each as soon as it is known; a check that fails in an unforeseen way is a fault, too."""
    for check in CHECKS:
        subject = check.__name__.removeprefix("check_")
        try:
            yield CheckResult(subject, *check())
        except Exception as error:  # a broken installation breaks anywhere, and the other checks are still worth having
            yield CheckResult(subject, FAULT, f"{type(error).__name__}: {str(error).strip()[:300]}", REINSTALL)


def check_python() -> tuple[str, ...]:
    """The version, and which one this is."""
    return OK, f"{sys.version.split()[0]} at {sys.executable}"


def check_libraries() -> tuple[str, ...]:
    """Every library the lab requires, against its lowest version and the version it was tested with."""
    from importlib import metadata

    from packaging.requirements import Requirement

    required = [Requirement(text) for text in metadata.requires("mnistlab") or ()]
    wrong, other, tested = [], [], _tested()
    for need in required:
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if not need.specifier.contains(installed, prereleases=True):
            wrong.append(f"{need.name} {installed} is too old ({need.specifier})")
        elif tested.get(need.name, installed) != installed.split("+")[0]:
            other.append(f"{need.name} {installed} (tested: {tested[need.name]})")
    if wrong:
        return FAULT, ", ".join(wrong), REINSTALL
    if other:
        return OK, f"all installed; in other versions than tested: {', '.join(other)}"
    return OK, "all installed, in the versions tested" if tested else "all installed"


def check_torch() -> tuple[str, ...]:
    """torch and torchvision must be built for each other, or the import fails."""
    from importlib import metadata

    import torch

    version = f"torch {torch.__version__}"
    try:
        import torchvision
    except (ImportError, RuntimeError) as error:
        text = f"{version} does not work with torchvision {metadata.version('torchvision')}: {str(error)[:200]}"
        return FAULT, text, REINSTALL
    return OK, f"{version} with torchvision {torchvision.__version__}"


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
    return OK, f"MNIST, {sizes}, checksums match"


def check_model() -> tuple[str, ...]:
    """The version in use: every check of its files, and its stored images read as they were when it was saved."""
    from mnistlab.registry.registry import Registry

    registry = Registry()
    try:
        manifest = registry.load().manifest
    except LabError as error:
        remedy = "`mnistlab models promote VERSION` chooses another, `mnistlab run 03_train` trains one"
        return FAULT, str(error), remedy
    return OK, f"version {manifest.version} in {registry.root} is intact: {manifest.summary()}"


def check_kernel() -> tuple[str, ...]:
    """A real kernel, started as a headless run starts one, that has to multiply."""
    import tempfile

    from nbformat.v4 import new_code_cell, new_notebook

    from mnistlab.pipeline.executor import TimeLimits, execute

    notebook = new_notebook(cells=[new_code_cell("print(6 * 7)")])
    with tempfile.TemporaryDirectory() as folder:
        try:
            executed = execute(notebook, Path(folder) / "kernel.ipynb", cwd=Path(folder), limits=TimeLimits(cell=60))
        except LabError as error:
            return FAULT, str(error).split(";")[0], REINSTALL
    if executed.cells[0].outputs[0].text != "42\n":
        return FAULT, f"the kernel printed {executed.cells[0].outputs[0].text!r} for 6 * 7", REINSTALL
    return OK, "starts, computes and shuts down"


def check_folders() -> tuple[str, ...]:
    """Whether models and reports can be written."""
    remedy = "set MNISTLAB_MODELS or MNISTLAB_REPORTS to folders you can write to"
    try:
        closed = [str(folder) for folder in (paths.models(), paths.reports()) if not _is_writable(folder)]
    except LabError as error:  # a variable names what can be no folder
        return FAULT, str(error), remedy
    if closed:
        return FAULT, f"cannot write to {', '.join(closed)}", remedy
    return OK, f"{paths.models()} and {paths.reports()} are writable"


def check_sqlite() -> tuple[str, ...]:
    """The SQLite that Python brings; corrections are kept in it."""
    import sqlite3

    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        wanted = ".".join(map(str, LEAST_SQLITE))
        return WARNING, f"{version}, older than {wanted}", f"install a Python built with SQLite {wanted} or newer"
    return OK, version


def check_browser() -> tuple[str, ...]:
    """A Chromium for the browser tests; drawing works in any browser."""
    browser = paths.chromium()
    if browser is None:
        remedy = f"`apt-get install chromium`, or set {paths.CHROMIUM} to the path of one"
        return WARNING, "no Chromium found; only the browser tests need one", remedy
    if not os.access(browser, os.X_OK):
        return WARNING, f"{paths.CHROMIUM} names {browser}, which cannot be run", f"correct or unset {paths.CHROMIUM}"
    return OK, f"Chromium for the browser tests at {browser}"


CHECKS: tuple[Callable[[], tuple[str, ...]], ...] = (
    *(check_python, check_libraries, check_torch, check_device, check_data),
    *(check_model, check_kernel, check_folders, check_sqlite, check_browser),
)


def _tested() -> dict[str, str]:
    """Versions in ``constraints.txt``; none outside a checkout."""
    try:
        lines = (paths.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return dict(line.strip().split("==") for line in lines if "==" in line and not line.startswith("#"))


def _is_writable(folder: Path) -> bool:
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@click.command(short_help="Check everything the lab needs; say what is missing.")
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check everything the lab needs, and say what to do about what is missing. Exit code 1 if the lab cannot work as it is."""
    colours, faults = {OK: "green", WARNING: "yellow", FAULT: "red"}, 0
    for result in run_checks():
        state = click.style(f"{result.state:<8}", fg=colours[result.state])
        click.echo(f"{state}{result.subject:<10} {result.text}")
        if result.remedy:
            click.echo(f"{'':<19}-> {result.remedy}")
        faults += result.state == FAULT
    ctx.exit(1 if faults else 0)
