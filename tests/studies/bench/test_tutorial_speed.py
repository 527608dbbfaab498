from __future__ import annotations

import json

import pytest
import torch

from mnistlab.common.errors import TrainingError
from mnistlab.studies.bench.tutorial_speed import Round, SpeedReport, compare_with_tutorial
from mnistlab.training.presets import Preset
from mnistlab.training.records import TrainingSettings


def ours(epochs: int) -> Preset:
    return Preset("for tests", TrainingSettings(epochs=epochs, batch_size=32))


def test_each_round_trains_both_ways_to_the_same_accuracy(small):
    laps = list(compare_with_tutorial(small, ours(1), rounds=2, most_epochs=8))
    assert len(laps) == 2
    for lap in laps:
        assert 0.2 < lap.accuracy < 1
        assert lap.ours > 0
        assert lap.theirs > 0
        assert lap.reached
    assert laps[0].accuracy != laps[1].accuracy  # seeds of their own
    json.dumps(SpeedReport(tuple(laps)).as_dict(), allow_nan=False)


def test_a_tutorial_that_is_stopped_says_so(small):
    (lap,) = compare_with_tutorial(small, ours(6), rounds=1, most_epochs=1)
    assert not lap.reached
    assert "or more" in list(SpeedReport((lap,)).lines())[1]


def test_the_table_gives_median_and_spread():
    laps = [Round(0.98, 2.0, 20.0, True), Round(0.98, 2.0, 40.0, True), Round(0.98, 2.0, 22.0, True)]
    assert list(SpeedReport(tuple(laps)).lines())[-1].startswith("median 11.0 times faster [10.0, 20.0], 3 laps, cpu, ")
    assert SpeedReport(tuple(laps)).as_dict()["median_ratio"] == 11


def test_the_time_to_99_per_cent_is_told_with_its_spread_and_device():
    laps = [Round(0.991, 2.0, 20.0, True, "cuda", seconds) for seconds in (0.9, None, 0.7)]
    found = list(SpeedReport(tuple(laps)).lines())
    assert ", cuda, " in found[-2]
    assert found[-1] == "ours reached 99 % of the validation images in 2 of 3 laps, after 0.8 s [0.7, 0.9]"


def test_ours_is_trained_as_the_preset_says(small):
    blank = lambda images, generator: torch.zeros_like(images)  # noqa: E731
    preset = Preset("for tests", TrainingSettings(epochs=1, batch_size=32, seed=3), blank)
    (lap,) = compare_with_tutorial(small, preset, rounds=1, most_epochs=1)
    assert lap.accuracy < 0.3  # nothing to be learned from blank pages
    assert lap.device == "cpu"
    assert lap.marked is None


@pytest.mark.parametrize("numbers", [{"rounds": 0}, {"most_epochs": 0}])
def test_too_few_rounds_or_epochs_are_refused(small, numbers):
    with pytest.raises(TrainingError, match="1 or more"):
        list(compare_with_tutorial(small, ours(1), **numbers))
