"""One pad, two threads: ipykernel serves the messages of one page now in its main thread, now in that of a subshell."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

from mnistlab.pad.canvas import InkCanvas
from mnistlab.pad.schedule import Timer
from mnistlab.pad.widget import DigitPad

LONG = 20  # seconds after which something never comes
LINE = [(100, 40), (120, 120), (140, 240)]


@pytest.fixture
def pad(registry):
    pad = DigitPad(models=registry.root)
    yield pad
    pad.close()


@pytest.fixture
def other() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


@contextmanager
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop that runs in a thread of its own."""
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    try:
        yield running
    finally:
        running.call_soon_threadsafe(running.stop)
        thread.join(LONG)
        running.close()


def within(running: asyncio.AbstractEventLoop, call: Callable[[], object]) -> object:
    """What a call gives that is made in an event loop."""

    async def make() -> object:
        return call()

    return asyncio.run_coroutine_threadsafe(make(), running).result(LONG)


def test_a_pad_that_a_cell_shows_is_not_bound_to_the_thread_of_cells(pad):
    parts = [pad, pad.wet, pad.controls.undo, pad.controls.more]
    for part in parts:
        part.comm._reply_subshell_id = None  # as ipykernel remembers that a cell has sent something
    assert "application/vnd.jupyter.widget-view+json" in pad._repr_mimebundle_()
    assert [hasattr(part.comm, "_reply_subshell_id") for part in parts] == [False] * 4
    assert time.time() - pad.wet.shown < LONG


def held_reading(pad: DigitPad, monkeypatch) -> tuple[list[int], threading.Event, threading.Event]:
    """Make readings wait: how many have begun, and events for that the first has, and that they may go on."""
    readings, begun, go_on, read = [], threading.Event(), threading.Event(), pad.document.read

    def wait(predictor):
        readings.append(1)
        begun.set()
        assert go_on.wait(LONG)
        return read(predictor)

    monkeypatch.setattr(pad.document, "read", wait)
    return readings, begun, go_on


ACTS = {
    "a button": lambda pad: pad.controls.clear.click(),
    "a switch": lambda pad: setattr(pad.controls.why, "value", True),
    "the folding": lambda pad: setattr(pad.controls.more, "value", True),
    "a handler": lambda pad: pad.clear(),
    "the mouse": lambda pad: pad.canvas._handle_frontend_event(None, {"event": "mouse_down", "x": 1, "y": 1}, []),
    "a new page": lambda pad: pad.canvas._handle_frontend_event(None, {"event": "client_ready"}, []),
    "a replay": lambda pad: pad.replay([LINE]),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_comes_in_another_thread_waits_until_the_handler_that_runs_is_done(pad, other, monkeypatch, act):
    readings, begun, go_on = held_reading(pad, monkeypatch)
    first = other.submit(pad.replay, [LINE])
    assert begun.wait(LONG)
    drawn, redraw = [], pad.canvas.redraw
    monkeypatch.setattr(pad.canvas, "redraw", lambda *given, **more: drawn.append(1) or redraw(*given, **more))
    second = other.submit(ACTS[act], pad)
    time.sleep(0.05)  # as long as it would need, and more
    assert not second.done()
    assert (drawn, readings) == ([], [1])
    go_on.set()
    first.result(LONG)
    second.result(LONG)
    assert pad.message == ""


def test_a_switch_that_a_person_sets_while_the_pad_sets_one_is_heard(pad, other):
    with pad.wiring.quietly():
        heard = other.submit(setattr, pad.controls.pen, "value", 40)
        time.sleep(0.05)
        assert pad.document.pen_width == 20
    heard.result(LONG)
    assert pad.document.pen_width == 40


def test_two_threads_that_draw_at_once_leave_whole_strokes(pad, other):
    one, two = ([(x, y) for y in range(40, 240, 10)] for x in (60, 200))
    for done in [other.submit(pad.replay, [stroke]) for stroke in (one, two) * 5]:
        done.result(LONG)
    assert pad.drawing.strokes[0].tolist() in ([list(map(float, p)) for p in one], [list(map(float, p)) for p in two])
    assert len(pad.drawing) == 1


def test_two_canvases_in_two_threads_do_not_draw_on_each_other(other, monkeypatch):
    canvases = [InkCanvas(print, print, print) for _ in range(2)]
    meant, manager = [], canvases[0]._canvas_manager
    draw = type(manager).send_draw_command

    def noted(self, canvas, name, args=(), buffers=()):
        draw(self, canvas, name, args, buffers)
        time.sleep(0.0005)  # let the other thread in
        meant.append((canvas, self._current_canvas))

    monkeypatch.setattr(type(manager), "send_draw_command", noted)
    strokes = [np.array(LINE, dtype=float)]
    for done in [other.submit(canvas.redraw, strokes, 20.0) for _ in range(20) for canvas in canvases]:
        done.result(LONG)
    assert all(canvas is current for canvas, current in meant)


# --- timers -----------------------------------------------------------------------------------------------------------


def test_a_timer_of_one_thread_can_be_called_off_in_another():
    made = []
    timer = Timer(lambda: made.append(threading.current_thread()))
    with loop() as running:
        assert within(running, lambda: timer.start(0.05))
        timer.cancel()
        assert not timer.is_waiting
        time.sleep(0.1)
        assert made == []
        assert within(running, lambda: timer.start(0))
        deadline = time.monotonic() + LONG
        while not made and time.monotonic() < deadline:
            time.sleep(0.01)
    assert len(made) == 1
    assert not timer.is_waiting


def test_a_call_that_was_due_already_but_waits_for_the_lock_is_called_off_too():
    made, lock = [], threading.RLock()
    timer = Timer(lambda: made.append(1), lock=lock)
    with loop() as running:
        within(running, lambda: timer.start(0.1))
        with lock:
            time.sleep(0.2)  # now its loop waits for the lock
            timer.cancel()
        within(running, lambda: None)
    assert made == []


def test_a_timer_whose_loop_has_ended_can_be_started_in_another():
    made = []
    timer = Timer(lambda: made.append(1))
    with loop() as ended:
        within(ended, lambda: timer.start(60))
    with loop() as running:
        assert within(running, lambda: timer.start(0))
        within(running, lambda: None)
        time.sleep(0.05)
    assert made == [1]


def test_a_replay_is_stopped_from_another_thread_and_draws_no_more(pad):
    pad.replay([LINE, LINE])
    with loop() as running:
        within(running, pad.playback.play)
        assert pad.playback.is_playing
        pad.undo()
        assert [len(stroke) for stroke in pad.drawing.strokes] == [3]
        within(running, lambda: None)
        time.sleep(0.05)
    assert [len(stroke) for stroke in pad.drawing.strokes] == [3]
    assert not pad.playback.is_playing
