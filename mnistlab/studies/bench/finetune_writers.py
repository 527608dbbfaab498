"""What learning a person's hand brings, measured on many writers: ``mnistlab benchmark personal``.

The model is fine-tuned on each writer's first drawings, all of them with their labels, whether they were misread or not, and
judged on the writer's next 150, the same for every amount. MNIST's test images say what it costs. A drawing called no digit
counts as misread. Means are over writers, intervals by resampling writers (percentile bootstrap), since drawings of one hand
are not independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnistlab.common.constants import CANVAS
from mnistlab.common.errors import DataError
from mnistlab.common.files import without_nan
from mnistlab.common.progress import progress_bar
from mnistlab.data.mnist import Digits, Splits
from mnistlab.data.pen_files import PenDrawing
from mnistlab.evaluation.conformal import calibrate
from mnistlab.feedback.duplicates import without_near_duplicates
from mnistlab.inference.predictor import Predictor
from mnistlab.pipeline import finetune
from mnistlab.training import embedding
from mnistlab.training.networks import Classifier

AMOUNTS = (10, 25, 50, 100)  # drawings to learn from
JUDGED = 150  # drawings to be judged on, after the largest amount
RESAMPLES = 10_000
# Writers of UCI's "Pen-Based Recognition of Handwritten Digits" that ``finetune.FineTuneSettings`` was chosen on; reported apart.
CHOSEN_ON = tuple(range(1, 31, 3))


@dataclass(frozen=True)
class WriterResult:
    """One writer after one amount of drawings to learn from."""

    writer: int  # who
    amount: int  # how many drawings were learned from
    misread: int  # how many of those the version misread as it was
    judged: int  # later drawings to be judged on
    before: int  # how many of those are misread by the version as it was
    after: int  # how many by the version fine-tuned
    test_before: int  # MNIST test images read right before, of ``test_n``
    test_after: int  # and after
    test_n: int


@dataclass(frozen=True)
class Interval:
    """A mean over writers with its 95 % bootstrap interval; shares from 0 to 1."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.mean:.2f} [{100 * self.low:.2f}, {100 * self.high:.2f}]"


@dataclass(frozen=True)
class Summary:
    """All writers after one amount."""

    amount: int  # drawings to learn from a writer
    writers: int
    judged: int  # drawings judged on, of all writers
    misread: int  # drawings learned from that had been misread, of all writers
    before: Interval  # share misread, mean over writers
    after: Interval  # the same after fine-tuning
    # share of the errors that is left, all writers together; above 1 if there are more; NaN if there were none
    left: Interval
    test: Interval  # change of the share of MNIST's test images read right, mean over writers
    worst: float  # the same of the writer who cost most


