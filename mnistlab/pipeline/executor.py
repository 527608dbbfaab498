"""One notebook in one fresh kernel: parameters injected by papermill, time limits, and no kernel left behind.

The kernel is always the Python that runs this, whatever kernels the machine has registered under "python3", and it is
ended here in every case; should this process be killed, the kernel notices by itself (``mnistlab.pipeline.kernel``).
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import nbformat
import papermill
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from traitlets import default

from mnistlab.common.constants import CELL_TIMEOUT, START_TIMEOUT
from mnistlab.common.errors import RunError
from mnistlab.pipeline.progress_display import ESCAPE, Display

# Seconds between a cell's end and the last of its output; nbclient's 4 are short for a busy machine.
OUTPUT_TIMEOUT = 60
ENGINE = "mnistlab"
KERNEL = [sys.executable, "-m", "mnistlab.pipeline.kernel", "-f", "{connection_file}"]
# A caller's "Agg" would leave out every figure.
MATPLOTLIB = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}

log = logging.getLogger("mnistlab")
for name in ("mnistlab", "papermill"):  # what they have to say is said by the errors below
    logging.getLogger(name).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class TimeLimits:
    """Seconds that the parts of a notebook may take.

    Raises
    ------
    RunError : one of them is no such number, with code ``"usage"``.
    """

    cell: int = CELL_TIMEOUT  # one cell, >= 1
    start: int = START_TIMEOUT  # the start of its kernel, >= 1

    def __post_init__(self) -> None:
        for name, seconds in vars(self).items():
            if type(seconds) is not int or seconds < 1:
                raise RunError(
                    f"the {name} timeout is a whole number of seconds, 1 or more, not {seconds!r}", code="usage"
                )


DEFAULT_LIMITS = TimeLimits()


def execute(
    notebook: NotebookNode,
    target: Path,
    *,
    cwd: Path,
    parameters: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    limits: TimeLimits = DEFAULT_LIMITS,
    display: Display | None = None,
) -> NotebookNode:
    """Run a copy of ``notebook`` in a kernel of this Python and return it executed.

    ``target`` is written after every cell, so that it shows how far a cut-off run came. What the kernel writes past the
    notebook is in ``<target>.log``, kept only if the run is cut off.

    Parameters
    ----------
    cwd : the kernel's working folder.
    parameters : values with the right types; they go into a cell after the one tagged ``parameters``.
    environment : variables for the kernel besides those of this process.
    limits : of time; what takes longer is ended.
    display : told where the run is.

    Raises
    ------
    RunError : with code ``"cell-error"``, ``"cell-timeout"``, ``"kernel-dead"`` or ``"kernel-start"``.
    KeyboardInterrupt : passed on, once the kernel is gone.
    """
    display = display or Display()
    log_path = target.with_suffix(".log")
    nbformat.write(notebook, target)
    try:
        with open(log_path, "wb") as log_file:
            executed = papermill.execute_notebook(
                *[str(target).replace("{", "{{").replace("}", "}}")] * 2,  # papermill fills in names in braces
                parameters=dict(parameters or {}),
                engine_name=ENGINE,
                kernel_name="python3",
                language="python",
                progress_bar=False,
                start_timeout=limits.start,
                execution_timeout=limits.cell,
                display=display,
                kernel_options={
                    "cwd": str(cwd),
                    "env": {**os.environ, **MATPLOTLIB, **(environment or {})},
                    "stdout": log_file,
                    "stderr": log_file,
                },
            )
    except PapermillExecutionError as error:
        reason = f"{error.ename}: {_first_line(error.evalue)}" if error.evalue else error.ename
        raise RunError(f"failed {display.place}, with {reason}", code="cell-error") from error
    except CellTimeoutError as error:
        message = f"stopped {display.place}: it took longer than the {limits.cell} s a cell may take (--cell-timeout)"
        raise RunError(message, code="cell-timeout") from error
    except DeadKernelError as error:
        raise RunError(f"stopped {display.place}: the kernel died ({error})", code="kernel-dead") from error
    except RuntimeError as error:
        if display.cell:
            raise
        died = "died" in str(error)  # nbclient has one type for both
        reason = "ended before it was ready" if died else f"was not ready within {limits.start} s (--start-timeout)"
        message = (
            f"stopped {display.place}: the kernel {reason}{_tail(log_path)}; `mnistlab doctor` looks for the cause"
        )
        raise RunError(message, code="kernel-start") from error
    log_path.unlink()
    return executed


class _Specs(KernelSpecManager):
    """Knows one kernel: the one of this Python."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(argv=KERNEL, display_name="Python 3 (ipykernel)", language="python")


