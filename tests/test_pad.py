"""The pad without a browser: events as ipycanvas would deliver them, and what comes of them."""

from __future__ import annotations

import asyncio
import base64
import io
import subprocess
import sys
from datetime import UTC, datetime

import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipycanvas import canvas as ipycanvas_canvas
from PIL import Image

from mnistlab import drawings, readout
from mnistlab.errors import RegistryError, StrokesError
from mnistlab.pad import INTERVAL, DigitPad
from mnistlab.predictor import Prediction, Predictor
from mnistlab.registry import Registry
from mnistlab.strokes import CANVAS, rasterise

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
    pad.sheet._handle_frontend_event(None, content, [])


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
    pad.upload.value = (file | {"last_modified": datetime(2026, 1, 1, tzinfo=UTC)},)


# --- drawing ----------------------------------------------------------------------------------------------------------


def test_it_starts_empty_and_asks_for_a_digit(pad):
    assert pad.prediction.digit is None
    assert readout.PROMPT in pad.readout.value
    assert pad.predictor.version == pad.versions.value == "0001"


def test_a_stroke_is_read_as_the_predictor_reads_it(pad):
    draw(pad)
    expected = pad.predictor.predict_strokes([np.array(LINE, dtype=float)])
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)
    np.testing.assert_array_equal(pad.prediction.image, expected.image)
    assert f'<div class="mnistlab-digit">{expected.digit}</div>' in pad.readout.value


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
    pad.undo_button.click()
    np.testing.assert_array_equal(pad.prediction.probabilities, one.probabilities)
    draw(pad)
    pad.clear_button.click()
    assert len(pad.drawing) == 0
    assert pad.prediction.digit is None
    assert readout.PROMPT in pad.readout.value
    pad.undo()
    pad.clear()
    assert pad.message == ""


def test_a_dot_is_no_digit_and_the_pad_says_so(pad):
    draw(pad, [(140, 140), (141, 141)])
    assert pad.prediction.digit is None
    assert "only a dot" in pad.readout.value


# --- ink --------------------------------------------------------------------------------------------------------------


def test_ink_is_on_the_sheet_before_the_network_is_asked(pad, commands, monkeypatch):
    pad.clock = lambda: 1e9  # each move is due
    seen = []
    read = pad.predictor.predict_strokes
    monkeypatch.setattr(pad.predictor, "predict_strokes", lambda *a: seen.append(list(commands)) or read(*a))
    pad.press(50, 50)
    pad._read_at = 0
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
    pad.load_image(png(np.full((40, 40), 255, np.uint8)))
    assert not ipycanvas_canvas._CANVAS_MANAGER._caching


def test_the_pen_changes_the_ink_and_not_the_reading(pad, commands):
    draw(pad)
    before = pad.prediction.probabilities
    pad.pen.value = 40
    assert pad.pen_width == 40
    assert "strokeLines" in commands
    np.testing.assert_array_equal(pad.prediction.probabilities, before)
    pad.set_pen_width(12.5)
    assert (pad.pen_width, pad.pen.value) == (12.5, 12)


@pytest.mark.parametrize("width", [3, 61, "a", None, float("nan")])
def test_a_pen_that_is_none_is_refused(registry, pad, width):
    with pytest.raises(StrokesError, match="pen_width"):
        DigitPad(models=registry.root, pen_width=width)
    pad.set_pen_width(width)
    assert "en_width" in pad.message
    assert pad.pen_width == 20


# --- while the stroke is under way ------------------------------------------------------------------------------------


def test_it_reads_in_mid_stroke_but_not_more_often_than_the_interval(pad):
    now = [100.0]
    pad.clock = lambda: now[0]
    pad._read_at = now[0]
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
        pad._read_at = pad.clock()
        pad.move(140, 240)
        assert pad._pending is not None
        pad.close()
        assert pad._pending is None

    asyncio.run(close())


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_an_uploaded_picture_is_read_as_the_predictor_reads_it(pad):
    content = png(255 - rasterise([np.array(LINE, dtype=float)]))
    upload(pad, content)
    expected = pad.predictor.predict_image(content)
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)
    assert pad.upload.value == ()  # the same file can be read once more
    pad.clear()
    upload(pad, content)
    assert pad.prediction.digit == expected.digit