@dataclass(frozen=True)
class WritersReport:
    """All results of one version."""

    version: str  # what was fine-tuned
    results: tuple[WriterResult, ...]  # of every writer and amount, one at least
    chosen_on: tuple[int, ...] = CHOSEN_ON  # writers that the settings were chosen on; their figures stand apart

    def groups(self) -> dict[str, list[WriterResult]]:
        """The results of the writers who took no part in a choice (``"others"``), and of those who did; without empty ones."""
        apart = {
            "others": [result for result in self.results if result.writer not in self.chosen_on],
            "chosen_on": [result for result in self.results if result.writer in self.chosen_on],
        }
        return {name: results for name, results in apart.items() if results}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file; what is not known is None."""
        return {
            "version": self.version,
            "trials": [asdict(result) for result in self.results],
            **{name: [without_nan(asdict(row)) for row in summarise(some)] for name, some in self.groups().items()},
        }

    def lines(self) -> Iterator[str]:
        """The results as tables for a terminal, line by line."""
        judged = max(result.judged for result in self.results)
        yield f"version {self.version}, fine-tuned on each writer's first drawings, with labels; judged on the next {judged}"
        names = {
            "others": ", who took no part in choosing the settings" if self.chosen_on else "",
            "chosen_on": ", on whom the settings were chosen",
        }
        for name, results in self.groups().items():
            rows = summarise(results)
            yield ""
            writers = "1 writer" if rows[0].writers == 1 else f"{rows[0].writers} writers"
            yield f"{writers}{names[name]}; judged on {rows[0].judged:,} drawings"
            heads = f"{'wrong before, %':<20}{'wrong after, %':<20}{'errors left, %':<24}MNIST test, points (worst)"
            yield f"{'drawings':>9}  {'misread':>7}  {heads}"
            for row in rows:
                left = "no errors" if np.isnan(row.left.mean) else _whole(row.left)
                yield (
                    f"{row.amount:>9}  {row.misread / row.writers:>7.1f}  {row.before!s:<20}{row.after!s:<20}{left:<24}"
                    f"{row.test} ({100 * row.worst:+.2f})"
                )


def measure_writers(
    base: Predictor,
    drawings: Sequence[PenDrawing],
    splits: Splits,
    *,
    amounts: Sequence[int] = AMOUNTS,
    judged: int = JUDGED,
    settings: finetune.FineTuneSettings | None = None,
    rehearsal: finetune.Rehearsal | None = None,
) -> tuple[WriterResult, ...]:
    """Fine-tune for every writer and amount. Writers with too few drawings are left out.

    Parameters
    ----------
    splits : training digits to rehearse, validation digits for what is called no digit, test digits to see what it costs.
    amounts : drawings to learn from, >= 1 each.
    judged : drawings to be judged on, after the first ``max(amounts)``; writers need at least half as many.
    rehearsal : made for this version; None makes one from ``splits.train``.

    Raises
    ------
    DataError : no amount, or no writer with enough drawings.
    """
    if not amounts or min(amounts) < 1 or judged < 1:
        raise DataError(
            f"amounts and judged are whole numbers of 1 or more, not {tuple(amounts)}, {judged}", code="amounts"
        )
    most = max(amounts)
    by_writer: dict[int, list[PenDrawing]] = {}
    for drawing in drawings:
        by_writer.setdefault(drawing.writer, []).append(drawing)
    enough = {writer: own for writer, own in sorted(by_writer.items()) if len(own) >= most + max(1, judged // 2)}
    if not enough:
        raise DataError(f"no writer has {most + max(1, judged // 2)} drawings or more", code="few")
    loaded = Classifier.of(base.checkpoint)
    rehearsal = rehearsal or finetune.Rehearsal.of(loaded, splits.train)
    held_out = _HeldOut(splits, *(embedding.embed(loaded, part.images) for part in (splits.validation, splits.test)))
    limit, test_before = held_out.judge(embedding.split_head(loaded.model)[1])
    results = []
    with progress_bar(total=len(enough) * len(amounts), description="writers", unit="hand") as bar:
        for writer, own in enough.items():
            digits = _as_digits(base, own[: most + judged])
            later = digits[slice(most, None)]
            features = embedding.embed(loaded, digits.images)
            wrong = ~_right(embedding.split_head(loaded.model)[1], features, digits.labels, limit)
            for amount in amounts:
                kept = without_near_duplicates(digits.images[:amount])
                model = finetune.fine_tune(loaded, digits[kept], rehearsal, settings=settings, show_progress=False)
                head = embedding.split_head(model)[1]
                new_limit, test_after = held_out.judge(head)
                after = int((~_right(head, features[most:], later.labels, new_limit)).sum())
                counts = (int(wrong[:amount].sum()), len(later), int(wrong[most:].sum()), after)
                results.append(WriterResult(writer, amount, *counts, test_before, test_after, len(splits.test)))
                bar.update()
    return tuple(results)


def summarise(results: Sequence[WriterResult]) -> list[Summary]:
    """Results put together, one row per amount."""
    rows = []
    for amount in sorted({result.amount for result in results}):
        some = [result for result in results if result.amount == amount]
        before, after, n = (np.array([getattr(t, name) for t in some]) for name in ("before", "after", "judged"))
        change = np.array([(t.test_after - t.test_before) / t.test_n for t in some])
        chosen = np.random.default_rng(0).integers(0, len(some), (RESAMPLES, len(some)))
        with np.errstate(divide="ignore", invalid="ignore"):
            left = after[chosen].sum(axis=1) / before[chosen].sum(axis=1)
            ratio = float(np.float64(after.sum()) / before.sum())
        rows.append(
            Summary(
                amount,
                len(some),
                int(n.sum()),
                sum(t.misread for t in some),
                _mean(before / n, chosen),
                _mean(after / n, chosen),
                Interval(ratio, *_bounds(left[np.isfinite(left)])),
                _mean(change, chosen),
                float(change.min()),
            )
        )
    return rows


@dataclass(frozen=True, eq=False)
class _HeldOut:
    """Held-out digits behind the convolutions, the same for all that is tuned."""

    splits: Splits
    validation: Tensor
    test: Tensor

    def judge(self, head: nn.Module) -> tuple[float, int]:
        """Confidence below which a drawing is called no digit, and how many test images are read right."""
        validation, test = (embedding.log_probabilities(head, features) for features in (self.validation, self.test))
        limit = calibrate(validation, self.splits.validation.labels).confidence
        return limit, int((test.argmax(dim=1) == self.splits.test.labels).sum())


def _as_digits(base: Predictor, drawings: Sequence[PenDrawing]) -> Digits:
    images = np.stack([base.predict_strokes(drawing.strokes, canvas=CANVAS).image for drawing in drawings])
    return Digits(torch.from_numpy(images), torch.tensor([drawing.label for drawing in drawings]))


def _right(head: nn.Module, features: Tensor, labels: Tensor, limit: float) -> Tensor:
    sure, read = embedding.log_probabilities(head, features).double().exp().max(dim=1)
    return (read == labels) & (sure >= limit)


def _mean(values: np.ndarray, chosen: np.ndarray) -> Interval:
    return Interval(float(values.mean()), *_bounds(values[chosen].mean(axis=1)))


def _bounds(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def _whole(interval: Interval) -> str:
    return f"{100 * interval.mean:.0f} [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"
