from datetime import UTC, datetime

import numpy as np
import pytest

from mnistlab.common.errors import LabError
from mnistlab.inference.predictor import Predictor
from mnistlab.studies.simulated_use import false_alarm_rate, images_seen, simulate_use

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def used():
    return simulate_use(Predictor.load("0003"), 60, start=START, days=30, seed=0)


def test_use_that_never_was_looks_like_use(used):
    uses, said = used
    assert (len(uses), len(said)) == (60, 30)
    assert uses[0].created == START
    assert (uses[-1].created - START).days == 29
    assert [use.verdict is None for use in uses[:4]] == [False, True, False, True]
    assert sum(one.is_right for one in said) >= 24
    assert images_seen(said).shape == (30, 28, 28)
    assert {use.pen_width for use in uses} == {16.0, 20.0, 24.0}
    assert 100 < np.median([use.size for use in uses]) < 200


def test_it_repeats_and_the_seed_and_the_pen_matter(used):
    reader = Predictor.load("0003")
    again, _ = simulate_use(reader, 4, start=START, days=30, seed=0, pen_width=40)
    other, _ = simulate_use(reader, 4, start=START, days=30, seed=1)
    assert [use.slant for use in again] == [use.slant for use in used[0][:4]]
    assert [use.pen_width for use in again] == [2 * use.pen_width for use in used[0][:4]]
    assert [use.slant for use in other] != [use.slant for use in again]


def test_false_alarms_are_counted(used):
    seen = np.random.default_rng(0).normal(size=(50, 5))
    found = false_alarm_rate(used[0], seen, weeks=3, before=35, week=25)
    assert (found.n, found.correct) == (3, 0)


def test_what_cannot_be_simulated_is_refused(used):
    with pytest.raises(LabError, match="1 drawing or more on days above 0"):
        simulate_use(Predictor.load("0003"), 0, start=START, days=1, seed=0)
    with pytest.raises(LabError, match="61 readings and 40 pictures are needed, not 60 and 50"):
        false_alarm_rate(used[0], np.zeros((50, 5)), before=36, week=25)
