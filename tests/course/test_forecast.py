"""The prediction is scored by its whole interval, and a guess is what a reader may write."""

from __future__ import annotations

import pytest

from mnistlab.common.errors import LabError
from mnistlab.course.forecast import Forecast, guessed, score_number, score_range
from mnistlab.evaluation.intervals import MeanInterval
from mnistlab.pipeline.results import read_results, write_results


def measured(low: float, high: float) -> MeanInterval:
    """In points."""
    return MeanInterval(mean=(low + high) / 200, low=low / 100, high=high / 100, std=0.01, n=3)


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        ((5.2, 7.8), "right"),
        ((10.5, 12), "wrong"),
        ((-3, 1.5), "wrong"),
        ((1, 7), "open: the mean lies within"),
        ((8, 14), "open: the mean lies outside"),
    ],
)
def test_a_range_is_right_only_if_the_whole_interval_lies_in_it(interval, told):
    assert score_range((2, 10), measured(*interval)).startswith(told)


def test_one_seed_decides_nothing():
    single = MeanInterval.of([0.05])
    assert score_range((2, 10), single).startswith("open")
    assert score_number(4, single) == "1.00 points off, and one seed has no interval"


def test_a_number_is_told_how_far_it_is_off_and_whether_the_interval_holds_it():
    assert score_number(6, measured(5, 8)) == "0.50 points off, within the interval"
    assert score_number(4, measured(5, 8)) == "2.50 points off, outside the interval"


def test_a_guess_is_two_numbers():
    assert guessed((7, 0.5)) == (7.0, 0.5)
    assert guessed(None) == Forecast().guess
    for wrong in (7, (1, 2, 3), ("a", 1), "46"[:1]):
        with pytest.raises(LabError, match="a guess is two numbers"):
            guessed(wrong)
    for wrong in ((101, 0), (float("nan"), 0)):
        with pytest.raises(LabError, match="between -100 and 100"):
            guessed(wrong)


def test_what_02_writes_down_03_reads(tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_RUN_FOLDER", str(tmp_path))
    assert Forecast.of(read_results("02_permutation")) == Forecast()
    stated = Forecast((1, 3), (-2, 2), (6.5, 1.0))
    write_results("02_permutation", {"prediction_points": stated.as_dict()})
    assert Forecast.of(read_results("02_permutation")) == stated
    (tmp_path / "02_permutation.json").write_text("{")
    assert read_results("02_permutation") is None
