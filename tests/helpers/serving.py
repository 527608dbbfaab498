"""A server for tests: its settings, and a client in the same process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made import wait_for

from mnistlab.serve.configuration import ServeSettings

TOKEN = "a token of the tests".replace(" ", "-")
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SEVEN = [[[40.0, 60.0], [110.0, 60.0], [70.0, 170.0]]]


def settings(**changes: object) -> ServeSettings:
    """Of a server without a limit on the rate."""
    return ServeSettings(**{"token": TOKEN, "rate": None, **changes})


def client_of(app: FastAPI, **options: object) -> TestClient:
    """A client on this machine; a ``with`` block starts and ends the app."""
    return TestClient(app, **{"base_url": "http://127.0.0.1", "client": ("127.0.0.1", 50_000), **options})


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    """The app on a free port of this machine, in a thread; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, server_header=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


class Served(NamedTuple):
    """A server in a process of its own.

    Attributes
    ----------
    address : such as ``http://127.0.0.1:8000``.
    process : it.
    log : file of what it writes to stderr.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def serving(folder: Path, *options: str, **variables: str) -> Iterator[Served]:
    """``mnistlab serve`` on a free port, ready to read; its store and log are in ``folder``. It is ended in the end."""
    log = folder / f"serve-{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "mnistlab", "serve", "--port", "0", "--rate", "off", *options]
    environment = {
        **os.environ,
        "MNISTLAB_FEEDBACK": str(folder / "feedback.sqlite"),
        "MNISTLAB_TOKEN": TOKEN,
        **variables,
    }
    with open(log, "wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)

    def address() -> str | None:
        assert process.poll() is None, log.read_text()
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        return found and found[0]

    try:
        wait_for(address, "the server did not start")
        yield Served(str(address()), process, log)
    finally:
        process.kill()
        process.wait()
