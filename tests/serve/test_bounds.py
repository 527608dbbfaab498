"""The bounds beyond which a version must go: each with what crosses it and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mnistlab.serve.bounds import Bound, Bounds, Tallies

BOUNDS = Bounds()
NEW, BEFORE = "0006", "0005"


def tallies(bounds: Bounds = BOUNDS) -> Tallies:
    counted = Tallies(bounds)
    counted.watch(NEW, BEFORE)
    return counted


def put(counted: Tallies, fault: str, hits: int, n: int, version: str = NEW) -> None:
    """So many of n readings with this fault, spread evenly."""
    for i in range(n):
        hit = (i + 1) * hits // n > i * hits // n
        if fault == "wrong":
            counted.told(version, wrong=hit)
        elif fault == "slow":
            counted.read(version, 51.0 if hit else 49.0)
        else:
            counted.read(version, 0.5, failed=hit)


@pytest.mark.parametrize(
    ("fault", "hits", "n"), [("failed", 20, 20), ("failed", 8, 200), ("slow", 15, 100), ("wrong", 20, 50)]
)
def test_a_version_beyond_a_bound_must_go(fault, hits, n):
    counted = tallies()
    put(counted, fault, hits, n)
    assert counted.breach(NEW).fault == fault


@pytest.mark.parametrize(
    ("fault", "hits", "n"),
    [
        ("failed", 19, 19),  # too few
        ("failed", 1, 50),  # 2 %, but one alone
        ("failed", 2, 400),
        ("slow", 99, 99),
        ("slow", 8, 100),  # beyond 5 %, but it may be chance
        ("slow", 40, 1000),
        ("wrong", 49, 49),
        ("wrong", 15, 50),
        ("wrong", 100, 1000),
    ],
)
def test_a_version_within_the_bounds_stays(fault, hits, n):
    counted = tallies()
    put(counted, fault, hits, n)
    assert counted.breach(NEW) is None


@pytest.mark.parametrize(("fault", "n"), [("failed", 200), ("slow", 200), ("wrong", 200)])
def test_what_the_version_before_suffers_as_well_is_no_reason_to_go_back(fault, n):
    counted = tallies()
    put(counted, fault, n // 2, n)
    put(counted, fault, n // 2, n, version=BEFORE)
    assert counted.breach(NEW, BEFORE) is None
    alone = tallies()
    put(alone, fault, n // 2, n)
    put(alone, fault, 0, n, version=BEFORE)
    assert alone.breach(NEW, BEFORE).fault == fault


def test_a_version_before_with_few_readings_is_no_measure():
    counted = tallies()
    put(counted, "failed", 20, 20)
    put(counted, "failed", 19, 19, version=BEFORE)
    assert counted.breach(NEW, BEFORE).fault == "failed"


def test_the_message_says_how_many_and_how_many_may_be():
    counted = tallies()
    put(counted, "slow", 50, 100)
    assert counted.breach(NEW).message == (
        "50 of 100 readings were slow (longer than 50 ms): 38 to 62 % with 99 % confidence, at most 5 % are allowed"
    )


def looked_at_after_each(share: float, n: int, seed: int) -> int | None:
    """Verdicts until the version must go; None if it never does."""
    counted = tallies()
    for i, wrong in enumerate(np.random.default_rng(seed).random(n) < share):
        counted.told(NEW, wrong=bool(wrong))
        if counted.breach(NEW):
            return i + 1
    return None


def test_looking_often_sends_away_no_version_at_half_its_bound_but_soon_one_at_twice():
    assert [looked_at_after_each(0.10, 20_000, seed) for seed in range(10)] == [None] * 10
    assert max(looked_at_after_each(0.40, 20_000, seed) for seed in range(20)) <= 200


def test_a_fault_that_comes_with_time_is_seen():
    counted = tallies()
    put(counted, "failed", 0, 50_000)
    assert counted.breach(NEW) is None
    put(counted, "failed", 500, 1_000)
    assert counted.breach(NEW).fault == "failed"


def test_what_was_looked_at_is_not_looked_at_again_until_as_much_has_come():
    counted = tallies(replace(BOUNDS, wrong=Bound(0.2, 50)))
    put(counted, "wrong", 10, 50)
    assert counted.breach(NEW) is None
    put(counted, "wrong", 49, 49)
    assert counted.breach(NEW) is None
    put(counted, "wrong", 1, 1)
    assert counted.breach(NEW).fault == "wrong"


def test_a_version_that_is_not_watched_is_not_counted_and_one_that_is_goes_on():
    counted = Tallies(BOUNDS)
    counted.watch(NEW)
    put(counted, "failed", 20, 20, version="0001")
    assert counted.breach("0001") is None
    put(counted, "failed", 10, 10)
    counted.watch(NEW, BEFORE)
    put(counted, "failed", 10, 10)
    assert counted.breach(NEW).fault == "failed"


def test_a_restarted_count_begins_at_nothing():
    counted = tallies()
    put(counted, "failed", 20, 20)
    counted.restart(NEW)
    assert counted.breach(NEW) is None
