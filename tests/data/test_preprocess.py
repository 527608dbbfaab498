import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import encode, seven, variants
from PIL import Image, ImageFilter

from mnistlab.common.errors import ImageError
from mnistlab.data import preprocess
from mnistlab.data.preprocess import as_digit, fit, to_ink


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    weights = image / image.sum()
    return float((weights.sum(1) * np.arange(28)).sum()), float((weights.sum(0) * np.arange(28)).sum())


def test_mnist_comes_through_unchanged(splits):
    images = splits.train.images[:2000].numpy()
    same = np.mean([np.array_equal(fit(image), image) for image in images])
    assert same > 0.999


@pytest.mark.parametrize("invert", [False, True])
def test_an_mnist_image_as_a_file_comes_through_unchanged(splits, invert):
    images = splits.train.images[:300].numpy()
    files = (encode(Image.fromarray(255 - image if invert else image)) for image in images)
    same = np.mean([np.array_equal(fit(to_ink(file).ink), image) for file, image in zip(files, images, strict=True)])
    assert same > 0.99


def test_the_digit_fills_a_box_of_20_and_its_mass_is_centred():
    image = fit(seven())
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert centre_of_mass(image) == pytest.approx((14, 14), abs=0.51)


@pytest.mark.parametrize("shift", [(0, 0), (100, 0), (0, 95), (160, 95)])
def test_place_does_not_matter(shift):
    moved = np.roll(seven(), shift[::-1], axis=(0, 1))
    np.testing.assert_array_equal(fit(moved), fit(seven()))


@pytest.mark.parametrize("size", [(1, 200), (200, 1), (1, 1), (3, 3)])
def test_thin_and_tiny_ink_still_fits(size):
    ink = np.zeros((280, 280), np.uint8)
    ink[40 : 40 + size[0], 30 : 30 + size[1]] = 255
    image = fit(ink)
    assert image.shape == (28, 28)
    assert image.any()


def test_no_ink_is_refused_by_name():
    with pytest.raises(ImageError, match="there is no ink") as caught:
        fit(np.zeros((50, 50), np.uint8))
    assert caught.value.code == "blank"


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
@settings(max_examples=50, deadline=None)
def test_any_ink_fits_or_is_blank(seed, height, width):
    rng = np.random.default_rng(seed)
    ink = (rng.random((height, width)) < 0.1).astype(np.uint8) * rng.integers(1, 256)
    if not ink.any():
        with pytest.raises(ImageError):
            fit(ink.astype(np.uint8))
        return
    assert fit(ink.astype(np.uint8)).shape == (28, 28)


@pytest.mark.parametrize("name", list(variants()))
def test_every_encoding_gives_the_same_digit(name):
    expected = fit(seven()).astype(int)
    found = fit(to_ink(variants()[name]).ink).astype(int)
    # JPEG and faint ink lose a little at the edges of a stroke, and no more.
    assert np.abs(found - expected).mean() < (6 if name in ("JPEG", "CMYK", "faint") else 0.5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_turned_back(orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = Image.fromarray(255 - seven())
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = fit(to_ink(encode(stored, exif=exif)).ink)
    np.testing.assert_array_equal(found, fit(seven()))


def test_polarity_is_decided_and_said():
    assert to_ink(255 - seven()).inverted
    assert not to_ink(seven()).inverted


def test_grain_of_the_paper_is_no_ink():
    rng = np.random.default_rng(0)
    photo = np.clip(235 - 0.8 * seven() + rng.normal(0, 4, (280, 280)), 0, 255).astype(np.uint8)
    expected, found = fit(seven()).astype(int), fit(to_ink(photo).ink).astype(int)
    rows = np.flatnonzero(found.any(1))
    assert np.ptp(rows) + 1 <= 21
    assert np.abs(found - expected).mean() < 12


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_empty_sheet_is_blank(value):
    with pytest.raises(ImageError, match="empty") as caught:
        to_ink(np.full((100, 100), value, np.uint8))
    assert caught.value.code == "blank"


@pytest.mark.parametrize("inverse", [False, True])
def test_a_frame_around_nothing_holds_no_digit_and_is_not_called_empty(inverse):
    full = np.full((100, 100), 255, np.uint8)
    full[0] = full[-1] = full[:, 0] = full[:, -1] = 0
    with pytest.raises(ImageError, match="lies at the edge") as caught:
        to_ink(255 - full if inverse else full)
    assert caught.value.code == "rim"


def test_all_four_edges_say_what_the_paper_is():
    grey = np.full((100, 60), 255, np.uint8)
    grey[[0, -1]] = 0  # 120 px of black above and below, 196 of white at the sides
    assert preprocess.clean_ink(grey) is None  # and a third of the edge is of another grey
    grey[[0, -1], 20:] = 255
    assert preprocess.clean_ink(grey) is None


def test_a_picture_so_blurred_that_no_stroke_is_left_is_called_that():
    sharp = Image.fromarray(255 - np.asarray(Image.fromarray(seven()).crop((10, 30, 150, 200))))
    assert as_digit(to_ink(sharp)).any()
    with pytest.raises(ImageError, match="too blurred") as caught:
        as_digit(to_ink(sharp.filter(ImageFilter.GaussianBlur(16))))
    assert caught.value.code == "blurred"


def test_a_digit_of_few_px_is_too_small_and_not_empty():
    sheet = np.full((300, 300), 235, np.uint8)
    sheet[:, 150:] = 200  # so that it is no clean picture
    sheet[100:105, 80:82] = 30
    with pytest.raises(ImageError, match="too small") as caught:
        as_digit(to_ink(sheet))
    assert caught.value.code == "rim"
