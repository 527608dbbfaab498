"""The stored drawings, drawings as files, and the figures of the drawing notebook that show them."""

from __future__ import annotations

import contextlib
import io
import json
import struct
import zlib

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistlab import plots
from mnistlab.common import paths
from mnistlab.common.constants import CANVAS
from mnistlab.common.errors import LabError, StrokesError
from mnistlab.data import drawings
from mnistlab.data.drawings import drawing_from_json, drawing_from_png, drawing_to_json, drawing_to_png, load_drawings
from mnistlab.data.strokes import MAX_POINTS, rasterise
from mnistlab.inference.predictor import Predictor


@pytest.fixture(scope="module")
def reader() -> Predictor:
    """The committed version that is in use."""
    return Predictor.load(models=paths.models())


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_there_is_each_digit_and_all_lie_on_the_canvas():
    stored = load_drawings()
    assert {drawing.digit for drawing in stored.values()} == set(range(10))
    assert [drawing.digit for drawing in stored.values()] == sorted(drawing.digit for drawing in stored.values())
    assert all(name == drawing.name and drawing.note for name, drawing in stored.items())
    points = np.concatenate([stroke for drawing in stored.values() for stroke in drawing.strokes])
    assert points.min() >= 0
    assert points.max() <= CANVAS


def test_the_committed_model_reads_all_that_are_not_hard(reader):
    stored = [drawing for drawing in load_drawings().values() if not drawing.hard]
    assert {drawing.digit for drawing in stored} == set(range(10))
    read = {drawing.name: reader.predict_strokes(drawing.strokes, drawing.pen_width).digit for drawing in stored}
    assert read == {drawing.name: drawing.digit for drawing in stored}


def test_a_drawing_begins_with_nothing_and_grows_to_all_of_it():
    strokes = load_drawings()["four"].strokes
    total = sum(map(len, strokes))
    assert drawings.partly_drawn(strokes, 0) == []
    for share in (0.1, 0.5, 0.57, 0.9, 1):
        part = drawings.partly_drawn(strokes, share)
        assert sum(map(len, part)) == round(share * total)
        np.testing.assert_array_equal(np.concatenate(part), np.concatenate(strokes)[: round(share * total)])
    assert len(drawings.partly_drawn(strokes, 0.9)) == 2


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(StrokesError, match="between 0 and 1"):
        drawings.partly_drawn([], share)


# --- files ------------------------------------------------------------------------------------------------------------

FOUR = load_drawings()["four"].strokes
finite = st.floats(allow_nan=False, allow_infinity=False)
any_strokes = st.lists(st.lists(st.tuples(finite, finite), min_size=1, max_size=5), max_size=4)


def assert_same(found: drawings.StoredDrawing, strokes) -> None:
    assert len(found.strokes) == len(strokes)
    for one, other in zip(found.strokes, strokes, strict=True):
        np.testing.assert_array_equal(one, np.asarray(other))
        assert one.dtype == np.float64


@given(any_strokes, st.floats(4, 60), st.none() | st.integers(0, 9), st.text(max_size=100))
@settings(deadline=None)
def test_a_drawing_comes_back_from_its_files_to_the_last_bit(strokes, pen_width, digit, name):
    found = drawing_from_json(drawing_to_json(strokes, pen_width=pen_width, digit=digit, name=name))
    assert_same(found, strokes)
    assert (found.pen_width, found.digit, found.name) == (pen_width, digit, name)
    found = drawing_from_png(drawing_to_png(strokes, pen_width=pen_width, digit=digit))
    assert_same(found, strokes)
    assert (found.pen_width, found.digit) == (pen_width, digit)


def test_the_largest_drawing_there_is_fits_in_a_file():
    points = np.random.default_rng(0).uniform(-1120, 1400, (MAX_POINTS, 2)) / 3
    assert_same(drawing_from_json(drawing_to_json([points])), [points])
    assert_same(drawing_from_png(drawing_to_png([points])), [points])


def test_json_is_one_line_that_any_program_reads():
    text = drawing_to_json([[[1, 2.5], [3, 4]]], pen_width=14, digit=7, name="sëven")
    assert "\n" not in text
    assert json.loads(text) == {
        "format": "mnistlab drawing 1",
        "name": "sëven",
        "digit": 7,
        "pen_width": 14,
        "strokes": [[[1, 2.5], [3, 4]]],
    }
    assert_same(drawing_from_json(text.encode()), [[[1, 2.5], [3, 4]]])


def test_a_png_is_black_ink_on_white_and_read_alike(reader):
    file = drawing_to_png(FOUR, pen_width=20, digit=4)
    with Image.open(io.BytesIO(file)) as picture:
        assert (picture.format, picture.size, picture.mode) == ("PNG", (280, 280), "L")
        np.testing.assert_array_equal(np.asarray(picture), 255 - rasterise(FOUR, pen_width=20))
    assert reader.predict_image(file).digit == 4


