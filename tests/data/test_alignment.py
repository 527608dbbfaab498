import numpy as np
import pytest
from PIL import Image

from mnistlab.data import alignment, paper
from mnistlab.studies.photographs import KINDS, SIDE, homography, shoot


def test_a_sheet_on_a_table_is_cut_out_whatever_way_it_lies():
    grey = np.full((300, 400), 60, np.uint8)
    corners = np.array([[80, 40], [60, 230], [330, 260], [340, 60]], dtype=float)
    flat = Image.new("L", (200, 150), 220)
    numbers = homography(corners, np.array([[0, 0], [0, 150], [200, 150], [200, 0]], dtype=float))
    placed = np.asarray(flat.transform((400, 300), Image.Transform.PERSPECTIVE, numbers, Image.Resampling.NEAREST))
    grey[placed > 0] = placed[placed > 0]
    assert np.abs(alignment.corners(grey) - corners).max() < 8
    assert alignment.straighten(grey).min() > 150


@pytest.mark.parametrize("kind", ["plain", "shadow", "light falls off", "vignette", "lined"])
def test_a_picture_of_nothing_but_paper_is_left_alone(kind):
    for seed in range(4):
        picture = shoot(KINDS[kind], seed, np.random.default_rng(seed))
        grey = np.asarray(Image.fromarray(picture).convert("L"))
        assert alignment.corners(grey) is None


@pytest.mark.parametrize("angle", [-18, -7.3, 0, 4.5, 20])
def test_the_turn_of_ruled_paper_is_measured(angle):
    shade = np.zeros((SIDE, SIDE), np.float32)
    shade[10::30] = shade[11::30] = 0.2
    turned = np.asarray(Image.fromarray(shade).rotate(angle, Image.Resampling.BILINEAR))
    assert alignment.turn(turned) == pytest.approx(angle, abs=0.4)


@pytest.mark.parametrize("digit", [1, 4, 7])
def test_a_slanted_digit_on_plain_paper_turns_nothing(digit):
    for seed in range(3):
        picture = shoot(KINDS["plain"], digit, np.random.default_rng([digit, seed]))
        assert alignment.turn(paper.darkness(np.asarray(Image.fromarray(picture).convert("L")))) == 0
