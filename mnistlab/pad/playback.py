"""A drawing drawn again on a pad, stroke by stroke, at the speed of a hand, and read as if by one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnistlab.data import polyline
from mnistlab.data.strokes import Drawing
from mnistlab.pad.wiring import Part, handler

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction
    from mnistlab.pad.widget import DigitPad

SPEED = 450  # px a second, an easy hand on a canvas of 280 px
LIFT = 0.15  # seconds in the air between two strokes
LONGEST = 6.0  # seconds; a longer drawing is drawn faster
TICK = 0.016  # seconds between two points; a screen shows no more


class Moment(NamedTuple):
    """One event of a hand."""

    wait: float  # seconds since the moment before
    event: str  # ``"press"``, ``"move"`` or ``"release"``
    points: np.ndarray  # float64 (n, 2), px; one for a press, none for a release


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


class Playback(Part):
    """The replays of one pad, in the event loop of the kernel."""

    def __init__(self, pad: DigitPad) -> None:
        super().__init__(pad)
        self._task: asyncio.Task[None] | None = None
        self._strokes: list[np.ndarray] = []  # all of the drawing that is replayed

    @property
    def is_playing(self) -> bool:
        """A replay is under way."""
        return self._task is not None

    def at_once(self, strokes: Sequence[np.ndarray]) -> Prediction:
        """Clear, draw strokes, float64 (n, 2), through the handlers of a hand with no wait, and read what is there."""
        pad = self._pad
        with self.lock:
            pad.clear()
            for first, *others in (stroke.tolist() for stroke in strokes):
                pad.press(*first)
                for point in others:
                    pad.move(*point)
                pad.release()
            return pad.prediction

    @handler
    def play(self) -> None:
        """Draw what is there again; where there is no event loop to wait in, nothing happens."""
        self.stop()
        self._strokes = self._pad.drawing.strokes
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._strokes:
            self._task = loop.create_task(self._play())
            self._show(Drawing())

    def toggle(self) -> None:
        """Play, or stop what is played."""
        self.stop() if self.is_playing else self.play()

    @handler
    def stop(self) -> None:
        """End a replay; the whole drawing is there again."""
        if self.close():
            self._show(Drawing(self._strokes))

    def close(self) -> bool:
        """Draw no more; True if a replay was under way."""
        with self.lock:
            task, self._task = self._task, None
        if task is not None:
            with suppress(RuntimeError):  # its event loop is closed
                task.get_loop().call_soon_threadsafe(task.cancel)
        return task is not None

    async def _play(self) -> None:
        for moment in moments(self._strokes):
            await asyncio.sleep(moment.wait)
            self._draw(moment)
        self._end()

    @handler
    def _end(self) -> None:
        if self._task is asyncio.current_task():
            self.stop()

    @handler
    def _draw(self, moment: Moment) -> None:
        pad = self._pad
        if self._task is not asyncio.current_task():  # another thread has stopped it while this one waited for the lock
            return
        if moment.event == "press":
            pad.view.ink()
            pad.drawing.press(*moment.points[0].tolist())
            pad.view.dot(moment.points[0])
        elif moment.event == "release":
            pad.drawing.release()
        else:
            for point in moment.points.tolist():
                pad.drawing.move(*point)
                pad.view.follow()
                pad.reading.soon()

    def _show(self, drawing: Drawing) -> None:
        self._pad.document.drawing = drawing
        self._pad.controls.show_replay(self.is_playing)
        self._pad.change()
