"""Neighbours against a search written out, correlations against made-up images whose answer is known."""

import numpy as np
import pytest
import torch

from mnistlab.common.constants import CLASSES, PIXELS, SIDE
from mnistlab.common.errors import DataError
from mnistlab.data.mnist import Digits
from mnistlab.data.permutation import Permutation
from mnistlab.studies import exploration


def random_digits(n: int, seed: int) -> Digits:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (n, SIDE, SIDE), generator=generator, dtype=torch.uint8)
    return Digits(images, torch.arange(n) % CLASSES)


@pytest.fixture(scope="module")
def found() -> tuple[Digits, Digits, exploration.Neighbours]:
    queries, references = random_digits(30, 1), random_digits(80, 2)
    return queries, references, exploration.find_neighbours(queries, references, k=2)


@pytest.fixture(scope="module")
def smooth() -> torch.Tensor:
    """Waves of random phase: places near each other are alike."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    angle, phase = generator.uniform(0, 6.3, (400, 1, 1)), generator.uniform(0, 6.3, (400, 1, 1))
    waves = np.sin((rows * np.cos(angle) + columns * np.sin(angle)) / 2 + phase)
    return torch.from_numpy(((waves + 1) * 127).astype(np.uint8))


def test_neighbours_are_those_of_a_search_written_out(found):
    queries, references, near = found
    distance = torch.cdist(queries.images.flatten(1).double() / 255, references.images.flatten(1).double() / 255)
    for query in range(len(queries)):
        for digit in range(CLASSES):
            members = (references.labels == digit).nonzero().flatten()
            nearest = distance[query, members].sort()
            assert near.index[query, digit].tolist() == members[nearest.indices[:2]].tolist()
            assert near.distance[query, digit] == pytest.approx(nearest.values[:2].numpy(), abs=1e-4)
        assert near.predictions()[query] == references.labels[distance[query].argmin()]
        others = references.labels != queries.labels[query]
        assert near.strangers()[1][query] == pytest.approx(distance[query, others].min().item(), abs=1e-4)


def test_strangers_are_never_of_the_own_class(found):
    queries, references, near = found
    classes, _, index = near.strangers()
    assert (references.labels[index].numpy() == classes).all()
    assert (classes != queries.labels.numpy()).all()
    kinship = near.kinship()
    assert np.diag(kinship).tolist() == [0] * CLASSES
    assert kinship.sum(axis=1) == pytest.approx(np.ones(CLASSES))


def test_own_and_oddness(found):
    queries, references, near = found
    distance, index = near.own()
    assert (references.labels[index].numpy() == queries.labels.numpy()[:, None]).all()
    oddness = near.oddness()
    for digit in range(CLASSES):
        mine = near.labels == digit
        assert np.median(oddness[mine]) == pytest.approx(1)
        assert oddness[mine].argmax() == distance[mine].mean(axis=1).argmax()


def test_a_class_without_enough_references_is_named():
    with pytest.raises(DataError, match="3 neighbours of each digit are asked for, but there are only 2 of 0"):
        exploration.find_neighbours(random_digits(5, 0), random_digits(20, 0), k=3)


def test_correlation_falls_with_distance_and_a_permutation_only_renames_it(smooth):
    before = exploration.pixel_correlation(smooth)
    curve = exploration.mean_correlation_by_distance(before)
    assert curve.shape == (SIDE - 1,)
    assert curve[0] > 0.85 > curve[1] > curve[2]
    scramble = Permutation.random(3)
    after = exploration.pixel_correlation(scramble.apply(smooth))
    order = scramble.order
    assert after == pytest.approx(before[np.ix_(order, order)], abs=1e-9)
    assert exploration.permute_correlation(before, scramble) == pytest.approx(after, abs=1e-9)
    assert np.abs(exploration.mean_correlation_by_distance(after)).max() < 0.1


def test_correlation_by_distance_looks_along_rows_and_columns():
    places = np.arange(PIXELS)
    rows, columns = np.divmod(places, SIDE)
    same_row = (rows[:, None] == rows).astype(float)
    same_row[columns[:, None] == columns] = 3
    # half of the pairs share a row (1), half a column (3)
    assert exploration.mean_correlation_by_distance(same_row) == pytest.approx(np.full(SIDE - 1, 2.0))


def test_a_pixel_that_never_varies_is_left_out(smooth):
    images = smooth.clone()
    images[:, 0, 0] = 0
    correlation = exploration.pixel_correlation(images)
    assert np.isnan(correlation[0]).all()
    assert np.isfinite(exploration.mean_correlation_by_distance(correlation)).all()
    pixels, partners = exploration.best_partners(correlation)
    assert len(pixels) == PIXELS - 1
    assert 0 not in pixels
    assert 0 not in partners
    assert (pixels != partners).all()


@pytest.mark.filterwarnings("error")
def test_a_distance_at_which_nothing_varies_is_unknown_without_a_warning(smooth):
    images = smooth.clone()
    images[:, 0], images[:, :, 0] = 0, 0
    curve = exploration.mean_correlation_by_distance(exploration.pixel_correlation(images))
    assert np.isnan(curve[-1])
    assert np.isfinite(curve[:-1]).all()


def test_best_partner_of_a_copy_is_the_copy():
    images = random_digits(200, 5).images
    images[:, 20, 20] = images[:, 3, 4]
    pixels, partners = exploration.best_partners(exploration.pixel_correlation(images))
    assert partners[pixels == 3 * SIDE + 4] == 20 * SIDE + 20


def test_windows_of_one_grey_need_one_number_and_noise_needs_all():
    greys = torch.arange(256, dtype=torch.uint8)[:, None, None].expand(256, SIDE, SIDE)
    assert exploration.explained_variance(greys)[0] == pytest.approx(1)
    noise = exploration.explained_variance(random_digits(600, 6).images)
    assert noise == pytest.approx(np.arange(1, 26) / 25, abs=0.02)


def test_smooth_images_need_fewer_numbers_than_the_same_scrambled(smooth):
    plain = exploration.explained_variance(smooth)
    scrambled = exploration.explained_variance(Permutation.random(3).apply(smooth))
    assert plain[5] > scrambled[5] + 0.4
    assert plain[-1] == pytest.approx(1)
