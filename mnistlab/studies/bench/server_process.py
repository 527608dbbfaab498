"""``mnistlab serve`` in a process of its own, as a benchmark or a test needs it: on a free port, and gone when it is done."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from mnistlab.common.errors import LabError
from mnistlab.studies.bench.http_load import HOST, ask, http_request

START = 60.0  # s that a start may take
GAP = 0.002  # s between two questions whether it is ready


class ServerProcess:
    """A server that runs; a ``with`` block ends it.

    It keeps feedback in a store of its own, writes its log to a file of its own, and lets a client ask as often as it likes.

    Parameters
    ----------
    models : folder of its versions.
    options : more options of the command.

    Attributes
    ----------
    port : where it listens.
    seconds : from the start of the process until it was ready.

    Raises
    ------
    LabError : it ended, or was not ready within a minute; the end of its log is in the message.
    """

    def __init__(self, models: Path, *options: str) -> None:
        self._folder = TemporaryDirectory(prefix="mnistlab-serve-")
        self._log = Path(self._folder.name) / "log"
        self.port = _free_port()
        store = str(Path(self._folder.name) / "feedback.sqlite")
        command = [
            sys.executable,
            "-m",
            "mnistlab",
            "serve",
            "--port",
            str(self.port),
            "--rate",
            "off",
            "--store",
            store,
        ]
        environment = {**os.environ, "MNISTLAB_MODELS": str(models), "MNISTLAB_TOKEN": secrets.token_hex()}
        started = time.perf_counter()
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen([*command, *options], env=environment, stdout=log, stderr=log)
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        self.seconds = time.perf_counter() - started

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, as a person would; after ten seconds it is killed."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._folder.cleanup()

    def usage(self) -> tuple[float, float]:
        """CPU seconds it has taken so far, and its memory in MB (10^6 bytes, resident).

        Raises
        ------
        LabError : this system does not tell.
        """
        _, text = ask(self.port, http_request("/metrics"))
        return _metric(text, "process_cpu_seconds_total"), _metric(text, "process_resident_memory_bytes") / 1e6

    def log(self) -> Sequence[str]:
        """The last lines of its log."""
        return self._log.read_text(errors="replace").splitlines()[-5:]

    def _wait(self) -> None:
        end = time.monotonic() + START
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if ask(self.port, http_request("/ready"))[0] == 200:
                    return
            except OSError:  # nobody listens yet
                pass
            time.sleep(GAP)
        raise LabError(
            f"the server did not become ready: {' '.join(self.log())[-500:] or 'it said nothing'}", code="server"
        )


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


def _metric(text: bytes, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$".encode(), text, re.MULTILINE)
    if not found:
        raise LabError(f"the server does not tell {name}: only Linux counts it", code="metrics")
    return float(found[1])
