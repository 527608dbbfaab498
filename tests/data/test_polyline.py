import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.data import polyline

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


def test_a_smooth_curve_goes_through_its_points_and_has_no_long_stretch():
    line = np.array([(0.0, 0.0), (40.0, 5.0), (60.0, 40.0), (61.0, 41.0), (20.0, 60.0)])
    curve = polyline.smooth(line)
    for point in line:
        assert np.hypot(*(curve - point).T).min() < 1e-9
    assert np.hypot(*np.diff(curve, axis=0).T).max() < 8
    np.testing.assert_array_equal(curve[[0, -1]], line[[0, -1]])


def test_a_smooth_curve_hardly_overshoots_where_a_short_turn_joins_two_long_lines():
    turn = np.array([(0.0, 0.0), (60.0, 0.0), (60.0, 8.0), (0.0, 8.0)])
    beyond = np.abs(polyline.smooth(turn, spacing=1) - (30, 4)).max(axis=0) - (30, 4)
    assert (beyond < 2.5).all()  # by the distances themselves it would bulge 8 px down, by none of them 8 px across


def test_a_curve_has_a_point_every_four_px_and_no_more_than_sixteen_from_one_to_the_next():
    steady = polyline.smooth(np.array([(8.0, 2.0), (48.0, 2.0), (88.0, 2.0)]))
    np.testing.assert_allclose(steady, [(8 + 4.0 * step, 2.0) for step in range(21)], atol=1e-9)
    assert len(polyline.smooth(np.array([(0.0, 0.0), (1000.0, 0.0)]))) == 16 + 1


def test_a_smooth_curve_of_a_straight_line_is_straight():
    curve = polyline.smooth(np.array([(0.0, 0.0), (10.0, 10.0), (100.0, 100.0)]))
    np.testing.assert_allclose(curve[:, 0], curve[:, 1])
    assert (np.diff(curve[:, 0]) > 0).all()


def test_the_end_of_a_curve_can_be_drawn_alone():
    line = np.array([(0.0, 0.0), (40.0, 5.0), (60.0, 40.0), (20.0, 60.0)])
    whole = polyline.smooth(line)
    end = polyline.smooth(line, first=1)
    np.testing.assert_allclose(end, whole[-len(end) :])
    np.testing.assert_array_equal(end[0], line[1])


def test_points_that_lie_close_stay_and_hostile_ones_stay_bounded():
    dense = np.cumsum(np.random.default_rng(0).uniform(0, 1, (500, 2)), axis=0)
    np.testing.assert_allclose(polyline.smooth(dense), dense)
    far = np.tile([(-1120.0, -1120.0), (1400.0, 1400.0), (1400.0, 1400.0)], (100, 1))
    curve = polyline.smooth(far)
    assert len(curve) <= polyline.MOST * len(far)
    assert np.isfinite(curve).all()
    for short in (dense[:0], dense[:1]):
        np.testing.assert_array_equal(polyline.smooth(short), short)


def test_a_straight_line_that_a_screen_has_rounded_to_whole_px_is_calmer_as_ink():
    true = np.array([(0.0, 0.0), (100.0, 37.0)])
    along = np.linspace(0, 1, 61)[:, None] * true[1]
    across = np.array([-37.0, 100.0]) / np.hypot(37, 100)
    steps, ink = np.abs(np.rint(along) @ across), np.abs(polyline.ink(np.rint(along)) @ across)
    assert ink.std() < 0.7 * steps.std()
    np.testing.assert_allclose(np.abs(polyline.ink(along) @ across), 0, atol=1e-9)


def test_calming_leaves_ends_corners_and_points_that_lie_far_apart():
    line = np.array([(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (30.0, 0.0), (30.0, 50.0)])
    np.testing.assert_array_equal(polyline.calm(line), [(0, 0), (1, 0.5), (2, 0), (30, 0), (30, 50)])
    np.testing.assert_array_equal(polyline.calm(line[:2]), line[:2])
