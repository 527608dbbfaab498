"""The pad without a browser: events as ipycanvas would deliver them, and what comes of them."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import io
import itertools
import re
import subprocess
import sys
from datetime import UTC, datetime

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipycanvas import canvas as ipycanvas_canvas
from PIL import Image

from mnistlab.common.constants import CANVAS
from mnistlab.common.errors import RegistryError, StrokesError
from mnistlab.data.drawings import drawing_from_json, load_drawings
from mnistlab.data.picture_file import MAX_BYTES
from mnistlab.data.strokes import rasterise
from mnistlab.evaluation import formatting
from mnistlab.evaluation.formatting import sentence
from mnistlab.inference import counterfactual
from mnistlab.inference.predictor import Prediction, Predictor
from mnistlab.pad import explanation, prediction_html
from mnistlab.pad.prediction_html import prediction_html as as_html
from mnistlab.pad.schedule import INTERVAL
from mnistlab.pad.widget import DigitPad
from mnistlab.registry.registry import Registry

LINE = [(100, 40), (120, 120), (140, 240)]
HOSTILE = [None, "a", float("nan"), float("inf"), -float("inf"), 1e308, -1e308, True, [], {}, 10**400, b"1"]


@pytest.fixture
def pad(registry: Registry):
    pad = DigitPad(models=registry.root)
    yield pad
    pad.close()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the drawing commands sent to the browser, in order."""
    sent: list[str] = []

    def record(self, command, buffers=()):
        for one in command if isinstance(command[0], list) else [command]:
            sent.append(ipycanvas_canvas._CMD_LIST[one[0]])

    monkeypatch.setattr(ipycanvas_canvas._CanvasManager, "_send_custom", record)
    return sent


def event(pad: DigitPad, name: str, x: object = 0, y: object = 0, **more) -> None:
    """What the browser would send; coordinates are canvas px, two for each on the screen."""
    content = {"event": name, "x": x, "y": y, **more}
    pad.canvas._handle_frontend_event(None, content, [])


def press_key(pad: DigitPad, key: str, *, shift=False, control=False, meta=False) -> None:
    event(pad, "key_down", key=key, shift_key=shift, ctrl_key=control, meta_key=meta)


def descendants(widget: widgets.Widget) -> list[widgets.Widget]:
    """All widgets inside a box, in reading order."""
    found = []
    for child in getattr(widget, "children", ()):
        found += [child, *descendants(child)]
    return found


def draw(pad: DigitPad, points=LINE) -> None:
    pad.press(*points[0])
    for point in points[1:]:
        pad.move(*point)
    pad.release()


def png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def upload(pad: DigitPad, content: bytes) -> None:
    file = {"name": "x.png", "type": "image/png", "size": len(content), "content": memoryview(content)}
    pad.controls.load.value = (file | {"last_modified": datetime(2026, 1, 1, tzinfo=UTC)},)


# --- drawing ----------------------------------------------------------------------------------------------------------


def test_lifting_the_pen_shows_the_answer_before_the_ink_is_drawn_anew(pad, monkeypatch):
    seen, redraw = [], pad.canvas.redraw
    monkeypatch.setattr(pad.canvas, "redraw", lambda *given, **more: seen.append("ink") or redraw(*given, **more))
    event(pad, "mouse_down", *LINE[0])
    for point in LINE[1:]:
        event(pad, "mouse_move", *point)
    pad.controls.prediction.observe(lambda change: seen.append("answer"), "value")
    event(pad, "mouse_up", *LINE[-1])
    assert seen == ["answer", "ink"]


def test_ink_is_drawn_anew_even_if_the_reading_fails(pad, monkeypatch):
    pad.replay([LINE])
    monkeypatch.setattr(pad.document, "read", lambda predictor: 1 / 0)
    seen = []
    monkeypatch.setattr(pad.canvas, "redraw", lambda *given, **more: seen.append(given[0]))
    with pytest.raises(ZeroDivisionError):
        pad.clear()
    assert seen == [[]]  # the paper is as empty as the document


def test_it_starts_empty_and_asks_for_a_digit(pad):
    assert pad.prediction.digit is None
    assert prediction_html.PROMPT in pad.controls.prediction.value
    assert pad.predictor.version == pad.controls.versions.value == "0001"


def test_a_stroke_is_read_as_the_predictor_reads_it(pad):
    draw(pad)
    expected = pad.predictor.predict_strokes([np.array(LINE, dtype=float)])
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)
    np.testing.assert_array_equal(pad.prediction.image, expected.image)
    assert f'mnistlab-digit">{expected.digit}<' in pad.controls.prediction.value


def test_mouse_events_count_two_canvas_px_for_one_of_the_drawing(pad):
    event(pad, "mouse_down", 100, 80)
    event(pad, "mouse_move", 300.5, 90)
    event(pad, "mouse_up", 300.5, 90)
    np.testing.assert_array_equal(pad.drawing.strokes[0], [(50, 40), (150.25, 45)])


