import numpy as np
import pytest
from pictures import seven

from mnistlab.data import pieces


def sides(ink: np.ndarray) -> tuple[int, ...]:
    return tuple(np.ptp(np.argwhere(ink), axis=0) + 1)


def test_specks_fall_and_the_parts_of_a_digit_stay():
    ink = seven().copy()
    ink[110:120, 20:34] = 255  # a part beside the stem, of a tenth of the ink
    wanted = sides(ink)
    ink[10:14, 200:204] = 255
    ink[250:255, 20:26] = 255
    assert pieces.digit(ink).shape == wanted


@pytest.mark.parametrize("width", [1, 3, 8])
def test_a_forms_box_around_the_digit_falls(width):
    ink = seven()
    boxed = ink.copy()
    boxed[10:270, 10:270] = 255
    boxed[10 + width : 270 - width, 10 + width : 270 - width] = ink[10 + width : 270 - width, 10 + width : 270 - width]
    np.testing.assert_array_equal(pieces.digit(boxed), pieces.digit(ink))


def test_a_zero_with_a_dot_in_it_is_no_box():
    y, x = np.mgrid[:280, :280] - 140
    radius = np.hypot(x, y)
    zero = np.where((np.abs(radius - 90) < 10) | (radius < 12), 255, 0).astype(np.uint8)
    assert max(pieces.digit(zero).shape) >= 199


def test_no_ink_is_no_digit():
    assert pieces.digit(np.zeros((40, 40), np.uint8)).size == 0
