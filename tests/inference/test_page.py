import io
import json

import numpy as np
import pytest
from click.testing import CliRunner
from drawn import WIDE_GAPS, extent, fitted, placed, side_by_side
from PIL import Image

from mnistlab import Predictor
from mnistlab.cli import main
from mnistlab.common.errors import ImageError, StrokesError
from mnistlab.data import synthetic
from mnistlab.data.drawings import load_drawings
from mnistlab.data.segments import Box
from mnistlab.data.strokes import rasterise
from mnistlab.inference.page import is_one
from mnistlab.inference.page_picture import page_png, page_table
from mnistlab.inference.prediction import Page, PlacedPrediction

DIGITS = [drawing for drawing in load_drawings().values() if not drawing.hard]


@pytest.fixture(scope="module")
def reader() -> Predictor:
    return Predictor.load()


def beside(*drawings, gap=60.0):
    """Stored drawings at one height, beside each other."""
    strokes, left = [], 10.0
    for drawing in drawings:
        strokes += placed(drawing.strokes, height=90, left=left, top=60)
        left = extent(strokes)[1][0] + gap
    return strokes


def of(digit):
    return next(drawing for drawing in DIGITS if drawing.digit == digit)


# --- several digits ----------------------------------------------------------------------------------------------------


def test_two_digits_are_no_digit_and_the_reason_names_them(reader):
    read = reader.predict_strokes(beside(of(1), of(2)))
    assert (read.digit, read.digits, read.confidence) == (None, (), 0)
    assert read.reason == "several digits: 1, then 2"
    assert read.probabilities.tolist() == [0.1] * 10
    assert read.image.any()  # what they look like together
    assert [part.digit for part in read.parts] == [1, 2]


def test_a_page_has_each_digit_in_reading_order_with_its_box(reader):
    strokes = beside(of(3), of(0), of(7), gap=40)
    page = reader.predict_strokes_page(list(reversed(strokes)))
    assert [reading.digit for reading in page] == [3, 0, 7]
    assert page.number == str(page) == "307"
    assert len(page) == 3
    assert page.version == reader.version
    left = [reading.box.left for reading in page]
    assert left == sorted(left)
    whole = np.concatenate(strokes)
    assert page[0].box.left == whole[:, 0].min()
    assert page[-1].box.right == whole[:, 0].max()
    assert all(reading.level == page[0].level and reading.image.any() for reading in page)


def test_lines_of_a_page_follow_from_the_top(reader):
    upper, lower = (
        [stroke + np.array([0, down]) for stroke in beside(of(first), of(second))]
        for first, second, down in [(1, 2, -50), (5, 6, 70)]
    )
    page = reader.predict_strokes_page(lower + upper)
    assert [[reading.digit for reading in line] for line in page.lines] == [[1, 2], [5, 6]]
    assert page.number == "12 / 56"


def test_one_digit_is_a_page_of_one(reader):
    page = reader.predict_strokes_page(of(5).strokes)
    assert [reading.digit for reading in page] == [5]
    assert page[0].digits == reader.predict_strokes(of(5).strokes).digits


def test_an_empty_canvas_is_an_empty_page_with_a_reason(reader):
    page = reader.predict_strokes_page([])
    assert (len(page), page.number) == (0, None)
    assert str(page) == "no digit: the canvas is empty"


def test_two_drawn_digits_are_hardly_ever_read_as_one_and_never_surely(reader):
    rng = np.random.default_rng(20)
    right = sure = 0
    for _ in range(200):
        digits = rng.integers(0, 10, 2).tolist()
        read = reader.predict_strokes(fitted(side_by_side(digits, rng, gap=rng.uniform(*WIDE_GAPS))))
        right += [part.digit for part in read.parts] == digits
        sure += read.confidence > 0.9
    assert sure == 0
    assert right >= 190


def test_one_digit_of_several_strokes_stays_one(reader):
    rng = np.random.default_rng(21)
    drawn = [(digit, synthetic.draw(digit, rng)) for digit in (4, 5, 7, 9) for _ in range(100)]
    read = [reader.predict_strokes(strokes, canvas=280) for _, strokes in drawn]
    assert [digit for (digit, _), one in zip(drawn, read, strict=True) if one.parts] == []
    assert [one.digit for one in read].count(4) > 95


