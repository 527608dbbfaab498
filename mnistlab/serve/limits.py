"""How much is taken on: the rate of one client, bodies, and work in threads beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import TypeVar

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from mnistlab.data.picture_file import MAX_BYTES
from mnistlab.serve.errors import ApiError

MAX_BODY = MAX_BYTES + 2**16  # bytes; the largest picture and what a form puts around it
MAX_RECEIVED = 2**26  # bytes of all bodies that are held at once; beyond them only little ones are taken
LITTLE = 2**16  # bytes of a body that is always taken
T = TypeVar("T")


class Rate:
    """Requests that one client may send.

    Parameters
    ----------
    rate : as ``"200/second"``; None is no limit.
    """

    def __init__(self, rate: str | None) -> None:
        self._item = parse(rate) if rate else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def check(self, client: str) -> None:
        """Count a request.

        Raises
        ------
        ApiError : 429, it is one too many.
        """
        if self._item is not None and not self._limiter.hit(self._item, _household(client)):
            seconds = str(self._item.get_expiry())
            raise ApiError(
                f"too many requests: {self._item} are allowed",
                code="rate",
                status=429,
                headers={"Retry-After": seconds},
            )


class InFlight:
    """What all requests together take.

    Attributes
    ----------
    at_work : requests, but not those that wait for their client's bytes, or for it to take its answer.
    received : bytes of their bodies.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.at_work = self.received = 0

    @property
    def is_full(self) -> bool:
        """Whether more are at work than may be."""
        return self.at_work > self._most


class Place:
    """What one request takes of the load."""

    def __init__(self, load: InFlight) -> None:
        self._load, self._at_work, self._received = load, False, 0

    def take(self) -> None:
        """It is at work from now on."""
        self._load.at_work += not self._at_work
        self._at_work = True

    def leave(self) -> None:
        """It waits for its client."""
        self._load.at_work -= self._at_work
        self._at_work = False

    def hold(self, size: int) -> None:
        """So many more bytes of its body have come.

        Raises
        ------
        ApiError : 503, there is too much to do, or to hold.
        """
        self._received += size
        self._load.received += size
        if self._load.is_full or (self._received > LITTLE and self._load.received > MAX_RECEIVED):
            raise busy()

    def end(self) -> None:
        """It takes nothing any more."""
        self.leave()
        self._load.received -= self._received
        self._received = 0


class Work:
    """Threads for what takes longer than the event loop may wait: pictures, and what asks the disk.

    What has begun cannot be stopped, so no more is begun than there are threads; more wait, within a bound, and further ones
    are turned away.

    Parameters
    ----------
    threads : at work at once.
    waiting : how many may wait for one of them.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="serve")
        self._places = threading.Semaphore(threads + waiting)

    async def run(self, seconds: float, function: Callable[[], T]) -> T:
        """The result of a function that a thread calls.

        Raises
        ------
        ApiError : 503, there is too much to do, or this took longer than so many seconds.
        """
        if not self._places.acquire(blocking=False):
            raise busy()
        future = self._pool.submit(function)
        future.add_done_callback(self._free)  # not before the thread is free again, though nobody waits for it any more
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise ApiError(
                f"this took longer than {seconds:g} s and was given up",
                code="timeout",
                status=503,
                headers={"Retry-After": "1"},
            ) from None

    def close(self) -> None:
        """Begin nothing more; what has begun ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _free(self, _: Future[T]) -> None:
        self._places.release()


def _household(client: str) -> str:
    """Who is counted as one: an IPv4 address, or 64 bits of an IPv6 one; within these anybody has as many as they like."""
    try:
        address = IPv6Address(client)
    except AddressValueError:
        return client
    return str(address.ipv4_mapped or IPv6Network((address.packed[:8] + bytes(8), 64)))


def busy() -> ApiError:
    """The answer to one request too many."""
    return ApiError(
        "the server has too much to do; try again in a second", code="busy", status=503, headers={"Retry-After": "1"}
    )


async def read_body(request: Request, seconds: float) -> bytes:
    """The whole body.

    Raises
    ------
    ApiError : 413, it is larger than allowed; 408, it did not come in time; 400, the client is gone or asks for another protocol.
    """
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > MAX_BODY:
        raise _too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ApiError("the connection was closed before the whole body came", code="cut", status=400)
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MAX_BODY:
                    raise _too_large()
                if not size and "upgrade" in request.headers:  # the parser takes what follows for another protocol
                    raise ApiError(
                        "no other protocol is spoken here: send this without the header Upgrade, else its body is not read",
                        code="upgrade",
                        status=400,
                        headers={"Connection": "close"},
                    )
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise ApiError(
            f"the body did not come within {seconds:g} s", code="slow", status=408, headers={"Connection": "close"}
        ) from None


def _too_large() -> ApiError:
    return ApiError(
        f"the body is larger than {MAX_BODY:,} bytes; a picture may have {MAX_BYTES:,}",
        code="too-large",
        status=413,
        headers={"Connection": "close"},
    )
