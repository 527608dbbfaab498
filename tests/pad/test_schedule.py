"""When ink, readings, explanations and counts come: asked with a clock of its own, and no widget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from mnistlab.pad.schedule import FRAME, IDLE, INTERVAL, PAUSE, SEEN, Schedule, Timer

JUST = 1e-6  # seconds


@dataclass
class Call:
    at: float
    make: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class Time:
    """A clock that stands still, and an event loop that runs only while it is put forward."""

    now: float = 100.0
    calls: list[Call] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def call_later(self, seconds: float, make: Callable[[], None]) -> Call:
        self.calls.append(Call(self.now + seconds, make))
        return self.calls[-1]

    def forward(self, seconds: float) -> None:
        end = self.now + seconds
        while due := sorted((c for c in self.calls if c.at <= end and not c.is_cancelled), key=lambda c: c.at):
            self.calls.remove(due[0])
            self.now = max(self.now, due[0].at)
            due[0].make()
        self.now = end


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def schedule(time, log) -> Schedule:
    """Its calls are logged; ink and a reading take no time."""

    def read() -> None:
        log.append("read")
        with schedule.reading():
            pass

    def ink() -> None:
        log.append("ink")
        schedule.ink_shown()

    schedule = Schedule(
        ink=ink,
        read=read,
        explain=lambda: log.append("explain"),
        count=lambda: log.append("count"),
        clock=time.clock,
        call_later=time.call_later,
    )
    return schedule


# --- one call ---------------------------------------------------------------------------------------------------------


def test_a_timer_makes_its_call_once_and_is_then_free_again(time):
    made = []
    timer = Timer(lambda: made.append(time.now), time.call_later)
    assert not timer.is_waiting
    assert timer.start(2)
    assert timer.is_waiting
    time.forward(2 - JUST)
    assert made == []
    time.forward(10)
    assert made == [102]
    assert not timer.is_waiting


def test_a_timer_that_is_started_again_forgets_the_earlier_call(time):
    made = []
    timer = Timer(lambda: made.append(time.now), time.call_later)
    timer.start(1)
    timer.start(3)
    time.forward(10)
    assert made == [103]


def test_a_timer_that_is_cancelled_makes_no_call(time):
    made = []
    timer = Timer(lambda: made.append(time.now), time.call_later)
    timer.start(1)
    timer.cancel()
    timer.cancel()
    assert not timer.is_waiting
    time.forward(10)
    assert made == []


def test_a_call_may_start_its_own_timer_again(time):
    made = []

    def call() -> None:
        made.append(time.now)
        if len(made) < 3:
            timer.start(1)

    timer = Timer(call, time.call_later)
    timer.start(1)
    time.forward(10)
    assert made == [101, 102, 103]


def test_in_an_event_loop_it_comes_in_time_and_without_one_never():
    made = []
    timer = Timer(lambda: made.append("call"))
    assert not timer.start(0)
    assert not timer.is_waiting

    async def wait() -> None:
        assert timer.start(0.01)
        timer.start(0.02)  # in place of the first
        await asyncio.sleep(0.2)

    asyncio.run(wait())
    assert made == ["call"]


# --- ink --------------------------------------------------------------------------------------------------------------


def test_ink_comes_at_once_and_then_once_a_frame(schedule, time, log):
    assert schedule.ink_is_due()
    schedule.ink_shown()
    for _ in range(5):
        assert not schedule.ink_is_due()
    time.forward(FRAME - JUST)
    assert log == []
    time.forward(JUST)
    assert log == ["ink"]  # five points, one call
    assert not schedule.ink_is_due()
    time.forward(1)
    assert log == ["ink", "ink"]
    time.forward(1)
    assert log == ["ink", "ink"]  # no point more, no ink


def test_ink_is_due_when_a_frame_has_passed_to_the_instant(schedule, time):
    schedule.ink_shown()
    time.forward(FRAME)
    assert schedule.ink_is_due()


def test_ink_that_is_shown_by_other_means_is_waited_for_no_more(schedule, time, log):
    schedule.ink_shown()
    schedule.ink_is_due()
    schedule.ink_shown(frame=False)
    time.forward(1)
    assert log == []


def test_a_redraw_does_not_put_off_the_next_ink(schedule, time):
    schedule.ink_shown(frame=False)
    assert schedule.ink_is_due()


# --- readings ---------------------------------------------------------------------------------------------------------


def test_it_reads_25_and_draws_60_times_a_second_and_the_pen_gets_more_time_than_the_network():
    assert (round(1 / INTERVAL), round(1 / FRAME)) == (25, 60)
    assert 1 < IDLE < 2
    assert INTERVAL < PAUSE < 1  # seconds; longer, and one would no longer wait for it


def test_a_reading_comes_at_once_and_then_once_an_interval(schedule, time, log):
    assert schedule.reading_is_due()
    with schedule.reading():
        pass
    for _ in range(5):
        time.forward(INTERVAL / 10)
        assert not schedule.reading_is_due()
    time.forward(INTERVAL / 2 - JUST)
    assert log == []
    time.forward(2 * JUST)
    assert log == ["read"]  # asked for five times; since the first, not since the last


def test_a_reading_is_due_when_the_interval_has_passed_to_the_instant(schedule, time):
    with schedule.reading():
        pass
    time.forward(INTERVAL)
    assert schedule.reading_is_due()


@pytest.mark.parametrize("took", [0.001, INTERVAL / IDLE + 0.01, 0.4])
def test_a_slow_reading_leaves_the_pen_more_time(schedule, time, log, took):
    with schedule.reading():
        time.forward(took)
    time.forward(max(INTERVAL, IDLE * took) - JUST)
    assert not schedule.reading_is_due()
    assert log == []
    time.forward(2 * JUST)
    assert log == ["read"]


def test_a_reading_on_other_grounds_takes_the_place_of_the_one_waited_for(schedule, time, log):
    with schedule.reading():
        pass
    assert not schedule.reading_is_due()
    with schedule.reading():  # the pen is up
        pass
    time.forward(1)
    assert log == []


# --- explanations, and what is counted --------------------------------------------------------------------------------


def test_an_explanation_comes_once_the_pen_has_rested(schedule, time, log):
    assert not schedule.explanation_is_due()
    time.forward(PAUSE / 2)
    assert not schedule.explanation_is_due()  # a stroke more, and the pen is up again
    time.forward(PAUSE - JUST)
    assert log == []
    time.forward(JUST)
    assert log == ["explain"]


def test_new_ink_puts_the_explanation_off(schedule, time, log):
    schedule.explanation_is_due()
    schedule.reading_is_due()
    time.forward(10)
    assert log == []


def test_an_explanation_that_is_not_wanted_does_not_come(schedule, time, log):
    schedule.explanation_is_due()
    schedule.explain_no_more()
    time.forward(10)
    assert log == []


def test_a_reading_is_counted_if_it_stays(schedule, time, log):
    schedule.count_soon()
    time.forward(SEEN - JUST)
    schedule.count_soon()  # another reading
    time.forward(SEEN - JUST)
    assert log == []
    time.forward(JUST)
    assert log == ["count"]
    schedule.count_soon()
    schedule.count_no_more()
    time.forward(10)
    assert log == ["count"]


# --- the ends ---------------------------------------------------------------------------------------------------------


def test_a_closed_schedule_calls_nothing(schedule, time, log):
    with schedule.reading():
        pass
    schedule.ink_shown()
    schedule.ink_is_due()
    schedule.reading_is_due()
    schedule.explanation_is_due()
    schedule.count_soon()
    assert len(time.calls) == 4
    schedule.close()
    time.forward(10)
    assert log == []


def test_without_an_event_loop_ink_and_explanation_come_at_once_and_a_reading_waits_to_be_asked_again(time):
    never = Schedule(
        **dict.fromkeys(("ink", "read", "explain", "count"), lambda: pytest.fail("there is no loop to call")),
        clock=time.clock,
        call_later=lambda seconds, call: None,
    )
    never.ink_shown()
    assert never.ink_is_due()
    assert never.explanation_is_due()
    never.count_soon()
    with never.reading():
        pass
    assert not never.reading_is_due()
    time.forward(INTERVAL)
    assert never.reading_is_due()
