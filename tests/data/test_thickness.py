import numpy as np
import pytest

from mnistlab.data import synthetic, thickness
from mnistlab.data.strokes import PEN_SHARE, rasterise, to_standard_size


def cropped(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def drawn(digit: int, pen: float) -> np.ndarray:
    """Ink of a digit whose pen is a share of its height."""
    strokes, width = to_standard_size(synthetic.draw(digit, np.random.default_rng(digit)), pen=pen)
    return cropped(rasterise(strokes, pen_width=max(width, 4)))


@pytest.mark.parametrize("pen", [0.03, 0.06, 0.1, 0.15])
@pytest.mark.parametrize("digit", [0, 1, 2, 7])
def test_the_width_of_a_pen_is_seen_in_its_ink(digit, pen):
    assert thickness.share(drawn(digit, pen)) == pytest.approx(pen, abs=0.025)


@pytest.mark.parametrize("digit", range(10))
def test_a_thin_pen_is_brought_to_that_of_strokes(digit):
    thin, wanted = thickness.standard(drawn(digit, 0.02)), drawn(digit, PEN_SHARE)
    made = cropped(thin)
    assert thickness.share(made) == pytest.approx(thickness.share(wanted), abs=0.025)
    assert max(made.shape) == pytest.approx(max(wanted.shape), abs=8)


def test_a_broad_pen_is_left_alone():
    broad = drawn(3, 0.3)
    assert thickness.standard(broad) is broad


def test_a_gap_in_a_stroke_is_closed_and_the_hole_of_a_zero_is_not():
    ink = drawn(0, 0.06)
    torn = ink.copy()
    row = len(ink) // 2
    torn[row : row + 2] = 0
    whole = thickness.standard(torn) > 127
    middle = whole.shape[0] // 2
    assert whole[middle - 20 : middle + 20].any(axis=1).all()
    assert not whole[middle, whole.shape[1] // 2]
