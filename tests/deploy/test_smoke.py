"""The smoke test passes a service that works, and fails one that does not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from deployed import DEPLOY
from serving import TOKEN, running, settings

from mnistlab.serve.app import create_app


def smoke(address: str, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(DEPLOY / "smoke"), address, *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def token_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("secret") / "token"
    path.write_text(TOKEN + "\n")
    return str(path)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    store = str(tmp_path_factory.mktemp("store") / "feedback.sqlite")
    with running(create_app(settings(store=store))) as address:
        yield address


def test_a_service_that_works_passes(address, token_file):
    done = smoke(address, "--token-file", token_file)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == f"smoke {address}: passed"
    assert done.stdout.count("ok ") == 9


def test_it_needs_no_token_on_this_machine(address):
    assert smoke(address).returncode == 0


def test_a_wrong_token_is_told(address, tmp_path):
    path = tmp_path / "token"
    path.write_text("not-the-token-at-all")
    done = smoke(address, "--token-file", str(path))
    assert done.returncode == 1
    assert "status 401 instead of 200" in done.stdout


def test_quick_asks_whether_it_is_ready_and_reads(address):
    done = smoke(address, "--quick")
    assert done.returncode == 0
    assert done.stdout.count("ok ") == 2


def test_nobody_there_is_told_in_one_line():
    done = smoke("http://127.0.0.1:9", "--wait", "0.3")
    assert done.returncode == 1
    assert "refused" in done.stdout
    assert "1 FAILED" in done.stdout.splitlines()[-1]
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["statistics", "page", "reading"])
def test_a_service_with_a_fault_fails(tmp_path, token_file, name):
    paths = {"statistics": "/api/v1/statistics", "page": "/", "reading": "/api/v1/predict"}
    app = create_app(settings(store=str(tmp_path / "feedback.sqlite")))

    async def spoiled(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == paths[name]:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"{}"})
        else:
            await app(scope, receive, send)

    with running(spoiled) as address:
        done = smoke(address, "--token-file", token_file)
    assert done.returncode == 1, done.stdout
    assert "FAIL" in done.stdout
