import json

import numpy as np
import pytest
from click.testing import CliRunner
from made import write_drawings

from mnistlab import Predictor
from mnistlab.cli.main import main
from mnistlab.common.errors import DataError
from mnistlab.data import synthetic
from mnistlab.data.pen_files import PenDrawing, read_drawings
from mnistlab.evaluation import formatting
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.studies.bench import pen_strokes
from mnistlab.studies.bench.pen_strokes import placed, replay_drawings


@pytest.fixture(scope="module")
def drawings() -> list[PenDrawing]:
    rng = np.random.default_rng(0)
    styles = {0: "oval", 3: "round", 6: "plain"}
    return [PenDrawing(d, 1 + d, synthetic.draw(d, rng, style=styles[d])) for d in styles for _ in range(10)]


@pytest.mark.parametrize("name", ["pen.jsonl", "pen.jsonl.gz"])
def test_drawings_come_back_from_a_file(tmp_path, drawings, name):
    found = read_drawings(write_drawings(tmp_path / name, drawings))
    assert [(d.label, d.writer) for d in found] == [(d.label, d.writer) for d in drawings]
    np.testing.assert_allclose(found[3].strokes[0], drawings[3].strokes[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no drawing"),
        ('{"label": 1, "strokes": [[[1, 2]]]}\n{"label": 1}\n', "line 2 of pen.jsonl"),
        ('{"label": 10, "strokes": [[[1, 2]]]}', "line 1 .* label is 0 to 9"),
        ('{"label": 1, "strokes": []}', "line 1 .* at least one stroke"),
        ('{"label": 1, "strokes": [[[1, NaN]]]}', "line 1 .* not finite"),
        ("[1, 2]", "line 1"),
        ("{", "line 1"),
    ],
)
def test_a_file_that_holds_no_drawings_is_refused(tmp_path, text, message):
    path = tmp_path / "pen.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_drawings(path)


@pytest.mark.parametrize("name", ["missing.jsonl", "folder", "no.gz"])
def test_what_is_no_file_is_refused(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "no.gz").write_text("not gzipped")
    with pytest.raises(DataError, match="cannot be read"):
        read_drawings(tmp_path / name)


@pytest.mark.parametrize("place", pen_strokes.PLACES)
@pytest.mark.parametrize("size", pen_strokes.SIZES)
def test_a_drawing_is_put_where_and_as_large_as_asked(drawings, place, size):
    points = np.concatenate(placed(drawings[0], size, place).strokes)
    assert np.ptp(points, axis=0).max() == pytest.approx(size)
    assert points.min() >= 0
    assert points.max() <= 280
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    assert (place == "centre") == np.allclose(middle, 140)
    if "right" in place:
        assert points[:, 0].max() == pytest.approx(275)
    if "bottom" in place:
        assert points[:, 1].max() == pytest.approx(275)


def test_the_command_prints_a_table_or_json(tmp_path, drawings):
    file = str(write_drawings(tmp_path / "pen.jsonl", drawings[:6]))
    table = CliRunner().invoke(main, ["benchmark", "pen", file, "--sample", "1"])
    assert table.exit_code == 0
    assert "as drawn: " in table.output
    assert "n = 6" in table.output
    asked = CliRunner().invoke(main, ["benchmark", "pen", file, "--sample", "0", "--json"])
    assert json.loads(asked.stdout)["as_drawn"]["n"] == 6
    missing = CliRunner().invoke(main, ["benchmark", "pen", "missing.jsonl"])
    assert missing.exit_code == 1
    assert "cannot be read" in missing.output


def test_an_unknown_place_is_refused(drawings):
    with pytest.raises(DataError, match="no place 'middle'"):
        placed(drawings[0], 100, "middle")


def test_the_report_counts_every_drawing_and_condition(drawings):
    wrong = PenDrawing(9, 77, drawings[0].strokes)  # a 0 that claims to be a 9
    report = replay_drawings(Predictor.load(), [*drawings, wrong], sample=4, show_progress=False)
    assert report.as_drawn.n == 31
    assert report.by_writer[77].correct == 0
    assert report.by_digit[9].n == 1
    assert report.by_digit[0].correct >= 9
    assert len(report.by_condition) == 4 * 4 * 5
    assert report.refused.n == 31
    held = [one.held.correct for one in report.coverage]
    assert held == sorted(held)  # a higher level holds no fewer
    assert all(one.held.n == 31 for one in report.coverage)
    assert {accuracy.n for accuracy in report.by_condition.values()} == {4}
    json.dumps(report.as_dict(), allow_nan=False)
    assert any("digit" in line for line in report.lines())
    least = min(accuracy.correct for accuracy in report.by_condition.values())
    worst = [line for line in report.lines() if f"worst {formatting.accuracy(Accuracy(least, 4))}" in line]
    assert len(worst) >= 3  # of a pen width, a size and a place, with its interval
    assert replay_drawings(Predictor.load(), drawings[:3], sample=0, show_progress=False).by_condition == {}