def test_leaving_the_canvas_ends_the_stroke_at_the_edge(pad):
    event(pad, "mouse_down", 300, 300)
    event(pad, "mouse_out", 300, -40)
    event(pad, "mouse_move", 100, 100)  # back, with the button perhaps still pressed
    assert len(pad.drawing) == 1
    np.testing.assert_array_equal(pad.drawing.strokes[0], [(150, 150), (150, -20)])
    assert not pad.drawing.is_open
    assert pad.prediction.digit is not None


def test_moves_without_a_press_leave_nothing(pad, commands):
    event(pad, "mouse_move", 100, 100)
    event(pad, "mouse_up", 100, 100)
    assert len(pad.drawing) == 0
    assert commands == []


def test_a_second_press_without_a_release_starts_a_second_stroke(pad):
    event(pad, "mouse_down", 100, 100)
    event(pad, "mouse_move", 200, 100)
    event(pad, "mouse_down", 100, 300)
    assert [len(stroke) for stroke in pad.drawing.strokes] == [2, 1]


def test_one_finger_draws_and_a_second_is_passed_over(pad):
    first, second = {"x": 100, "y": 100}, {"x": 500, "y": 500}
    event(pad, "touch_start", touches=[first])
    event(pad, "touch_start", touches=[first, second])
    event(pad, "touch_move", touches=[{"x": 200, "y": 300}, second])
    event(pad, "touch_end", touches=[second])  # the first finger is up
    event(pad, "touch_move", touches=[{"x": 510, "y": 510}])
    event(pad, "touch_end", touches=[])
    event(pad, "touch_move", touches=[])
    assert len(pad.drawing) == 1
    np.testing.assert_array_equal(pad.drawing.strokes[0], [(50, 50), (100, 150)])


@pytest.mark.parametrize("x", HOSTILE, ids=repr)
def test_no_coordinate_makes_it_raise_or_stop(pad, x):
    for name in ("mouse_down", "mouse_move", "mouse_out", "mouse_up", "mouse_move"):
        getattr(pad, {"mouse_down": "press", "mouse_move": "move"}.get(name, "move"))(x, 20)
        event(pad, name, x, x)
        event(pad, name, 20, x)
    for name in ("touch_start", "touch_move", "touch_end", "touch_cancel"):
        event(pad, name, touches=[{"x": x, "y": x}])
    pad.clear()
    draw(pad)
    assert pad.message == ""
    assert pad.prediction.digit is not None


def test_after_it_is_closed_late_events_do_no_harm(pad):
    draw(pad)
    pad.close()
    event(pad, "mouse_down", 10, 10)
    event(pad, "mouse_move", 90, 90)
    event(pad, "mouse_up", 90, 90)


def test_undo_and_clear(pad):
    draw(pad)
    one = pad.prediction
    draw(pad, [(40, 40), (240, 60), (240, 200)])
    pad.controls.undo.click()
    np.testing.assert_array_equal(pad.prediction.probabilities, one.probabilities)
    draw(pad)
    pad.controls.clear.click()
    assert len(pad.drawing) == 0
    assert pad.prediction.digit is None
    assert prediction_html.PROMPT in pad.controls.prediction.value
    pad.undo()
    pad.clear()
    assert pad.message == ""


def test_a_dot_is_no_digit_and_the_pad_says_so(pad):
    draw(pad, [(140, 140), (141, 141)])
    assert pad.prediction.digit is None
    assert "only a dot" in pad.controls.prediction.value


# --- ink --------------------------------------------------------------------------------------------------------------


def test_ink_is_on_the_canvas_before_the_network_is_asked(pad, commands, monkeypatch):
    ticks = itertools.count(1e9)
    pad.schedule.clock = lambda: next(ticks)  # each move is due
    seen = []
    read = pad.predictor.predict_strokes
    monkeypatch.setattr(pad.predictor, "predict_strokes", lambda *a: seen.append(list(commands)) or read(*a))
    pad.press(50, 50)
    pad.move(90, 90)
    assert seen[0] == ["fillCircle"]
    assert seen[1] == ["fillCircle", "strokeLines"]


def test_a_page_that_was_loaded_again_gets_its_ink_back(pad, commands):
    draw(pad)
    draw(pad, [(30, 30)])
    commands.clear()
    event(pad, "client_ready")
    assert commands[0] == "switchCanvas"  # the new page does not know which one is meant
    assert commands.count("clear") == 1
    assert commands.count("fillCircle") == 2
    assert commands.count("strokeLines") == 1
    assert "set" in commands  # pen and colour are lost with the page too


def test_no_command_is_held_back_afterwards(pad):
    draw(pad)
    pad.undo()
    pad.load(png(np.full((40, 40), 255, np.uint8)))
    assert not ipycanvas_canvas._CANVAS_MANAGER._caching


def test_the_pen_changes_the_ink_and_not_the_reading(pad, commands):
    draw(pad)
    before = pad.prediction.probabilities
    pad.controls.pen.value = 40
    assert pad.document.pen_width == 40
    assert "strokeLines" in commands
    np.testing.assert_array_equal(pad.prediction.probabilities, before)
    pad.set_pen_width(12.5)
    assert (pad.document.pen_width, pad.controls.pen.value) == (12.5, 12)


