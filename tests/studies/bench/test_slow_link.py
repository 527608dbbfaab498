from __future__ import annotations

import socket
import threading
import time

import pytest

from mnistlab.studies.bench.slow_link import slow_link

PIECES = [bytes([k]) * 3_000 for k in range(200)]


@pytest.fixture
def echo():
    """The port of a server that sends back what it is sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(client,), daemon=True).start()

        def answer(client: socket.socket) -> None:
            with client:
                try:
                    while piece := client.recv(65_536):
                        client.sendall(piece)
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def receive(client: socket.socket, n: int) -> bytes:
    got = b""
    while len(got) < n and (piece := client.recv(65_536)):
        got += piece
    return got


def test_all_comes_through_in_order_and_later(echo):
    with slow_link(echo, round_trip=60) as link, socket.create_connection(("127.0.0.1", link.port), 10) as client:
        started = time.monotonic()
        for piece in PIECES:
            client.sendall(piece)
        whole = b"".join(PIECES)
        assert receive(client, len(whole)) == whole
        assert time.monotonic() - started >= 0.06
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def has_ended(client: socket.socket) -> bool:
    """It was cut off: by an end of the stream, or by an error."""
    try:
        client.sendall(b"x")
        return client.recv(10) == b""
    except ConnectionError:
        return True


def test_a_cut_loses_what_is_under_way_until_it_is_mended(echo):
    with slow_link(echo, round_trip=200) as link:
        with socket.create_connection(("127.0.0.1", link.port), 10) as client:
            client.sendall(b"lost")
            time.sleep(0.05)
            link.cut()
            assert has_ended(client)
            with socket.create_connection(("127.0.0.1", link.port), 10) as refused:
                assert has_ended(refused)
        link.mend()
        with socket.create_connection(("127.0.0.1", link.port), 10) as client:
            client.sendall(b"again")
            assert receive(client, 5) == b"again"
