from __future__ import annotations

import math

import pytest
import torch

from mnistlab import Predictor
from mnistlab.data.augmentation import Augmentation, _change_pen


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nothing(**changed: float) -> Augmentation:
    return Augmentation(**{"degrees": 0, "shear": 0, "scale": 0, "shift": 0, "pen": 0, **changed})


def test_each_image_is_changed_in_its_own_way(small):
    images = small.train.images[:1].repeat(8, 1, 1)
    changed = Augmentation()(images, generator())
    assert changed.shape == images.shape
    assert changed.dtype == torch.uint8
    assert len({image.numpy().tobytes() for image in changed}) == 8


def test_the_generator_fixes_the_result(small):
    images = small.train.images[:20]
    first, again, other = (Augmentation()(images, generator(seed)) for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)


def test_bounds_of_zero_change_nothing(small):
    images = small.train.images[:20]
    assert nothing()(images, generator()).equal(images)


def test_the_images_passed_in_are_left_alone(small):
    images = small.train.images[:20].clone()
    Augmentation()(images, generator())
    assert images.equal(small.train.images[:20])


@pytest.mark.parametrize("bound", [1.0, 3.0])
def test_a_digit_moves_no_further_than_its_bound(bound):
    images = torch.zeros(200, 28, 28, dtype=torch.uint8)
    images[:, 13:15, 13:15] = 255
    moved = nothing(shift=bound)(images, generator()).double()
    where = torch.arange(28, dtype=torch.float64)
    centres = (moved.sum(dim=1) * where).sum(dim=1) / moved.sum(dim=(1, 2))
    assert (centres - 13.5).abs().max() <= bound + 0.05
    assert (centres - 13.5).abs().max() > 0.8 * bound


def moments(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Variances of the ink across and down, and their covariance, in px: (N,) each."""
    inks, where = images.double(), torch.arange(28, dtype=torch.float64)
    mass = inks.sum(dim=(1, 2))
    x, y = (inks.sum(dim=1) @ where / mass, inks.sum(dim=2) @ where / mass)
    dx, dy = where - x[:, None], where - y[:, None]
    joint = torch.einsum("nyx,ny,nx->n", inks, dy, dx) / mass
    return (inks.sum(dim=1) * dx**2).sum(1) / mass, (inks.sum(dim=2) * dy**2).sum(1) / mass, joint


def box(height: int, width: int) -> torch.Tensor:
    images = torch.zeros(300, 28, 28, dtype=torch.uint8)
    images[:, 14 - height // 2 : 14 + height // 2, 14 - width // 2 : 14 + width // 2] = 255
    return images


@pytest.mark.parametrize("degrees", [5, 20])
def test_a_digit_is_turned_no_further_than_its_bound_and_keeps_its_size(degrees):
    across, down, joint = moments(nothing(degrees=degrees)(box(16, 2), generator()))
    angles = 0.5 * torch.atan2(2 * joint, down - across) * 180 / math.pi
    assert angles.abs().max() <= degrees + 0.3
    assert angles.min() < -0.9 * degrees
    assert angles.max() > 0.9 * degrees
    before = sum(variance[0] for variance in moments(box(16, 2))[:2])
    torch.testing.assert_close(across + down, before.expand(300), atol=1.2, rtol=0)  # blurred a little, not stretched


@pytest.mark.parametrize("shear", [0.15, 0.4])
def test_a_slant_moves_the_top_against_the_middle_and_no_row_up_or_down(shear):
    _, down, joint = moments(changed := nothing(shear=shear)(box(16, 2), generator()))
    slopes = joint / down
    assert slopes.abs().max() <= shear + 0.01
    assert slopes.min() < -0.9 * shear
    assert slopes.max() > 0.9 * shear
    torch.testing.assert_close(changed.sum(dim=2), box(16, 2).sum(dim=2), atol=3, rtol=0)


@pytest.mark.parametrize("scale", [0.1, 0.3])
def test_width_and_height_change_apart_and_by_no_more_than_their_bound(scale):
    before, after = moments(box(12, 12)), moments(nothing(scale=scale)(box(12, 12), generator()))
    width, height = (0.5 * (new / old[0]).log() for old, new in zip(before[:2], after[:2], strict=True))
    for change in (width, height):
        assert change.abs().max() <= scale + 0.03
        assert change.min() < -0.8 * scale
        assert change.max() > 0.8 * scale
    assert (width - height).abs().max() > 1.5 * scale


def test_the_shipped_bounds_leave_a_digit_readable(small):
    digits = small.test[:300]
    right = (
        Predictor.load().predict_digits(Augmentation()(digits.images, generator())).argmax(axis=1)
        == digits.labels.numpy()
    ).mean()
    assert right > 0.95


def test_how_much_the_pen_changes_is_drawn_whether_it_changes_or_not(small):
    images, plain, penned = small.train.images[:20], generator(), generator()
    expected = nothing(shift=3)(images, plain)
    assert nothing(shift=3, pen=0.25)(images, penned).equal(expected)  # too little to change the pen
    assert plain.get_state().equal(penned.get_state())


@pytest.mark.parametrize(
    ("amount", "expected"), [(-1, 40), (-0.8, 70), (-0.6, 100), (0, 100), (0.3, 100), (0.65, 150), (1, 200)]
)
def test_a_pen_takes_on_the_most_or_some_of_the_least_ink_beside_it(amount, expected):
    inks = torch.full((1, 1, 3, 3), 100.0)
    inks[0, 0, 0, 0], inks[0, 0, 2, 1] = 200, 0
    assert _change_pen(inks, torch.tensor([float(amount)]))[0, 0, 1, 1] == pytest.approx(expected, abs=1e-3)


def test_the_pen_grows_and_shrinks():
    images = torch.zeros(200, 28, 28, dtype=torch.uint8)
    images[:, 4:24, 12:15] = 255  # a bar, three px wide
    widths = nothing(pen=1)(images, generator())[:, 14].double().sum(dim=1) / 255
    assert widths.min() < 2.5
    assert widths.max() > 4
    assert widths.min() > 1  # a thin stroke gets thinner, and is never lost


def test_no_image_is_no_error():
    assert Augmentation()(torch.zeros(0, 28, 28, dtype=torch.uint8), generator()).shape == (0, 28, 28)
