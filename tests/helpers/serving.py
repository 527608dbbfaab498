"""A server for tests: its settings, and a client in the same process."""

from __future__ import annotations

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
