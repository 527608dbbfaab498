"""The clients of the benchmark: what they count, against a server that misbehaves on purpose."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from mnistlab.common.errors import LabError
from mnistlab.studies.bench.http_load import Clients, Load, ask, hammer, http_request, spread


class Odd(BaseHTTPRequestHandler):
    """Echoes; /404 is not there; /cut closes the connection without a word; /torn sends its answer in pieces."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[Counter[str]] = Counter()

    def handle_any(self) -> None:
        self.seen[self.path] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = json.dumps({"version": f"000{len(body)}", "came": body.decode()}).encode()
        if self.path == "/cut":
            self.close_connection = True
            return
        self.send_response(404 if self.path == "/404" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        middle = len(answer) // 2 if self.path == "/torn" else 0
        for piece in (answer[:middle], answer[middle:]):
            self.wfile.write(piece)
            self.wfile.flush()

    do_GET = do_POST = handle_any

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    Odd.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_every_request_is_sent_in_turn_and_its_answer_timed(port):
    requests = [http_request("/a", b"12"), http_request("/torn", b"123")]
    outcome = hammer(Load(port, requests, connections=3, count=20))
    assert len(outcome.milliseconds) == 20
    assert min(outcome.milliseconds) > 0
    assert outcome.versions == {"0002": 10, "0003": 10}
    assert outcome.failures == {}
    assert Odd.seen == {"/a": 10, "/torn": 10}


def test_what_fails_is_counted_by_its_kind_and_a_new_connection_goes_on(port):
    requests = [http_request(path) for path in ("/a", "/404", "/cut")]
    outcome = hammer(Load(port, requests, connections=2, count=30))
    assert outcome.failures == {"404": 10, "ConnectionResetError": 10}
    assert len(outcome.milliseconds) == 20


def test_one_request_is_asked_and_answered(port):
    assert ask(port, http_request("/a", b"x")) == (200, b'{"version": "0001", "came": "x"}')


def test_processes_share_a_load_and_tell_what_they_saw(port):
    with Clients(*spread(Load(port, [http_request("/a", b"1")], connections=10, count=40))) as running:
        first, second = running.outcomes()
    assert len(first.milliseconds) + len(second.milliseconds) == 40
    assert first.versions + second.versions == {"0001": 40}


def test_clients_without_an_end_go_on_until_they_are_stopped(port):
    with Clients(Load(port, [http_request("/a", b"1")], connections=2, pause=0.001)) as running:
        while Odd.seen["/a"] < 20:
            pass
        running.stop()
        (outcome,) = running.outcomes()
    assert len(outcome.milliseconds) >= 20
    assert outcome.failures == {}


def test_a_client_that_finds_no_server_is_told(port, capfd):
    with Clients(Load(1, [http_request("/a")], count=1)) as running, pytest.raises(LabError, match="without a result"):
        running.outcomes()


@pytest.mark.parametrize(("connections", "count"), [(1, 7), (8, 100), (9, 100), (32, 1001)])
def test_a_load_is_shared_out_whole(connections, count):
    parts = spread(Load(80, [b""], connections, count))
    assert sum(part.connections for part in parts) == connections
    assert sum(part.count for part in parts) == count
    assert max(part.connections for part in parts) <= 8
