from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mnistlab.common.errors import LabError
from mnistlab.studies.label_errors import DISPUTED, measure_agreement


def test_there_are_fifteen_and_their_labels_are_those_of_the_test_set(splits):
    assert len(DISPUTED) == 15
    assert [one.index for one in DISPUTED] == sorted({one.index for one in DISPUTED})
    for one in DISPUTED:
        assert int(splits.test.labels[one.index]) == one.label
        assert one.proposed != one.label
        assert sum(one.votes) == 5
        assert one.votes[0] < 3  # or it would not be disputed


def test_people_see_a_digit_where_three_of_five_agree():
    seen = [one.people for one in DISPUTED]
    assert seen.count(None) == 5
    assert DISPUTED[0].people == 9
    assert all(one.people in (None, one.proposed) for one in DISPUTED)


def test_who_answers_with_the_labels_agrees_with_them_and_not_with_people(splits):
    found = measure_agreement(splits.test.labels.clone(), splits.test)
    assert (found.labels.correct, found.labels.n) == (10_000, 10_000)
    assert (found.people.correct, found.people.n) == (9_985, 9_995)
    assert (found.as_labelled, found.as_people, found.otherwise) == (15, 0, 0)
    assert (found.ceiling.correct, found.ceiling.n) == (9_985, 10_000)


def test_who_reads_as_people_do_meets_the_ceiling(splits):
    answers = splits.test.labels.clone()
    for one in DISPUTED:
        answers[one.index] = one.proposed
    found = measure_agreement(answers, splits.test)
    assert found.labels == found.ceiling
    assert found.people.value == 1
    assert (found.as_labelled, found.as_people, found.otherwise) == (0, 10, 5)


def test_each_answer_counts_once(splits):
    answers = splits.test.labels.clone()
    answers[0] = (answers[0] + 1) % 10
    answers[947] = 9  # as people see it
    answers[2130] = 9  # people did not agree on this one
    found = measure_agreement(answers, splits.test)
    assert found.labels.correct == 9_997
    assert found.people.correct == 9_995 - 1 - 9
    assert (found.as_labelled, found.as_people, found.otherwise) == (13, 1, 1)
    plain = found.as_dict()
    assert plain["people"] == found.people.as_dict()
    assert (plain["as_labelled"], plain["as_people"], plain["otherwise"]) == (13, 1, 1)


def test_another_set_or_another_order_is_refused(splits):
    answers = splits.test.labels
    for other in (splits.test[:9_000], splits.test[torch.arange(9_999, -1, -1)]):
        with pytest.raises(LabError, match="another set, or in another order") as caught:
            measure_agreement(answers, other)
        assert caught.value.code == "test"
    with pytest.raises(LabError, match=r"one prediction per image is needed, \(10000,\), not \(9999,\)"):
        measure_agreement(answers[:-1], replace(splits.test))
