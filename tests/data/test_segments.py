import numpy as np
import pytest

from mnistlab.data import segments, synthetic
from mnistlab.data.drawings import load_drawings
from mnistlab.data.segments import Box


def numbers(boxes):
    """The members of each piece, line by line."""
    return [[piece.members for piece in line] for line in segments.lines(boxes)]


def test_every_stroke_has_the_box_of_its_points():
    strokes = [np.array([[3.0, 9.0], [5.0, 1.0]]), np.array([[7.0, 7.0]])]
    assert segments.boxes_of(strokes) == [(3, 1, 5, 9), (7, 7, 7, 7)]
    assert segments.around(segments.boxes_of(strokes)) == (3, 1, 7, 9)


def test_what_stands_side_by_side_is_read_from_the_left_whatever_was_drawn_first():
    assert numbers([Box(150, 50, 200, 150), Box(20, 55, 70, 155)]) == [[(1,), (0,)]]


def test_lines_are_read_from_the_top_even_if_they_rise():
    left = [Box(x, 100 - x / 4, x + 30, 160 - x / 4) for x in (0, 60, 120, 180)]
    below = [Box(x, 190 - x / 4, x + 30, 250 - x / 4) for x in (0, 60, 120, 180)]
    assert numbers(below + left) == [[(4,), (5,), (6,), (7,)], [(0,), (1,), (2,), (3,)]]


def test_a_crossbar_a_roof_and_a_dot_belong_to_what_is_next_to_them():
    stem, bar, roof, dot = Box(50, 50, 110, 150), Box(60, 100, 100, 102), Box(70, 30, 120, 35), Box(80, 160, 82, 162)
    assert numbers([stem, bar, roof, dot]) == [[(0, 1, 2, 3)]]


def test_two_bowls_on_top_of_each_other_are_one_digit_and_two_lines_are_not():
    bowl = Box(50, 20, 110, 80)
    assert numbers([bowl, Box(52, 85, 112, 150)]) == [[(0, 1)]]
    assert numbers([bowl, Box(52, 140, 112, 205)]) == [[(0,)], [(1,)]]


def test_slanted_digits_whose_boxes_overlap_stay_apart():
    assert numbers([Box(50, 50, 110, 150), Box(90, 50, 150, 150)]) == [[(0,), (1,)]]
    assert numbers([Box(50, 50, 110, 150), Box(60, 55, 90, 145)]) == [[(0, 1)]]  # the slash of a 0


def test_more_pieces_than_any_digits_are_one():
    boxes = [Box(x, 0, x + 0.5, 10) for x in range(segments.MOST_PIECES + 1)]
    assert len(numbers(boxes)[0]) == 1


@pytest.mark.parametrize(
    ("mark", "is_stray"),
    [
        (Box(270, 270, 270, 270), True),  # a tap in the corner
        (Box(215, 262, 250, 272), True),  # the palm
        (Box(130, 100, 132, 102), False),  # within the digit
        (Box(175, 120, 215, 122), False),  # a bar beside it
        (Box(250, 40, 270, 240), False),  # another digit
    ],
)
def test_a_small_mark_far_from_the_digit_is_stray(mark, is_stray):
    digit = Box(90, 60, 170, 190)
    assert segments.strays([digit, mark]) == ([1] if is_stray else [])
    assert segments.strays([mark, digit]) == ([0] if is_stray else [])


def test_a_drawing_of_one_stroke_has_nothing_stray():
    assert segments.strays([Box(0, 0, 1, 1)]) == []


def test_no_digit_the_lab_draws_loses_a_stroke_or_falls_into_lines():
    rng = np.random.default_rng(4)
    drawn = [synthetic.draw(digit, rng) for digit in range(10) for _ in range(60)]
    drawn += [stored.strokes for stored in load_drawings().values()]
    boxes = [segments.boxes_of(strokes) for strokes in drawn]
    assert [segments.strays(each) for each in boxes] == [[]] * len(drawn)
    assert sum(len(segments.lines(each)) > 1 for each in boxes) <= 1


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Box(250, 160, 735, 857), "857 px, outside the canvas of 280"),
        (Box(-40, 160, 200, 250), "-40 px"),
        (Box(0.25, 0.16, 0.74, 0.86), "canvas=1"),
        (Box(-0.5, -0.4, 0.5, 0.4), "canvas=1"),
        (Box(-8, 20, 288, 250), ""),  # the pen still leaves ink on the canvas
        (Box(0.2, 0.2, 0.25, 0.25), ""),  # a dot in the corner
        (Box(0, 0, 280, 280), ""),
    ],
)
def test_points_that_cannot_be_px_of_the_canvas_are_told(box, words):
    told = segments.misplaced(box)
    assert words in told
    assert bool(told) == bool(words)
