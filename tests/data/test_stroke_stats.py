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


@pytest.mark.parametrize("strokes", [[[(10, 10)]], [[(10, 10), (10, 10)]], [[(10, 50), (90, 50)]]])
def test_a_dot_and_a_level_line_have_no_slant(strokes):
    assert stroke_stats(strokes, 8).slant == 0


def test_an_empty_canvas_has_no_numbers():
    with pytest.raises(StrokesError, match="empty"):
        stroke_stats([], 20)
