import pytest
import torch

from mnistlab.data.augmentation import Augmentation


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nothing(**changed: float) -> Augmentation:
    return Augmentation(**{"degrees": 0, "shear": 0, "scale": 0, "shift": 0, "elastic": 0, "pen": 0, **changed})


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


def test_the_pen_grows_and_shrinks():
    images = torch.zeros(200, 28, 28, dtype=torch.uint8)
    images[:, 4:24, 12:15] = 255  # a bar, three px wide
    widths = nothing(pen=1)(images, generator())[:, 14].double().sum(dim=1) / 255
    assert widths.min() < 2.5
    assert widths.max() > 4
    assert widths.min() > 1  # a thin stroke gets thinner, and is never lost


def test_a_wobble_bends_a_straight_line_and_keeps_it_smooth():
    images = torch.zeros(200, 28, 28, dtype=torch.uint8)
    images[:, 2:26, 13:15] = 255
    bent = nothing(elastic=1.0)(images, generator())[:, 4:24].double()
    centres = (bent * torch.arange(28)).sum(dim=2) / bent.sum(dim=2)  # (200, 20): where the line is in each row
    assert 0.5 < (centres - 13.5).std() < 1.2  # about the px asked for, a little less between the knots
    assert (centres.amax(dim=1) - centres.amin(dim=1)).median() > 1  # within one line, not as a whole
    assert centres.diff(dim=1).abs().quantile(0.99) < 1  # from row to row


def test_no_image_is_no_error():
    assert Augmentation()(torch.zeros(0, 28, 28, dtype=torch.uint8), generator()).shape == (0, 28, 28)
