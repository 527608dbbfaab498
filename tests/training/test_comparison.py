from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest
import torch

from mnistlab.common.errors import LabError, TrainingError
from mnistlab.data.permutation import Permutation
from mnistlab.training import comparison, networks, presets
from mnistlab.training.cache import TrainingCache
from mnistlab.training.comparison import (
    CELLS,
    CONV_PERMUTED,
    CONV_PLAIN,
    FULL_PERMUTED,
    FULL_PLAIN,
    Comparison,
    compare_four_ways,
    matched_hidden,
    multiplications,
)
from mnistlab.training.loop import train
from mnistlab.training.networks import build, convnet_parameters, count_parameters
from mnistlab.training.records import TrainingData, TrainingSettings

SCRAMBLE = Permutation.random(42)
SETTINGS = TrainingSettings(epochs=1, batch_size=32, seed=3)
QUIET = {"device": "cpu", "show_progress": False}


@pytest.fixture(scope="module")
def digits(small):
    return small.train[:300], small.validation[:200]


@pytest.fixture(scope="module")
def four(digits):
    return compare_four_ways(TrainingData(*digits, SCRAMBLE), SETTINGS, n_seeds=2, **QUIET)


def made_up(accuracies: dict) -> Comparison:
    """A comparison with these accuracies and nothing else."""
    trainings = {
        cell: tuple(SimpleNamespace(best=SimpleNamespace(validation_accuracy=value)) for value in values)
        for cell, values in accuracies.items()
    }
    return Comparison(tuple(range(len(accuracies[CONV_PLAIN]))), trainings, 5_000)


# --- the runs ---------------------------------------------------------------------------------------------------------


