"""The smallest edit that flips a reading."""

from __future__ import annotations

import numpy as np
import pytest

from mnistlab.common import paths
from mnistlab.data import polyline
from mnistlab.data.drawings import load_drawings
from mnistlab.inference import counterfactual
from mnistlab.inference.counterfactual import smallest_edit
from mnistlab.inference.predictor import Predictor

STORED = load_drawings()


@pytest.fixture(scope="module")
def reader() -> Predictor:
    """Version 0001, which is never changed: what is asserted of single drawings was seen with it."""
    return Predictor.load("0001", models=paths.models())


def test_a_seven_without_its_roof_is_a_one(reader):
    edit = smallest_edit(reader, STORED["seven"].strokes)
    assert (edit.digit, edit.words) == (1, "without this bar it is a 1")
    (gone,) = edit.removed
    assert edit.added == []
    assert np.ptp(gone[:, 0]) > 4 * np.ptp(gone[:, 1])
    assert gone[:, 1].max() < 80


def test_a_three_with_its_gap_closed_is_an_eight(reader):
    edit = smallest_edit(reader, STORED["three"].strokes)
    assert (edit.digit, edit.words) == (8, "with the gap closed it is an 8")
    (bridge,) = edit.added
    assert edit.removed == []
    assert bridge[0].tolist() in STORED["three"].strokes[0][[0, -1]].tolist()


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ([[90.0, 250.0], [200.0, 250.0]], "bar"),
        ([[90.0, 250.0], [90.0 + 1.5 * counterfactual.PEN, 250.0]], "stroke"),  # too short for a bar
        ([[200.0, 150.0], [200.0, 260.0]], "stroke"),
        ([[240.0, 20.0]], "dot"),
    ],
)
def test_a_stroke_that_is_left_out_is_called_by_what_it_looks_like(second, words):
    strokes = [STORED["three"].strokes[0], np.array(second)]
    named = [c.how for c in counterfactual._candidates(strokes) if len(c.removed) == 1 and c.removed[0] is strokes[1]]
    assert named == [f"without this {words}"]


def test_a_piece_out_of_the_middle_is_a_gap_as_long_as_it_looks_like_one():
    candidates = list(counterfactual._candidates([STORED["three"].strokes[0]]))
    gaps = {c.length for c in candidates if c.how == "with a gap here"}
    parts = {c.length for c in candidates if c.how == "without this part"}
    assert (gaps, parts) == ({36, 52}, {72, 100})


@pytest.mark.parametrize("name", ["seven", "four", "small three in a corner"])
def test_every_edit_that_is_tried_changes_the_ink_it_names_and_no_other(name):
    strokes = STORED[name].strokes
    drawn = sum(map(polyline.length, strokes))
    for candidate in counterfactual._candidates(strokes):
        change = sum(map(polyline.length, candidate.added)) - sum(map(polyline.length, candidate.removed))
        assert sum(map(polyline.length, candidate.strokes)) == pytest.approx(drawn + change, abs=1), candidate.how
        assert bool(candidate.added) != bool(candidate.removed)


def test_a_prolonged_stroke_keeps_the_way_the_pen_went():
    stroke = np.array([[100.0, 60.0], [140.0, 140.0], [100.0, 220.0]])
    longer = {c.how: c.strokes[0] for c in counterfactual._candidates([stroke]) if "longer" in c.how}
    np.testing.assert_array_equal(longer["with a longer start"][1:], stroke)
    np.testing.assert_array_equal(longer["with a longer end"][:-1], stroke)
    for how, end, tip in (("start", stroke[0], 0), ("end", stroke[-1], -1)):
        added = longer[f"with a longer {how}"][tip] - end
        assert np.hypot(*added) < 1.1 * max(counterfactual.EXTENSIONS)
        assert added[0] < 0  # on, the way the line came


def test_a_drawing_that_no_edit_flips_has_none(reader):
    assert smallest_edit(reader, STORED["one"].strokes) is None


@pytest.mark.parametrize("name", sorted(set(STORED) - {"one"}))
def test_the_reader_agrees_and_the_edit_is_no_more_than_what_it_names(reader, name):
    drawing = STORED[name]
    before = reader.predict_strokes(drawing.strokes, drawing.pen_width)
    edit = smallest_edit(reader, drawing.strokes, drawing.pen_width)
    after = reader.predict_strokes(edit.strokes, drawing.pen_width)
    assert after.digit == edit.digit != before.digit
    assert after.confidence >= 0.5
    assert str(edit.digit) == edit.words[-1]
    # What is kept and what is gone are the drawing; what is new is what was added.
    change = sum(map(polyline.length, edit.added)) - sum(map(polyline.length, edit.removed))
    kept, drawn = (sum(map(polyline.length, strokes)) for strokes in (edit.strokes, drawing.strokes))
    assert kept == pytest.approx(drawn + change, abs=1)
    assert bool(edit.added) != bool(edit.removed)
    assert 0 < edit.length <= 200


def test_the_length_is_that_at_the_standard_size(reader):
    large = smallest_edit(reader, STORED["three"].strokes)
    small = smallest_edit(reader, STORED["small three in a corner"].strokes, 14)
    assert large.words == small.words
    assert small.length == pytest.approx(large.length, rel=0.15)
    assert polyline.length(small.added[0]) < 0.5 * polyline.length(large.added[0])


@pytest.mark.parametrize("strokes", [[], [[[140, 140]]], [[[140, 140], [143, 141]]]])
def test_where_nothing_is_read_nothing_can_flip(reader, strokes):
    assert smallest_edit(reader, strokes) is None


def test_no_edit_leaves_the_canvas(reader):
    edge = [np.array([[280.0, 10.0], [280.0, 275.0]]), np.array([[400.0, 140.0], [-300.0, 140.0]])]
    edit = smallest_edit(reader, edge)
    if edit is not None:
        points = np.concatenate(edit.strokes)
        assert points.min() >= 0
        assert points.max() <= 280


def test_a_permuted_network_is_flipped_too():
    reader = Predictor.load("0002", models=paths.models())
    edit = smallest_edit(reader, STORED["seven"].strokes)
    assert reader.predict_strokes(edit.strokes).digit == edit.digit != 7


@pytest.mark.parametrize(("limit", "most"), [("MOST_STROKES", 0), ("MOST_POINTS", 1)])
def test_a_drawing_of_too_many_strokes_or_points_is_not_edited(reader, monkeypatch, limit, most):
    monkeypatch.setattr(counterfactual, limit, most)
    assert smallest_edit(reader, STORED["seven"].strokes) is None


def test_the_smallest_edit_is_tried_too(reader, monkeypatch):
    only = counterfactual._Candidate(1.0, STORED["one"].strokes, how="with this")
    monkeypatch.setattr(counterfactual, "_candidates", lambda _: [only])
    edit = smallest_edit(reader, STORED["seven"].strokes)
    assert (edit.digit, edit.length, edit.words) == (1, 1.0, "with this it is a 1")


def test_the_verdict_of_the_reader_counts_not_that_of_the_search(reader, monkeypatch):
    """A reader that answers nothing but the first answer is never flipped, whatever the network says."""
    first = reader.predict_strokes(STORED["seven"].strokes)
    monkeypatch.setattr(reader, "predict_strokes", lambda *_: first)
    assert smallest_edit(reader, STORED["seven"].strokes) is None
