"""A release switches, asks the public address, goes back if that fails, and tells how it ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from deployed import DEPLOY


@pytest.fixture
def folder(tmp_path):
    """The program between a switch and a smoke test that only note how they were called."""
    shutil.copy(DEPLOY / "release", tmp_path)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "staging.toml").touch()
    for name in ("switch", "smoke"):
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>calls\ntest ! -e {name}.fails\n')
        path.chmod(0o755)
    return tmp_path


def release(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, **variables}
    return subprocess.run([folder / "release", *words], env=environment, capture_output=True, text=True, timeout=60)


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


SMOKE = "smoke https://digits.example.org --wait 10 --token-file secrets/mnistlab_token"


def test_it_switches_and_then_asks_the_public_address(folder):
    done = release(folder, "staging", "v1", "https://digits.example.org")
    assert done.returncode == 0
    assert calls(folder) == ["switch staging v1", SMOKE]


def test_a_switch_that_went_back_is_told_and_nothing_else_is_done(folder):
    (folder / "switch.fails").touch()
    done = release(folder, "staging", "v1", "https://digits.example.org")
    assert done.returncode == 1
    assert "the one before is still live" in done.stdout
    assert calls(folder) == ["switch staging v1"]


def test_a_public_address_that_fails_sends_it_back(folder):
    (folder / "smoke.fails").touch()
    done = release(folder, "staging", "v1", "https://digits.example.org")
    assert done.returncode == 1
    assert calls(folder) == ["switch staging v1", SMOKE, "switch staging --back"]
    assert "the one before is live again" in done.stdout


def test_another_host_is_asked_by_ssh_in_words_that_a_shell_cannot_mistake(folder):
    programs = folder / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(f'#!/bin/sh\necho "ssh $*" >>{folder}/calls\n')
    (programs / "ssh").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    done = release(folder, "staging", "v1", "https://digits.example.org", HOST="ann@host", PATH=path)
    assert done.returncode == 0, done.stderr
    assert calls(folder) == [
        "ssh -o BatchMode=yes ann@host cd /srv/mnistlab && deploy/release staging v1 https://digits.example.org"
    ]


def test_a_webhook_is_told_how_it_ended_and_one_that_is_away_changes_nothing(folder):
    bodies = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert release(folder, "staging", "v1", WEBHOOK=f"http://127.0.0.1:{server.server_port}/").returncode == 0
    finally:
        server.shutdown()
        server.server_close()
    assert bodies == [{"text": "mnistlab staging v1: is live"}]
    done = release(folder, "staging", "v1", WEBHOOK="http://127.0.0.1:9/")
    assert done.returncode == 0
    assert "the webhook could not be told" in done.stderr
