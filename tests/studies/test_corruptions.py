from __future__ import annotations

import pytest
import torch

from mnistlab.common.errors import LabError
from mnistlab.studies import corruptions

IMAGES = torch.randint(1, 256, (200, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_what_moves_right_leaves_paper_behind():
    moved = corruptions.shift(IMAGES, 3)
    assert torch.equal(moved[:, :, 3:], IMAGES[:, :, :-3])
    assert not moved[:, :, :3].any()
    assert torch.equal(corruptions.shift(IMAGES, 0), IMAGES)
    assert not corruptions.shift(IMAGES, 28).any()


def test_noise_has_its_size_and_stays_within_the_greys():
    grey = torch.full((50, 28, 28), 128, dtype=torch.uint8)
    noisy = corruptions.add_noise(grey, 20, seed=1)
    assert noisy.dtype == torch.uint8
    assert noisy.float().mean() == pytest.approx(128, abs=0.5)
    assert noisy.float().std() == pytest.approx(20, abs=0.5)
    assert torch.equal(corruptions.add_noise(grey, 0, seed=1), grey)
    assert torch.equal(noisy, corruptions.add_noise(grey, 20, seed=1))
    assert not torch.equal(noisy, corruptions.add_noise(grey, 20, seed=2))
    assert set(corruptions.add_noise(grey, 1e12, seed=1).unique().tolist()) == {0, 255}


def test_a_square_of_paper_lies_wholly_inside_at_a_place_of_its_own():
    covered = corruptions.cover(IMAGES, 6, seed=0)
    gone = covered == 0  # the images have no paper of their own
    assert (gone.sum(dim=(1, 2)) == 36).all()
    rows, columns = gone.any(dim=2), gone.any(dim=1)
    assert (rows.sum(dim=1) == 6).all()
    assert (columns.sum(dim=1) == 6).all()
    tops, lefts = rows.int().argmax(dim=1), columns.int().argmax(dim=1)
    assert (int(tops.min()), int(tops.max()), int(lefts.min()), int(lefts.max())) == (0, 22, 0, 22)
    assert torch.equal(covered[~gone], IMAGES[~gone])
    assert torch.equal(corruptions.cover(IMAGES, 0, seed=0), IMAGES)
    assert not corruptions.cover(IMAGES, 28, seed=0).any()


@pytest.mark.parametrize("value", [-1, 29, 1.5, True])
def test_out_of_bounds_is_refused(value):
    with pytest.raises(LabError, match="pixels is a whole number from 0 to 28"):
        corruptions.shift(IMAGES, value)
    with pytest.raises(LabError, match="side is a whole number from 0 to 28"):
        corruptions.cover(IMAGES, value, seed=0)


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_noise_of_no_size_is_refused(value):
    with pytest.raises(LabError, match="size of the noise is 0 grey values or more"):
        corruptions.add_noise(IMAGES, value, seed=0)
