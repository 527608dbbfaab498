from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.common.errors import LabError
from mnistlab.evaluation.intervals import Accuracy, McNemar, MeanInterval, compare, wilson
from mnistlab.evaluation.metrics import evaluate, reliability_curve

# --- accuracy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        (9_900, 10_000, 0.9879, 0.9918),  # what the lab quotes for 99.0 %: [98.79, 99.18]
        (81, 263, 0.2553, 0.3662),  # this and the next three: Newcombe 1998, the score method
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0000),
    ],
)
def test_accuracy_has_the_known_wilson_interval(correct, n, low, high):
    accuracy = Accuracy(correct, n)
    assert accuracy.value == correct / n
    assert (accuracy.low, accuracy.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilsons_formula(pair):
    correct, n = pair
    z, p = 1.959963984540054, correct / n
    centre, half = (
        (p + z * z / (2 * n)) / (1 + z * z / n),
        z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)),
    )
    accuracy = Accuracy(correct, n)
    assert accuracy.low == pytest.approx(max(0, centre - half), abs=1e-9)
    assert accuracy.high == pytest.approx(min(1, centre + half), abs=1e-9)
    assert 0 <= accuracy.low <= accuracy.value <= accuracy.high <= 1


def test_a_higher_confidence_widens_the_interval():
    assert wilson(12, 40, 0.99) == (pytest.approx(0.15328, abs=5e-6), pytest.approx(0.50363, abs=5e-6))


