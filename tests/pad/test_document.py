"""The document as state: files, the two pens that share it, and whatever a browser or a person may send, in any order."""

from __future__ import annotations

import io
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab.common.constants import CANVAS
from mnistlab.common.errors import ImageError, LabError, StrokesError
from mnistlab.data.drawings import drawing_to_json, drawing_to_png
from mnistlab.data.strokes import MAX_POINTS, REACH, Drawing
from mnistlab.inference.predictor import Predictor
from mnistlab.pad.document import Document
from mnistlab.pad.widget import DigitPad

LINE = np.array([(100, 40), (120, 120), (140, 240)], dtype=float)


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def document() -> Document:
    document = Document()
    document.drawing = Drawing([LINE])
    document.mark(1)
    return document


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_drawing_of_ours_comes_back_with_its_pen_and_its_digit(document):
    for content in (
        drawing_to_json([LINE + 5], pen_width=9, digit=7).encode(),
        b"  \n" + drawing_to_json([LINE + 5], pen_width=9, digit=7).encode(),
        drawing_to_png([LINE + 5], pen_width=9, digit=7),
    ):
        other = Document()
        other.load(content)
        np.testing.assert_array_equal(other.drawing.strokes[0], LINE + 5)
        assert (other.pen_width, other.true_digit, other.picture) == (9, 7, None)


def test_another_picture_comes_as_a_picture(document):
    content = png(np.full((40, 40), 255, np.uint8))
    document.load(content)
    assert document.picture == content
    assert len(document.drawing) == 0
    assert document.true_digit is None
    assert not document.is_empty
    assert document.picture_ink() is None  # blank


