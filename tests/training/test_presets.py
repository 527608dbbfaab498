from __future__ import annotations

import dataclasses

import pytest

from mnistlab.common.constants import PRESET_NAMES
from mnistlab.common.errors import TrainingError
from mnistlab.training.presets import PRESETS, preset
from mnistlab.training.records import TrainingSettings


def test_the_presets_are_few_and_ordered_by_how_long_they_take():
    assert list(PRESETS) == ["quick", "sprint", "fast", "best"]
    passes = [found.settings.epochs for found in PRESETS.values()]
    assert passes == sorted(passes)
    assert PRESETS["quick"].settings.epochs == PRESETS["sprint"].settings.epochs == 1
    assert PRESETS["fast"].settings.epochs <= 8  # what was set as the limit of a fast training
    assert all(found.meaning for found in PRESETS.values())


def test_the_command_line_knows_every_preset():
    assert list(PRESET_NAMES) == list(PRESETS)  # it has its own list, so that --help need not load PyTorch


def test_none_leaves_a_setting_as_the_preset_has_it():
    changed = preset("fast").change(epochs=3, batch_size=None, seed=7)
    assert changed.settings == dataclasses.replace(PRESETS["fast"].settings, epochs=3, seed=7)
    assert changed.augmentation is PRESETS["fast"].augmentation
    assert preset("fast").change(epochs=None) == PRESETS["fast"]
    assert PRESETS["fast"].settings.seed == TrainingSettings().seed  # what is in the table stays as it was


def test_every_setting_can_be_changed():
    other = TrainingSettings(epochs=9, batch_size=8, learning_rate=0.5, average=0.25, batch_norm=True, seed=6)
    assert preset("quick").change(**dataclasses.asdict(other)).settings == other


def test_an_unknown_preset_is_answered_with_the_known():
    with pytest.raises(
        TrainingError, match="there is no preset 'slow'; choose from quick, sprint, fast, best"
    ) as caught:
        preset("slow")
    assert caught.value.code == "preset"


def test_an_unknown_setting_or_a_wrong_value_is_refused():
    with pytest.raises(TypeError, match="pace"):
        preset("quick").change(pace=3)
    with pytest.raises(TrainingError, match="epochs is a whole number, 1 or more, not 0"):
        preset("quick").change(epochs=0)