def probabilities(left, right, both, sure=0.99):
    rows = np.full((3, 10), (1 - sure) / 9)
    rows[range(3), (left, right, both)] = sure
    return rows


@pytest.mark.parametrize(
    ("gap", "read", "sure", "one"),
    [
        (0.05, (1, 1, 4), 0.99, True),  # an open 4
        (0.05, (0, 1, 9), 0.99, True),  # bowl and stem of a 9
        (0.05, (3, 1, 4), 0.99, False),  # no part of a 4 looks like a 3
        (0.05, (3, 5, 8), 0.99, False),
        (0.05, (3, 5, 8), 0.4, True),  # neither is a digit
        (0.17, (3, 5, 8), 0.4, False),  # too far apart for one
        (0.25, (1, 1, 4), 0.99, False),
    ],
)
def test_a_narrow_gap_parts_what_reads_as_two(gap, read, sure, one):
    left, right = Box(0, 0, 40, 70), Box(40 + gap * 100, 30, 50 + gap * 100, 100)
    assert is_one(left, right, probabilities(*read, sure)) == one


def test_two_that_are_equally_tall_are_no_open_four():
    left, right = Box(0, 0, 40, 100), Box(45, 0, 50, 100)
    assert not is_one(left, right, probabilities(1, 1, 4))


def placed_as(*digits, left=0.0, line=0):
    box = Box(left, 0, left + 50, 100)
    return PlacedPrediction(
        digits[0] if digits else None, np.zeros(10), np.zeros((28, 28)), 1, "1", digits=digits, box=box, line=line
    )


def test_a_doubtful_digit_is_told_in_words():
    page = Page((placed_as(1, 7), placed_as(4, left=60)), 1, "1")
    assert page.number is None
    assert str(page) == "1 or 7, then 4"
    assert str(Page((placed_as(), placed_as(4, left=60)), 1, "1")) == "no digit, then 4"


def test_a_wide_gap_parts_two_numbers_and_many_digits_are_cut_short():
    page = Page(tuple(placed_as(k, left=x) for k, x in enumerate([0, 60, 300])), 1, "1")
    assert page.number == "01 2"
    many = Page(tuple(placed_as(1, 7, left=60 * k) for k in range(9)), 1, "1")
    assert str(many) == ", then ".join(["1 or 7"] * 6) + " and 3 more"


# --- stray marks -------------------------------------------------------------------------------------------------------

PALM = [[[215, 268], [228, 272]], [[244, 262], [250, 270]], [[262, 255], [262, 255]]]


@pytest.mark.parametrize(
    "marks",
    [[[[274, 274]]], [[[6, 6]]], [[[140, 274], [140, 274]]], PALM],
    ids=["corner", "other corner", "below", "palm"],
)
def test_stray_marks_change_no_reading_and_are_told(reader, marks):
    rng = np.random.default_rng(22)
    for digit in range(10):
        strokes = fitted(synthetic.draw(digit, rng), size=130)
        alone, with_marks = reader.predict_strokes(strokes), reader.predict_strokes([*strokes, *marks])
        assert with_marks.digits == alone.digits
        np.testing.assert_array_equal(with_marks.image, alone.image)
        assert ("left out" in with_marks.note, alone.note) == (True, "")
        assert str(with_marks).endswith(f"({with_marks.note})")


def test_what_is_left_out_is_counted(reader):
    strokes = placed(of(0).strokes, height=130, left=100, top=60)
    assert reader.predict_strokes([*strokes, [[274, 274]]]).note == "a stray mark was left out"
    assert reader.predict_strokes([*strokes, *PALM]).note == "3 stray marks were left out"


# --- the size of the canvas --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, 600, 1000])
def test_a_canvas_of_another_size_is_read_if_its_size_is_told(reader, side):
    strokes = [stroke * (side / 280) for stroke in fitted(of(0).strokes)]
    untold = reader.predict_strokes(strokes)
    assert untold.digit is None
    assert "how large the canvas is" in untold.reason
    assert not untold.image.any()
    for canvas in (side, (side, side / 2)):
        read = reader.predict_strokes(strokes, canvas=canvas)
        assert (read.digit, read.reason) == (0, "")
        assert reader.predict_strokes_page(strokes, canvas=canvas).number == "0"


