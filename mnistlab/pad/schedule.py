"""When a pad shows ink, reads, explains and counts: all its timers, with no widget in it.

What is due is done at once by whoever asks; what is not is called for by a timer in the event loop of the kernel. Where there is
no event loop nothing comes by itself: ink and explanation are then due at once, the reading comes with a later event, and
nothing is counted.

A timer may be started in the event loop of one thread and called off in another: ipykernel serves the messages of one page now in
its main thread, now in that of a subshell.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol

FRAME = 1 / 60  # seconds; ink that comes more often than a screen shows it only keeps the page busy
INTERVAL = 0.04  # seconds between two readings of a stroke under way; 25 a second look continuous
IDLE = 1.5  # of the time a reading took, at least this is left for the pen before the next
PAUSE = 0.3  # seconds the pen has to be up before an explanation is searched for, so that the next stroke need not wait
SEEN = 2.0  # seconds with the pen up after which a reading counts as seen


class CallToCome(Protocol):
    """A call that will be made."""

    def cancel(self) -> None:
        """Make it no more; from any thread."""


CallLater = Callable[[float, Callable[[], None]], CallToCome | None]


class LoopCall:
    """A call that an event loop will make; its loop is remembered, since only there it can be called off.

    Parameters
    ----------
    loop : that of the thread this is made in.
    seconds : when.
    call : without arguments.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], None]) -> None:
        self._loop, self._handle = loop, loop.call_later(seconds, call)

    def cancel(self) -> None:
        """Make it no more."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._handle.cancel)


def call_later(seconds: float, call: Callable[[], None]) -> LoopCall | None:
    """Make a call in the event loop of this thread, in so many seconds; None if there is no loop to make it in."""
    try:
        return LoopCall(asyncio.get_running_loop(), seconds, call)
    except RuntimeError:
        return None


class Timer:
    """One call that can be put off and called off.

    Parameters
    ----------
    call : what to call, without arguments.
    call_later : how; by default in the event loop of the thread that starts it.
    lock : re-entrant; held during the call. What starts and cancels the timer holds it too.
    """

    def __init__(
        self,
        call: Callable[[], None],
        call_later: CallLater = call_later,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self._call, self._call_later, self._lock = call, call_later, lock or threading.RLock()
        self._to_come: CallToCome | None = None
        self._turn = 0  # of how many starts and cancels; a call that comes too late to be called off is told by it

    @property
    def is_waiting(self) -> bool:
        """The call is still to be made."""
        return self._to_come is not None

    def start(self, seconds: float) -> bool:
        """Make the call in so many seconds, and no earlier one; False if there is no event loop to make it in."""
        with self._lock:
            self.cancel()
            turn = self._turn
            self._to_come = self._call_later(seconds, lambda: self._make(turn))
            return self.is_waiting

    def cancel(self) -> None:
        """Make no call."""
        with self._lock:
            self._turn += 1
            if self._to_come is not None:
                self._to_come.cancel()
                self._to_come = None

    def _make(self, turn: int) -> None:
        with self._lock:
            if turn == self._turn:
                self._to_come = None
                self._call()


class Schedule:
    """What is due now, and what a timer calls for later.

    Parameters
    ----------
    ink, read, explain, count : called when their time has come.
    clock : seconds.
    call_later, lock : as for ``Timer``; one lock for all.
    """

    def __init__(
        self,
        *,
        ink: Callable[[], None],
        read: Callable[[], None],
        explain: Callable[[], None],
        count: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
        call_later: CallLater = call_later,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        self.clock = clock
        lock = lock or threading.RLock()
        self._ink, self._reading, self._explanation, self._count = (
            Timer(call, call_later, lock) for call in (ink, read, explain, count)
        )
        self._ink_due = self._reading_due = clock()

    def ink_is_due(self) -> bool:
        """Ask when the pen has moved. If not, ``ink`` is called as soon as a frame has passed since the last ink."""
        wait = self._ink_due - self.clock()
        return wait <= 0 or not (self._ink.is_waiting or self._ink.start(wait))

    def ink_shown(self, *, frame: bool = True) -> None:
        """All ink is on the canvas. With ``frame``, no more is due before the next one."""
        self._ink.cancel()
        if frame:
            self._ink_due = self.clock() + FRAME

    def reading_is_due(self) -> bool:
        """Ask when there is new ink. If not, ``read`` is called as soon as it is; an explanation waits for the pen to rest."""
        self._explanation.cancel()
        wait = self._reading_due - self.clock()
        if wait > 0 and not self._reading.is_waiting:
            self._reading.start(wait)
        return wait <= 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While the network reads: how long that takes decides when the next reading is due."""
        started = self.clock()
        self._reading.cancel()
        yield
        done = self.clock()
        self._reading_due = done + max(INTERVAL, IDLE * (done - started))

    def explanation_is_due(self) -> bool:
        """Ask when the pen is up. If not, ``explain`` is called once it has rested for a while."""
        return not self._explanation.start(PAUSE)

    def explain_no_more(self) -> None:
        """No explanation is waited for."""
        self._explanation.cancel()

    def count_soon(self) -> None:
        """Have ``count`` called if the reading stays for a while."""
        self._count.start(SEEN)

    def count_no_more(self) -> None:
        """The reading has been counted already, or has changed."""
        self._count.cancel()

    def close(self) -> None:
        """Make no more calls."""
        for timer in (self._ink, self._reading, self._explanation, self._count):
            timer.cancel()
