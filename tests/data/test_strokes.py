import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from mnistlab.common.constants import BOX, CANVAS, SIDE
from mnistlab.common.errors import StrokesError
from mnistlab.data import strokes
from mnistlab.data.strokes import (
    MAX_POINTS,
    Drawing,
    as_strokes,
    is_dot,
    rasterise,
    rasterise_standard,
    to_standard_size,
)

HOSTILE = [float("nan"), float("inf"), -float("inf"), None, "12", b"1", [], {}, True, 10**400, 1j]


def line(*points):
    return np.array(points, dtype=float)


def test_a_stroke_is_press_moves_release():
    drawing = Drawing()
    assert drawing.press(10, 20)
    assert drawing.is_open
    assert drawing.move(30, 40)
    assert drawing.release()
    assert not drawing.is_open
    np.testing.assert_array_equal(drawing.strokes[0], [[10, 20], [30, 40]])


def test_moves_without_a_press_leave_no_ink():
    drawing = Drawing()
    assert not drawing.move(5, 5)
    assert not drawing.release()
    assert len(drawing) == 0


def test_a_second_press_ends_the_open_stroke():
    drawing = Drawing()
    drawing.press(0, 0)
    drawing.press(50, 50)
    drawing.move(60, 60)
    assert [len(stroke) for stroke in drawing.strokes] == [1, 2]


def test_events_after_release_do_not_touch_the_stroke():
    drawing = Drawing()
    drawing.press(0, 0)
    drawing.release()
    assert not drawing.move(9, 9)
    assert drawing.n_points == 1


def test_undo_takes_back_one_stroke_and_lifts_the_pen():
    drawing = Drawing([line((0, 0), (1, 1)), line((5, 5))])
    drawing.press(7, 7)
    assert drawing.undo()
    assert not drawing.is_open
    assert not drawing.move(8, 8)
    assert len(drawing) == 2
    assert drawing.undo()
    assert drawing.undo()
    assert not drawing.undo()


def test_clear_empties_the_canvas():
    drawing = Drawing([line((0, 0), (1, 1))])
    drawing.press(3, 3)
    drawing.clear()
    assert len(drawing) == 0
    assert not drawing.move(4, 4)


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_coordinates_are_left_out(bad):
    drawing = Drawing()
    assert not drawing.press(bad, 3)
    assert not drawing.press(3, bad)
    drawing.press(1, 1)
    assert not drawing.move(bad, 2)
    assert not drawing.move(2, bad)
    assert drawing.n_points == 1


def test_a_press_that_leaves_no_ink_still_ends_the_open_stroke():
    drawing = Drawing()
    drawing.press(1, 1)
    assert not drawing.press(float("nan"), 2)
    assert not drawing.is_open
    assert not drawing.move(3, 3)


def test_huge_coordinates_are_pulled_back():
    drawing = Drawing()
    drawing.press(1e300, -1e300)
    drawing.move(-500, 900)
    np.testing.assert_array_equal(drawing.strokes[0], [(5 * CANVAS, -4 * CANVAS), (-500, 900)])


def test_the_last_points_are_those_of_the_last_stroke():
    drawing = Drawing()
    assert drawing.tail().shape == (0, 2)
    for point in [(1, 1), (2, 2), (3, 3)]:
        (drawing.move if drawing.is_open else drawing.press)(*point)
    np.testing.assert_array_equal(drawing.tail(), [(2, 2), (3, 3)])
    np.testing.assert_array_equal(drawing.tail(3), [(1, 1), (2, 2), (3, 3)])
    drawing.press(9, 9)
    np.testing.assert_array_equal(drawing.tail(), [(9, 9)])


def test_a_point_that_the_pen_is_at_already_is_not_drawn_again():
    drawing = Drawing()
    drawing.press(1, 1)
    assert not drawing.move(1, 1)
    assert drawing.n_points == 1