@pytest.mark.parametrize(("count", "n", "confidence"), [(1, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_an_interval_of_no_share_is_refused(count, n, confidence):
    with pytest.raises(LabError, match="no sample of a share"):
        wilson(count, n, confidence)


def test_an_accuracy_is_shown_with_its_interval_and_n():
    assert str(Accuracy(9_900, 10_000)) == "99.00 % [98.79, 99.18], n = 10,000"
    assert json.loads(json.dumps(Accuracy(1, 2).as_dict())) == {
        "value": 0.5,
        "low": pytest.approx(0.0945, abs=1e-4),
        "high": pytest.approx(0.9055, abs=1e-4),
        "correct": 1,
        "n": 2,
    }


@pytest.mark.parametrize(("correct", "n"), [(0, 0), (-1, 5), (6, 5), (0, -1)])
def test_what_is_no_accuracy_is_refused(correct, n):
    with pytest.raises(LabError, match=f"{correct} right of {n} images is not an accuracy"):
        Accuracy(correct, n)


# --- means over seeds -------------------------------------------------------------------------------------------------


def test_mean_over_seeds_has_the_t_interval_worked_out_by_hand():
    interval = MeanInterval.of([0.90, 0.92, 0.94])
    # std 0.02; t(0.975, 2) = 4.302653; half = 4.302653 * 0.02 / sqrt(3) = 0.049683
    assert interval.mean == pytest.approx(0.92)
    assert interval.std == pytest.approx(0.02)
    assert interval.low == pytest.approx(0.92 - 0.0496827, abs=1e-6)
    assert interval.high == pytest.approx(0.92 + 0.0496827, abs=1e-6)
    assert str(interval) == "92.00 % [87.03, 96.97], 3 seeds"


def test_one_seed_has_no_interval():
    with warnings.catch_warnings(action="error"):  # of a division by no degree of freedom
        interval = MeanInterval.of([0.5])
    assert (interval.mean, interval.n) == (0.5, 1)
    assert all(math.isnan(value) for value in (interval.low, interval.high, interval.std))
    assert str(interval) == "50.00 %, one seed"


def test_equal_values_have_an_interval_of_no_width():
    interval = MeanInterval.of([0.5, 0.5, 0.5])
    assert (interval.low, interval.high, interval.std) == (0.5, 0.5, 0)


def test_no_seed_has_no_mean():
    with pytest.raises(LabError, match="at least one value"):
        MeanInterval.of([])


# --- a whole evaluation -----------------------------------------------------------------------------------------------


def answers(rows: list[tuple[int, int, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels from (true digit, answer, confidence), the rest spread over the other nine."""
    probabilities = np.empty((len(rows), 10))
    for row, (_, answer, confidence) in zip(probabilities, rows, strict=True):
        row[:] = (1 - confidence) / 9
        row[answer] = confidence
    return probabilities, np.array([true for true, _, _ in rows])


ROWS = [
    (0, 0, 0.9),
    (0, 0, 0.8),
    (0, 6, 0.7),
    (1, 1, 0.99),
    (4, 9, 0.6),
    (4, 9, 0.95),
    (4, 4, 0.5),
    (7, 1, 0.4),
]


def test_the_figures_are_those_worked_out_by_hand():
    evaluation = evaluate(*answers(ROWS))
    assert evaluation.accuracy == Accuracy(4, 8)
    assert evaluation.support.tolist() == [3, 1, 0, 0, 3, 0, 0, 1, 0, 0]
    assert evaluation.confusion[0].tolist() == [2, 0, 0, 0, 0, 0, 1, 0, 0, 0]  # row: the true digit
    assert evaluation.confusion[4].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 2]
    assert evaluation.confusion.sum() == 8
    assert evaluation.recall[[0, 1, 4, 7]].tolist() == [2 / 3, 1, 1 / 3, 0]
    assert evaluation.precision[[0, 1, 4, 6, 9]].tolist() == [1, 0.5, 1, 0, 0]
    assert evaluation.predicted.tolist() == [0, 0, 6, 1, 9, 9, 4, 1]
    assert evaluation.confidence.tolist() == [0.9, 0.8, 0.7, 0.99, 0.6, 0.95, 0.5, 0.4]
    assert evaluation.correct.tolist() == [True, True, False, True, False, False, True, False]
    assert evaluation.recall_of(4) == Accuracy(1, 3)


def test_a_digit_never_answered_has_no_precision_and_one_never_there_no_recall():
    evaluation = evaluate(*answers(ROWS))
    assert np.isnan(evaluation.precision[[2, 3, 5, 7, 8]]).all()
    assert np.isnan(evaluation.recall[[2, 3, 5, 6, 8, 9]]).all()
    assert evaluation.as_dict()["precision"][7] is None
    assert evaluation.as_dict()["recall"][9] is None
    with pytest.raises(LabError, match="0 right of 0"):
        evaluation.recall_of(2)


def test_mistakes_come_most_confident_first():
    assert evaluate(*answers(ROWS)).mistakes.tolist() == [5, 2, 4, 7]


def test_confusions_come_most_frequent_first_then_by_digit():
    assert evaluate(*answers(ROWS)).confusions() == [(4, 9, 2), (0, 6, 1), (7, 1, 1)]


def test_everything_right_leaves_no_mistakes():
    evaluation = evaluate(*answers([(d, d, 0.9) for d in range(10)]))
    assert evaluation.mistakes.tolist() == []
    assert evaluation.confusions() == []


def test_the_dictionary_is_strict_json():
    text = json.dumps(evaluate(*answers(ROWS)).as_dict(), allow_nan=False)
    assert json.loads(text)["accuracy"]["n"] == 8


def test_tensors_and_arrays_give_the_same():
    probabilities, labels = answers(ROWS)
    by_tensor = evaluate(torch.tensor(probabilities, dtype=torch.float32), torch.tensor(labels))
    assert by_tensor.confusion.tolist() == evaluate(probabilities, labels).confusion.tolist()


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((3, 10)), np.zeros(2, dtype=int), r"not \(3, 10\) and \(2,\)"),
        (np.zeros((3, 9)), np.zeros(3, dtype=int), r"not \(3, 9\) and \(3,\)"),
        (np.zeros(10), np.zeros(1, dtype=int), r"not \(10,\)"),
        (np.zeros((3, 10)), np.zeros((3, 1), dtype=int), r"and \(3, 1\)"),
        (np.zeros((1, 10)), np.array(0), r"and \(\)"),
        (np.zeros((0, 10)), np.zeros(0, dtype=int), "N >= 1"),
        (np.full((1, 10), np.nan), np.zeros(1, dtype=int), "not a finite number"),
        (np.full((1, 10), np.inf), np.zeros(1, dtype=int), "not a finite number"),
        (np.full((1, 10), -3.0), np.zeros(1, dtype=int), "go from -3 to -3: logits need a softmax"),
        (np.full((1, 10), 1.1), np.zeros(1, dtype=int), "logits need a softmax"),
        (np.full((2, 10), 0.1), np.array([0, 10]), "labels are whole numbers from 0 to 9; these are int64, 0 to 10"),
        (np.full((2, 10), 0.1), np.array([-1, 3]), "-1 to 3"),
        (np.full((1, 10), 0.1), np.array([1.0]), "these are float64"),
    ],
)
def test_what_cannot_be_judged_is_refused(probabilities, labels, message):
    with pytest.raises(LabError, match=message):
        evaluate(probabilities, labels)


# --- calibration ------------------------------------------------------------------------------------------------------


def test_perfect_calibration_has_no_error():
    # In each of ten bins 100 answers, as many of them right as the confidence says.
    confidence = np.repeat((np.arange(10) + 0.5) / 10, 100)
    correct = np.concatenate([np.arange(100) < round(c * 100) for c in (np.arange(10) + 0.5) / 10])
    curve = reliability_curve(confidence, correct, bins=10)
    assert curve.count.tolist() == [100] * 10
    np.testing.assert_allclose(curve.accuracy, curve.confidence)
    assert curve.ece == pytest.approx(0, abs=1e-12)


def test_the_calibration_error_is_the_weighted_gap():
    # 30 answers at 0.95, 15 right: gap 0.45. 10 answers at 0.55, all right: gap 0.45. 60 at 0.75, 45 right: no gap.
    confidence = np.array([0.95] * 30 + [0.55] * 10 + [0.75] * 60)
    correct = np.array([True] * 15 + [False] * 15 + [True] * 10 + [True] * 45 + [False] * 15)
    assert reliability_curve(confidence, correct).ece == pytest.approx((30 * 0.45 + 10 * 0.45) / 100)


def test_empty_bins_are_not_a_number_and_cost_nothing():
    curve = reliability_curve(np.array([0.99]), np.array([True]))
    assert np.isnan(curve.accuracy[:-1]).all()
    assert np.isnan(curve.confidence[:-1]).all()
    assert curve.count.tolist() == [0] * 14 + [1]
    assert curve.ece == pytest.approx(0.01)


def test_the_ends_of_the_scale_fall_into_the_end_bins():
    curve = reliability_curve(np.array([0.0, 1.0, np.nextafter(1.0, 2)]), np.array([False, True, True]))
    assert curve.count.tolist() == [1] + [0] * 13 + [2]


def test_always_sure_and_half_wrong_is_an_error_of_a_half():
    assert reliability_curve(np.ones(10), np.arange(10) < 5).ece == pytest.approx(0.5)


# --- two networks on the same images ----------------------------------------------------------------------------------


def test_mcnemar_counts_only_disagreements():
    first = np.array([1, 1, 1, 0, 0, 1], dtype=bool)
    second = np.array([1, 0, 0, 1, 0, 1], dtype=bool)
    result = compare(first, second)
    assert result == McNemar(only_first=2, only_second=1, n=6)
    assert result.difference == pytest.approx(1 / 6)
    assert compare(torch.tensor(first), torch.tensor(second)) == result


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (1, 0, 1.0),
        (6, 0, 2 / 2**6),
        (0, 6, 2 / 2**6),
        (9, 1, 2 * (1 + 10) / 2**10),
        (2, 8, 2 * (1 + 10 + 45) / 2**10),
    ],
)
def test_mcnemar_is_the_exact_binomial_tail_doubled(only_first, only_second, p):
    assert McNemar(only_first, only_second, 1_000).p_value == pytest.approx(p)


def test_mcnemar_interval_worked_out_by_hand():
    # b = 30, c = 10, n = 1,000: difference 0.02, variance (0.04 - 0.0004) / 1000, half 1.959964 * 0.0062929 = 0.0123338
    result = McNemar(30, 10, 1_000)
    assert result.low == pytest.approx(0.02 - 0.0123338, abs=1e-6)
    assert result.high == pytest.approx(0.02 + 0.0123338, abs=1e-6)


def test_mcnemar_turned_round_is_the_same_with_the_other_sign():
    there, back = McNemar(30, 10, 1_000), McNemar(10, 30, 1_000)
    assert back.p_value == there.p_value
    assert (back.difference, back.low, back.high) == (-there.difference, -there.high, -there.low)


@pytest.mark.parametrize(("only_first", "only_second", "n"), [(0, 0, 5), (5, 0, 5), (0, 1, 1)])
def test_mcnemar_at_its_edges_stays_a_number(only_first, only_second, n):
    result = McNemar(only_first, only_second, n)
    assert result.low == result.high == result.difference


@pytest.mark.parametrize(("first", "second"), [([True], [True, False]), ([], []), ([[True]], [[True]])])
def test_a_comparison_needs_the_same_images(first, second):
    with pytest.raises(LabError, match="the same images for both"):
        compare(first, second)
