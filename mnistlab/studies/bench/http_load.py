"""Clients that ask a server of this machine as fast as it answers, in processes of their own, over plain sockets.

A client of a library takes longer for a request than the server does for the answer, and would measure itself. This one knows
what the lab's server sends: HTTP/1.1, kept alive, with a ``Content-Length``. It imports nothing but the standard library.
"""

from __future__ import annotations

import selectors
import socket
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from time import perf_counter, sleep

from mnistlab.common.errors import LabError

HOST, WAIT = "127.0.0.1", 30.0  # s that an answer may take before it counts as a failure
CONNECTIONS = 8  # that one process serves, so that the clients are not what is slow


@dataclass(frozen=True)
class Load:
    """What one client process sends.

    Attributes
    ----------
    port : of the server.
    requests : whole requests as bytes, sent in turn; ``http_request`` makes one.
    connections : clients, each of which waits for its answer before it asks again.
    count : requests in all; None is until they are stopped.
    pause : seconds between an answer and the next request.
    """

    port: int
    requests: Sequence[bytes]
    connections: int = 1
    count: int | None = None
    pause: float = 0.0


@dataclass
class Outcome:
    """What came back.

    Attributes
    ----------
    milliseconds : from each request to the end of its answer, 200 or not.
    failures : what went wrong and how often: a status, or the name of an error.
    versions : that answered, and how often.
    """

    milliseconds: array[float] = field(default_factory=lambda: array("d"))
    failures: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)

    def add(self, other: Outcome) -> None:
        """Count those of another process as well."""
        self.milliseconds.extend(other.milliseconds)
        self.failures.update(other.failures)
        self.versions.update(other.versions)


def http_request(path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    """A request as bytes: POST with a body, else GET."""
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {HOST}\r\n"
    typed = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{head}{typed}\r\n".encode() + body


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Send one request, and return the status and body of its answer.

    Raises
    ------
    OSError : there is no such server, or it closed the connection.
    """
    with _Client(port) as client:
        client.send(request)
        while (answer := client.receive()) is None:
            pass
    return answer


class Clients:
    """Client processes at work; a ``with`` block ends them.

    Parameters
    ----------
    loads : one for each process.
    """

    def __init__(self, *loads: Load) -> None:
        context = get_context("spawn")
        self._stop = context.Event()
        pipes = [context.Pipe(duplex=False) for _ in loads]
        self._ends = [end for end, _ in pipes]
        self._processes = [
            context.Process(target=_run, args=(load, self._stop, pipe), daemon=True)
            for load, (_, pipe) in zip(loads, pipes, strict=True)
        ]
        for process, (_, pipe) in zip(self._processes, pipes, strict=True):
            process.start()
            pipe.close()  # so that its end is seen here if it dies

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def stop(self) -> None:
        """Ask for no more."""
        self._stop.set()

    def outcomes(self) -> list[Outcome]:
        """What each has to tell, once all have ended.

        Raises
        ------
        LabError : a process ended without a word.
        """
        try:
            return [end.recv() for end in self._ends]
        except EOFError:
            raise LabError("a client of the benchmark ended without a result", code="client") from None


def spread(load: Load) -> list[Load]:
    """The same load on as few processes as can carry it; ``count`` is shared out."""
    processes = -(-load.connections // CONNECTIONS)
    edges = [load.connections * i // processes for i in range(processes + 1)]
    counts = [None if load.count is None else load.count * edge // load.connections for edge in edges]
    return [
        replace(load, connections=high - low, count=None if most is None or least is None else most - least)
        for (low, high), (least, most) in zip(pairwise(edges), pairwise(counts), strict=True)
    ]


def _run(load: Load, stop: Event, pipe: Connection) -> None:
    pipe.send(hammer(load, stop))
    pipe.close()


def hammer(load: Load, stop: Event | None = None) -> Outcome:
    """Send a load from this process and wait for all answers; what fails is counted, and a new connection goes on.

    Raises
    ------
    OSError : the server takes no connection.
    """
    outcome, requests = Outcome(), _requests(load, stop)
    with selectors.DefaultSelector() as waiting:
        for _ in range(load.connections):
            _ask(_Client(load.port), requests, waiting)
        while waiting.get_map():
            ready = waiting.select(WAIT)
            if not ready:
                outcome.failures["no answer"] += len(waiting.get_map())
                break
            for key, _ in ready:
                client = key.data
                try:
                    if (answer := client.receive()) is None:
                        continue
                    _note(outcome, client.sent, *answer)
                except OSError as error:
                    outcome.failures[type(error).__name__] += 1
                    client = _Client(load.port)
                waiting.unregister(key.fileobj)
                if client is not key.data:
                    key.data.close()
                _ask(client, requests, waiting)
    return outcome


def _requests(load: Load, stop: Event | None) -> Iterator[bytes]:
    for turn in count() if load.count is None else range(load.count):
        if stop and stop.is_set():
            return
        if turn and load.pause:
            sleep(load.pause)
        yield load.requests[turn % len(load.requests)]


def _ask(client: _Client, requests: Iterator[bytes], waiting: selectors.BaseSelector) -> None:
    if (request := next(requests, None)) is None:
        client.close()
        return
    client.send(request)
    waiting.register(client.socket, selectors.EVENT_READ, client)


def _note(outcome: Outcome, sent: float, status: int, body: bytes) -> None:
    outcome.milliseconds.append(1000 * (perf_counter() - sent))
    if status != 200:
        outcome.failures[str(status)] += 1
    _, found, rest = body.partition(b'"version":')
    if found:
        outcome.versions[rest.split(b'"', 2)[1].decode()] += 1


class _Client:
    """One connection: sends a request, and puts its answer together from what comes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._came = b""

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, request: bytes) -> None:
        self._came, self.sent = b"", perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """Status and body of the answer; None as long as it is not complete."""
        came = self.socket.recv(2**16)
        if not came:
            raise ConnectionResetError("the server closed the connection")
        self._came += came
        head, found, body = self._came.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        return (int(head[9:12]), body) if len(body) >= length else None

    def close(self) -> None:
        self.socket.close()