def test_a_picture_takes_the_place_of_a_drawing_and_a_press_that_of_a_picture(pad, commands):
    draw(pad)
    pad.load_image(png(255 - rasterise([np.array(LINE, dtype=float)])))
    assert len(pad.drawing) == 0
    assert "putImageData" in commands
    commands.clear()
    draw(pad, [(40, 60), (220, 60)])
    assert commands.index("clear") < commands.index("strokeLines")
    expected = pad.predictor.predict_strokes([[(40, 60), (220, 60)]])
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)


def test_undo_takes_a_picture_back(pad):
    pad.load_image(png(255 - rasterise([np.array(LINE, dtype=float)])))
    pad.undo()
    assert pad.prediction.digit is None


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"no picture", "This is no PNG or JPEG."), (b"", "This is no PNG or JPEG."), (b"x" * (6 * 2**20), "larger than")],
    ids=["text", "empty", "large"],
)
def test_a_file_that_cannot_be_read_says_why_and_leaves_the_drawing(pad, content, says):
    draw(pad)
    before = pad.prediction
    upload(pad, content)
    assert says in pad.message
    assert says in pad.readout.value
    assert 'role="alert"' in pad.readout.value
    assert pad.prediction is before
    assert len(pad.drawing) == 1
    draw(pad)
    assert pad.message == ""
    assert says not in pad.readout.value


def test_a_blank_picture_is_no_digit(pad):
    pad.load_image(png(np.full((50, 80), 255, np.uint8)))
    assert pad.prediction.digit is None
    assert "nothing stands out" in pad.readout.value


# --- versions ---------------------------------------------------------------------------------------------------------


def test_another_version_reads_the_same_strokes(pad, registry):
    draw(pad)
    pad.versions.value = "0002"
    other = Predictor.load("0002", models=registry.root)
    expected = other.predict_strokes(pad.drawing.strokes)
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)
    np.testing.assert_array_equal(pad.scrambled, other.permutation.apply(expected.image))
    assert "scrambled" in pad.readout.value
    pad.set_version("current")
    assert pad.versions.value == pad.predictor.version == "0001"
    assert pad.scrambled is None
    assert "scrambled" not in pad.readout.value


def test_a_damaged_version_is_refused_and_the_one_in_use_stays(pad, registry):
    weights = registry.root / "0002" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    pad.versions.value = "0002"
    assert "SHA-256" in pad.message
    assert pad.versions.value == pad.predictor.version == "0001"
    draw(pad)
    assert pad.prediction.version == "0001"


def test_a_version_without_a_manifest_is_on_the_list_as_damaged(registry):
    (registry.root / "0002" / "manifest.json").write_text("{}")
    pad = DigitPad(models=registry.root)
    assert ("0002, damaged", "0002") in pad.versions.options
    pad.versions.value = "0002"
    assert "manifest" in pad.message
    assert pad.versions.value == "0001"


def test_a_version_made_meanwhile_joins_the_list(pad, registry, trained, small):
    registry.save(trained, small)
    pad.set_version("0003")
    assert pad.versions.value == pad.predictor.version == "0003"
    assert [name for _, name in pad.versions.options] == ["0003", "0002", "0001"]


def test_a_given_predictor_is_the_only_one_on_offer(registry):
    pad = DigitPad(Predictor.load("0002", models=registry.root))
    assert [name for _, name in pad.versions.options] == ["0002"]
    assert pad.versions.disabled
    pad.set_version("0001")
    assert "0002 alone" in pad.message


def test_a_version_that_is_not_there_is_said_at_once(registry):
    with pytest.raises(RegistryError, match="0009"):
        DigitPad(version="0009", models=registry.root)