class _Manager(AsyncKernelManager):
    @default("kernel_spec_manager")
    def _one_kernel(self) -> KernelSpecManager:
        return _Specs()


class _Client(PapermillNotebookClient):
    """papermill's client, with our kernel, our display, and an end to the kernel that nothing can prevent."""

    display: Display
    manager: AsyncKernelManager | None = None

    def create_kernel_manager(self) -> AsyncKernelManager:
        self.manager = super().create_kernel_manager()
        return self.manager

    def papermill_execute_cells(self) -> None:
        try:
            super().papermill_execute_cells()
        except DeadKernelError as error:
            raise DeadKernelError(_how_it_ended(self._process())) from error
        except BaseException:
            self.shutdown_kernel = "immediate"  # it is stuck or not wanted any more: no use in asking
            raise

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        output = super().process_message(msg, cell, cell_index)
        if output and output.output_type == "stream":
            self.display.printed(output.text)
        return output

    def _process(self) -> subprocess.Popen[bytes] | None:
        return getattr(self.manager and self.manager.provisioner, "process", None)

    def end_kernel(self) -> None:
        """nbclient ends the kernel in order; an interrupt at the wrong moment makes it forget, and nobody ends what the
        cells of a kernel that died had started. All are in one group, and the group lasts as long as any of them."""
        process = self._process()
        group = getattr(self.manager and self.manager.provisioner, "pgid", None)
        if group and group != os.getpgrp():
            with suppress(ProcessLookupError, PermissionError):  # gone; macOS says the latter of the dead
                os.killpg(group, signal.SIGKILL)
        elif process and process.poll() is None:  # Windows knows no groups
            process.kill()
        if process:
            process.wait()


class _Engine(Engine):
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        display: Display,
        kernel_options: dict[str, Any],
        start_timeout: int,
        execution_timeout: int,
        **_: str | bool | TextIO | None,  # what else papermill hands to every engine
    ) -> NotebookNode:
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            kernel_manager_class=_Manager,
            on_cell_start=lambda cell, cell_index: display.step(cell_index + 1),
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            iopub_timeout=OUTPUT_TIMEOUT,
            log=log,
        )
        client.display = display
        try:
            return client.execute(**kernel_options)
        finally:
            client.end_kernel()


papermill_engines.register(ENGINE, _Engine)


def _first_line(text: str, limit: int = 200) -> str:
    lines = ESCAPE.sub("", text).strip().splitlines() or [""]
    return lines[0] if len(lines[0]) <= limit else lines[0][:limit] + "..."


def _tail(path: Path) -> str:
    """The last line the kernel itself wrote, as an aside; what it always says of its transport is no news."""
    with open(path, "rb") as file:
        lines = file.read()[-10_000:].decode(errors="replace").strip().splitlines()
    news = [line for line in lines if line.strip() and not line.startswith("[IPKernelApp] WARNING")]
    return f" ({_first_line(news[-1])})" if news else ""


def _how_it_ended(process: subprocess.Popen[bytes] | None) -> str:
    code = process.poll() if process else None
    if code is None:
        return "it does not say why"
    if code == -getattr(signal, "SIGKILL", 9):
        return "killed from outside, as systems do when memory runs out"
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