def test_what_lies_beyond_a_canvas_of_known_size_is_pulled_to_its_edge(reader):
    strokes = [np.array([[140.0, 20], [140, 500]])]
    cut = [np.array([[140.0, 20], [140, 280]])]
    assert reader.predict_strokes(strokes).digit is None
    read = reader.predict_strokes(strokes, canvas=280)
    np.testing.assert_array_equal(read.image, reader.predict_strokes(cut).image)


@pytest.mark.parametrize(
    "canvas", [0, -280, np.nan, np.inf, "280", True, (280, 280, 3), (), (280, 0), [[280]], 1e-9, 1e9]
)
def test_a_canvas_of_no_size_is_refused(reader, canvas):
    with pytest.raises(StrokesError, match="canvas is the length of a side"):
        reader.predict_strokes(of(0).strokes, canvas=canvas)


# --- pictures ----------------------------------------------------------------------------------------------------------


def picture_of(strokes, *, size=400, paper=255):
    """A picture of strokes, 280 px, larger by so much: uint8 (size, size)."""
    ink = rasterise(strokes, pen_width=12)
    return np.asarray(Image.fromarray(paper - ink).resize((size, size)))


def test_two_digits_of_a_picture_are_named_and_told_one_by_one(reader):
    read = reader.predict_image(picture_of(beside(of(1), of(2))))
    assert (read.digit, read.reason) == (None, "several digits: 1, then 2")
    assert [part.digit for part in read.parts] == [1, 2]
    assert read.image.any()


def test_a_picture_of_a_page_is_read_line_by_line(reader):
    upper, lower = (
        [stroke + np.array([0, down]) for stroke in beside(of(first), of(second))]
        for first, second, down in [(1, 2, -50), (5, 6, 70)]
    )
    page = reader.predict_page(picture_of(upper + lower))
    assert page.number == "12 / 56"
    assert page.picture.shape == (400, 400)
    first = page[0].box
    assert (
        np.asarray(page.picture)[int(first.top) : int(first.bottom), int(first.left) : int(first.right) + 1].min() < 60
    )


def test_one_digit_of_a_picture_is_read_as_before(reader):
    for drawing in DIGITS:
        picture = picture_of(drawing.strokes)
        read = reader.predict_image(picture)
        assert (read.digit, read.parts) == (drawing.digit, ())
        page = reader.predict_page(picture)
        assert [part.digit for part in page] == [drawing.digit]


def test_a_blank_picture_is_an_empty_page(reader):
    page = reader.predict_page(np.full((300, 300), 255, np.uint8))
    assert (len(page), page.picture) == (0, None)
    assert "empty" in str(page)
    with pytest.raises(ImageError, match="empty"):
        page_png(page)


def test_a_page_is_drawn_with_a_box_around_each_digit(reader):
    page = reader.predict_page(picture_of(beside(of(1), of(2))))
    drawn = np.asarray(Image.open(io.BytesIO(page_png(page))).convert("RGB")).astype(int)
    coloured = (drawn.max(axis=2) - drawn.min(axis=2)) > 60
    for reading in page:
        left, right = int(reading.box.left), int(reading.box.right)
        assert coloured[:, max(0, left - 60) : right + 60].any()
    assert len(page_table(page)) == 3
    assert page_table(page)[1].split()[:3] == ["1", "1", "1"]


def test_the_command_prints_a_table_and_writes_the_boxes(tmp_path):
    Image.fromarray(picture_of(beside(of(1), of(2)))).save(tmp_path / "page.png")
    call = CliRunner().invoke
    result = call(main.main, ["predict", "--page", str(tmp_path / "page.png"), "--boxes", str(tmp_path / "out.png")])
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].endswith("page.png: 12")
    assert Image.open(tmp_path / "out.png").size == (400, 400)
    told = json.loads(call(main.main, ["predict", "--page", "--json", str(tmp_path / "page.png")]).stdout)
    assert [part["digit"] for part in told[0]["digits_found"]] == [1, 2]
    assert call(main.main, ["predict", str(tmp_path / "page.png"), "--boxes", "x.png"]).exit_code == 2
