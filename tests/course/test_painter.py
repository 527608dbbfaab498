"""The kernel to paint: what mouse and keys do to it, and what it leaves where nobody is watching."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnistlab.common.errors import LabError
from mnistlab.common.progress import HEADLESS
from mnistlab.course.painter import CELL, SHARP, KernelPainter


@pytest.fixture
def painter():
    return KernelPainter(np.zeros((5, 5)))


def at(row: int, column: int) -> tuple[float, float]:
    """Canvas px of the middle of a weight: x, y."""
    return (column + 0.5) * CELL * SHARP, (row + 0.5) * CELL * SHARP


def test_a_drag_paints_the_weights_it_passes_and_none_after_the_button_is_up(painter):
    painter.brush.value = -1.0
    painter.weights._mouse_down_callbacks(*at(0, 1))
    painter.weights._mouse_move_callbacks(*at(0, 2))
    painter.weights._mouse_up_callbacks(*at(0, 2))
    painter.weights._mouse_move_callbacks(*at(0, 3))
    assert painter.kernel[0].tolist() == [0, -1, -1, 0, 0]
    assert not painter.kernel[1:].any()


def test_keys_move_and_paint_and_wrap_round(painter):
    for key in ("ArrowDown", "ArrowRight", "+", "ArrowLeft", "ArrowLeft", "-", "x", None, "0"):
        painter.key(key)
    assert painter.kernel[1].tolist() == [0, 1, 0, 0, 0]
    painter.key("-")
    assert painter.kernel[1].tolist() == [0, 1, 0, 0, -1]


def test_a_place_outside_is_passed_over_and_the_kernel_given_away_is_a_copy(painter):
    painter.paint(5, 0, 1.0)
    painter.kernel[:] = 9
    assert not painter.kernel.any()


def test_the_map_follows_kernel_and_digit(painter):
    assert "the map is empty" in painter.answer.value
    painter.paint(2, 2, 1.0)
    assert np.allclose(painter.map, painter.picture[2:-2, 2:-2])
    assert "strongest answer 1.00" in painter.answer.value
    painter.clear_digit.click()
    assert not painter.picture.any()
    assert "the map is empty" in painter.answer.value


def test_the_first_stroke_of_a_hand_takes_the_place_of_the_stored_digit(painter):
    painter._press(100.0, 50.0)
    for y in range(60, 240, 10):
        painter._move(100.0, float(y))
    painter._release()
    assert painter.digit.value == "your own"
    rows, columns = np.nonzero(painter.picture > 0.5)
    assert np.ptp(rows) >= 17
    assert np.ptp(columns) <= 3


def test_where_nobody_is_watching_it_is_a_picture(painter, monkeypatch):
    monkeypatch.setenv(HEADLESS, "1")
    found = painter._repr_mimebundle_()
    assert set(found) == {"text/plain", "image/png"}
    assert Image.open(io.BytesIO(base64.b64decode(found["image/png"]))).width == 680
    assert found["text/plain"] == "KernelPainter(strongest answer 0.00)"


def test_what_is_no_kernel_is_refused():
    with pytest.raises(LabError, match=r"5 rows of 5 finite numbers; this has the shape \(3, 3\)"):
        KernelPainter(np.zeros((3, 3)))
