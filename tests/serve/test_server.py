"""A real ``mnistlab serve`` in a process of its own: starts, stops, kills, and clients that behave badly."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pytest
from made import ROOT, wait_for
from pictures import variants
from serving import BEARER, SEVEN, TOKEN, Served, serving

from mnistlab.feedback import consent
from mnistlab.feedback.store import Store
from mnistlab.serve.configuration import ServeSettings
from mnistlab.serve.limits import MAX_BODY

DRAWN = {"strokes": SEVEN}
ANSWERS_UNREAD = (
    b"GET /static/redoc.standalone.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 12
)  # 10 MB; no buffer holds them


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


def connect(served: Served) -> socket.socket:
    url = urlsplit(served.address)
    return socket.create_connection((url.hostname, url.port), timeout=30)


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    came = b""
    while part := connection.recv(65536):
        came += part
    return came


def start(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A start that is refused."""
    environment = {name: value for name, value in os.environ.items() if name != "MNISTLAB_TOKEN"} | variables
    command = [sys.executable, "-m", "mnistlab", "serve", "--port", "0", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_it_reads_and_tells_what_it_is(served):
    assert httpx.get(f"{served.address}/ready").json()["status"] == "ready"
    assert httpx.post(f"{served.address}/api/v1/predict", json=DRAWN).json()["digit"] == 7
    assert "mnistlab_predictions_total" in httpx.get(f"{served.address}/metrics").text
    assert "server" not in httpx.get(f"{served.address}/health").headers


def test_its_log_is_json_with_ids_and_holds_nothing_that_was_sent(served):
    answer = httpx.post(f"{served.address}/predict", json=DRAWN).json()
    httpx.post(f"{served.address}/predict", files={"file": ("my-secret-name.png", b"none")})
    httpx.post(
        f"{served.address}/api/v1/feedback", json={"id": answer["id"], "verdict": "right", "comment": "my-secret"}
    )
    httpx.get(f"{served.address}/my-secret?my-secret=1", headers={"User-Agent": "my-secret"})
    wait_for(lambda: '"status": 404' in served.log.read_text(), "the log does not tell")
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    assert any(line.get("id") == answer["id"] and line["status"] == 200 for line in lines)
    assert "secret" not in served.log.read_text()
    assert TOKEN not in served.log.read_text()


def test_without_a_sound_version_it_does_not_start_and_says_why(tmp_path):
    refused = start(MNISTLAB_MODELS=str(tmp_path))
    assert refused.returncode == 1
    assert "no version is in use" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_version_that_was_damaged_is_not_served(registry):
    weights = registry.root / "0001" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    refused = start(MNISTLAB_MODELS=str(registry.root))
    assert refused.returncode == 1
    assert "0001" in refused.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0"), "a token is needed"),
        (("--rate", "many"), "200/second"),
        (("--token-file", "missing"), "cannot be read from missing: No such file"),
        (("--allow-origin", "example.org"), "an origin is given as https://example.org"),
        (("--allow-origin", "https://example.org/"), "an origin is given as https://example.org"),
    ],
)
def test_what_cannot_be_served_safely_is_refused_at_the_start(options, words):
    refused = start(*options)
    assert refused.returncode == 2
    assert words in refused.stderr


def test_a_short_token_is_refused_and_not_shown(tmp_path):
    (tmp_path / "token").write_text("too-short\n")
    refused = start("--token-file", str(tmp_path / "token"))
    assert refused.returncode == 2
    assert "at least 16" in refused.stderr
    assert "too-short" not in refused.stderr


def test_sigterm_answers_what_is_under_way_and_ends_well(tmp_path):
    with serving(tmp_path) as served:
        body = json.dumps(DRAWN).encode()
        with connect(served) as connection:
            connection.sendall(head("/predict", f"Content-Length: {len(body)}") + body[:10])
            time.sleep(0.3)  # until the server waits for the rest
            served.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[10:])
            assert b'"digit": 7' in received(connection)
        assert served.process.wait(timeout=20) in (0, -signal.SIGTERM)
    assert "Traceback" not in served.log.read_text()
    assert len(Store(tmp_path / "feedback.sqlite").uses()) == 1  # counted, though nobody had written it yet


def test_after_kill_9_all_that_was_acknowledged_is_there(tmp_path):
    said = []
    with serving(tmp_path) as served:
        for digit in range(5):
            opinion = {"id": secrets.token_hex(16), "digit": digit, "consent": consent.VERSION, **DRAWN}
            answer = httpx.post(f"{served.address}/api/v1/feedback", json=opinion)
            assert answer.json()["kept"]
            said.append(opinion["id"])
        served.process.kill()
        served.process.wait()
    with serving(tmp_path) as again:
        told = httpx.get(f"{again.address}/api/v1/feedback", headers=BEARER).json()["corrections"]
        assert sorted(each["id"] for each in told) == sorted(said)