def test_another_png_holds_no_strokes():
    file = io.BytesIO()
    Image.new("L", (30, 30)).save(file, "PNG")
    assert drawing_from_png(file.getvalue()) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid JSON"),
        ("[]", "should be an object"),
        ("[" * 100_000, "recursion limit"),
        (b"\xff\xfe", "Invalid JSON"),
        ("\ud800", "unicode"),
        ("{}", "strokes: Field required"),
        ('{"strokes": 3}', "strokes: "),
        ('{"strokes": [[[NaN, 1]]]}', "finite number"),
        ('{"strokes": [[[1e999, 1]]]}', "finite number"),
        ('{"strokes": [[["1", 1]]]}', "strokes.0.0.0: .*valid number"),
        ('{"strokes": [[[true, 1]]]}', "valid number"),
        ('{"strokes": [[[null, 1]]]}', "valid number"),
        ('{"strokes": [[[1]]]}', "at least 2"),
        ('{"strokes": [[[1, 2, 3]]]}', "at most 2"),
        ('{"strokes": [[[' + "1" * 10_000 + ", 2]]]}", "number out of range"),
        ('{"strokes": [[' + "[1,2]," * 100_000 + "[1,2]]]}", "more than 20,000 points"),
        ('{"strokes": [], "digit": 10}', "digit"),
        ('{"strokes": [], "digit": true}', "digit"),
        ('{"strokes": [], "pen_width": 1e9}', "pen_width"),
        ('{"strokes": [], "name": "' + "x" * 101 + '"}', "name"),
        ('{"strokes": [], "colour": "red"}', "colour"),
        ('{"strokes": [], "format": "another"}', "format"),
        (" " * (drawings.MAX_TEXT + 1), "more than 2 MiB"),
        (None, "text or bytes, not NoneType"),
    ],
)
def test_what_is_no_drawing_is_refused_in_words(text, message):
    with pytest.raises(StrokesError, match=message) as caught:
        drawing_from_json(text)
    assert len(str(caught.value)) < 400


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of ours with chunks of another hand in place of its strokes."""
    plain = io.BytesIO()
    Image.new("L", (8, 8)).save(plain, "PNG")
    plain = plain.getvalue()
    made = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return plain[:33] + made + plain[33:]  # after the header


KEY = drawings.KEY.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        drawing_to_png(FOUR)[:60],
        drawing_to_png(FOUR)[:500],
        png_with((b"tEXt", KEY + b"\0{}")),
        png_with((b"tEXt", KEY + b"\0" + b"[" * 10_000)),
        png_with((b"zTXt", KEY + b"\0\0" + zlib.compress(bytes(200 * 2**20)))),  # 200 MiB in 200 kB
        png_with((b"zTXt", KEY + b"\0\0" + b"no zlib")),
        png_with((b"zTXt", KEY + b"\0\7" + b"another method")),
        png_with((b"iTXt", KEY + b"\0\1\0\0\0" + zlib.compress(bytes(2**21)))),
        *[png_with(*[(b"tEXt", b"k%d\0" % n + bytes(2**20)) for n in range(6)])],
        None,
        "text",
    ],
    ids=range(13),
)
def test_a_hostile_png_is_refused(content):
    with pytest.raises(StrokesError):
        drawing_from_png(content)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_a_damaged_file_gives_a_drawing_or_our_error(seed):
    rng = np.random.default_rng(seed)
    file = bytearray(drawing_to_png(FOUR) if seed % 2 else drawing_to_json(FOUR).encode())
    for position in rng.integers(0, len(file), 3):
        file[position] = rng.integers(256)
    with contextlib.suppress(StrokesError):
        (drawing_from_png if seed % 2 else drawing_from_json)(bytes(file))


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), st.lists, max_leaves=20))
@settings(deadline=None)
def test_no_strokes_at_all_give_a_file_or_our_error(strokes):
    with contextlib.suppress(StrokesError):
        drawing_to_json(strokes)
        drawing_to_png(strokes)


@pytest.mark.parametrize(
    "options", [{"digit": 10}, {"digit": "4"}, {"digit": True}, {"pen_width": 0}, {"name": "x" * 101}, {"name": 4}]
)
def test_what_is_said_of_a_drawing_is_checked(options):
    with pytest.raises(StrokesError):
        drawing_to_json(FOUR, **options)


def test_a_drawing_is_frozen_once_under_its_name(tmp_path):
    path = drawings.freeze(FOUR, pen_width=14, digit=4, name="four-open", folder=tmp_path / "new")
    assert path == tmp_path / "new" / "four-open.json"
    found = drawing_from_json(path.read_bytes())
    assert_same(found, FOUR)
    assert (found.name, found.digit, found.pen_width) == ("four-open", 4, 14)
    held = path.read_bytes()
    with pytest.raises(LabError, match=r"already a drawing four-open\.json") as caught:
        drawings.freeze(FOUR[:1], digit=1, name="four-open", folder=tmp_path / "new")
    assert caught.value.code == "exists"
    assert path.read_bytes() == held
    assert [file.name for file in path.parent.iterdir()] == ["four-open.json"]


def test_without_a_name_the_drawing_gives_one(tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_DRAWINGS", str(tmp_path))
    path = drawings.freeze(FOUR, digit=4)
    assert path.parent == tmp_path
    assert path.stem.startswith("4-")
    assert drawings.freeze(FOUR[:1], digit=4) != path
    with pytest.raises(LabError, match="already"):
        drawings.freeze(FOUR, digit=4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strokes": []}, "an empty canvas makes no test"),
        ({"digit": None}, "which digit"),
        ({"digit": 11}, "digit"),
        ({"name": "../four"}, "lower-case letters"),
        ({"name": ""}, "lower-case letters"),
        ({"name": "x" * 101}, "at most 100"),
        ({"name": 4}, "lower-case letters"),
    ],
)
def test_what_cannot_be_a_test_is_refused_and_nothing_is_written(tmp_path, options, message):
    with pytest.raises(StrokesError, match=message):
        drawings.freeze(**{"strokes": FOUR, "digit": 4, "folder": tmp_path, **options})
    assert list(tmp_path.iterdir()) == []


def test_an_installed_package_has_no_tests_to_freeze_into(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.delenv("MNISTLAB_DRAWINGS", raising=False)
    with pytest.raises(LabError, match="installed without one") as caught:
        drawings.freeze(FOUR, digit=4)
    assert caught.value.code == "no-checkout"
    (tmp_path / "pyproject.toml").touch()
    assert drawings.freeze(FOUR, digit=4).parent == tmp_path / "tests" / "drawings"


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="cannot be written"):
        drawings.freeze(FOUR, digit=4, folder=tmp_path / "file" / "below")


# --- figures ----------------------------------------------------------------------------------------------------------


def test_a_reading_as_a_figure(reader):
    strokes = load_drawings()["three"].strokes
    read = reader.predict_strokes(strokes)
    axes = plots.prediction(read, rasterise(strokes))
    assert len(axes) == 3
    assert axes[0].figure.get_suptitle() == f"version {reader.version} reads {read}"
    assert [bar.get_width() for bar in axes[-1].patches] == pytest.approx(list(100 * read.probabilities))
    assert len(plots.prediction(read, rasterise(strokes), scrambled=read.image)) == 4


def test_a_reading_of_nothing_has_no_bars(reader):
    axes = plots.prediction(reader.predict_strokes([]), rasterise([]))
    assert [bar.get_width() for bar in axes[-1].patches] == [0] * 10


def test_the_way_to_the_network_marks_the_centre_of_mass(reader):
    strokes = load_drawings()["small three in a corner"].strokes
    read = reader.predict_strokes(strokes, 14)
    axes = plots.preprocessing(strokes, 14, read.image)
    (cross,) = axes[2].lines
    assert abs(cross.get_xdata()[0] - 14) <= 0.5
    assert abs(cross.get_ydata()[0] - 14) <= 0.5


def test_the_title_of_a_growing_drawing_says_what_was_read(reader):
    strokes = load_drawings()["seven"].strokes
    shares = np.linspace(0, 1, 12)
    parts = [drawings.partly_drawn(strokes, share) for share in shares]
    read = [reader.predict_strokes(part) for part in parts]
    axes = plots.prediction_while_drawn(shares, read, [rasterise(part) for part in parts], shown=4)
    assert len(axes) == 5
    assert axes[0].get_title() == "0 %: none"
    assert axes[3].get_title() == f"100 %: {read[-1].digit}"
    since = next(i for i in range(12) if all(r.digit == read[-1].digit for r in read[i:]))
    assert f"{read[-1].digit} from {100 * shares[since]:.0f} % on" in axes[-1].get_title()
    with pytest.raises(ValueError, match="do not match"):
        plots.prediction_while_drawn(shares, read[1:], [])


def test_replays_name_the_misread_ones_in_orange(reader):
    stored = list(load_drawings().values())[:3]
    read = [reader.predict_strokes(drawing.strokes, drawing.pen_width) for drawing in stored]
    digits = [read[0].digit, (read[1].digit + 1) % 10, read[2].digit]
    axes = plots.replayed_drawings([rasterise(d.strokes) for d in stored], digits, read, name="it", columns=3)
    assert [ax.title.get_color() for ax in axes.flat] == [plots.RIGHT, plots.WRONG, plots.RIGHT]
    assert axes[0, 0].figure.get_suptitle() == "it: 2 of 3 read right"
