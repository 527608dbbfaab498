"""A server for tests: its settings, and a client in the same process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

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
