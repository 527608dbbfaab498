from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mnistlab.common.errors import LabError
from mnistlab.evaluation import conformal


def answers(n: int, seed: int, *, noise: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that favour the true class, mostly by much and sometimes by nothing."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (n,), generator=generator)
    logits = noise * torch.randn(n, 10, generator=generator)
    logits[torch.arange(n), labels] += 12 * torch.rand(n, generator=generator)
    return logits, labels


@pytest.mark.parametrize("level", conformal.LEVELS)
def test_a_set_holds_the_true_digit_as_often_as_promised(level):
    # 4 000 to calibrate, 40 000 to judge: the coverage itself varies by sqrt(level (1 - level) / 4 000) with the calibration.
    calibration = conformal.calibrate(*answers(4_000, seed=0))
    logits, labels = answers(40_000, seed=1)
    held = next(one for one in calibration.judge(logits, labels) if one.level == level).held.value
    assert abs(held - level) < 5 * math.sqrt(level * (1 - level) * (1 / 4_000 + 1 / 40_000))


def test_empty_sets_and_sets_of_several_are_counted():
    calibration = conformal.Calibration(100, {0.5: 0.5, 0.9: 1.0}, 0.1)
    rows = [[0.7, 0.2, 0.1], [0.45, 0.45, 0.1], [0.34, 0.33, 0.33], [0.1, 0.45, 0.45]]  # scores .36; .80; 1.08; .80
    low, high = calibration.judge(torch.log(torch.tensor(rows)), torch.tensor([0, 1, 2, 0]))
    assert (low.held.correct, low.empty.correct, low.several.correct) == (1, 3, 0)
    assert (high.held.correct, high.empty.correct, high.several.correct) == (2, 1, 2)
    assert high.as_dict()["held"]["n"] == 4


def test_a_higher_level_never_takes_a_digit_out():
    calibration = conformal.calibrate(*answers(1_000, seed=0))
    logits, _ = answers(500, seed=1)
    for lower, higher in zip(conformal.LEVELS[:-1], conformal.LEVELS[1:], strict=True):
        inner, outer = calibration.sets(logits, lower), calibration.sets(logits, higher)
        assert not (inner & ~outer).any()
        assert outer.sum() > inner.sum()


def test_a_doubtful_drawing_gets_two_digits_and_a_clear_one_gets_one():
    calibration = conformal.calibrate(*answers(1_000, seed=0))
    doubtful, clear = torch.zeros(1, 10), torch.zeros(1, 10)
    doubtful[0, [4, 9]] = 12.0
    clear[0, 4] = 20.0
    assert np.flatnonzero(calibration.sets(doubtful)[0]).tolist() == [4, 9]
    assert np.flatnonzero(calibration.sets(clear)[0]).tolist() == [4]


def test_few_of_the_calibration_digits_are_called_no_digit():
    logits, labels = answers(5_000, seed=0)
    refused = ~conformal.calibrate(logits, labels).is_digit(logits)
    assert refused.mean() == pytest.approx(conformal.REFUSED, abs=2 / 5_000)


def test_a_shrug_is_no_digit():
    calibration = conformal.calibrate(*answers(1_000, seed=0))
    assert not calibration.is_digit(torch.zeros(1, 10)).any()


def test_the_nonconformity_score_tells_apart_what_float32_probabilities_cannot():
    logits = torch.tensor([[0.0, 25.0], [0.0, 32.0]])
    assert logits.softmax(dim=1)[0, 1] == 1.0
    certain = conformal.nonconformity(logits)[:, 1]
    assert certain[0] > certain[1] > 0


def test_with_too_few_digits_a_level_takes_in_nearly_everything():
    logits, labels = answers(20, seed=0)
    calibration = conformal.calibrate(logits, labels)
    assert calibration.sets(logits, 0.999).all()  # 20 digits cannot promise 99.9 %
    assert not calibration.sets(logits, 0.9).all()


@pytest.mark.parametrize(
    ("n", "level", "rank"), [(999, 0.9, 900), (1000, 0.9, 901), (199, 0.995, 199), (198, 0.995, None)]
)
def test_a_threshold_is_the_score_of_its_rank_and_without_one_all_but_the_impossible_belong(n, level, rank):
    logits, labels = answers(n, seed=0)
    scores = np.sort(conformal.nonconformity(logits)[np.arange(n), labels])
    threshold = conformal.calibrate(logits, labels).thresholds[level]
    assert threshold == (math.log(1e6) if rank is None else scores[rank - 1])


def test_three_in_a_thousand_may_be_called_no_digit():
    logits, labels = answers(2_000, seed=0)
    refused = int((~conformal.calibrate(logits, labels).is_digit(logits)).sum())
    assert refused in (6, 7)  # the seventh stands on the limit itself, and falls as its rounding does


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(LabError, match="no digits to calibrate on"):
        conformal.calibrate(torch.zeros(0, 10), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(LabError, match="no digits to judge"):
        conformal.calibrate(*answers(100, seed=0)).judge(torch.zeros(0, 10), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(LabError, match=r"there is no level 0\.5; choose from 0\.9, 0\.95"):
        conformal.calibrate(*answers(100, seed=0)).sets(torch.zeros(1, 10), 0.5)


def test_the_word_for_how_sure_it_is_follows_the_limits_it_was_calibrated_on():
    calibration = conformal.Calibration(100, {0.995: 1.0, 0.999: 3.0}, 0.1)
    for second, word in ((0.5, "in doubt"), (2.0, "fairly sure"), (4.0, "sure")):
        scores = np.full(10, 9.0)
        scores[3], scores[5] = 0.1, second
        assert calibration.certainty(scores) == word
    assert conformal.certainty(np.full(10, np.log(10))) == "in doubt"  # all alike, and none of them within reach
