from __future__ import annotations

import math

import pytest

from mnistlab.evaluation import formatting
from mnistlab.evaluation.intervals import Accuracy, McNemar, MeanInterval


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [(0.9897, 2, "98.97 %"), (1, 0, "100 %"), (0, 1, "0.0 %"), (math.nan, 2, "unknown")],
)
def test_percent(share, digits, text):
    assert formatting.percent(share, digits) == text


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.0493, "4.93 points"), (-0.001, "-0.10 points"), (-1e-9, "0.00 points"), (math.nan, "unknown")],
)
def test_points_keep_their_sign(difference, text):
    assert formatting.points(difference) == text


def test_an_accuracy_shows_its_wilson_interval():
    assert formatting.accuracy(Accuracy(9_897, 10_000)) == "98.97 % [98.75, 99.15]"


def test_a_mean_shows_its_interval_cut_where_no_share_can_be():
    assert formatting.mean(MeanInterval.of([0.98, 0.99, 0.985])) == "98.50 % [97.26, 99.74]"
    assert formatting.mean(MeanInterval.of([0.9, 0.5])) == "70.00 % [0.00, 100.00]"
    assert formatting.mean_points(MeanInterval.of([0.05, 0.04, 0.06])) == "5.00 points [2.52, 7.48]"
    assert formatting.mean_points(MeanInterval.of([0.5, -0.5])) == "0.00 points [-100.00, 100.00]"


def test_one_seed_says_that_it_has_no_interval():
    assert formatting.mean(MeanInterval.of([0.98])) == "98.00 % (one seed, no interval)"
    assert formatting.mean_points(MeanInterval.of([0.05])) == "5.00 points (one seed, no interval)"


@pytest.mark.parametrize(("p", "text"), [(0.0009, "p < 0.001"), (0.001, "p = 0.001"), (0.5, "p = 0.500")])
def test_p_values(p, text):
    assert formatting.p_value(p) == text


def test_a_paired_comparison_in_one_sentence():
    sentence = formatting.mcnemar(McNemar(600, 48, 10_000), "the plain net", "the permuted one")
    assert sentence == (
        "of 10,000 images, the plain net alone reads 600 right and the permuted one alone 48; "
        "the difference is 5.52 points [5.03, 6.01] (p < 0.001, exact McNemar)"
    )


@pytest.mark.parametrize(("digit", "text"), [(1, "a 1"), (7, "a 7"), (8, "an 8")])
def test_a_digit_has_its_article(digit, text):
    assert formatting.a_digit(digit) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("no space left ", "No space left."), ("why?", "Why?"), ("A stop.", "A stop."), ("", ".")],
)
def test_a_message_becomes_a_sentence(text, expected):
    assert formatting.sentence(text) == expected
