"""Exercises: right answers are taken, wrong ones are told why, and nothing that a reader may pass makes ``check`` raise."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mnistlab.common.errors import LabError
from mnistlab.course.convolution_exercises import correlate
from mnistlab.course.exercises import EXERCISES, check
from mnistlab.course.learning_exercises import WANTED

UPRIGHT = np.tile([-1.0, 0.5, 1.0, 0.5, -1.0], (5, 1))
GAP = np.zeros((5, 5))
GAP[[0, 4], 1:4], GAP[1:4, 1:4] = 1, -1
SILENT = np.zeros((5, 5))
SILENT[2, 2] = -1


def running_mean(values, share):
    means = values[:1]
    for value in values[1:]:
        means.append(share * means[-1] + (1 - share) * value)
    return means


def strided(image, kernel):
    return correlate(image, kernel, stride=2)


RIGHT = {"02a.1": UPRIGHT, "02a.2": GAP.tolist(), "02a.3": SILENT, "02a.4": strided, "02a.5": 7}
RIGHT |= {"02b.1": np.log(WANTED) + 3, "02b.2": 2 * np.log(2), "02b.3": running_mean}
WRONG = [
    ("02a.1", UPRIGHT.T, "On an upright line it answers 3.00, on a level one 10.00"),
    ("02a.1", -np.ones((5, 5)), "after the ReLU nothing is left"),
    ("02a.1", np.ones((5, 5)), "make the first twice the second"),
    ("02a.1", [[1, 2], [3, 4]], r"5 rows of 5 finite numbers; this has the shape \(2, 2\)"),
    ("02a.1", np.full((5, 5), np.nan), "finite"),
    ("02a.1", "upright", "a str that holds something else"),
    ("02a.2", UPRIGHT, "the gap is in rows 12 to 14"),
    ("02a.2", -np.ones((5, 5)), "nothing is left"),
    ("02a.2", {"a": 1}, "a dict that holds something else"),
    ("02a.3", np.zeros((5, 5)), "All 25 weights are 0"),
    ("02a.3", UPRIGHT, "is left after the ReLU"),
    ("02a.3", SILENT + np.eye(5) * 1e-3, "is left after the ReLU"),
    ("02a.4", 7, "a function convolve"),
    ("02a.4", correlate, r"gives a map \(24, 24\); with windows two pixels apart it is \(12, 12\)"),
    ("02a.4", lambda image, kernel: strided(image, kernel) + 1, "differ by up to 1.00"),
    ("02a.4", lambda image: image, "It stops with TypeError"),
    ("02a.5", 6, "one value sees 25 pixels"),
    ("02a.5", 8, "fewer are enough"),
    ("02a.5", 7.0, "a whole number of layers"),
    ("02a.5", True, "a whole number of layers"),
    ("02b.1", [7, 2, 1], "They give 0.991, 0.007, 0.002, and not 0.7, 0.2, 0.1"),
    ("02b.1", [1, 2], r"three finite numbers; this has the shape \(2,\)"),
    ("02b.1", object(), "three numbers, and this object holds something else"),
    ("02b.2", -np.log(0.3125), "the mean of the two surprises"),
    ("02b.2", 2.0, "2.000 nats is too much"),
    ("02b.2", 1, "1.000 nats is too little"),
    ("02b.2", "much", "a number of nats"),
    ("02b.3", lambda values, share: values, r"the running mean begins \[4.0, 2.0\]"),
    ("02b.3", lambda values: 1 / 0, "It stops with TypeError"),
    ("02b.3", [1.0], "a function running_mean"),
]


@pytest.mark.parametrize("name", list(EXERCISES))
def test_a_right_answer_is_taken(name):
    assessment = check(name, RIGHT[name])
    assert assessment, assessment.told
    assert "A hint" not in assessment._repr_html_()


@pytest.mark.parametrize(("name", "answer", "told"), WRONG)
def test_a_wrong_answer_is_told_why_and_has_a_hint_before_the_solution(name, answer, told):
    assessment = check(name, answer)
    assert assessment.right is False
    assert re.search(told, assessment.told), assessment.told
    page = assessment._repr_html_()
    assert page.index("A hint") < page.index("The solution")


@pytest.mark.parametrize("name", list(EXERCISES))
def test_no_answer_is_no_mistake_and_the_task_is_told(name):
    assessment = check(name, None)
    assert assessment.right is None
    assert not assessment
    assert EXERCISES[name].task in str(assessment)


def test_an_exercise_that_is_none_names_those_there_are():
    with pytest.raises(LabError, match=r"there is no exercise '02a.11'; did you mean '02a.1'\? Choose from 02a.1, "):
        check("02a.11", 7)
    with pytest.raises(LabError, match="there is no exercise 3; choose from"):
        check(3, 7)


def test_a_hint_is_not_the_solution():
    for exercise in EXERCISES.values():
        assert exercise.praise not in exercise.hint
        assert len(exercise.hint) > 40
