"""A version in the shadow measures, and nothing else."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from scripted import ScriptedReader

from mnistlab.serve.shadow import Shadow

INK, PAPER = np.full((28, 28), 255, np.uint8), np.zeros((28, 28), np.uint8)
IN_USE = ScriptedReader("0005", digit=7)


def test_it_reads_what_the_other_reads_and_counts_where_they_agree():
    shadow = Shadow(ScriptedReader("0004", digit=7))
    shadow.start()
    for digit in (7, 7, 7, 1, None):
        shadow.offer(IN_USE, ScriptedReader("0005", digit=digit).predict_digit(INK))
    shadow.close()
    figures = shadow.figures()
    assert (figures.version, figures.n, figures.agreed) == ("0004", 5, 3)
    assert (figures.low, figures.high) == (pytest.approx(0.2307, abs=1e-4), pytest.approx(0.8824, abs=1e-4))
    assert figures.milliseconds[0] > 0
    assert figures.milliseconds_in_use[0] > 0


def test_the_two_take_turns_in_who_reads_first():
    order: list[str] = []

    class Noting(ScriptedReader):
        def predict_digit(self, image):
            order.append(self.version)
            return super().predict_digit(image)

    shadow, in_use = Shadow(Noting("0004")), Noting("0005")
    for _ in range(3):
        shadow.offer(in_use, IN_USE.predict_digit(INK))
    shadow.start()
    shadow.close()
    assert order == ["0005", "0004", "0004", "0005", "0005", "0004"]


def test_nothing_is_measured_by_paper_or_by_its_own_readings():
    shadow = Shadow(ScriptedReader("0004"))
    shadow.start()
    shadow.offer(IN_USE, IN_USE.predict_digit(PAPER))
    shadow.offer(shadow.reader, shadow.reader.predict_digit(INK))
    shadow.close()
    assert shadow.figures().n == 0


def test_a_full_queue_is_passed_over_and_nobody_waits():
    shadow = Shadow(ScriptedReader("0004"), waiting=3)
    for _ in range(5):
        shadow.offer(IN_USE, IN_USE.predict_digit(INK))
    assert shadow.figures().passed_over == 2
    shadow.start()
    shadow.close()
    assert shadow.figures().n == 3


def test_a_shadow_that_fails_is_counted_and_reads_on():
    reader, failed = ScriptedReader("0004", error=ZeroDivisionError()), Event()
    shadow = Shadow(reader)
    shadow.start()
    shadow.offer(IN_USE, IN_USE.predict_digit(INK))
    shadow.close()
    failed.set()
    reader.error = None
    shadow.start()
    shadow.offer(IN_USE, IN_USE.predict_digit(INK))
    shadow.close()
    figures = shadow.figures()
    assert (figures.failed, figures.n) == (1, 1)


def test_before_the_first_digit_nothing_is_known():
    figures = Shadow(ScriptedReader("0004")).figures()
    assert (figures.n, figures.low, figures.high, figures.milliseconds) == (0, 0.0, 1.0, (0.0, 0.0))
