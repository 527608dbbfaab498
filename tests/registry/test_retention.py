"""Which versions may go: decided from their names and kinds alone."""

from __future__ import annotations

import pytest

from mnistlab.cli.models import models_prune
from mnistlab.common.constants import KEEP
from mnistlab.common.errors import RegistryError
from mnistlab.registry.retention import prunable

PLAIN, SCRAMBLED = ("convnet", "identity"), ("convnet", "permuted")


def versions(*kinds):
    return {f"{number:04d}": kind for number, kind in enumerate(kinds, start=1)}


def test_five_are_kept_unless_another_number_is_asked_for():
    seven = versions(*[PLAIN] * 7)
    assert prunable(seven, keep=KEEP, in_use=()) == ["0001", "0002"]
    (asked,) = [option for option in models_prune.params if option.name == "keep"]
    assert asked.default == KEEP


def test_the_newest_of_each_kind_and_those_in_use_stay_whatever_their_age():
    kinds = versions(PLAIN, SCRAMBLED, SCRAMBLED, PLAIN, PLAIN)
    assert prunable(kinds, keep=1, in_use=()) == ["0001", "0002", "0004"]
    assert prunable(kinds, keep=1, in_use={"0001", None}) == ["0002", "0004"]


def test_damaged_ones_are_no_kind_of_their_own():
    assert prunable(versions(None, None, PLAIN), keep=1, in_use=()) == ["0001", "0002"]


def test_one_at_least_is_kept():
    assert prunable(versions(PLAIN), keep=1, in_use=()) == []
    with pytest.raises(RegistryError, match="at least 1 version is kept, not 0") as caught:
        prunable(versions(PLAIN), keep=0, in_use=())
    assert caught.value.code == "usage"
