import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from mnistlab import Predictor
from mnistlab.common.errors import CheckpointError, ImageError, RegistryError, StrokesError
from mnistlab.data.strokes import rasterise
from mnistlab.evaluation.conformal import LEVEL
from mnistlab.registry.manifest import Level

# A 0 slightly open at the top left: its centre of mass is no tie between two pixels, which rounding would settle by chance.
ZERO = [[[140 + 60 * np.cos(t), 140 + 90 * np.sin(t)] for t in np.linspace(-1.5, 4.4, 40)]]


@pytest.fixture(scope="module")
def reader() -> Predictor:
    """The version that comes with the lab."""
    return Predictor.load()


def test_a_plain_zero_is_read(reader):
    reading = reader.predict_strokes(ZERO)
    assert reading.digit == 0
    assert reading.confidence == reading.probabilities.max() > 0.9
    assert reading.probabilities.shape == (10,)
    assert reading.probabilities.sum() == pytest.approx(1)
    assert (reading.image.shape, reading.image.dtype) == ((28, 28), np.uint8)
    assert reading.milliseconds > 0
    assert reading.version == reader.version
    assert reading.reason == ""


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.2])
@pytest.mark.parametrize("shift", [-40, 0, 40])
def test_size_and_place_hardly_change_the_answer(reader, scale, shift):
    strokes = [(np.array(stroke) - 140) * scale + 140 + shift for stroke in ZERO]
    expected, found = reader.predict_strokes(ZERO), reader.predict_strokes(strokes)
    if scale * 90 + abs(shift) <= 140:  # else it leaves the canvas and is cut
        assert np.abs(found.image.astype(int) - expected.image.astype(int)).mean() < 3
    assert found.digit == 0


def test_the_pen_does_not_change_the_answer(reader):
    thin, thick = (reader.predict_strokes(ZERO, pen_width=width) for width in (8, 28))
    np.testing.assert_array_equal(thin.image, thick.image)


@pytest.mark.parametrize("strokes", [[], [[]], [[[140, 140]]], [[[140, 140], [143, 141]]]])
def test_nothing_to_read_gives_no_digit(reader, strokes):
    reading = reader.predict_strokes(strokes)
    assert reading.digit is None
    assert reading.confidence == 0
    assert reading.reason
    assert str(reading).startswith("no digit")
    assert reading.probabilities.tolist() == [0.1] * 10  # none is likelier
    assert reading.image.shape == (28, 28)
    assert not reading.image.any()


@pytest.mark.parametrize("strokes", [ZERO, []])
def test_the_time_is_that_from_the_call_to_the_answer(reader, monkeypatch, strokes):
    ticks = itertools.count(10.0, 0.25)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    assert reader.predict_strokes(strokes).milliseconds == 250


@pytest.mark.parametrize(
    "image", [np.zeros((28, 28), np.uint8), np.full((300, 200, 3), 255, np.uint8), np.full((28, 28), 77, np.uint8)]
)
def test_a_blank_picture_gives_no_digit(reader, image):
    reading = reader.predict_image(image)
    assert reading.digit is None
    assert "empty" in reading.reason


def test_strokes_and_a_picture_of_them_agree(reader):
    picture = rasterise([np.array(stroke) for stroke in ZERO], pen_width=24.5)  # 0.12 of the digit's height
    drawn, seen = reader.predict_strokes(ZERO), reader.predict_image(255 - picture)
    assert seen.digit == drawn.digit == 0
    assert np.abs(seen.image.astype(int) - drawn.image.astype(int)).mean() < 3


def test_dataset_and_picture_paths_agree(reader, splits):
    images = splits.validation.images[:50]
    direct = reader.predict_digits(images).argmax(axis=1)
    through_files = [reader.predict_image(image.numpy()).digit for image in images]
    assert direct.tolist() == through_files


def test_digits_take_tensors_and_arrays(reader, splits):
    images = splits.validation.images[:5]
    from_tensor, from_array = reader.predict_digits(images), reader.predict_digits(images.numpy())
    np.testing.assert_array_equal(from_tensor, from_array)
    assert from_tensor.shape == (5, 10)
    np.testing.assert_allclose(from_tensor.sum(axis=1), 1, atol=1e-5)
    assert reader.predict_digits(images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    "bad", [np.zeros((28, 28), np.uint8), np.zeros((1, 28, 27), np.uint8), np.zeros((1, 28, 28), np.float32), "x", None]
)
def test_digits_of_another_shape_are_refused(reader, bad):
    with pytest.raises(ImageError, match=r"uint8 \(N, 28, 28\)"):
        reader.predict_digits(bad)


