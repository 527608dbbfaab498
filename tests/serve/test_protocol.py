"""A connection that keeps the server waiting, or never comes to an end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn
from made import wait_for
from starlette.responses import PlainTextResponse

from mnistlab.serve import protocol
from mnistlab.serve.protocol import MAX_HEAD, BoundedProtocol


@pytest.fixture
def port() -> Iterator[int]:
    config = uvicorn.Config(PlainTextResponse("here"), http=BoundedProtocol, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, "the server did not start")
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answers(connection: socket.socket) -> bool:
    """Whether a whole request is answered."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
    came = b""
    while not came.endswith(b"here") and (part := connection.recv(2**16)):
        came += part
    return came.startswith(b"HTTP/1.1 200 OK")


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    came = b""
    try:
        while part := connection.recv(2**16):
            came += part
    except ConnectionResetError:  # it closed with bytes of ours unread
        pass
    return came


def is_cut(connection: socket.socket) -> bool:
    """Whether the server has broken off the connection."""
    try:
        connection.send(b"G")
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def test_requests_on_one_connection_are_answered_one_after_another(port):
    with connected(port) as connection:
        assert all(answers(connection) for _ in range(3))


@pytest.mark.parametrize("line", [b"X-%d: y\r\n", b"y" * 1000], ids=["many headers", "one without an end"])
def test_a_head_without_an_end_is_cut_off(port, line):
    with connected(port) as connection:
        sent = connection.send(b"GET / HTTP/1.1\r\nX-Long: ")
        try:
            while sent < 100 * MAX_HEAD:
                sent += connection.send(line.replace(b"%d", b"%d" % sent) * 10)
        except OSError:
            pass
        assert sent < 100 * MAX_HEAD
    with connected(port) as connection:
        assert answers(connection)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: he"], ids=["nothing", "half a head"])
def test_who_does_not_finish_a_head_is_not_waited_for(port, monkeypatch, sent):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    with connected(port) as connection:
        connection.sendall(sent)
        assert rest(connection) == b""


def test_who_finishes_it_may_take_long_to_ask_again(port, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 1.0)
    with connected(port) as connection:
        assert answers(connection)
        time.sleep(1.2)
        assert answers(connection)


def test_who_takes_nothing_of_an_answer_is_let_go(port, monkeypatch):
    monkeypatch.setattr(protocol, "READ_SECONDS", 0.3)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.settimeout(0.2)
        with suppress(OSError):  # both sides are full
            while True:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 1000)
        wait_for(lambda: is_cut(connection), "it is waited for")
    with connected(port) as connection:
        assert answers(connection)


def test_what_is_no_request_is_refused(port):
    with connected(port) as connection:
        connection.sendall(b"\x00\x01 no HTTP\r\n\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 400 ")