@pytest.mark.parametrize("width", [3, 61, "a", None, float("nan")])
def test_a_pen_that_is_none_is_refused(registry, pad, width):
    with pytest.raises(StrokesError, match="pen_width"):
        DigitPad(models=registry.root, pen_width=width)
    pad.set_pen_width(width)
    assert "en_width" in pad.message
    assert pad.document.pen_width == 20


# --- while the stroke is under way ------------------------------------------------------------------------------------


def test_it_reads_in_mid_stroke_but_not_more_often_than_the_interval(pad):
    now = [100.0]
    pad.schedule.clock = lambda: now[0]
    pad.clear()  # is read
    pad.press(100, 40)
    pad.move(120, 120)
    assert pad.prediction.digit is None  # too soon after the last reading
    now[0] += INTERVAL
    pad.move(130, 180)
    first = pad.prediction
    assert first.digit is not None
    assert pad.drawing.is_open
    pad.move(140, 240)
    assert pad.prediction is first
    pad.release()
    assert pad.prediction is not first


def test_the_last_move_of_a_hesitating_hand_is_read_by_the_clock(pad):
    async def hesitate() -> None:
        pad.press(100, 40)
        pad.move(140, 240)
        before = pad.prediction
        pad.move(200, 240)
        assert pad.prediction is before
        for _ in range(200):
            await asyncio.sleep(INTERVAL / 2)
            if pad.prediction is not before:
                break

    asyncio.run(hesitate())
    assert pad.drawing.is_open
    expected = pad.predictor.predict_strokes(pad.drawing.strokes)
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)


def test_closing_leaves_no_reading_for_later(pad):
    async def close() -> None:
        pad.press(100, 40)
        pad.move(140, 240)
        pad.close()
        before = pad.prediction
        await asyncio.sleep(2 * INTERVAL)
        assert pad.prediction is before

    asyncio.run(close())


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_an_uploaded_picture_is_read_as_the_predictor_reads_it(pad):
    content = png(255 - rasterise([np.array(LINE, dtype=float)]))
    upload(pad, content)
    expected = pad.predictor.predict_image(content)
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)
    assert pad.controls.load.value == ()  # the same file can be read once more
    pad.clear()
    upload(pad, content)
    assert pad.prediction.digit == expected.digit


def test_a_picture_takes_the_place_of_a_drawing_and_a_press_that_of_a_picture(pad, commands):
    draw(pad)
    pad.load(png(255 - rasterise([np.array(LINE, dtype=float)])))
    assert len(pad.drawing) == 0
    assert "putImageData" in commands
    commands.clear()
    draw(pad, [(40, 60), (220, 60)])
    assert commands.index("clear") < commands.index("strokeLines")
    expected = pad.predictor.predict_strokes([[(40, 60), (220, 60)]])
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)


def test_undo_takes_a_picture_back(pad):
    pad.load(png(255 - rasterise([np.array(LINE, dtype=float)])))
    pad.undo()
    assert pad.prediction.digit is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no picture", "This is text, not a picture; PNG, JPEG"),
        (b"", "The file is empty: it has 0 bytes."),
        (b"\x89PNG" + b"x" * MAX_BYTES, "larger than"),
    ],
    ids=["text", "empty", "large"],
)
def test_a_file_that_cannot_be_read_says_why_and_leaves_the_drawing(pad, content, says):
    draw(pad)
    before = pad.prediction
    upload(pad, content)
    assert says in pad.message
    assert says in pad.controls.prediction.value
    assert 'role="alert"' in pad.controls.prediction.value
    assert pad.prediction is before
    assert len(pad.drawing) == 1
    draw(pad)
    assert pad.message == ""
    assert says not in pad.controls.prediction.value


def test_a_blank_picture_is_no_digit(pad):
    pad.load(png(np.full((50, 80), 255, np.uint8)))
    assert pad.prediction.digit is None
    assert "nothing stands out" in pad.controls.prediction.value


# --- versions ---------------------------------------------------------------------------------------------------------


def test_another_version_reads_the_same_strokes(pad, registry):
    draw(pad)
    pad.controls.versions.value = "0002"
    other = Predictor.load("0002", models=registry.root)
    expected = other.predict_strokes(pad.drawing.strokes)
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)
    np.testing.assert_array_equal(other.scrambled(pad.prediction), other.permutation.apply(expected.image))
    assert "scrambled" in pad.controls.prediction.value
    pad.set_version("current")
    assert pad.controls.versions.value == pad.predictor.version == "0001"
    assert "scrambled" not in pad.controls.prediction.value


def test_a_damaged_version_is_refused_and_the_one_in_use_stays(pad, registry):
    weights = registry.root / "0002" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    pad.controls.versions.value = "0002"
    assert "SHA-256" in pad.message
    assert pad.controls.versions.value == pad.predictor.version == "0001"
    draw(pad)
    assert pad.prediction.version == "0001"


