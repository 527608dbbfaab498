"""What versions are called."""

from __future__ import annotations

import pytest

from mnistlab.common import paths
from mnistlab.registry.names import version_name, version_names
from mnistlab.registry.registry import Registry


@pytest.fixture
def manifests():
    registry = Registry(paths.ROOT / "models")
    return {number: registry.manifest(number) for number in ("0001", "0002", "0005")}


def changed(manifest, **values):
    return manifest.model_copy(update=values)


def test_a_name_says_what_a_version_is(manifests):
    assert version_names(manifests.values()) == {
        "0001": "small",
        "0002": "small, scrambled",
        "0005": "drawing, 21 Nov",
    }


def test_a_version_that_learned_a_hand_says_from_how_many_drawings(manifests):
    training = manifests["0005"].training
    for ids, words in ((tuple(range(42)), "my hand, 42 drawings"), ((7,), "my hand, 1 drawing")):
        tuned = changed(manifests["0005"], training=training.model_copy(update={"base": "0004", "feedback": ids}))
        assert version_name(tuned) == words


def test_two_of_a_kind_are_told_apart_by_day_then_by_minute_then_by_number(manifests):
    one = manifests["0001"]
    other_day = changed(one, version="0006", created="2026-12-01T10:00:00Z")
    assert version_names([one, other_day]) == {"0001": "small, 21 Nov", "0006": "small, 1 Dec"}
    other_minute = changed(one, version="0006", created="2026-11-21T10:00:00Z")
    assert version_names([one, other_minute]) == {"0001": "small, 21 Nov, 08:09", "0006": "small, 21 Nov, 10:00"}
    same = changed(one, version="0006")
    assert version_names([one, same]) == {"0001": "small, 0001", "0006": "small, 0006"}


def test_no_two_versions_of_a_list_have_one_name(manifests):
    many = [changed(one, version=f"{k:04}") for k, one in enumerate([*manifests.values()] * 3, start=1)]
    assert len(set(version_names(many).values())) == len(many)