# --- keys, errors, looks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["Tab", "Escape"])
def test_tab_and_escape_lead_out_of_the_canvas(pad, monkeypatch, key):
    sent = []
    monkeypatch.setattr(type(pad.undo_button), "focus", lambda self: sent.append(self))
    event(pad, "key_down", key=key, shift_key=False, ctrl_key=False, meta_key=False)
    assert sent == [pad.undo_button]


def test_keys_that_undo_and_clear(pad):
    draw(pad)
    draw(pad)
    event(pad, "key_down", key="z", shift_key=False, ctrl_key=False, meta_key=False)
    assert len(pad.drawing) == 2
    event(pad, "key_down", key="z", shift_key=False, ctrl_key=True, meta_key=False)
    assert len(pad.drawing) == 1
    event(pad, "key_down", key="Delete", shift_key=False, ctrl_key=False, meta_key=False)
    assert len(pad.drawing) == 0


def test_a_bug_is_shown_and_raised_again(pad, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("<oops>")

    monkeypatch.setattr(pad.predictor, "predict_strokes", broken)
    with pytest.raises(ZeroDivisionError):
        draw(pad)
    assert "ZeroDivisionError" in pad.message
    assert "&lt;oops&gt;" in pad.readout.value


def test_each_control_has_a_label(pad):
    assert [w.description for w in (pad.undo_button, pad.clear_button, pad.upload, pad.pen, pad.versions)] == [
        "Undo",
        "Clear",
        "Picture",
        "Pen, px",
        "Model",
    ]


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
    code += "import mnistlab.pad; print('playwright' in sys.modules, 'matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 4


# --- the readout ------------------------------------------------------------------------------------------------------


def reading(digit: int | None = 7, confidence: float = 0.9, *, second: int = 1, reason: str = "") -> Prediction:
    probabilities = np.full(10, 0.1)
    if digit is not None:
        probabilities = np.zeros(10)
        probabilities[digit], probabilities[second] = confidence, 1 - confidence
    return Prediction(digit, probabilities, np.zeros((28, 28), np.uint8), 1.5, "0001", reason)


def test_the_bars_are_as_long_as_the_probabilities():
    text = readout.render(reading(7, 0.625, second=3))
    assert text.count('class="mnistlab-bar"') == 10
    assert text.count("width:0.0%") == 8
    assert "width:62.5%" in text
    assert "perhaps a 3: 37.5 %" in text
    assert "perhaps" not in readout.render(reading(7, 0.95))


def test_only_what_is_certain_to_the_last_digit_is_100_per_cent():
    assert "99.9 % sure" in readout.render(reading(7, 0.99999))
    assert "100.0 % sure" in readout.render(reading(7, 1.0))


def test_the_answer_is_announced_only_when_the_pen_is_up():
    assert 'role="status"' in readout.render(reading())
    assert "role=" not in readout.render(reading(), settled=False)


def test_without_a_digit_no_bar_is_shown():
    text = readout.render(reading(None, reason="that is only a dot"))
    assert text.count("width:0.0%") == 10
    assert "mnistlab-digit" not in text
    assert "%</span>" not in text


def test_what_it_is_told_cannot_become_markup():
    text = readout.render(reading(None, reason="<script>1</script>"), message="<b>bold</b>")
    text += readout.render(reading(None, reason="<script>1</script>"))
    assert "<script>" not in text
    assert "<b>" not in text


def test_a_replay_goes_the_way_of_a_hand(pad):
    strokes = drawings.load()["four"].strokes
    read = pad.replay(strokes)
    np.testing.assert_array_equal(read.probabilities, pad.predictor.predict_strokes(strokes).probabilities)
    assert len(pad.drawing) == 2
    assert pad.replay([]).digit is None
    with pytest.raises(StrokesError, match="not finite"):
        pad.replay([[(1, float("nan"))]])


def test_the_canvas_is_as_large_as_the_drawing_and_twice_as_fine(pad):
    assert (pad.sheet.width, pad.sheet.height) == (2 * CANVAS, 2 * CANVAS)
    assert (pad.sheet.layout.width, pad.sheet.layout.height) == ("280px", "280px")