def test_a_version_without_a_manifest_is_on_the_list_as_damaged(registry):
    (registry.root / "0002" / "manifest.json").write_text("{}")
    pad = DigitPad(models=registry.root)
    assert ("0002, damaged", "0002") in pad.controls.versions.options
    pad.controls.versions.value = "0002"
    assert "manifest" in pad.message
    assert pad.controls.versions.value == "0001"


def test_a_version_made_meanwhile_joins_the_list(pad, registry, trained, small):
    registry.save(trained, small)
    pad.set_version("0003")
    assert pad.controls.versions.value == pad.predictor.version == "0003"
    assert [name for _, name in pad.controls.versions.options] == ["0003", "0002", "0001"]


def test_a_given_predictor_is_the_only_one_on_offer(registry):
    pad = DigitPad(Predictor.load("0002", models=registry.root))
    assert [name for _, name in pad.controls.versions.options] == ["0002"]
    assert pad.controls.versions.disabled
    pad.set_version("0001")
    assert "0002 only" in pad.message


def test_a_version_that_is_not_there_is_said_at_once(registry):
    with pytest.raises(RegistryError, match="0009"):
        DigitPad(version="0009", models=registry.root)


# --- keys, errors, looks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["Tab", "Escape"])
def test_tab_and_escape_lead_out_of_the_canvas(pad, monkeypatch, key):
    sent = []
    monkeypatch.setattr(type(pad.controls.undo), "focus", lambda self: sent.append(self))
    event(pad, "key_down", key=key, shift_key=False, ctrl_key=False, meta_key=False)
    assert sent == [pad.controls.undo]


def test_keys_that_undo_and_clear(pad):
    for _ in range(3):
        draw(pad)
    press_key(pad, "z")
    assert len(pad.drawing) == 2
    press_key(pad, "z", control=True)
    assert len(pad.drawing) == 1
    press_key(pad, "Delete")
    assert len(pad.drawing) == 0


def test_a_bug_is_shown_and_raised_again(pad, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("<oops>")

    monkeypatch.setattr(pad.predictor, "predict_strokes", broken)
    with pytest.raises(ZeroDivisionError):
        draw(pad)
    assert "ZeroDivisionError" in pad.message
    assert "&lt;oops&gt;" in pad.controls.prediction.value


def test_each_control_has_a_label_and_a_word_about_it(pad):
    found = [w for w in descendants(pad) if isinstance(w, (widgets.Button, widgets.ToggleButton, widgets.FileUpload))]
    assert [w.description for w in found] == [
        *("Undo", "Redo", "Clear", "Picture", "Camera", "More"),
        *"0123456789",
        "Replay",
        *("Why?", "Next digit", "Copy", "Scramble the pixels", "Start again"),
    ]
    assert all(w.tooltip for w in found)
    rows = [w.description for w in descendants(pad) if isinstance(w, (widgets.IntSlider, widgets.Dropdown))]
    assert rows == ["Version", "Pen, px", "Versus"]


def test_its_text_is_the_same_each_time(pad, registry):
    assert repr(pad) == repr(DigitPad(models=registry.root)) == "DigitPad(version='0001')"
    assert pad._repr_mimebundle_()["text/plain"] == "DigitPad(version='0001')"


def test_where_nobody_is_watching_it_shows_a_picture(pad, monkeypatch):
    draw(pad)
    assert "image/png" not in pad._repr_mimebundle_()
    monkeypatch.setenv("MNISTLAB_HEADLESS", "1")
    for act in (lambda: None, pad.clear, lambda: pad.set_version("0002")):
        act()
        bundle = pad._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "image/png"}
        assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width > 300
    assert plt.get_fignums() == []


def test_importing_the_package_is_cheap_and_no_test_tool_comes_with_the_pad():
    code = "import sys, mnistlab; print('torch' in sys.modules, 'ipywidgets' in sys.modules)\n"
    code += "import mnistlab.pad.widget; print('playwright' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 4


# --- the keyboard's pen -----------------------------------------------------------------------------------------------


def test_a_one_is_drawn_with_arrows_and_space(pad):
    for _ in range(10):
        press_key(pad, "ArrowUp")
    press_key(pad, " ")
    for _ in range(20):
        press_key(pad, "ArrowDown")
    press_key(pad, " ")
    np.testing.assert_array_equal(pad.drawing.strokes[0], [(140, y) for y in range(40, 241, 10)])
    expected = pad.predictor.predict_strokes(pad.drawing.strokes)
    np.testing.assert_array_equal(pad.prediction.image, expected.image)


def test_shift_makes_small_steps_and_the_pen_stays_on_the_canvas(pad):
    press_key(pad, "ArrowLeft", shift=True)
    assert pad.document.cursor == (138, 140)
    for _ in range(40):
        press_key(pad, "ArrowRight")
        press_key(pad, "ArrowDown")
    assert pad.document.cursor == (280, 280)


