import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab import polyline

CORNER = np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 10.0]])
coordinate = st.integers(-400, 400).map(lambda value: value / 2)
lines = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=12).map(lambda points: np.array(points))


def test_the_length_goes_along_the_line():
    assert polyline.length(CORNER) == 40
    assert polyline.length(CORNER[:1]) == 0


def test_a_part_ends_between_points_and_keeps_the_corners_within():
    np.testing.assert_allclose(polyline.part(CORNER, 0.25, 0.875), [[10, 0], [30, 0], [30, 5]])
    np.testing.assert_array_equal(polyline.part(CORNER, 0, 1), CORNER)
    np.testing.assert_array_equal(polyline.part(CORNER[:1], 0.2, 0.4), CORNER[:1])


@given(lines, st.floats(0, 1), st.floats(0, 1))
def test_parts_of_any_line_make_up_its_length(line, one, two):
    start, end = sorted((one, two))
    parts = [polyline.part(line, *ends) for ends in ((0, start), (start, end), (end, 1))]
    assert sum(map(polyline.length, parts)) == pytest.approx(polyline.length(line), abs=1e-6)
    assert all(np.isfinite(part).all() and len(part) for part in parts)


def test_the_direction_is_that_of_the_end():
    np.testing.assert_allclose(polyline.direction(CORNER, reach=5), [0, 1])
    np.testing.assert_allclose(polyline.direction(CORNER[::-1], reach=5), [-1, 0])
    np.testing.assert_array_equal(polyline.direction(CORNER[:1], reach=5), [0, 0])
    np.testing.assert_array_equal(polyline.direction(np.ones((3, 2)), reach=5), [0, 0])
