import hashlib
import json

import numpy as np
import pytest

from mnistlab import Predictor
from mnistlab.common.errors import LabError
from mnistlab.data import synthetic
from mnistlab.data.strokes import as_strokes
from mnistlab.data.synthetic import STYLES


def _ends(strokes: list[np.ndarray]) -> list[np.ndarray]:
    return [stroke[-1] - stroke[0] for stroke in strokes]


def test_every_digit_has_styles_of_different_names():
    for digit in range(10):
        names = [style.name for style in STYLES if style.digit == digit]
        assert len(names) >= 3
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.digit} {style.name}")
def test_every_style_is_a_drawing_on_the_canvas(style):
    rng = np.random.default_rng(0)
    for _ in range(20):
        strokes = as_strokes(synthetic.draw(style.digit, rng, style=style.name))
        assert len(strokes) == len(style.strokes)
        points = np.concatenate(strokes)
        assert np.ptp(points, axis=0).max() > 100  # px
        assert np.abs(points - 140).max() < 300


def test_the_styles_are_those_that_the_committed_versions_were_judged_on():
    # A change here changes what "digits drawn by the lab" means in every stored report, and needs another sum.
    styles = [(s.digit, s.name, s.weight, [np.round(p, 6).tolist() for p in s.strokes]) for s in STYLES]
    text = json.dumps(styles).replace("-0.0,", "0.0,").replace("-0.0]", "0.0]")
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "2278d1b7cf648a27"


def test_a_drawing_is_never_twice_the_same_but_repeats_with_its_seed():
    first, again = (synthetic.draw(7, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    rng = np.random.default_rng(3)
    assert not np.array_equal(synthetic.draw(7, rng)[0][:3], synthetic.draw(7, rng)[0][:3])


def test_corners_stay_corners():
    seven = synthetic._smooth(np.array([(0, 0), (0.5, 0), (1, 0), (1, 0), (0.7, 0.5), (0.5, 1)], dtype=float))
    assert np.abs(seven - (1, 0)).sum(axis=1).min() == 0
    assert seven[:, 0].max() == 1  # a curve without the corner would bulge


def test_hands_differ_in_width_slant_and_turn_as_much_as_those_of_mnist():
    rng = np.random.default_rng(0)
    frame = (((0, 0), (0, 1)), ((0, 0.5), (1, 0.5)))  # two strokes of two points, which stay straight
    upright, level = (
        np.array(lines) for lines in zip(*(_ends(synthetic.vary(frame, rng)) for _ in range(600)), strict=True)
    )
    turn = np.arctan2(level[:, 1], level[:, 0])
    assert abs(turn.mean()) < 0.02
    assert 0.08 < turn.std() < 0.16  # 0.08 for the hand, the rest from its bends and jitter
    slant = -np.arctan2(upright[:, 0], upright[:, 1]) - turn
    assert np.tan(slant).mean() == pytest.approx(0.1, abs=0.05)  # to the right, as right-handed people write
    assert np.tan(slant).std() == pytest.approx(0.22, abs=0.06)
    stretch = np.log(np.hypot(*level.T) / np.hypot(*upright.T))
    assert stretch.mean() == pytest.approx(-0.25, abs=0.06)
    assert stretch.std() == pytest.approx(0.28, abs=0.06)


def test_digits_are_training_images():
    drawn = synthetic.draw_digits(40, seed=1, show_progress=False)
    assert len(drawn) == 40
    assert drawn.images.flatten(1).any(dim=1).all()
    again = synthetic.draw_digits(40, seed=1, show_progress=False)
    assert drawn.sha256() == again.sha256()
    assert drawn.sha256() != synthetic.draw_digits(40, seed=2, show_progress=False).sha256()
    assert len(synthetic.draw_digits(0, seed=1, show_progress=False)) == 0


def test_the_shipped_network_reads_most_of_them():
    drawn = synthetic.draw_digits(300, seed=5, show_progress=False)
    right = (Predictor.load().predict_digits(drawn.images).argmax(axis=1) == drawn.labels.numpy()).mean()
    assert right > 0.75  # a style under the wrong digit would cost more than chance


@pytest.mark.parametrize(("digit", "style"), [(10, None), (-1, None), (1, "crossed")])
def test_what_nobody_writes_is_refused(digit, style):
    with pytest.raises(LabError, match="there is no style"):
        synthetic.draw(digit, np.random.default_rng(0), style=style)


def test_a_negative_number_is_refused():
    with pytest.raises(LabError, match="0 or more"):
        synthetic.draw_digits(-1, seed=0)


def test_a_corner_is_still_one_when_its_points_have_moved():
    points = np.array([(0, 0), (0.5, 0.5), (1, 0), (1, 0), (0.5, 1)], dtype=float)
    moved = synthetic._jitter(points, np.random.default_rng(0), apart=False)
    assert np.abs(moved - points).max() < 0.2
    assert [bool((moved[i] == moved[i + 1]).all()) for i in range(4)] == [False, False, True, False]


def test_a_seed_draws_the_same_in_every_release():
    drawings = [synthetic.draw(seed % 10, np.random.default_rng(seed)) for seed in range(50)]
    assert sum(np.concatenate(strokes).sum() for strokes in drawings) == pytest.approx(704051.03, abs=0.1)  # px
    labels = synthetic.draw_digits(60, seed=0, show_progress=False).labels
    assert labels.bincount(minlength=10).tolist() == [11, 3, 4, 4, 4, 7, 10, 4, 7, 6]
