"""What was read waits in bounded memory for the store, and is known on its way there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mnistlab.common.errors import FeedbackError
from mnistlab.feedback.store import Store
from mnistlab.serve import tally as tallies
from mnistlab.serve.tally import Tally


@pytest.fixture
def tally(tmp_path) -> Tally:
    return Tally(str(tmp_path / "feedback.sqlite"))


def add(tally: Tally, *numbers: int, digit: int = 7) -> list[str]:
    reading = SimpleNamespace(digit=digit, confidence=0.9, milliseconds=0.5, version="0001")
    ids = [f"{number:032x}" for number in numbers]
    for each in ids:
        tally.add(each, reading)
    return ids


def test_an_answer_is_known_while_it_is_being_written(tally, monkeypatch):
    (answer_id,) = add(tally, 1)
    count_all, seen = Store.count_all, []

    def slow(store: Store, uses) -> None:
        seen.append(tally.known(answer_id))
        count_all(store, uses)

    monkeypatch.setattr(Store, "count_all", slow)
    tally.write()
    assert [use and use.key for use in (*seen, tally.known(answer_id))] == [answer_id, answer_id]


def test_no_more_wait_than_are_allowed_however_often_the_store_fails(tally, monkeypatch):
    monkeypatch.setattr(tallies, "WAITING", 5)
    meanwhile = [(10, 11, 12), (20, 21, 22), (30, 31, 32)]

    def fail(_: Store, uses) -> None:
        add(tally, *meanwhile.pop(0))
        raise FeedbackError("kept busy by others", code="busy")

    add(tally, 1, 2, 3, 4, 5)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "count_all", fail)
        while meanwhile:
            with pytest.raises(FeedbackError):
                tally.write()
    tally.write()
    assert {int(use.key, 16) for use in tally.store.uses()} == {21, 22, 30, 31, 32}  # the newest


def test_a_drawing_that_grows_takes_one_place_among_the_last(tally):
    first, second = add(tally, 1, 2)
    for digit in (1, 4, 9):
        add(tally, 1, digit=digit)
    assert [(each.id, each.digit) for each in tally.last()] == [(first, 9), (second, 7)]
    assert tally.find(first) == tally.last()[0]