@pytest.mark.parametrize("content", [b"", b"text", b"{}", b'{"strokes": 1}', b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_what_cannot_be_read_leaves_the_canvas(document, content):
    with pytest.raises((ImageError, StrokesError)):
        document.load(content)
    np.testing.assert_array_equal(document.drawing.strokes[0], LINE)
    assert document.true_digit == 1


def test_a_stroke_of_the_keyboard_takes_the_place_of_a_picture(document):
    document.load(png(np.full((40, 40), 255, np.uint8)))
    assert document.toggle_pen()
    assert document.picture is None
    assert len(document.drawing) == 1
    assert not document.toggle_pen()


def test_a_drawing_in_a_file_takes_the_place_of_all_that_was_there(document):
    document.load(png(np.full((40, 40), 255, np.uint8)))
    document.load(drawing_to_json([LINE], digit=3).encode())
    assert document.picture is None
    assert document.true_digit == 3
    document.load(drawing_to_json([], digit=3).encode())
    assert document.is_empty
    assert document.true_digit is None  # of nothing


def test_a_picture_shows_its_ink_and_one_that_is_all_ink_or_blank_is_taken_but_shows_none(document):
    ink = np.zeros((50, 30), np.uint8)
    ink[10:40, 12:18] = 255
    document.load(png(255 - ink))
    np.testing.assert_array_equal(document.picture_ink() > 127, ink > 127)
    for blank in (np.full((40, 40), 255, np.uint8), np.zeros((40, 40), np.uint8)):
        document.load(png(blank))
        assert document.picture is not None
        assert document.picture_ink() is None
    document.undo()
    assert document.is_empty
    assert document.picture_ink() is None


# --- two pens, one canvas ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "corner"), [((-1, -1), (0, 0)), ((1, 1), (CANVAS, CANVAS)), ((1, -1), (CANVAS, 0))])
def test_the_keyboards_pen_begins_in_the_middle_and_stops_at_the_edges(way, corner):
    document = Document()
    document.toggle_pen()
    for _ in range(30):
        document.step(*(10 * direction for direction in way))
    assert document.cursor == corner
    (stroke,) = document.drawing.strokes
    np.testing.assert_array_equal(stroke[[0, -1]], [(CANVAS / 2, CANVAS / 2), corner])


def test_only_a_pen_that_is_down_leaves_ink_and_says_so():
    document = Document()
    assert not document.step(5, 0)
    assert document.is_empty
    assert not document.pen_is_down
    assert document.toggle_pen()
    assert document.pen_is_down
    assert document.step(5, 0)
    assert not document.toggle_pen()
    assert not document.step(5, 0)
    assert document.drawing.n_points == 2
    assert document.cursor == (CANVAS / 2 + 15, CANVAS / 2)


def test_a_hand_neither_moves_nor_lifts_the_keyboards_pen_and_takes_over_with_a_press():
    document = Document()
    document.toggle_pen()
    assert not document.move(9, 9)
    assert not document.release()
    assert document.pen_is_down
    assert document.press(10, 10)
    assert document.cursor is None
    assert document.move(20, 20)
    assert document.release()
    assert not document.release()
    assert [len(stroke) for stroke in document.drawing.strokes] == [1, 2]


@pytest.mark.parametrize("act", ["undo", "clear"])
def test_after_undo_and_clear_the_keyboards_pen_is_up(act):
    document = Document()
    document.toggle_pen()
    getattr(document, act)()
    assert not document.step(5, 0)
    assert document.press(10, 10)
    assert document.move(20, 20)  # the hand's pen is free


def test_the_keyboard_starts_a_stroke_of_its_own_while_a_hand_draws():
    document = Document()
    document.press(10, 10)
    assert document.toggle_pen()
    assert len(document.drawing) == 2


# --- what it was meant to be ------------------------------------------------------------------------------------------


def test_a_digit_that_is_marked_twice_is_taken_back_and_goes_with_the_last_stroke(document):
    document.mark(1)
    assert document.true_digit is None
    document.mark(9)
    document.press(10, 10)
    document.undo()
    assert document.true_digit == 9
    document.undo()
    assert document.true_digit is None
    with pytest.raises(StrokesError, match="nothing on the canvas"):
        document.mark(9)


@pytest.mark.parametrize("digit", [True, 10, -1, "7", None])
def test_what_is_no_digit_is_not_marked(document, digit):
    with pytest.raises(StrokesError, match="from 0 to 9"):
        document.mark(digit)
    assert document.true_digit == 1


def test_clear_forgets_all_but_the_pen(document):
    document.pen_width = 33
    document.clear()
    assert document.is_empty
    assert document.true_digit is None
    assert document.pen_width == 33


def test_a_pen_that_is_none_is_refused():
    with pytest.raises(StrokesError, match="pen_width"):
        Document(3)


# --- anything in any order --------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.floats(-50, 350),
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**12), 10**12),
    st.sampled_from([1e9, -1e308, 10**400, True]),
)
ANYTHING = st.one_of(NUMBERS, st.none(), st.text(max_size=3), st.binary(max_size=3), st.just([]), st.just({}))
KEYS = st.one_of(
    st.sampled_from(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", " ", "z", "Z", "Delete", "Backspace", "Tab"]),
    st.sampled_from(list("0123456789")),
    ANYTHING,
)
STORED = [
    drawing_to_json([LINE], digit=3).encode(),
    drawing_to_png([LINE]),
    png(np.full((40, 40), 255, np.uint8)),
    b"{}",
    b"",
]
ACTIONS = st.one_of(
    st.tuples(st.sampled_from(["press", "move"]), ANYTHING, ANYTHING),
    st.tuples(st.sampled_from(["press", "move"]), st.floats(0, 280), st.floats(0, 280)),
    st.tuples(st.sampled_from(["release", "undo", "clear", "playback.play", "playback.stop", "reading.explain"])),
    st.tuples(st.just("key"), KEYS, st.booleans(), st.booleans(), st.booleans()),
    st.tuples(st.just("load"), st.sampled_from(STORED)),
    st.tuples(st.just("correct"), st.one_of(st.integers(-1, 11), ANYTHING)),
    st.tuples(st.just("set_pen_width"), st.one_of(st.floats(4, 60), ANYTHING)),
    st.tuples(st.just("show_why"), st.booleans()),
    st.tuples(st.just("set_version"), st.sampled_from(["0001", "0002", "0009", ""])),
    st.tuples(st.just("compare"), st.sampled_from(["0001", "0002", "0009", None])),
)
EVENTS = st.one_of(
    st.fixed_dictionaries(
        {
            "event": st.sampled_from(["mouse_down", "mouse_move", "mouse_up", "mouse_out", "client_ready"]),
            "x": ANYTHING,
            "y": ANYTHING,
        }
    ),
    st.fixed_dictionaries(
        {
            "event": st.sampled_from(["touch_start", "touch_move", "touch_end", "touch_cancel"]),
            "touches": st.lists(st.fixed_dictionaries({"x": ANYTHING, "y": ANYTHING}), max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {
            "event": st.just("key_down"),
            "key": KEYS,
            "shift_key": st.booleans(),
            "ctrl_key": st.booleans(),
            "meta_key": st.booleans(),
        }
    ),
)
SLOW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def check(pad: DigitPad) -> None:
    """What holds of every pad, whatever came before."""
    points = [point for stroke in pad.drawing.strokes for point in stroke]
    assert len(points) <= MAX_POINTS
    assert np.isfinite(points).all()
    assert all((np.abs(point - CANVAS / 2) <= REACH + CANVAS / 2).all() for point in points)
    assert pad.true_digit in (None, *range(10))
    assert abs(pad.prediction.probabilities.sum() - 1) < 1e-6
    assert pad.controls.prediction.value
    if pad.document.cursor is not None:
        assert all(0 <= value <= CANVAS for value in pad.document.cursor)


@SLOW
@given(actions=st.lists(ACTIONS, max_size=25))
def test_a_pad_bears_any_order_of_acts(two_versions, actions):
    pad = DigitPad(models=two_versions)
    for name, *values in actions:
        attrgetter(name)(pad)(*values)
        check(pad)
    pad.clear()
    for x, y in LINE.tolist():
        pad.move(x, y) if pad.drawing.is_open else pad.press(x, y)
    pad.release()
    assert len(pad.drawing) == 1
    assert pad.message == ""
    pad.close()


@SLOW
@given(events=st.lists(EVENTS, max_size=25))
def test_a_pad_bears_any_event_of_a_browser(two_versions, events):
    pad = DigitPad(models=two_versions)
    for event in events:
        pad.canvas._handle_frontend_event(None, event, [])
        check(pad)
    pad.close()


@SLOW
@given(actions=st.lists(st.tuples(st.sampled_from(["press", "move"]), ANYTHING, ANYTHING) | st.just(("release",))))
def test_a_drawing_holds_finite_points_within_reach(actions):
    drawing = Drawing()
    for name, *values in actions:
        getattr(drawing, name)(*values)
    points = np.concatenate([np.zeros((0, 2)), *drawing.strokes])
    assert np.isfinite(points).all()
    assert (np.abs(points - CANVAS / 2) <= REACH + CANVAS / 2).all()


def test_a_hundred_thousand_points_leave_a_pad_that_works(registry):
    pad = DigitPad(models=registry.root)
    ticks = iter(range(10**9))
    pad.schedule.clock = lambda: next(ticks) * 1e-5  # so fast that only a few readings are due
    pad.press(0, 0)
    for i in range(100_000):
        pad.move(i * 7 % 281, i * 13 % 277)
    pad.release()
    assert pad.drawing.n_points == MAX_POINTS
    assert pad.message == ""
    pad.undo()
    assert pad.prediction.digit is None


@pytest.fixture(scope="session")
def two_versions(_registry_template):
    return _registry_template  # only read


def test_only_our_own_errors_leave_it(registry):
    reader = Predictor.load(models=registry.root)
    for content in STORED:
        document = Document()
        try:
            document.load(content)
        except LabError:
            continue
        document.read(reader)
