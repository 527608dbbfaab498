"""A bad connection to a server on this machine: it delays what goes through it, and can be cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")
LONG = 10  # seconds in which its own thread must have answered
MOST = 10_000  # pieces under way in one direction


class SlowLink:
    """Passes on to a port of this machine what comes to another one.

    Parameters
    ----------
    port : of the server.
    round_trip : milliseconds that a question and its answer take longer.

    Attributes
    ----------
    port : of the link.
    """

    def __init__(self, port: int, round_trip: float = 0.0) -> None:
        self._target, self._delay = port, round_trip / 2000
        self._is_cut = False
        self._pipes: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End all connections, lose what is under way, and take no new one."""
        self._is_cut = True
        self._do(self._end())

    def mend(self) -> None:
        """Take connections again."""
        self._is_cut = False

    def close(self) -> None:
        """End it for good."""
        self.cut()
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LONG)
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(LONG)

    async def _end(self) -> None:
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        pipe = self._loop.create_task(self._join(reader, writer))
        self._pipes.add(pipe)
        pipe.add_done_callback(self._pipes.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(far_writer)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(reader, far_writer))
                ways.create_task(self._pass_on(far_reader, writer))
        except* OSError:
            pass
        finally:
            for end in ends:
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(MOST)

        async def deliver() -> None:
            while True:
                due, piece = await under_way.get()
                await asyncio.sleep(due - self._loop.time())
                if not piece:
                    with suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(piece)
                await writer.drain()

        async def accept() -> None:
            piece = b"a"
            while piece:
                piece = await reader.read(65_536)
                await under_way.put((self._loop.time() + self._delay, piece))

        async with asyncio.TaskGroup() as ends:
            ends.create_task(accept())
            ends.create_task(deliver())


@contextmanager
def slow_link(port: int, round_trip: float = 0.0) -> Iterator[SlowLink]:
    """A link that is closed in the end."""
    link = SlowLink(port, round_trip)
    try:
        yield link
    finally:
        link.close()
