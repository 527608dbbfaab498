"""A drawing drawn once more: where the pen goes, and when."""

from __future__ import annotations

import asyncio
from unittest.mock import MagicMock

import numpy as np
import pytest

from mnistlab.data import polyline
from mnistlab.data.drawings import load_drawings
from mnistlab.pad.playback import LIFT, LONGEST, SPEED, Playback, moments

STROKES = load_drawings()["four"].strokes


def test_every_stroke_is_drawn_from_its_start_to_its_end():
    events = list(moments(STROKES))
    assert [m.event for m in events if m.event != "move"] == ["press", "release"] * len(STROKES)
    points = [m.points for m in events if len(m.points)]
    drawn = np.concatenate(points)
    expected = np.concatenate([polyline.smooth(stroke) for stroke in STROKES])
    np.testing.assert_array_equal(drawn, expected)


def test_it_takes_as_long_as_an_easy_hand_and_never_too_long():
    line = np.array([(0.0, 0.0), (200.0, 0.0)])
    assert sum(m.wait for m in moments([line])) == pytest.approx(200 / SPEED, rel=0.05)
    assert sum(m.wait for m in moments([line, line])) == pytest.approx(400 / SPEED + LIFT, rel=0.05)
    assert sum(m.wait for m in moments([line] * 200)) <= LONGEST


def test_a_dot_is_a_press_and_a_release():
    assert [m.event for m in moments([np.array([(5.0, 5.0)])])] == ["press", "release"]
    assert list(moments([])) == []


def test_a_replay_that_is_closed_draws_no_more():
    pad = MagicMock()
    pad.drawing.strokes = STROKES
    playback = Playback(pad)

    async def play() -> None:
        playback.play()
        await asyncio.sleep(0.01)
        assert playback.close()
        assert not playback.is_playing
        held = len(pad.drawing.mock_calls + pad.view.mock_calls)  # to take the lock once more is no drawing
        await asyncio.sleep(0.05)
        assert len(pad.drawing.mock_calls + pad.view.mock_calls) == held

    asyncio.run(play())
    assert pad.drawing.press.called
    assert not playback.close()