def calibrated(registry, **limits) -> Predictor:
    """The plain version of a test's registry, held against limits of our choice."""
    checkpoint = registry.load("0001")
    info = checkpoint.manifest.calibration.model_copy(update=limits)
    return Predictor(replace(checkpoint, manifest=checkpoint.manifest.model_copy(update={"calibration": info})))


def test_what_is_less_like_a_digit_than_the_calibration_allows_is_no_digit(registry):
    reading = calibrated(registry, confidence=1.0).predict_strokes(ZERO)
    assert reading.digit is None
    assert reading.digits == ()
    assert reading.confidence == 0
    assert "does not look like a digit" in str(reading)
    assert reading.probabilities.sum() == pytest.approx(1)  # what the network said is kept, and what it saw
    assert reading.image.any()


def test_a_drawing_gets_the_digits_whose_score_is_below_the_threshold(registry):
    probabilities = calibrated(registry, confidence=0.0).predict_strokes(ZERO).probabilities
    order = np.argsort(-probabilities)
    for least, expected in (
        (probabilities[order[1]], order[:2]),
        (probabilities[order[2]], order[:3]),
        (1.0, order[:1]),
    ):
        levels = [Level(coverage=LEVEL, surprise=max(0.0, -np.log(least) + 1e-9))]
        reading = calibrated(registry, confidence=0.0, levels=levels).predict_strokes(ZERO)
        assert reading.digits == tuple(expected)  # the likeliest first, and never none
        assert reading.digit == expected[0]
        assert reading.level == LEVEL
        others = "".join(f" or {digit}" for digit in expected[1:])
        assert str(reading) == f"{expected[0]} ({100 * reading.confidence:.1f} %){others}"


def test_a_version_without_calibration_promises_nothing(registry):
    checkpoint = registry.load("0001")
    bare = replace(checkpoint, manifest=checkpoint.manifest.model_copy(update={"calibration": None}))
    reading = Predictor(bare).predict_strokes(ZERO)
    assert reading.digits == (reading.digit,)
    assert reading.level is None


def test_bad_strokes_are_refused(reader):
    with pytest.raises(StrokesError, match="finite"):
        reader.predict_strokes([[[0, float("nan")]]])
    with pytest.raises(StrokesError, match="pen_width"):
        reader.predict_strokes(ZERO, pen_width=0)


def test_a_prediction_leaves_the_threads_as_they_were(reader):
    before = torch.get_num_threads()
    reader.predict_strokes(ZERO)
    assert torch.get_num_threads() == before


def test_a_permuted_version_sees_scrambled_pixels_and_shows_them_as_drawn(registry, splits, trained_permuted):
    reader = Predictor.load(registry.latest(permuted=True), models=registry.root)
    images = splits.validation.images[:50]
    scrambled = images.flatten(1)[:, trained_permuted.permutation.order].view(-1, 1, 28, 28)
    with torch.inference_mode():
        expected = trained_permuted.model((scrambled / 255 - 0.1307) / 0.3081).softmax(dim=1)
    np.testing.assert_allclose(reader.predict_digits(images), expected, atol=1e-5)
    assert reader.predict_image(images[0].numpy()).image.tolist() == images[0].tolist()


def test_an_unknown_version_is_refused(registry):
    with pytest.raises(RegistryError, match="no version '9999'"):
        Predictor.load("9999", models=registry.root)


def test_a_digit_that_is_already_28_by_28_is_taken_as_it_is(reader, small):
    image = small.test.images[0].numpy()
    reading = reader.predict_digit(image)
    assert reading.digit == int(small.test.labels[0])
    np.testing.assert_array_equal(reading.image, image)
    np.testing.assert_allclose(reading.probabilities, reader.predict_digits(image[None])[0], atol=1e-5)
    assert reader.predict_digit(np.zeros((28, 28), np.uint8)).digit is None


@pytest.mark.parametrize(
    "bad", [3, [1], [[1], [1, 2]], np.zeros((28, 28)), np.zeros((1, 28, 28), np.uint8), np.zeros(784, np.uint8)]
)
def test_another_form_of_a_digit_is_refused(reader, bad):
    with pytest.raises(ImageError, match=r"must be uint8"):
        reader.predict_digit(bad)


def test_a_network_that_overflows_on_a_drawing_says_so(reader):
    weights = {
        **reader.checkpoint.weights,
        "net.9.weight": np.full_like(reader.checkpoint.weights["net.9.weight"], 3e38),
    }
    broken = Predictor(replace(reader.checkpoint, weights=weights))
    with np.errstate(all="ignore"), pytest.raises(CheckpointError, match="no finite numbers") as caught:
        broken.predict_strokes(ZERO)
    assert caught.value.code == "finite"
