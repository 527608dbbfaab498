"""The stored drawings, and the figures of the drawing notebook that show them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mnistlab import drawings, paths, plots
from mnistlab.errors import StrokesError
from mnistlab.predictor import Predictor
from mnistlab.strokes import CANVAS, rasterise


@pytest.fixture(scope="module")
def reader() -> Predictor:
    """The committed version that is in use."""
    return Predictor.load(models=paths.ROOT / "models")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_there_is_each_digit_and_all_lie_on_the_canvas():
    stored = drawings.load()
    assert {drawing.digit for drawing in stored.values()} == set(range(10))
    assert [drawing.digit for drawing in stored.values()] == sorted(drawing.digit for drawing in stored.values())
    assert all(name == drawing.name and drawing.note for name, drawing in stored.items())
    points = np.concatenate([stroke for drawing in stored.values() for stroke in drawing.strokes])
    assert points.min() >= 0
    assert points.max() <= CANVAS


def test_the_committed_model_reads_all_that_are_not_hard(reader):
    stored = [drawing for drawing in drawings.load().values() if not drawing.hard]
    assert {drawing.digit for drawing in stored} == set(range(10))
    read = {drawing.name: reader.predict_strokes(drawing.strokes, drawing.pen_width).digit for drawing in stored}
    assert read == {drawing.name: drawing.digit for drawing in stored}


def test_a_drawing_begins_with_nothing_and_grows_to_all_of_it():
    strokes = drawings.load()["four"].strokes
    total = sum(map(len, strokes))
    assert drawings.begun(strokes, 0) == []
    for share in (0.1, 0.5, 0.57, 0.9, 1):
        part = drawings.begun(strokes, share)
        assert sum(map(len, part)) == round(share * total)
        np.testing.assert_array_equal(np.concatenate(part), np.concatenate(strokes)[: round(share * total)])
    assert len(drawings.begun(strokes, 0.9)) == 2


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(StrokesError, match="between 0 and 1"):
        drawings.begun([], share)


# --- figures ----------------------------------------------------------------------------------------------------------


def test_a_reading_as_a_figure(reader):
    strokes = drawings.load()["three"].strokes
    read = reader.predict_strokes(strokes)
    axes = plots.reading(read, rasterise(strokes))
    assert len(axes) == 3
    assert axes[0].figure.get_suptitle() == f"version {reader.version} reads {read}"
    assert [bar.get_width() for bar in axes[-1].patches] == pytest.approx(list(100 * read.probabilities))
    assert len(plots.reading(read, rasterise(strokes), scrambled=read.image)) == 4


def test_a_reading_of_nothing_has_no_bars(reader):
    axes = plots.reading(reader.predict_strokes([]), rasterise([]))
    assert [bar.get_width() for bar in axes[-1].patches] == [0] * 10


def test_the_way_to_the_network_marks_the_centre_of_mass(reader):
    strokes = drawings.load()["small three in a corner"].strokes
    read = reader.predict_strokes(strokes, 14)
    axes = plots.way_to_the_network(strokes, 14, read.image)
    (cross,) = axes[2].lines
    assert abs(cross.get_xdata()[0] - 14) <= 0.5
    assert abs(cross.get_ydata()[0] - 14) <= 0.5


def test_the_title_of_a_growing_drawing_says_what_was_read(reader):
    strokes = drawings.load()["seven"].strokes
    shares = np.linspace(0, 1, 12)
    begun = [drawings.begun(strokes, share) for share in shares]
    read = [reader.predict_strokes(part) for part in begun]
    axes = plots.under_way(shares, read, [rasterise(part) for part in begun], shown=4)
    assert len(axes) == 5
    assert axes[0].get_title() == "0 %: none"
    assert axes[3].get_title() == f"100 %: {read[-1].digit}"
    since = next(i for i in range(12) if all(r.digit == read[-1].digit for r in read[i:]))
    assert f"{read[-1].digit} from {100 * shares[since]:.0f} % on" in axes[-1].get_title()
    with pytest.raises(ValueError, match="do not match"):
        plots.under_way(shares, read[1:], [])


def test_replays_name_the_misread_ones_in_orange(reader):
    stored = list(drawings.load().values())[:3]
    read = [reader.predict_strokes(drawing.strokes, drawing.pen_width) for drawing in stored]
    digits = [read[0].digit, (read[1].digit + 1) % 10, read[2].digit]
    axes = plots.replays([rasterise(d.strokes) for d in stored], digits, read, name="it", columns=3)
    assert [ax.title.get_color() for ax in axes.flat] == [plots.RIGHT, plots.WRONG, plots.RIGHT]
    assert axes[0, 0].figure.get_suptitle() == "it: 2 of 3 read right"