def test_a_mouse_that_passes_over_leaves_the_keyboards_stroke_alone(pad):
    press_key(pad, " ")
    press_key(pad, "ArrowDown")
    event(pad, "mouse_move", 20, 20)
    event(pad, "mouse_out", 20, -20)
    press_key(pad, "ArrowDown")
    assert pad.drawing.is_open
    np.testing.assert_array_equal(pad.drawing.strokes[0], [(140, 140), (140, 150), (140, 160)])
    event(pad, "mouse_down", 100, 100)  # a hand takes over
    assert [len(stroke) for stroke in pad.drawing.strokes] == [3, 1]
    assert pad.document.cursor is None


def test_the_cross_shows_where_the_keyboards_pen_stands(pad, commands):
    press_key(pad, "ArrowUp")
    assert commands.count("strokeLine") == 4
    assert commands.count("strokeCircle") == 2
    commands.clear()
    press_key(pad, " ")  # down: no ring
    assert commands.count("strokeLine") >= 4
    assert "strokeCircle" not in commands
    commands.clear()
    pad.press(10, 10)
    assert "clear" in commands  # the cross is gone
    assert "strokeLine" not in commands


# --- what it was meant to be ------------------------------------------------------------------------------------------


def test_a_digit_key_says_what_was_meant_and_the_same_takes_it_back(pad):
    draw(pad)
    press_key(pad, "7")
    assert pad.true_digit == 7
    assert "you meant a 7" in pad.controls.prediction.value
    assert [b.description for b in pad.controls.digits if b.button_style] == ["7"]
    press_key(pad, "8")
    assert "you meant an 8" in pad.controls.prediction.value
    pad.controls.digits[8].click()
    assert pad.true_digit is None
    assert "meant" not in pad.controls.prediction.value


def test_what_was_meant_goes_with_the_drawing(pad):
    draw(pad)
    pad.correct(3)
    draw(pad)
    assert pad.true_digit == 3
    pad.undo()
    assert pad.true_digit == 3
    pad.undo()
    assert pad.true_digit is None
    draw(pad)
    pad.correct(3)
    pad.clear()
    assert pad.true_digit is None


@pytest.mark.parametrize("digit", [10, -1, "7", 2.5, None, True])
def test_what_is_no_digit_cannot_be_meant(pad, digit):
    draw(pad)
    pad.correct(digit)
    assert "from 0 to 9" in pad.message
    assert pad.true_digit is None


def test_an_empty_canvas_is_meant_to_be_nothing(pad):
    pad.correct(3)
    assert "nothing on the canvas" in pad.message


# --- why --------------------------------------------------------------------------------------------------------------


def test_why_colours_the_ink_and_gives_reasons(pad, commands):
    pad.replay(load_drawings()["seven"].strokes)
    assert "strokeStyledLineSegments" not in commands
    assert pad.controls.explanation.layout.display == "none"
    pad.controls.why.value = True
    assert "strokeStyledLineSegments" in commands
    assert pad.controls.explanation.layout.display is None
    text = pad.controls.explanation.value
    assert f"spoke for the {pad.prediction.digit}" in text
    assert text.count("<img") == 4
    expected = counterfactual.smallest_edit(pad.predictor, pad.drawing.strokes, 20)
    assert sentence(expected.words if expected else explanation.NO_EDIT) in text
    commands.clear()
    pad.controls.why.value = False
    assert commands.count("clear") == 1  # black again
    assert "strokeStyledLineSegments" not in commands


def test_why_follows_the_pen_and_pales_what_is_out_of_date(pad, commands):
    now = [100.0]
    pad.schedule.clock = lambda: now[0]
    pad.show_why(True)
    draw(pad)
    assert "mnistlab-waiting" not in pad.controls.explanation.value
    commands.clear()
    pad.press(120, 140)  # in touch with the first: beside it, it would be another digit
    now[0] += 1
    pad.move(200, 150)
    assert "strokeStyledLineSegments" in commands
    assert "mnistlab-waiting" in pad.controls.explanation.value
    pad.release()
    assert "mnistlab-waiting" not in pad.controls.explanation.value
    pad.clear()
    assert pad.explanation.shades is None
    assert "<img" not in pad.controls.explanation.value


def test_reasons_wait_until_the_hand_rests(pad, monkeypatch):
    searched = []
    monkeypatch.setattr(pad.explanation, "search", lambda *a: searched.append(1))
    monkeypatch.setattr("mnistlab.pad.schedule.PAUSE", 0.02)
    pad.show_why(True)

    async def rest() -> None:
        draw(pad)
        pad.press(200, 40)  # at once again
        await asyncio.sleep(0.1)
        assert searched == []
        pad.release()
        for _ in range(500):
            await asyncio.sleep(0.01)
            if searched:
                break

    asyncio.run(rest())
    assert searched == [1]


def test_a_permuted_version_ends_the_film_with_what_it_sees(pad):
    pad.set_version("0002")
    pad.show_why(True)
    draw(pad)
    assert "scrambled" in pad.controls.explanation.value
    assert pad.controls.explanation.value.count("<img") == 5


# --- two side by side -------------------------------------------------------------------------------------------------


