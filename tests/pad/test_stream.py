"""Messages of a page, as a bad connection delivers them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.pad.stream import MOST_AHEAD, MOST_PAGES, Stream


def message(number: int, *events: object, session: str = "a") -> dict:
    return {"session": session, "number": number, "events": list(events) or [number]}


def test_events_come_in_order_and_are_acknowledged():
    stream = Stream()
    assert stream.take(message(1, "x", "y")) == ("a", 1, ["x", "y"])
    assert stream.take(message(2)) == ("a", 2, [2])


def test_what_came_already_is_acknowledged_once_more_and_done_no_more():
    stream = Stream()
    stream.take(message(1))
    assert stream.take(message(1)) == ("a", 1, [])


def test_what_comes_after_a_gap_waits_and_is_not_acknowledged():
    stream = Stream()
    stream.take(message(1))
    assert stream.take(message(3)) == ("a", 1, [])
    assert stream.take(message(4)) == ("a", 1, [])
    assert stream.take(message(2)) == ("a", 4, [2, 3, 4])
    assert stream.take(message(3)) == ("a", 4, [])


def test_two_pages_have_numbers_of_their_own():
    stream = Stream()
    assert stream.take(message(1, session="a")).events == [1]
    assert stream.take(message(1, session="b")) == ("b", 1, [1])
    assert stream.take(message(2, session="a")) == ("a", 2, [2])


@given(st.integers(0, 10_000))
def test_whatever_is_lost_doubled_and_mixed_up_all_comes_once_and_in_order_if_it_is_sent_again(seed):
    chance, stream, done = random.Random(seed), Stream(), []
    kept = {number: message(number) for number in range(1, 31)}
    while kept:
        sent = [one for one in kept.values() if chance.random() < 0.6] * 2
        chance.shuffle(sent)
        for one in sent:
            _, through, events = stream.take(one)
            done += events
            for number in [number for number in kept if number <= through]:
                del kept[number]
    assert done == list(range(1, 31))


@pytest.mark.parametrize(
    "content",
    [None, 3, "a", [], {}, {"session": "a", "number": 1}, {"session": 1, "number": 1, "events": []},
     {"session": "a", "number": "1", "events": []}, {"session": "a", "number": 1.0, "events": []},
     {"session": "a", "number": 1, "events": "abc"}, {"session": "a" * 65, "number": 1, "events": []}],
    ids=repr,
)  # fmt: skip
def test_what_is_no_message_is_none(content):
    assert Stream().take(content) is None


def test_it_holds_no_more_than_a_page_keeps_and_forgets_the_page_that_was_silent_longest():
    stream = Stream()
    for number in (0, -1, MOST_AHEAD + 1, 10**400):
        assert stream.take(message(number)) == ("a", 0, [])
    stream.take(message(1))
    for page in range(MOST_PAGES - 1):
        stream.take(message(1, session=f"page {page}"))
    assert stream.take(message(2)) == ("a", 2, [2])  # it is remembered
    stream.take(message(1, session="one more"))
    assert stream.take(message(2, session="page 0")) == ("page 0", 0, [])
    assert stream.take(message(3)) == ("a", 3, [3])
