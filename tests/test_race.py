from __future__ import annotations

import json

import pytest

from mnistlab import race
from mnistlab.errors import TrainingError
from mnistlab.race import Lap
from mnistlab.training import Settings


def test_each_lap_trains_both_ways_to_the_same_accuracy(small):
    laps = list(race.race(small, Settings(epochs=1, batch_size=32), laps=2, most_epochs=8))
    assert len(laps) == 2
    for lap in laps:
        assert 0.2 < lap.accuracy < 1
        assert lap.ours > 0
        assert lap.theirs > 0
        assert lap.reached
    assert laps[0].accuracy != laps[1].accuracy  # seeds of their own
    json.dumps(race.as_dict(laps), allow_nan=False)


def test_a_tutorial_that_is_stopped_says_so(small):
    (lap,) = race.race(small, Settings(epochs=6, batch_size=32), laps=1, most_epochs=1)
    assert not lap.reached
    assert "or more" in list(race.lines([lap]))[1]


def test_the_table_gives_median_and_spread():
    laps = [Lap(0.98, 2.0, 20.0, True), Lap(0.98, 2.0, 40.0, True), Lap(0.98, 2.0, 22.0, True)]
    assert list(race.lines(laps))[-1].startswith("median 11.0 times faster [10.0, 20.0], 3 laps")
    assert race.as_dict(laps)["median_ratio"] == 11


@pytest.mark.parametrize("numbers", [{"laps": 0}, {"most_epochs": 0}])
def test_too_few_laps_or_epochs_are_refused(small, numbers):
    with pytest.raises(TrainingError, match="1 or more"):
        list(race.race(small, Settings(), **numbers))
