from __future__ import annotations

import numpy as np
import pytest
import torch

from mnistlab.common.errors import LabError
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.intervals import MeanInterval
from mnistlab.studies import permutation_effect as effect
from mnistlab.training.cache import TrainingCache
from mnistlab.training.comparison import CELLS, CONV_PERMUTED, CONV_PLAIN, FULL_PERMUTED
from mnistlab.training.records import TrainingSettings

SETTINGS = TrainingSettings(epochs=1, batch_size=50, seed=4)
QUIET = {"show_progress": False}


@pytest.fixture
def cache(small, tmp_path):
    return TrainingCache(tmp_path, small.train[:100], small.validation[:100], device="cpu")


def test_every_seed_meets_every_permutation_and_both_networks(cache, small):
    found = effect.train_crossed(cache, n_seeds=2, n_permutations=3, settings=SETTINGS, first_permutation=7, **QUIET)
    assert (found.seeds, found.permutations) == ((4, 5), (7, 8, 9))
    for cell in CELLS:
        rows = found.trainings[cell]
        assert [one.settings.seed for row in rows for one in row[:1]] == [4, 5]
        wanted = [Permutation.random(p) for p in (7, 8, 9)] if cell.permuted else [Permutation.identity()]
        assert all([one.permutation for one in row] == wanted for row in rows)
        assert all(one.model.name == cell.architecture for row in rows for one in row)
    assert found.accuracies(CONV_PLAIN).shape == (2, 1)
    assert found.accuracies(FULL_PERMUTED).shape == (2, 3)
    costs = found.costs("convnet")
    assert costs[1, 2] == found.accuracies(CONV_PLAIN)[1, 0] - found.accuracies(CONV_PERMUTED)[1, 2]
    held = small.validation[:100]
    right = found.correct(CONV_PERMUTED, held.images, held.labels)
    assert right.shape == (2, 3, 100)
    assert np.allclose(right.mean(axis=-1), found.accuracies(CONV_PERMUTED))
    assert found.seconds(CONV_PLAIN) > 0
    again = effect.train_crossed(cache, n_seeds=1, n_permutations=1, settings=SETTINGS, first_permutation=9, **QUIET)
    assert again.accuracies(CONV_PERMUTED)[0, 0] == found.accuracies(CONV_PERMUTED)[0, 2]
    assert len(list(cache.folder.iterdir())) == 2 * 2 * (1 + 3)  # nothing was trained twice


def test_every_layout_is_drawn_anew_with_every_seed(cache):
    found = effect.train_partial_layouts(cache, n_seeds=2, settings=SETTINGS, **QUIET)
    assert list(found) == list(effect.PARTIAL)
    for name, trainings in found.items():
        assert [one.settings.seed for one in trainings] == [4, 5]
        assert [one.permutation for one in trainings] == [effect.PARTIAL[name](seed) for seed in (4, 5)]
        assert trainings[0].permutation != trainings[1].permutation
    means = effect.mean_accuracies(found)
    assert means["rows"].n == 2


@pytest.mark.parametrize("numbers", [{"n_seeds": 0, "n_permutations": 1}, {"n_seeds": 1, "n_permutations": 0}])
def test_too_few_are_refused(cache, numbers):
    with pytest.raises(LabError, match="is a whole number, 1 or more, not 0"):
        effect.train_crossed(cache, settings=SETTINGS, **numbers)
    with pytest.raises(LabError, match="n_seeds is a whole number, 1 or more, not True"):
        effect.train_partial_layouts(cache, n_seeds=True, settings=SETTINGS)


def test_an_interval_is_as_wide_as_the_fewer_independent_ones_make_it():
    """If only the seed matters, 5 x 5 figures tell no more than five."""
    of_seeds = np.array([0.01, 0.03, 0.02, 0.05, 0.04])
    alone = MeanInterval.of(of_seeds.tolist())
    for table in (np.repeat(of_seeds[:, None], 5, axis=1), np.repeat(of_seeds[None], 5, axis=0)):
        found = effect.crossed_interval(table)
        assert (found.mean, found.low, found.high) == pytest.approx((alone.mean, alone.low, alone.high))
        assert found.n == 25


def test_intervals_hold_the_truth_as_often_as_they_promise():
    rng, held = np.random.default_rng(0), 0
    for _ in range(2_000):
        table = rng.normal(size=(5, 1)) + rng.normal(size=(1, 5)) + rng.normal(size=(5, 5))
        found = effect.crossed_interval(table)
        held += found.low <= 0 <= found.high
    assert 0.94 < held / 2_000 <= 1


def test_one_seed_or_one_permutation_gives_no_interval():
    for shape in ((1, 5), (5, 1), (1, 1)):
        found = effect.crossed_interval(np.ones(shape))
        assert found.mean == 1
        assert found.n == 1
        assert np.isnan(found.low)
        with pytest.raises(LabError, match="two seeds and two permutations"):
            effect.spreads(np.ones(shape))


def test_spreads_are_told_apart():
    rng = np.random.default_rng(1)
    table = 3 * rng.normal(size=(300, 1)) + 2 * rng.normal(size=(1, 300)) + rng.normal(size=(300, 300))
    assert effect.spreads(table) == pytest.approx((3, 2, 1), rel=0.15)
    assert effect.spreads(np.full((3, 3), 0.5)) == (0, 0, 0)


def test_neighbours_that_still_touch():
    assert effect.kept_neighbours(Permutation.identity()) == 1
    assert effect.kept_neighbours(Permutation.rows(0)) >= 0.5  # those side by side stay
    assert effect.kept_neighbours(Permutation.random(0)) < 0.02
    mirrored = Permutation(torch.arange(784).view(28, 28).flip(1).flatten())
    assert effect.kept_neighbours(mirrored) == 1
    inside = 2 * 4 * 3 / 2 * 49  # pairs inside 49 blocks of 4 x 4
    assert 2 * inside / 1512 <= effect.kept_neighbours(Permutation.blocks(0, 4)) < 2 * inside / 1512 + 0.1


def test_recalls_are_of_each_digit():
    full = torch.arange(20) % 10
    hits = np.zeros((2, 3, 20), bool)
    hits[..., :10] = True  # the first image of each digit
    hits[1, 2, 13] = True
    table = effect.recalls(hits, full)
    assert table.shape == (10, 2, 3)
    assert table[3, 1, 2] == 1
    assert np.delete(table.ravel(), 3 * 6 + 5).tolist() == [0.5] * 59