def test_two_processes_share_one_store(tmp_path, served):
    with serving(tmp_path) as one, serving(tmp_path) as two:
        for k in range(10):
            opinion = {"id": secrets.token_hex(16), "digit": k, "consent": consent.VERSION, **DRAWN}
            for each in (one, two):  # the second replaces what the first was told
                assert httpx.post(f"{each.address}/api/v1/feedback", json=opinion).status_code == 200
        for each in (one, two):
            told = httpx.get(f"{each.address}/api/statistics", headers=BEARER).json()
            assert told["satisfaction"]["judged"] == 10
            assert len(httpx.get(f"{each.address}/api/v1/feedback", headers=BEARER).json()["corrections"]) == 10


@pytest.mark.parametrize("chunked", [True, False])
def test_50_mb_are_refused_long_before_they_have_come(served, chunked):
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {50 * 2**20}"
    part = b"x" * 2**16
    sent = 0
    with connect(served) as connection:
        connection.sendall(head("/predict", length))
        try:
            while sent < 50 * 2**20:
                connection.sendall(b"10000\r\n" + part + b"\r\n" if chunked else part)
                sent += len(part)
        except OSError:  # closed by the server
            pass
        assert sent < MAX_BODY + 20 * 2**20  # what the sockets of both sides hold
    if chunked:  # asked politely, the answer can be read
        with connect(served) as connection:
            connection.sendall(head("/predict", length))
            for _ in range(MAX_BODY // len(part) + 1):
                connection.sendall(b"10000\r\n" + part + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 413")
    else:
        with connect(served) as connection:
            connection.sendall(head("/predict", length))
            assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_slow_clients_keep_nobody_waiting(served):
    large = head("/predict", "Content-Length: 5000000") + bytes(1_200_000)  # of 80 such bodies there would be 96 MB
    ways = (b"POST /predict HTTP/1.1\r\n", head("/predict", "Content-Length: 100"), large, ANSWERS_UNREAD)
    waiting = [connect(served) for _ in range(4 * (ServeSettings.in_flight + 6))]
    try:
        for number, connection in enumerate(waiting):
            connection.sendall(ways[number % len(ways)])
        for _ in range(5):
            assert httpx.get(f"{served.address}/health", timeout=5).status_code == 200
            assert httpx.post(f"{served.address}/predict", json=DRAWN, timeout=5).status_code == 200
    finally:
        for connection in waiting:
            connection.close()
    assert httpx.post(f"{served.address}/predict", json=DRAWN).json()["digit"] == 7


@pytest.mark.parametrize("form", ["Content-Length: 14", "Transfer-Encoding: chunked"])
def test_a_body_that_another_protocol_swallows_is_not_taken_for_an_empty_one(served, form):
    body = b'e\r\n{"strokes":[]}\r\n0\r\n\r\n' if "chunked" in form else b'{"strokes":[]}'
    with connect(served) as connection:  # as Java's client asks by itself
        connection.sendall(head("/predict", form, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c") + body)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"code": "upgrade"' in answer


@pytest.mark.parametrize(("variables", "status"), [({}, 429), ({"FORWARDED_ALLOW_IPS": "127.0.0.1"}, 200)])
def test_who_a_client_says_it_is_counts_only_behind_a_proxy_that_was_named(tmp_path, variables, status):
    with serving(tmp_path, "--rate", "2/hour", **variables) as served:
        asked = [httpx.get(f"{served.address}/metrics", headers={"X-Forwarded-For": f"10.0.0.{i}"}) for i in range(3)]
        assert [answer.status_code for answer in asked] == [200, 200, status]


@pytest.mark.parametrize("path", ["/predict", "/predict?include=why"])
def test_a_half_closed_socket_gets_its_answer_and_an_abandoned_one_does_no_harm(served, path):
    body = json.dumps(DRAWN).encode()
    with connect(served) as connection:
        connection.sendall(head(path, f"Content-Length: {len(body)}", "Connection: close") + body)
        connection.shutdown(socket.SHUT_WR)
        assert b'"digit": 7' in received(connection)
    with connect(served) as connection:
        connection.sendall(head(path, f"Content-Length: {len(body)}") + body[:5])
    assert httpx.get(f"{served.address}/health").status_code == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
def test_the_lines_of_the_page_work_as_they_stand(served, tmp_path):
    (tmp_path / "digit.png").write_bytes(variants()["L"])
    section = (ROOT / "docs" / "serving.md").read_text()
    lines = re.findall(r"^    (curl .*)$", section, re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        here = line.replace("localhost:8000", served.address).replace("$MNISTLAB_TOKEN", TOKEN)
        command = [*shlex.split(here), "--silent", "--fail-with-body"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        if "predict" in line and "recent" not in line:
            assert json.loads(done.stdout)["digit"] == 7, line
