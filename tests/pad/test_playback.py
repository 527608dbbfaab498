"""A drawing drawn once more: where the pen goes, and when."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from mnistlab.data import polyline
from mnistlab.data.drawings import load_drawings
from mnistlab.pad.playback import LIFT, LONGEST, SPEED, Player, moments

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


def test_without_an_event_loop_nothing_is_played():
    drawn = []
    player = Player(drawn.append, lambda: drawn.append("end"))
    assert not player.start(STROKES)
    assert not player.is_playing
    assert not player.stop()
    assert drawn == []


def test_a_player_that_is_stopped_draws_no_more():
    drawn = []
    player = Player(drawn.append, lambda: drawn.append("end"))

    async def play() -> None:
        assert player.start(STROKES)
        await asyncio.sleep(0.01)
        assert player.stop()
        held = len(drawn)
        await asyncio.sleep(0.05)
        assert len(drawn) == held
        assert "end" not in drawn

    asyncio.run(play())
