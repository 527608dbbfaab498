from __future__ import annotations

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from made import write_drawings
from torch import nn

from mnistlab.cli.main import main
from mnistlab.common.errors import DataError
from mnistlab.data import synthetic
from mnistlab.data.pen_files import PenDrawing
from mnistlab.inference.predictor import Predictor
from mnistlab.pipeline.finetune import Rehearsal
from mnistlab.registry.registry import Registry
from mnistlab.studies.bench import finetune_writers
from mnistlab.studies.bench.finetune_writers import WriterResult, WritersReport, measure_writers, summarise
from mnistlab.training.networks import Classifier


@pytest.fixture(scope="module")
def rehearsal(small):
    return Rehearsal.of(Classifier.of(Registry().load("0003")), small.train, mnist=300, drawn=20, others=10)


@pytest.fixture(scope="module")
def two_hands() -> list[PenDrawing]:
    """Two writers, of whom only one writes a 1 as a bar; 16 drawings each."""
    rng = np.random.default_rng(1)
    found = []
    for writer in (1, 2):
        for number in range(16):
            digit = (1, 3)[number % 2]
            bar = np.stack([np.linspace(40, 240, 20), 140 + rng.normal(0, 4, 20).cumsum() / 3], axis=1)
            odd = writer == 2 and digit == 1
            found.append(PenDrawing(digit, writer, [bar] if odd else synthetic.draw(digit, rng)))
    return found


@pytest.fixture(scope="module")
def results(two_hands, small, rehearsal) -> tuple[WriterResult, ...]:
    return measure_writers(Predictor.load("0003"), two_hands, small, amounts=(2, 8), judged=8, rehearsal=rehearsal)


def test_a_writers_later_drawings_judge_what_the_earlier_taught(results):
    assert [(t.writer, t.amount) for t in results] == [(1, 2), (1, 8), (2, 2), (2, 8)]
    assert {t.judged for t in results} == {8}
    odd = results[3]
    assert odd.before == 4  # all bars
    assert odd.after <= 1
    assert odd.misread == 4
    assert results[2].before == odd.before
    assert all(t.test_n == 500 and abs(t.test_after - t.test_before) <= 10 for t in results)


def test_the_summary_is_over_writers(results):
    found = [WriterResult(1, 5, 1, 100, 4, 2, 990, 990, 1000), WriterResult(2, 5, 3, 50, 0, 1, 990, 988, 1000)]
    (row,) = summarise(found)
    assert (row.amount, row.writers, row.judged, row.misread) == (5, 2, 150, 4)
    assert row.before.mean == pytest.approx(0.02)
    assert row.after.mean == pytest.approx(0.02)
    assert row.left.mean == pytest.approx(3 / 4)
    assert row.test.mean == pytest.approx(-0.001)
    assert row.worst == pytest.approx(-0.002)
    assert row.before.low == 0
    assert row.before.high == pytest.approx(0.04)
    none = WritersReport("0003", (WriterResult(1, 5, 0, 10, 0, 0, 9, 9, 10),), ())
    assert np.isnan(summarise(none.results)[0].left.mean)
    assert "no errors" in "\n".join(none.lines())
    assert none.as_dict()["others"][0]["left"]["mean"] is None
    table = list(WritersReport("0003", results, (1,)).lines())
    assert sum(line.startswith("1 writer, ") for line in table) == 2


@pytest.mark.parametrize(("amounts", "judged"), [((), 8), ((0,), 8), ((100,), 8), ((8,), 40)])
def test_too_little_to_measure_is_refused(two_hands, small, amounts, judged):
    with pytest.raises(DataError, match=r"amounts and judged|no writer has"):
        measure_writers(Predictor.load("0003"), two_hands, small, amounts=amounts, judged=judged)


def test_the_command_refuses_what_it_cannot_measure(tmp_path, two_hands):
    path = write_drawings(tmp_path / "pen.jsonl", two_hands)
    done = CliRunner().invoke(main, ["benchmark", "personal", str(path), "--chosen-on", "x"])
    assert done.exit_code == 2
    assert "numbers of writers" in done.output
    done = CliRunner().invoke(main, ["benchmark", "personal", str(path)])
    assert done.exit_code == 1
    assert "no writer has 175 drawings" in done.output


def test_a_drawing_called_no_digit_counts_as_misread():
    logits = torch.zeros(3, 10)
    logits[torch.arange(3), [3, 3, 4]] = torch.tensor([5.0, 2.0, 5.0])  # surely a 3, hardly a 3, surely a 4
    unsure = float(logits[1].softmax(dim=0)[3])
    labels = torch.tensor([3, 3, 3])
    assert finetune_writers._right(nn.Identity(), logits, labels, unsure + 0.01).tolist() == [True, False, False]
    assert finetune_writers._right(nn.Identity(), logits, labels, unsure - 0.01).tolist() == [True, True, False]
