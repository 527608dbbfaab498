"""Simulated weeks of use to try the monitor on: the lab draws digits, and has them read and marked as people would.

All but the people is as in real use: strokes go through the predictor, and every second drawing is marked right or wrong.
Nothing here is learned from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import numpy as np

from mnistlab.common.constants import CANVAS, CLASSES, PEN_WIDTH
from mnistlab.common.errors import LabError
from mnistlab.data import synthetic
from mnistlab.data.drawings import StoredDrawing
from mnistlab.data.stroke_stats import stroke_stats
from mnistlab.data.strokes import DIGIT
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.feedback import consent, drift, report
from mnistlab.feedback.fields import Verdict
from mnistlab.feedback.records import Correction, Use, as_reading, now
from mnistlab.inference.predictor import Prediction, Predictor

SIZE, SPREAD = 0.8, 0.12  # of a digit against the canvas that ``data.synthetic`` fills; logarithm of its spread
PLACE = 12  # px, spread of a digit's place around the middle
PENS = (0.8, 1.0, 1.0, 1.2)  # of the usual pen; people change it a little


def simulate_use(
    reader: Predictor, n: int, *, start: datetime, days: float, seed: int, pen_width: float = PEN_WIDTH
) -> tuple[list[Use], list[Correction]]:
    """``n`` drawings of one group of people, evenly over some days: all as uses, every second one with its true digit.

    Parameters
    ----------
    start : of the first drawing, with a zone.
    seed : of everything random.
    pen_width : px of the usual pen.

    Raises
    ------
    LabError : ``n`` is less than 1, or ``days`` not above 0.
    """
    if n < 1 or not days > 0:
        raise LabError(f"use is 1 drawing or more on days above 0, not {n} on {days!r}", code="usage")
    rng, session = np.random.default_rng(seed), f"simulated-{seed}"
    uses, corrections = [], []
    for number in range(n):
        digit, moment = int(rng.integers(CLASSES)), start + timedelta(days=days * number / n)
        strokes, pen = _placed(synthetic.draw(digit, rng), rng), pen_width * float(rng.choice(PENS))
        read = reader.predict_strokes(strokes, pen, CANVAS)
        verdict: Verdict = None if number % 2 else "right" if read.digit == digit else "wrong"
        uses.append(
            Use(
                version=read.version,
                milliseconds=read.milliseconds,
                verdict=verdict,
                created=moment,
                session=session,
                confidence=read.confidence,
                digit=read.digit,
                **asdict(stroke_stats(strokes, pen)),
            )
        )
        if verdict:
            corrections.append(_correction(read, strokes, pen, digit, session=session, moment=moment))
    return uses, corrections


def simulate_days(
    reader: Predictor, stored: Sequence[StoredDrawing], n: int, *, seed: int = 0
) -> list[list[Correction]]:
    """Somebody writes stored drawings again on each of the last ``n`` days, a little differently every time, says what
    each was, and lets them be kept: a list of corrections per day, the oldest day first.

    Parameters
    ----------
    reader : reads them; nothing is learned from one day to the next.
    n : 1 or more; each day is a session.
    seed : of everything random.

    Raises
    ------
    LabError : ``n`` is less than 1, or a drawing has no digit.
    """
    if n < 1:
        raise LabError(f"somebody writes on 1 day or more, not {n}", code="usage")
    rng, days, today = np.random.default_rng(seed), [], now()
    for day in range(n):
        corrections, start = [], today - timedelta(days=n - day)
        for minute, drawing in enumerate(stored):
            if drawing.digit is None:
                raise LabError(f"nobody said which digit {drawing.name!r} is", code="usage")
            strokes, moment = _written_again(drawing.strokes, rng), start + timedelta(minutes=minute)
            read = reader.predict_strokes(strokes, drawing.pen_width, CANVAS)
            corrections.append(
                _correction(read, strokes, drawing.pen_width, drawing.digit, session=f"day {day}", moment=moment)
            )
        days.append(corrections)
    return days


def images_seen(corrections: Sequence[Correction]) -> np.ndarray:
    """What the network saw of each: uint8 (N, 28, 28)."""
    return np.stack([correction.image for correction in corrections])


def false_alarm_rate(
    pool: Sequence[Use], seen: np.ndarray, *, weeks: int = 100, before: int = 150, week: int = 50, seed: int = 0
) -> Accuracy:
    """Share of quiet weeks that raise an alarm: time before and week are drawn from the same pool, again and again.

    Parameters
    ----------
    pool : readings, more than ``before + week``.
    seen : float (M, F), what the network sees in some of their drawings, as ``reference.Reference.features`` gives it; the same
        shares of it go to both sides. More than ``2 * drift.MIN_ROWS`` of them.
    weeks : how many are tried.

    Raises
    ------
    LabError : the pool is too small.
    """
    if len(pool) < before + week or len(seen) < 2 * drift.MIN_ROWS or weeks < 1:
        raise LabError(
            f"{before + week} readings and {2 * drift.MIN_ROWS} pictures are needed, not {len(pool)} and {len(seen)}",
            code="few",
        )
    rng, raised = np.random.default_rng(seed), 0
    some = round(len(seen) * before / (before + week))
    some = min(max(some, drift.MIN_ROWS), len(seen) - drift.MIN_ROWS)
    for number in range(weeks):
        order, pictures = rng.permutation(len(pool)), rng.permutation(len(seen))
        parts = [[pool[i] for i in order[:before]], [pool[i] for i in order[before : before + week]]]
        samples = [report.stroke_samples(part) for part in parts]
        samples[0]["features"], samples[1]["features"] = seen[pictures[:some]], seen[pictures[some:]]
        raised += any(
            f.alarm for f in drift.compare_samples(*samples, shares=report.share_samples(*parts), seed=number)
        )
    return Accuracy(raised, weeks)


def _placed(strokes: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """As large and where a person may draw it."""
    scale = SIZE * float(np.exp(rng.normal(0, SPREAD)))
    middle = CANVAS / 2 + rng.normal(0, PLACE, 2)
    return [(stroke - CANVAS / 2) * min(scale, CANVAS / DIGIT) + middle for stroke in strokes]


def _correction(
    read: Prediction, strokes: list[np.ndarray], pen_width: float, digit: int, *, session: str, moment: datetime
) -> Correction:
    """What the store keeps of a drawing whose digit somebody gave, with consent given at the same moment."""
    return Correction(
        **as_reading(read),
        strokes=strokes,
        pen_width=pen_width,
        digit=digit,
        session=session,
        consent=consent.VERSION,
        consented_at=moment,
        created=moment,
    )


def _written_again(strokes: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Wider or narrower by about a tenth, slanted and turned by some degrees, lines bent by some px."""
    (wide, high), slant, turn = np.exp(rng.normal(0, 0.1, 2)), rng.normal(0, 0.12), rng.normal(0, 0.06)
    bend, phase = rng.normal(0, 4, 2), rng.uniform(0, 2 * np.pi, 2)
    again = []
    for stroke in strokes:
        points = np.asarray(stroke) - CANVAS / 2
        wave = bend * np.sin(points[:, ::-1] / 45 + phase)  # one bend or two over the canvas
        again.append(points @ [[wide, turn], [-slant, high]] + wave + CANVAS / 2)
    return again