def test_a_second_model_reads_the_same_strokes(pad, registry):
    assert pad.reading.second is None
    assert pad.controls.second_prediction.layout.display == "none"
    draw(pad)
    pad.controls.second_versions.value = "0002"
    expected = Predictor.load("0002", models=registry.root).predict_strokes(pad.drawing.strokes)
    np.testing.assert_array_equal(pad.reading.second.probabilities, expected.probabilities)
    assert pad.controls.second_prediction.layout.display is None
    assert 'mnistlab-head">small, scrambled<' in pad.controls.second_prediction.value
    assert 'mnistlab-head">small<' in pad.controls.prediction.value
    draw(pad)
    assert pad.reading.second.version == "0002"
    pad.controls.second_versions.value = ""
    assert pad.reading.second is None
    assert pad.controls.second_prediction.layout.display == "none"


def test_a_second_model_can_be_named_from_the_start(registry):
    pad = DigitPad(models=registry.root, compare_with="0002")
    assert (pad.prediction.version, pad.reading.second.version) == ("0001", "0002")
    assert pad.controls.second_versions.value == "0002"
    first, second = (Predictor.load(name, models=registry.root) for name in ("0001", "0002"))
    pad = DigitPad(first, compare_with=second)
    assert (pad.prediction.version, pad.reading.second.version) == ("0001", "0002")
    pad.compare(None)
    pad.compare("0002")
    assert pad.model_choice.second is second
    with pytest.raises(RegistryError, match="only beside a predictor"):
        DigitPad(models=registry.root, compare_with=second)


def test_a_second_model_that_is_not_there_leaves_the_one_before(pad):
    pad.compare("0002")
    pad.compare("0009")
    assert "0009" in pad.message
    assert pad.controls.second_versions.value == pad.model_choice.second.version == "0002"


# --- files, replay, tests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "png"])
def test_a_saved_drawing_comes_back_as_strokes(pad, kind):
    pad.set_pen_width(30)
    draw(pad)
    pad.correct(7)
    pad.controls.more.value = True
    link = re.search(rf'download="digit-7.{kind}" href="data:[^;]*;base64,([^"]*)"', pad.controls.links.value)
    pad.clear()
    pad.set_pen_width(12)
    upload(pad, base64.b64decode(link[1]))
    np.testing.assert_array_equal(pad.drawing.strokes[0], LINE)
    assert (pad.document.pen_width, pad.controls.pen.value, pad.true_digit) == (30, 30, 7)
    assert pad.document.picture is None
    assert len(pad.drawing) == 1


def test_under_more_it_says_where_the_version_comes_from(pad, registry):
    assert pad.controls.origin.value == ""
    pad.controls.more.value = True
    manifest = registry.manifest("0001")
    for text in (
        "Where it comes from: small",
        "0001, made",
        f'<span title="{manifest.weights_sha256}">{manifest.weights_sha256[:12]}</span>',
        f'<span title="{manifest.permutation.sha256}">{manifest.permutation.sha256[:12]}</span>',
        f'<span title="{manifest.data.train_sha256}">{manifest.data.train_sha256[:12]}</span>',
        "not made by a headless run",
        manifest.created,
    ):
        assert text in pad.controls.origin.value
    pad.controls.versions.value = "0002"
    assert "Where it comes from: small, scrambled" in pad.controls.origin.value
    assert registry.manifest("0002").permutation.sha256 in pad.controls.origin.value


def test_links_follow_the_drawing_while_they_are_in_sight(pad):
    draw(pad)
    assert pad.controls.links.value == ""
    pad.controls.more.value = True
    assert 'download="drawing.png"' in pad.controls.links.value
    pad.clear()
    assert "nothing to save" in pad.controls.links.value


@pytest.mark.parametrize(
    "content", [b"{}", b'{"strokes": [[[1, NaN]]]}', b"{" * 10_000, b"\x89PNG\r\n\x1a\n" + b"x" * 99]
)
def test_a_file_that_is_no_drawing_leaves_all_as_it_was(pad, content):
    draw(pad)
    upload(pad, content)
    assert pad.message
    assert len(pad.drawing) == 1


def test_a_replay_is_drawn_by_the_clock_and_ends_with_the_same_drawing(pad, monkeypatch):
    monkeypatch.setattr("mnistlab.pad.playback.SPEED", 20_000)
    monkeypatch.setattr("mnistlab.pad.playback.LIFT", 0.0)
    draw(pad)
    draw(pad, [(30, 30), (200, 100)])
    pad.correct(4)
    whole = pad.drawing.strokes
    counts = []

    async def watch() -> None:
        pad.controls.replay.click()
        assert pad.controls.replay.description == "Stop"
        for _ in range(500):
            counts.append(pad.drawing.n_points)
            await asyncio.sleep(0.005)
            if pad.controls.replay.description == "Replay":
                break

    asyncio.run(watch())
    assert counts[0] == 0
    assert [stroke.tolist() for stroke in pad.drawing.strokes] == [stroke.tolist() for stroke in whole]
    assert pad.true_digit == 4
    assert pad.message == ""


