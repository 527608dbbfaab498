"""Which ink spoke for a digit, and the steps from ink to input."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab import plots
from mnistlab.common import paths
from mnistlab.common.errors import LabError, StrokesError
from mnistlab.data import polyline
from mnistlab.data.drawings import load_drawings
from mnistlab.data.preprocess import bounds, centre, fit, place, shrink
from mnistlab.data.strokes import MAX_POINTS, rasterise, to_standard_size
from mnistlab.inference import attribution, counterfactual
from mnistlab.inference.attribution import attribute, log_odds, preprocessing_steps
from mnistlab.inference.predictor import Predictor


@pytest.fixture(scope="module")
def reader() -> Predictor:
    """Version 0001, which is never changed: what is asserted of single strokes was seen with it."""
    return Predictor.load("0001", models=paths.models())


@pytest.fixture(scope="module")
def permuted() -> Predictor:
    return Predictor.load("0002", models=paths.models())


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def stored(name: str) -> list[np.ndarray]:
    return load_drawings()[name].strokes


def test_the_pieces_are_the_drawing_cut_into_equal_lengths_in_order(reader):
    strokes = stored("seven with crossbar")
    found = attribute(reader, strokes)
    assert found.digit == 7
    assert len(found.pieces) == 16
    assert (found.weights.shape, found.weights.dtype) == ((16,), np.float64)
    lengths = [polyline.length(piece) for piece in found.pieces]
    assert sum(lengths) == pytest.approx(sum(map(polyline.length, strokes)))
    assert max(lengths) < 1.4 * min(lengths)
    np.testing.assert_array_equal(found.pieces[0][0], strokes[0][0])
    np.testing.assert_array_equal(found.pieces[-1][-1], strokes[1][-1])


def test_no_piece_reaches_from_one_stroke_to_the_next(reader):
    strokes = [np.array([[60.0, 60], [60, 220]]), np.array([[200.0, 60]]), np.array([[200.0, 90], [200, 220]])]
    found = attribute(reader, strokes, pieces=4)
    assert [len(piece) for piece in found.pieces] == [2, 2, 1, 2, 2]
    for piece in found.pieces:
        assert len(set(piece[:, 0])) == 1


def test_a_weight_is_what_the_log_odds_lose_when_the_ink_is_gone_and_the_rest_stays_where_it_is(reader):
    strokes = stored("four")
    found = attribute(reader, strokes, pieces=1)  # so that each stroke is one piece
    standard, width = to_standard_size(strokes)
    whole, alone = rasterise(standard, pen_width=width), rasterise(standard[:1], pen_width=width)
    window = bounds(whole)
    without = place(shrink(alone[window]), centre(shrink(whole[window])))
    assert (without != fit(alone)).any()
    seen = reader.predict_strokes(strokes).image
    logits = reader.checkpoint.logits(np.stack([seen, without]))
    expected = np.subtract(*log_odds(logits, 4))
    assert found.weights[1] == pytest.approx(expected)
    assert found.weights[1] > 3


@pytest.mark.parametrize(
    ("start", "end", "left"),
    [(0.0, 0.5, [(60, 100)]), (0.25, 0.75, [(0, 15), (85, 100)]), (0.5, 1.0, [(0, 40)]), (0.0, 1.0, [])],
)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_ink_is_gone_as_far_as_the_pen_reaches_and_other_strokes_stay(index, start, end, left):
    strokes = [np.array([[0.0, y], [100.0, y]]) for y in (50, 100, 150)]
    found = attribution._without(strokes, index, start, end, radius=10)
    expected = [[(0, 100)], [(0, 100)], [(0, 100)]]
    expected[index] = left
    assert [(s[0, 0], s[-1, 0]) for s in found] == [span for spans in expected for span in spans]


def test_the_roof_of_a_seven_speaks_for_it_and_against_a_one(reader):
    strokes = stored("seven")
    for_seven, for_one = attribute(reader, strokes), attribute(reader, strokes, digit=1)
    assert (for_seven.digit, for_one.digit) == (7, 1)
    roof = [index for index, piece in enumerate(for_seven.pieces) if np.ptp(piece[:, 0]) > 3 * np.ptp(piece[:, 1])]
    assert len(roof) >= 3
    assert for_seven.weights[roof].mean() > 1
    assert for_one.weights[roof].mean() < -1


@pytest.mark.parametrize(("scale", "shift"), [(0.5, 0), (0.5, 100), (1.0, 15)])
def test_size_and_place_hardly_matter(reader, scale, shift):
    strokes = stored("five")
    found = attribute(reader, [stroke * scale + shift for stroke in strokes])
    expected = attribute(reader, strokes)
    assert np.abs(found.weights - expected.weights).mean() < 0.15 * np.abs(expected.weights).mean()


def test_a_permuted_network_is_explained_too(permuted):
    found = attribute(permuted, stored("zero"))
    assert found.digit == permuted.predict_strokes(stored("zero")).digit == 0
    assert np.ptp(found.weights) > 1


@pytest.mark.parametrize("strokes", [[], [[]], [[[140, 140]]], [[[140, 140], [143, 141]]]])
def test_where_nothing_is_read_nothing_is_explained(reader, strokes):
    found = attribute(reader, strokes)
    assert found.digit is None
    assert found.pieces == []
    assert found.weights.shape == (0,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"digit": 10}, "0 to 9, not 10"),
        ({"digit": "4"}, "0 to 9, not '4'"),
        ({"pieces": 0}, "1 to 100 pieces, not 0"),
        ({"pieces": 10**9}, "1 to 100 pieces"),
    ],
)
def test_what_cannot_be_explained_is_refused(reader, options, message):
    with pytest.raises(LabError, match=message):
        attribute(reader, stored("four"), **options)


@pytest.mark.parametrize("call", [attribution.attribute, attribution.preprocessing_steps, counterfactual.smallest_edit])
def test_bad_strokes_are_refused(reader, call):
    with pytest.raises(StrokesError, match="finite"):
        call(reader, [[[0, float("nan")]]])
    with pytest.raises(StrokesError, match="pen_width"):
        call(reader, stored("four"), pen_width=0)


coordinate = st.one_of(
    st.floats(), st.floats(0, 280), st.integers(), st.none(), st.text(max_size=2), st.just(1e9), st.booleans()
)
hostile = st.lists(st.lists(st.lists(coordinate, max_size=3), max_size=5) | st.none() | st.text(max_size=3), max_size=4)


@given(hostile, st.one_of(st.just(20), st.floats(), st.none()))
@settings(max_examples=60, deadline=None)
def test_hostile_strokes_give_an_answer_or_our_error(reader, strokes, pen_width):
    for call in (attribution.attribute, attribution.preprocessing_steps, counterfactual.smallest_edit):
        try:
            found = call(reader, strokes, pen_width=pen_width)
        except StrokesError:
            continue
        if isinstance(found, attribution.Attribution):
            assert np.isfinite(found.weights).all()


SCRIBBLE = np.cumsum(np.random.default_rng(0).normal(0, 3, (MAX_POINTS, 2)), axis=0) % 280


@pytest.mark.parametrize("strokes", [[SCRIBBLE], np.split(SCRIBBLE, 2_000)], ids=["one stroke", "2,000 strokes"])
def test_the_largest_drawings_there_are_get_their_explanations(reader, strokes):
    found = attribute(reader, strokes)
    assert len(found.weights) == len(found.pieces) >= len(strokes)
    assert np.isfinite(found.weights).all()
    assert 0 < np.count_nonzero(found.weights) <= 32
    assert len(preprocessing_steps(reader, strokes)) == 4
    assert counterfactual.smallest_edit(reader, strokes) is None


def test_log_odds_stay_finite_where_a_share_is_all_or_nothing():
    logits = np.array([[0.0] * 10, [100.0] + [0.0] * 9, [-100.0] + [0.0] * 9])
    np.testing.assert_allclose(log_odds(logits, 0), [-np.log(9), 100 - np.log(9), -100 - np.log(9)])


def test_an_explanation_leaves_the_threads_as_they_were(reader):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        attribute(reader, stored("four"))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# --- steps ------------------------------------------------------------------------------------------------------------


def test_the_steps_end_with_what_the_network_sees(reader, permuted):
    strokes = stored("small three in a corner")
    drawn, anew, box, placed = preprocessing_steps(reader, strokes, 14)
    np.testing.assert_array_equal(drawn.image, rasterise(strokes, pen_width=14))
    assert [step.image.shape for step in (drawn, anew, box, placed)] == [(280, 280), (280, 280), (20, 20), (28, 28)]
    assert max(np.ptp(np.flatnonzero(anew.image.any(axis))) for axis in (0, 1)) in range(198, 202)
    assert box.image.sum() == placed.image.sum()
    np.testing.assert_array_equal(placed.image, reader.predict_strokes(strokes, 14).image)
    scrambled = preprocessing_steps(permuted, strokes, 14)[-1]
    np.testing.assert_array_equal(scrambled.image, permuted.permutation.apply(placed.image))
    assert all(step.image.dtype == np.uint8 and step.name for step in (drawn, anew, box, placed, scrambled))


def test_nothing_has_no_steps_and_a_dot_but_one(reader):
    assert preprocessing_steps(reader, []) == []
    (only,) = preprocessing_steps(reader, [[[140, 140]]])
    assert only.image.any()


# --- figures ----------------------------------------------------------------------------------------------------------


def test_ink_is_blue_where_it_spoke_for_the_digit_and_orange_where_against(reader):
    found = attribute(reader, stored("seven"), digit=1)
    ax = plots.attribution(found)
    assert ax.get_title() == "why 1"
    for line, weight in list(zip(ax.lines[16:], found.weights, strict=True)):
        red, _, blue, _ = line.get_color()
        assert (blue - red) * weight >= 0
    assert plots.attribution(attribute(reader, [])).get_title() == "nothing to read"


def test_a_stray_mark_that_was_not_read_says_nothing(reader):
    strokes = [[[120, 60], [180, 62], [150, 180]]]
    alone, with_mark = attribute(reader, strokes), attribute(reader, [[[20, 274], [22, 274]], *strokes])
    assert with_mark.digit == alone.digit
    np.testing.assert_array_equal(with_mark.weights, [0, *alone.weights])
    assert with_mark.pieces[0].tolist() == [[20, 274], [22, 274]]
