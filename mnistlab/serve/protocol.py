"""How requests are taken from a connection: parsed in C (``httptools``), which saves a third of the CPU of a request.

What uvicorn's protocol leaves open is bounded here: the head of a request may not go on for ever, in bytes or in time, nor may
the taking of its answer. A body's bounds are those of ``limits``.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport

import httptools  # noqa: F401  # uvicorn asks for it by name; named here, for it must be installed
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD = 2**16  # bytes; h11, in Python, allows as many
HEAD_SECONDS = 10.0  # from the connection, or the first byte of a further request, to the end of its head
READ_SECONDS = 30.0  # that a client may go without taking anything of an answer


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _late: TimerHandle | None = None  # set while a head is not complete
    _stuck: TimerHandle | None = None  # set while an answer is not taken
    _came = 0  # bytes of it

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """A client has connected; its first request is due."""
        super().connection_made(transport)
        self._begin()

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        """The head has come."""
        self._end()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        super().data_received(data)
        if self._late:
            self._came += len(data)
            if self._came > MAX_HEAD and not self.transport.is_closing():
                self.send_400_response(f"The head of a request may have {MAX_HEAD} bytes.")

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio takes either
        """The client will say no more. True keeps the connection, for the answer to a request that has come as a whole."""
        cycle: RequestResponseCycle | None = self.cycle  # None until the first request, though uvicorn says otherwise
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def pause_writing(self) -> None:
        """The client takes its answer slower than it is sent."""
        super().pause_writing()
        self._stuck = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken some of it."""
        self._take()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._end()
        self._take()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._came = 0
        if not self._late:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _end(self) -> None:
        if self._late:
            self._late.cancel()
            self._late = None

    def _take(self) -> None:
        if self._stuck:
            self._stuck.cancel()
            self._stuck = None