def test_every_cell_holds_the_network_its_name_says(four):
    assert four.seeds == (3, 4)
    assert set(four.trainings) == set(CELLS)
    for cell, trainings in four.trainings.items():
        for seed, training in zip(four.seeds, trainings, strict=True):
            assert training.model.name == cell.architecture
            assert training.permutation == (SCRAMBLE if cell.permuted else Permutation.identity())
            assert training.settings == dataclasses.replace(SETTINGS, seed=seed)
            assert four.training(cell, seed) is training


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_run_of_the_comparison_is_the_run_one_would_make_by_hand(four, digits, cell):
    by_hand = train(
        build(cell.architecture, seed=3),
        TrainingData(*digits, SCRAMBLE) if cell.permuted else TrainingData(*digits),
        SETTINGS,
        **QUIET,
    )
    ours = four.training(cell, 3)
    assert ours.history[0].train_loss == by_hand.history[0].train_loss
    for mine, theirs in zip(ours.model.parameters(), by_hand.model.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_each_epoch_that_is_trained_moves_the_bar_once(digits, monkeypatch):
    moves = []

    class Bar:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def set_description_str(self, text):
            moves.append(text)

        def update(self):
            moves.append(1)

    asked = {}
    monkeypatch.setattr(comparison, "progress_bar", lambda **options: asked.update(options) or Bar())
    settings = dataclasses.replace(SETTINGS, epochs=2, seed=4)
    compare_four_ways(TrainingData(*digits, SCRAMBLE), settings, n_seeds=1, device="cpu")
    assert asked["total"] == moves.count(1) == 8  # four networks, two epochs each
    assert moves[0] == "1/4 ConvNet, plain"
    assert moves[-3] == "4/4 fully connected net, permuted"


def test_the_identity_is_no_permutation_to_compare_with(digits):
    with pytest.raises(LabError, match="not the identity"):
        compare_four_ways(TrainingData(*digits), SETTINGS, **QUIET)


@pytest.mark.parametrize("n_seeds", [0, -1, True, 2.0])
def test_a_comparison_needs_at_least_one_seed(digits, n_seeds):
    with pytest.raises(LabError, match=r"n_seeds is a whole number, 1 or more, not"):
        compare_four_ways(TrainingData(*digits, SCRAMBLE), SETTINGS, n_seeds=n_seeds, **QUIET)


def test_what_training_refuses_is_refused_here(digits):
    with pytest.raises(TrainingError, match="batch_size"):
        compare_four_ways(TrainingData(*digits, SCRAMBLE), TrainingSettings(batch_size=301), **QUIET)


def test_a_seed_that_was_not_run_is_refused(four):
    with pytest.raises(LabError, match=r"seed 9; the seeds are \(3, 4\)"):
        four.training(CONV_PLAIN, 9)


# --- what is made of them ---------------------------------------------------------------------------------------------

SHARES = {
    CONV_PLAIN: [0.98, 0.99, 0.97],
    CONV_PERMUTED: [0.93, 0.95, 0.91],
    FULL_PLAIN: [0.92, 0.90, 0.94],
    FULL_PERMUTED: [0.93, 0.90, 0.93],
}


def test_the_cost_is_paired_by_seed():
    cost = made_up(SHARES).cost("convnet")  # 0.05, 0.04, 0.06
    assert cost.mean == pytest.approx(0.05)
    assert cost.std == pytest.approx(0.01)
    half = 4.302653 * 0.01 / 3**0.5  # the 97.5 % point of Student's t with 2 degrees of freedom
    assert (cost.low, cost.high) == pytest.approx((0.05 - half, 0.05 + half))
    full = made_up(SHARES).cost("fully-connected")  # -0.01, 0, 0.01
    assert full.mean == pytest.approx(0)
    assert full.low < 0 < full.high


def test_means_and_differences_keep_to_their_cells():
    four = made_up(SHARES)
    assert four.accuracies(CONV_PERMUTED) == SHARES[CONV_PERMUTED]
    assert four.mean(CONV_PERMUTED).mean == pytest.approx(0.93)
    assert four.difference(CONV_PLAIN, FULL_PLAIN).mean == pytest.approx(0.06)
    assert four.difference(FULL_PLAIN, CONV_PLAIN).mean == pytest.approx(-0.06)


def test_the_plain_values_fit_into_json():
    values = json.loads(json.dumps(made_up(SHARES).as_dict(), allow_nan=False))
    assert values["seeds"] == [0, 1, 2]
    assert values["n_validation"] == 5_000
    assert values["accuracy"]["ConvNet, permuted"]["values"] == SHARES[CONV_PERMUTED]
    assert values["cost_of_permutation"]["ConvNet"]["mean"] == pytest.approx(0.05)


def test_one_seed_gives_no_interval_and_still_fits_into_json():
    values = json.loads(json.dumps(made_up({c: v[:1] for c, v in SHARES.items()}).as_dict(), allow_nan=False))
    assert values["accuracy"]["ConvNet, plain"]["low"] is None
    assert values["cost_of_permutation"]["fully connected net"]["high"] is None


def test_judging_gives_each_network_the_order_it_was_trained_on(four, digits):
    validation = digits[1]
    found = four.judge(validation)
    for cell in CELLS:
        assert found[cell] == four.accuracies(cell)  # the same images as in training, so the same figure
    four_hundred = dataclasses.replace(validation, images=torch.roll(validation.images, 3, dims=-1))
    training = four.training(CONV_PERMUTED, 3)
    answers = networks.logits(training.model, four_hundred.images, permutation=SCRAMBLE).argmax(1)
    assert four.judge(four_hundred)[CONV_PERMUTED][0] == (answers == validation.labels).double().mean().item()


# --- the budgets ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_kernels", [1, 2, 6, 12, 32, 256])
def test_the_fully_connected_net_is_of_the_nearest_size(n_kernels):
    wanted, hidden = convnet_parameters(n_kernels), matched_hidden(n_kernels)

    def off(h):
        return abs(count_parameters(build("fully-connected", n_hidden=h)) - wanted)

    assert off(hidden) < off(hidden + 1)
    assert hidden == 1 or off(hidden) < off(hidden - 1)


def test_six_kernels_are_matched_by_eight_units_within_20_parameters():
    assert matched_hidden(6) == 8
    assert (convnet_parameters(6), count_parameters(build("fully-connected"))) == (6_422, 6_442)


def test_multiplications_are_those_one_counts_by_hand():
    assert multiplications(build("fully-connected")) == 784 * 8 + 8 * 8 + 8 * 10
    by_hand = 6 * 24 * 24 * 25 + 6 * 8 * 8 * 25 * 6 + 96 * 50 + 50 * 10
    assert multiplications(build("convnet")) == by_hand == 149_300


def test_counting_leaves_no_hook_behind():
    model = build("convnet")
    multiplications(model)
    assert not any(layer._forward_hooks for layer in model.modules())


# --- the reason why ---------------------------------------------------------------------------------------------------


def test_for_a_fully_connected_net_a_permutation_only_renames_the_inputs(four, digits):
    plain = four.training(FULL_PLAIN, 3).model
    renamed = build("fully-connected")
    renamed.load_state_dict(plain.state_dict())
    renamed.net[1].weight.data = SCRAMBLE.apply(plain.net[1].weight.data)
    images = digits[1].images
    wanted = networks.logits(plain, images)
    assert torch.allclose(networks.logits(renamed, images, permutation=SCRAMBLE), wanted, atol=1e-4)
    assert not torch.allclose(networks.logits(plain, images, permutation=SCRAMBLE), wanted, atol=1e-1)


def test_the_same_network_on_several_layouts_is_trained_once_each(small, tmp_path):
    quick = presets.preset("quick").change(epochs=1)
    digits = small.train[:300], small.validation[:200]
    layouts = {"plain": Permutation.identity(), "scrambled": Permutation.random(3)}
    cache = TrainingCache(tmp_path, *digits, device="cpu")
    found = comparison.on_layouts(cache, layouts, preset=quick, n_seeds=2, show_progress=False)
    assert {name: [one.permutation for one in many] for name, many in found.items()} == {
        name: [layout] * 2 for name, layout in layouts.items()
    }
    firsts = [found["plain"][0], found["plain"][1], found["scrambled"][0]]
    weights = [one.model.state_dict()["net.0.weight"] for one in firsts]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    again = comparison.on_layouts(cache, layouts, preset=quick, n_seeds=2, show_progress=False)
    assert torch.equal(again["plain"][1].model.state_dict()["net.0.weight"], weights[1])
    assert sorted(tmp_path.iterdir()) == files
    normed = presets.preset("fast").change(epochs=1, average=0.0)
    (full,) = comparison.on_layouts(cache, {"plain": layouts["plain"]}, preset=normed, model="fully-connected")["plain"]
    assert full.model.name == "fully-connected"
    assert not full.settings.batch_norm  # it is the ConvNet's
    with pytest.raises(LabError, match="1 or more, not 0"):
        comparison.on_layouts(cache, layouts, preset=quick, n_seeds=0)
