"""A drawing drawn again, at the speed of a hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from mnistlab.data import polyline

SPEED = 450  # px a second, an easy hand on a canvas of 280 px
LIFT = 0.15  # seconds in the air between two strokes
LONGEST = 6.0  # seconds; a longer drawing is drawn faster
TICK = 0.016  # seconds between two points; a screen shows no more


class Moment(NamedTuple):
    """One event of a hand.

    Attributes
    ----------
    wait : seconds since the moment before.
    event : ``"press"``, ``"move"`` or ``"release"``.
    points : float64 (n, 2), px; one for a press, none for a release.
    """

    wait: float
    event: str
    points: np.ndarray


def moments(strokes: Sequence[np.ndarray]) -> Iterator[Moment]:
    """The events of drawing ``strokes``, float64 arrays (n, 2), about one per ``TICK`` while the pen is down."""
    curves = [polyline.smooth(stroke) for stroke in strokes]
    total = sum(map(polyline.length, curves)) / SPEED + LIFT * len(curves)
    haste = max(1.0, total / LONGEST)
    for number, curve in enumerate(curves):
        yield Moment(LIFT / haste if number else 0.0, "press", curve[:1])
        along = np.concatenate([[0.0], np.hypot(*np.diff(curve, axis=0).T).cumsum()]) / (SPEED * haste)
        ticks = np.flatnonzero(np.diff((along / TICK).astype(int), append=-1))  # the last point of each tick
        done = 0
        for tick in ticks[ticks > 0].tolist():
            yield Moment(along[tick] - along[done], "move", curve[done + 1 : tick + 1])
            done = tick
        yield Moment(0.0, "release", curve[:0])


class Player:
    """Draws strokes in the event loop of the kernel, until it is stopped.

    Parameters
    ----------
    draw : called with each moment.
    end : called when the last one is drawn.
    """

    def __init__(self, draw: Callable[[Moment], None], end: Callable[[], None]) -> None:
        self._draw, self._end = draw, end
        self._task: asyncio.Task[None] | None = None

    @property
    def is_playing(self) -> bool:
        """A drawing is under way."""
        return self._task is not None

    def start(self, strokes: Sequence[np.ndarray]) -> bool:
        """Begin; False if there is no event loop to draw in."""
        self.stop()
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._play(list(strokes)))
        return self.is_playing

    def stop(self) -> bool:
        """End at once; True if a drawing was under way."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task is not None

    async def _play(self, strokes: list[np.ndarray]) -> None:
        for moment in moments(strokes):
            await asyncio.sleep(moment.wait)
            self._draw(moment)
        self._end()
