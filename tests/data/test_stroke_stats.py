"""A drawing in five numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mnistlab.common.errors import StrokesError
from mnistlab.data.stroke_stats import stroke_stats


@pytest.mark.parametrize("degrees", [-40, -10, 0, 25, 60])
def test_the_slant_of_a_line_is_its_angle_however_many_points_it_has(degrees):
    dx = 100 * math.tan(math.radians(degrees))
    for n in (2, 3, 50):
        line = np.linspace((140 + dx, 40), (140 - dx, 240), n)
        found = stroke_stats([line], 20)
        assert found.slant == pytest.approx(degrees)
        assert (found.x, found.y) == pytest.approx((140, 140))
        assert found.size == pytest.approx(max(200, abs(2 * dx)))


def test_the_slant_counts_a_line_by_its_length_and_not_by_its_points():
    bent = np.array([(200.0, 20.0), (60.0, 30.0), (180.0, 120.0), (70.0, 260.0)])
    places = np.linspace(0, 3, 3_001)
    dense = np.stack([np.interp(places, range(4), bent[:, axis]) for axis in (0, 1)], axis=1)
    assert stroke_stats([bent], 20).slant == pytest.approx(stroke_stats([dense], 20).slant, abs=1e-4)
    middles, lengths = (dense[1:] + dense[:-1]) / 2, np.hypot(*np.diff(dense, axis=0).T)
    spread = np.cov(middles.T, aweights=lengths)
    assert stroke_stats([bent], 20).slant == pytest.approx(
        math.degrees(math.atan(-spread[0, 1] / spread[1, 1])), abs=1e-2
    )


def test_a_drawing_is_where_the_middle_of_its_box_is_and_as_large_as_its_longer_side():
    stats = stroke_stats([[(10, 20), (50, 30)], [(40, 100)]], 7)
    assert (stats.pen_width, stats.size, stats.x, stats.y) == (7, 80, 30, 60)


@pytest.mark.parametrize("strokes", [[[(10, 10)]], [[(10, 10), (10, 10)]], [[(10, 50), (90, 50)]]])
def test_a_dot_and_a_level_line_have_no_slant(strokes):
    assert stroke_stats(strokes, 8).slant == 0


def test_an_empty_canvas_has_no_numbers():
    with pytest.raises(StrokesError, match="empty"):
        stroke_stats([], 20)
