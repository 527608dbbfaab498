"""What a server does by the clock, beside the requests."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from serving import settings

from mnistlab.common.errors import FeedbackError
from mnistlab.feedback import records
from mnistlab.feedback.records import Use
from mnistlab.serve import upkeep as module
from mnistlab.serve.service import Service
from mnistlab.serve.upkeep import Upkeep


@pytest.fixture
def service(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WRITE", 0.01)
    made = Service(settings(store=str(tmp_path / "feedback.sqlite")))
    yield made
    made.close()


def value(service: Service, name: str) -> float | None:
    return service.metrics.registry.get_sample_value(name)


def run_until(service: Service, done: Callable[[], bool]) -> None:
    async def keep() -> None:
        clock = asyncio.create_task(Upkeep(service).run())
        while not clock.done() and not done():
            await asyncio.sleep(0.01)
        clock.cancel()

    asyncio.run(asyncio.wait_for(keep(), 20))
    assert done()


def test_whatever_goes_wrong_the_books_are_kept_on(service, monkeypatch):
    written, faults = threading.Event(), [MemoryError(), RuntimeError()]

    def write() -> None:
        if faults:
            raise faults.pop()
        written.set()

    monkeypatch.setattr(service.tally, "write", write)
    run_until(service, written.is_set)


def test_a_store_that_answers_no_more_is_told_and_so_is_one_that_does_again(service, monkeypatch):
    run_until(service, lambda: value(service, "mnistlab_store_answers") == 1)
    answers = service.tally.store.answers

    def refuse() -> None:
        raise FeedbackError("gone", code="unavailable")

    monkeypatch.setattr(service.tally.store, "answers", refuse)
    run_until(service, lambda: value(service, "mnistlab_store_answers") == 0)
    monkeypatch.setattr(service.tally.store, "answers", answers)
    run_until(service, lambda: value(service, "mnistlab_store_answers") == 1)


@pytest.mark.parametrize(("width", "changed"), [(12.0, False), (40.0, True)])
def test_people_who_draw_differently_are_noticed(service, width, changed):
    version, now = service.versions.current.version, records.now()
    for week, pen in ((2, 12.0), (0, width)):
        service.tally.store.count_all(
            [
                Use(
                    version=version,
                    milliseconds=1.0,
                    key=records.new_key(),
                    created=now - timedelta(days=7 * week, minutes=i),
                    session=records.new_key(),
                    confidence=0.99,
                    digit=i % 10,
                    pen_width=pen + i % 3,
                )
                for i in range(40)
            ]
        )
    run_until(service, lambda: not math.isnan(value(service, "mnistlab_drift_p_value")))
    assert (value(service, "mnistlab_drift_p_value") < 0.01) == changed


def test_without_anybody_who_agreed_drift_is_not_known(service):
    run_until(service, lambda: value(service, "mnistlab_store_answers") == 1)
    assert math.isnan(value(service, "mnistlab_drift_p_value"))
