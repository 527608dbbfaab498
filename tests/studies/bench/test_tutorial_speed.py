from __future__ import annotations

import copy
import json
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from mnistlab.common.errors import TrainingError
from mnistlab.data.normalisation import Normalisation
from mnistlab.studies.bench import tutorial_speed
from mnistlab.studies.bench.tutorial_speed import Round, SpeedReport, compare_with_tutorial
from mnistlab.training import networks
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


@pytest.fixture
def judged(monkeypatch) -> list[tuple[float, torch.nn.Module]]:
    """When the tutorial's network was judged, and the network. A step of training takes a second, a judgement a thousand."""
    clock, looks = [0.0], []
    loss, logits = torch.nn.functional.cross_entropy, networks.logits

    def step(*given):
        clock[0] += 1
        return loss(*given)

    def judge(model, images):
        looks.append((clock[0] - 1_000 * len(looks), model))
        clock[0] += 1_000
        return logits(model, images)

    monkeypatch.setattr(tutorial_speed, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", step)
    monkeypatch.setattr(networks, "logits", judge)
    return looks


def test_the_tutorials_clock_runs_while_it_trains_and_stands_while_it_is_judged(small, judged):
    start = networks.build(seed=0)
    assert tutorial_speed._train_as_tutorials_do(start, small, 2.0, 2, 0, "cpu") == (
        32,
        False,
    )  # 16 batches, two epochs
    assert [seconds for seconds, _ in judged] == [4, 8, 12, 16, 20, 24, 28, 32]
    read = networks.logits(judged[0][1], small.validation.images).argmax(dim=1)
    accuracy = (read == small.validation.labels).double().mean().item()
    assert tutorial_speed._train_as_tutorials_do(start, small, accuracy, 2, 0, "cpu") == (4, True)


def test_the_tutorial_trains_as_introductions_do(small, judged):
    """Written out: batches of 64, normalised pixels, Adam at 0.001."""
    start = networks.build(seed=0)
    tutorial_speed._train_as_tutorials_do(start, small, 2.0, 1, 7, "cpu")
    pixels = (small.train.images[:, None] / 255 - Normalisation().mean) / Normalisation().std
    shuffled = {"shuffle": True, "generator": torch.Generator().manual_seed(7)}
    model = copy.deepcopy(start)
    adam = torch.optim.Adam(model.parameters(), lr=0.001)
    for images, labels in DataLoader(TensorDataset(pixels, small.train.labels), batch_size=64, **shuffled):
        adam.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        adam.step()
    for ours, theirs in zip(model.parameters(), judged[-1][1].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)