@pytest.mark.parametrize("act", ["stop", "press", "undo", "clear"])
def test_a_replay_that_is_cut_off_loses_nothing(pad, act):
    draw(pad)
    draw(pad, [(30, 30), (200, 100)])

    async def watch() -> None:
        pad.playback.play()
        await asyncio.sleep(0)
        {"stop": pad.playback.stop, "press": lambda: pad.press(5, 5), "undo": pad.undo, "clear": pad.clear}[act]()
        await asyncio.sleep(0.05)

    asyncio.run(watch())
    assert len(pad.drawing) == {"stop": 2, "press": 3, "undo": 1, "clear": 0}[act]
    assert pad.controls.replay.description == "Replay"
    pad.playback.stop()


def test_without_an_event_loop_a_replay_leaves_the_drawing(pad):
    draw(pad)
    pad.playback.play()
    np.testing.assert_array_equal(pad.drawing.strokes[0], LINE)
    assert pad.controls.replay.description == "Replay"


def test_a_drawing_is_kept_as_a_test_once_its_digit_is_marked(registry, tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_DRAWINGS", str(tmp_path))
    pad = DigitPad(models=registry.root, freeze=True)
    draw(pad)
    assert pad.controls.freeze.disabled
    pad.correct(1)
    assert not pad.controls.freeze.disabled
    pad.controls.freeze.click()
    (path,) = tmp_path.glob("*.json")
    kept = drawing_from_json(path.read_text())
    np.testing.assert_array_equal(kept.strokes[0], LINE)
    assert kept.digit == 1
    assert path.name in pad.controls.note.value
    pad.controls.freeze.click()
    assert "already" in pad.message
    pad.undo()
    assert pad.controls.note.value == ""


# --- the readout ------------------------------------------------------------------------------------------------------


def reading(digit: int | None = 7, confidence: float = 0.9, *, second: int = 1, reason: str = "") -> Prediction:
    probabilities = np.full(10, 0.1)
    if digit is not None:
        probabilities = np.zeros(10)
        probabilities[digit], probabilities[second] = confidence, 1 - confidence
    image = np.full((28, 28), 0 if digit is None else 255, np.uint8)
    return Prediction(digit, probabilities, image, 1.5, "0001", reason, () if digit is None else (digit,))


def test_the_bars_are_as_high_as_the_probabilities_and_say_so():
    text = as_html(reading(7, 0.625, second=3))
    assert text.count('role="meter"') == 10
    assert text.count("--p:0.0%") == 8
    assert "--p:62.5%" in text
    assert 'aria-label="7" aria-valuemin="0" aria-valuemax="100" aria-valuenow="62.5" aria-valuetext="62.5 %"' in text
    assert "perhaps a 3: 37.5 %" in text
    assert "perhaps" not in as_html(reading(7, 0.95))


def test_only_what_is_certain_to_the_last_digit_is_100_per_cent():
    assert 'title="7: 99.9 %" class="mnistlab-digit"' in as_html(reading(7, 0.99999))
    assert 'title="7: 100.0 %" class="mnistlab-digit"' in as_html(reading(7, 1.0))


@pytest.mark.parametrize(("confidence", "word"), [(0.999, "sure"), (0.9, "fairly sure"), (0.6, "in doubt")])
def test_how_sure_it_is_is_a_word_and_the_figure_stands_in_the_tooltip(confidence, word):
    text = as_html(reading(7, confidence))
    assert f">{word}<small" in text
    assert f'title="7: {100 * confidence:.1f} %"' in text
    assert "% sure" not in text


def test_a_digit_fades_with_confidence():
    def strength(confidence: float) -> int:
        return int(re.search(r"--sure:(\d+)%", as_html(reading(7, confidence)))[1])

    assert strength(0.999) == 100 > strength(0.9) > strength(0.6) > 0


def test_the_answer_is_spoken_in_a_few_words_and_only_when_the_pen_is_up(pad):
    now = [pad.schedule.clock() + 1]
    pad.schedule.clock = lambda: now[0]
    assert pad.controls.spoken.value == ""
    pad.press(100, 40)
    now[0] += 1
    pad.move(140, 240)
    assert pad.prediction.digit is not None
    assert pad.controls.spoken.value == ""
    pad.release()
    assert pad.controls.spoken.value == prediction_html.spoken(pad.prediction) != ""
    assert prediction_html.spoken(reading(7, 0.9)) == "seven, fairly sure"
    doubtful = dataclasses.replace(reading(4, 0.6, second=9), digits=(4, 9))
    assert prediction_html.spoken(doubtful) == "four or nine, in doubt"
    none = dataclasses.replace(doubtful, digit=None, digits=(), reason="it does not look like a digit")
    assert prediction_html.spoken(none) == "not sure: it does not look like a digit"


def test_several_digits_are_shown_said_and_copied_one_by_one():
    pad, stored = DigitPad(), load_drawings()
    placed = (("three", 5), ("seven", 150))
    three, seven = ([stroke * 0.45 + (x, 60) for stroke in stored[name].strokes] for name, x in placed)
    assert [part.digit for part in pad.replay([*three, *seven]).parts] == [3, 7]
    text = pad.controls.prediction.value
    assert ">37</div>" in text
    assert "several digits<small>3, then 7</small>" in text
    assert 'data-text="37"' in text
    assert pad.controls.spoken.value == "several digits: 3, then 7"
    pad.transcript.next_digit()
    assert pad.transcript.text == "37"


def test_without_a_digit_no_bar_is_shown():
    text = as_html(reading(None, reason="that is only a dot"))
    assert text.count("--p:0.0%") == 10
    assert "mnistlab-digit" not in text
    assert "%</span>" not in text


def test_what_it_is_told_cannot_become_markup():
    text = as_html(reading(None, reason="<script>1</script>"), message="<b>bold</b>")
    text += as_html(reading(None, reason="<script>1</script>"))
    assert "<script>" not in text
    assert "<b>" not in text


def test_a_replay_goes_the_way_of_a_hand(pad):
    strokes = load_drawings()["four"].strokes
    read = pad.replay(strokes)
    np.testing.assert_array_equal(read.probabilities, pad.predictor.predict_strokes(strokes).probabilities)
    assert len(pad.drawing) == 2
    assert pad.replay([]).digit is None
    with pytest.raises(StrokesError, match="not finite"):
        pad.replay([[(1, float("nan"))]])


def test_a_pad_that_was_never_made_can_be_closed():
    DigitPad.__new__(DigitPad).close()  # as Python does with what is left of DigitPad(nonsense=1)


def test_the_canvas_is_as_large_as_the_drawing_and_twice_as_fine(pad):
    assert (pad.canvas.width, pad.canvas.height) == (2 * CANVAS, 2 * CANVAS)
    assert (pad.canvas.layout.width, pad.canvas.layout.height) == ("280px", "280px")


def test_a_doubtful_drawing_gets_a_set_with_what_it_promises():
    doubtful = dataclasses.replace(reading(4, 0.6, second=9), digits=(4, 9), level=0.995)
    text = as_html(doubtful)
    assert 'mnistlab-digit">4<small> or </small>9<' in text
    assert "99.5 % of readings" in text
    assert text.count("mnistlab-first") == 2
    many = dataclasses.replace(doubtful, digits=(4, 9, 1, 7, 3, 2, 0))
    assert "or 3 more" in as_html(many)


def test_what_is_no_digit_is_not_sure_and_keeps_its_bars():
    letter = dataclasses.replace(
        reading(4, 0.6, second=9), digit=None, digits=(), reason="it does not look like a digit"
    )
    text = as_html(letter, meant=4)
    assert "not sure<small>it does not look like a digit</small><small>you meant a 4</small>" in text
    assert "mnistlab-first" not in text
    assert "--p:60.0%" in text


# --- back and forth, and one digit after another ----------------------------------------------------------------------


def test_what_was_taken_back_comes_again_until_there_is_something_new(pad):
    draw(pad)
    draw(pad, [(30, 30), (200, 100)])
    pad.controls.undo.click()
    pad.controls.undo.click()
    assert pad.document.is_empty
    pad.controls.redo.click()
    pad.controls.redo.click()
    assert [len(stroke) for stroke in pad.drawing.strokes] == [3, 2]
    pad.clear()
    pad.undo()
    assert len(pad.drawing) == 2
    pad.undo()
    draw(pad, [(9, 9), (99, 99)])
    pad.redo()
    assert [stroke[0].tolist() for stroke in pad.drawing.strokes] == [[100, 40], [9, 9]]


def test_a_button_that_has_nothing_to_do_is_dimmed(pad):
    def dimmed() -> set[str]:
        controls = (pad.controls.undo, pad.controls.redo, pad.controls.clear, pad.controls.next, pad.controls.copy)
        return {control.description for control in controls if "mnistlab-idle" in control._dom_classes}

    assert dimmed() == {"Undo", "Redo", "Clear", "Next digit", "Copy"}
    draw(pad)
    assert dimmed() == {"Redo"}
    pad.undo()
    assert dimmed() == {"Undo", "Clear", "Next digit", "Copy"}


def test_digits_in_a_row_become_a_number_to_copy(pad):
    read = []
    for _ in range(2):
        draw(pad)
        read.append(str(pad.prediction.digit))
        assert f'data-text="{pad.transcript.text}"' in pad.controls.prediction.value
        pad.controls.next.click()
    assert pad.document.is_empty
    assert pad.transcript.text == "".join(read)
    draw(pad, [(140, 140)])  # a dot
    pad.transcript.next_digit()
    assert pad.transcript.text == "".join(read) + "?"
    assert f"<strong>{pad.transcript.text}</strong>" in pad.controls.line.value
    pad.controls.start_again.click()
    assert pad.transcript.text == ""


def test_the_scrambled_version_reads_beside_the_first_at_one_press(pad):
    pad.controls.scramble.value = True
    assert pad.reading.second.version == "0002"
    pad.controls.second_versions.value = ""
    assert pad.controls.scramble.value is False


def test_a_reason_is_asked_for_by_its_digit(pad):
    assert pad.controls.why.description == "Why?"
    draw(pad)
    assert pad.controls.why.description == f"Why {formatting.a_digit(pad.prediction.digit)}?"