def test_a_drawing_stops_taking_ink_at_its_limit_and_goes_on_after_an_undo():
    drawing = Drawing()
    drawing.press(0, 0)
    for step in range(MAX_POINTS + 5):
        drawing.move(step % 280 + 1, step % 279)
    assert drawing.n_points == MAX_POINTS
    assert not drawing.press(1, 1)
    drawing.undo()
    assert drawing.press(1, 1)


event = st.tuples(
    st.sampled_from(["press", "move", "release", "undo", "clear"]),
    st.one_of(st.floats(), st.none(), st.text(max_size=3), st.integers()),
    st.one_of(st.floats(), st.none(), st.integers()),
)


@given(st.lists(event, max_size=60))
def test_no_sequence_of_events_raises_or_leaves_an_empty_stroke(events):
    drawing = Drawing()
    for name, x, y in events:
        getattr(drawing, name)(*((x, y) if name in ("press", "move") else ()))
        assert all(len(stroke) and np.isfinite(stroke).all() for stroke in drawing.strokes)
    as_strokes(drawing.strokes)


def test_strokes_are_taken_from_plain_lists_and_empty_ones_left_out():
    arrays = as_strokes([[[1, 2], [3, 4]], [], [[5, 6]]])
    assert [array.shape for array in arrays] == [(2, 2), (1, 2)]
    assert all(array.dtype == np.float64 for array in arrays)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (None, "a list of strokes, not NoneType"),
        ("0,0 1,1", "a list of strokes, not str"),
        ([[[0, 0]], [[1, 2, 3]]], r"stroke 1 has shape \(1, 3\)"),
        ([[0, 1]], r"stroke 0 has shape \(2,\)"),
        ([[[0, float("nan")]]], "stroke 0 holds a number that is not finite"),
        ([[["a", "b"]]], "stroke 0 is not a list of x, y pairs"),
        ([[[0, 0], [1]]], "stroke 0 is not a list of x, y pairs"),
        ([np.zeros((MAX_POINTS + 1, 2))], "more than 20,000 points"),
    ],
)
def test_what_is_no_drawing_is_refused(bad, message):
    with pytest.raises(StrokesError, match=message):
        as_strokes(bad)


def test_ink_is_as_wide_as_the_pen_with_round_ends():
    ink = rasterise([line((100, 140), (180, 140))], pen_width=20)
    assert ink.shape == (280, 280)
    assert ink.dtype == np.uint8
    assert abs(int((ink[:, 140] > 0).sum()) - 20) <= 1
    assert abs(int((ink[140] > 0).sum()) - 100) <= 2
    assert ink[132, 92] == 0  # the corner a square end would fill


def test_a_point_is_a_disc():
    ink = rasterise([line((140, 140))], pen_width=30)
    assert abs(int((ink > 0).sum()) - np.pi * 15**2) < 60


def test_ink_outside_the_canvas_is_cut_off():
    ink = rasterise([line((-50, 140), (330, 140))], pen_width=10)
    assert ink[140].all()


def dense(stroke: np.ndarray, n: int) -> np.ndarray:
    at = np.linspace(0, len(stroke) - 1, n)
    return np.stack([np.interp(at, range(len(stroke)), stroke[:, axis]) for axis in (0, 1)], axis=1)


@pytest.mark.parametrize("pen", [4, 20.5, 60])
def test_ink_of_very_many_points_is_the_same_but_for_its_edges(monkeypatch, pen):
    drawn = [line((-30, 140), (60, 40), (200, 250), (330, 200)), line((140, 60)), line((30, 281), (250, 281))]
    many = [dense(stroke, 2_000) for stroke in drawn]
    found = rasterise(many, pen_width=pen)
    monkeypatch.setattr(strokes, "MANY_POINTS", MAX_POINTS)
    expected = rasterise(many, pen_width=pen)
    assert found.shape == (280, 280)
    assert found.dtype == np.uint8
    assert set(np.unique(found)) == {0, 255}
    from_the_edge = np.where(expected, distance_transform_edt(expected), distance_transform_edt(expected == 0))
    assert from_the_edge[found != expected].max(initial=0) <= 1 + pen / 20  # px


