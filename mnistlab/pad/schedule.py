"""A call that is made once, a little later, in the event loop of the kernel. Without a loop there is no later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timer:
    """A call that can be put off and called off.

    Parameters
    ----------
    call : what to call, without arguments.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """The call is still to be made."""
        return self._handle is not None

    def start(self, seconds: float) -> bool:
        """Make the call in so many seconds, and no earlier one; False if there is no event loop to make it in."""
        self.cancel()
        try:
            self._handle = asyncio.get_running_loop().call_later(seconds, self._make)
        except RuntimeError:
            return False
        return True

    def cancel(self) -> None:
        """Make no call."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _make(self) -> None:
        self._handle = None
        self._call()