def test_a_point_among_very_many_is_a_disc():
    ink = rasterise([dense(line((0, 20), (280, 20)), 2_000), line((140, 140))], pen_width=30)
    assert abs(int((ink[60:] > 0).sum()) - np.pi * 15**2) < 60


@pytest.mark.parametrize("pen", [4, 60])
def test_the_narrowest_and_the_widest_pen_draw(pen):
    assert abs(int((rasterise([line((0, 140), (280, 140))], pen_width=pen)[:, 140] > 0).sum()) - pen) <= 1


@pytest.mark.parametrize("pen", [3.9, 60.1, float("nan"), "20", None, True])
def test_a_pen_out_of_bounds_is_refused(pen):
    with pytest.raises(StrokesError, match="pen_width"):
        rasterise([line((0, 0))], pen_width=pen)


@pytest.mark.parametrize(("scale", "shift"), [(0.25, (10, 15)), (1, (0, 0)), (0.5, (130, 100))])
def test_standard_size_forgets_place_and_size(scale, shift):
    drawing = line((0, 0), (120, 40), (60, 270))
    standard, pen = to_standard_size([drawing * scale + shift])
    expected, _ = to_standard_size([drawing])
    np.testing.assert_allclose(standard[0], expected[0], atol=1e-6)
    rows = np.flatnonzero(rasterise(standard, pen_width=pen).any(axis=1))
    assert abs(rows[-1] - rows[0] + 1 - strokes.DIGIT) <= 2


def test_the_pen_of_a_redrawn_digit_is_that_of_mnist():
    _, pen = to_standard_size([line((0, 0), (100, 100))])
    assert pen * BOX / strokes.DIGIT == pytest.approx(2.4)  # px of the 28 x 28


@pytest.mark.parametrize(("across", "down"), [(10, 0), (0, 10), (10, 10)])
def test_a_dot_reaches_no_further_than_half_a_pen(across, down):
    drawing = [line((100, 100)), line((100 + across, 100 + down))]
    assert is_dot(drawing, 20)
    assert not is_dot(drawing, 19.9)


def test_standard_size_keeps_the_strokes_apart_and_ten_px_for_each_of_mnists():
    drawn = [line((0, 0), (10, 80)), line((40, 40)), line((5, 90), (60, 30), (20, 10))]
    standard, _ = to_standard_size(drawn)
    assert [len(stroke) for stroke in standard] == [2, 1, 3]
    assert strokes.DIGIT / BOX == CANVAS / SIDE


def test_standard_size_pulls_what_nobody_saw_to_the_edge():
    standard, _ = to_standard_size([line((140, 140), (140, 5000))])
    expected, _ = to_standard_size([line((140, 140), (140, 280))])
    np.testing.assert_allclose(standard[0], expected[0])


def test_what_is_read_is_drawn_from_whole_px():
    drawing = [line((52, 60), (228, 199)), line((140, 30))]
    ink = rasterise_standard(drawing)
    for part in (0.01, 0.5, 0.999):
        np.testing.assert_array_equal(rasterise_standard([stroke + part for stroke in drawing]), ink)
    assert (rasterise_standard([drawing[0] + 1, drawing[1]]) != ink).any()


def test_a_point_that_is_read_is_a_disc_of_25_px():
    down, across = np.indices((CANVAS, CANVAS)) - 140
    disc = np.where(down**2 + across**2 <= 156, 255, 0)
    np.testing.assert_array_equal(rasterise_standard([line((140.7, 140.2))]), disc)


def test_a_point_just_short_of_a_px_is_drawn_where_it_is_cut_to():
    short = line((np.nextafter(60, 0), 140))  # plus a radius of 12 it would be rounded to 72
    np.testing.assert_array_equal(rasterise_standard([short]), rasterise_standard([line((59, 140))]))


def test_an_endless_row_of_empty_strokes_is_refused():
    with pytest.raises(StrokesError, match="more than 20,000 strokes"):
        as_strokes(itertools.repeat([]))
