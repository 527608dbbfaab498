"""How the lab is doing in use: how often, how fast, how well it reads, and whether people draw what it knows.

Works on the uses and corrections of a ``feedback.store.Store``; there may be none of either. A period is compared with the
time before it, each version with itself: ``drift`` asks whether something has changed. How many are read right without
anybody saying so is estimated from the confidences (``reference``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.constants import CLASSES, SIDE
from mnistlab.common.errors import LabError
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.feedback import drift
from mnistlab.feedback.drift import DriftFinding, Share
from mnistlab.feedback.records import Correction, Use
from mnistlab.feedback.reference import EstimatedAccuracy, Reference

DAYS = 7.0  # of the period that is looked at
SLOW = 50.0  # median ms of a reading from which it lags behind a pen; the gate of a new version has the same
STROKE_STATS = ("pen_width", "slant", "size", "x", "y")  # of a use, as ``data.stroke_stats`` has them

Record = TypeVar("Record", Use, Correction)


@dataclass(frozen=True)
class LatencySummary:
    """Times of readings, ms; all 0 if there was none."""

    mean: float
    p50: float
    p95: float
    maximum: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> LatencySummary:
        """From one value a reading."""
        if not len(milliseconds):
            return cls(0.0, 0.0, 0.0, 0.0)
        return cls(float(np.mean(milliseconds)), *map(float, np.quantile(milliseconds, (0.5, 0.95, 1))))


@dataclass(frozen=True)
class DayOfUse:
    """One day of use, UTC."""

    day: str  # ``"2026-11-21"``
    n: int  # readings
    latency: LatencySummary  # of them
    positive_rate: Accuracy | None  # called right, of those that were called right or wrong; None if nobody said


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """One period of one version, or of all."""

    version: str | None  # whose; None is of all, if there was no use
    since: datetime  # start of the period, UTC
    until: datetime  # its end, UTC
    n: int  # readings in it
    before: int  # readings before it
    latency: LatencySummary  # of those in it
    days: tuple[DayOfUse, ...]  # every day with a use, of the period and before
    positive_rate: Accuracy | None  # called right, of the readings in the period that were called right or wrong
    # int (10, 11), true digit by what was read, the last column for no digit; from corrections of the period
    confusion: NDArray[np.int64]
    # float (m,), 0 to 1, of the period's readings under consent; 0 where no digit was read
    confidences: NDArray[np.float64]
    estimated_accuracy: EstimatedAccuracy | None  # of these readings, from their confidences
    out_of_distribution: Accuracy | None  # corrections' drawings of the period that are unlike what the version learned
    findings: tuple[DriftFinding, ...]  # what was asked of the period and the time before, the greatest change first

    @property
    def alarms(self) -> list[str]:
        """What ought to be looked at, in sentences."""
        slow = [f"a reading takes {self.latency.p50:.0f} ms, more than {SLOW:.0f}"] if self.latency.p50 > SLOW else []
        return slow + [finding.words for finding in self.findings if finding.alarm]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a JSON file."""
        return {
            "version": self.version,
            "since": self.since.isoformat(timespec="seconds"),
            "until": self.until.isoformat(timespec="seconds"),
            "n": self.n,
            "before": self.before,
            "milliseconds": asdict(self.latency),
            "days": [asdict(day) | {"positive_rate": _plain(day.positive_rate)} for day in self.days],
            "positive_rate": _plain(self.positive_rate),
            "out_of_distribution": _plain(self.out_of_distribution),
            "confusion": self.confusion.tolist(),
            "estimated_accuracy": self.estimated_accuracy and asdict(self.estimated_accuracy),
            "findings": [finding.as_dict() for finding in self.findings],
            "alarms": self.alarms,
        }


def make_report(
    uses: Sequence[Use],
    corrections: Sequence[Correction] = (),
    *,
    version: str | None = None,
    reference: Reference | None = None,
    days: float = DAYS,
    until: datetime | None = None,
) -> Report:
    """Look at a period of one version and at the time before.

    Parameters
    ----------
    uses, corrections : what there is, in any order; those after ``until`` are left out.
    version : None is the one used last.
    reference : of this version; without one there is no estimated accuracy, and the features of drawings are not compared.
    days : length of the period, > 0.
    until : its end, with a zone; None is now.

    Raises
    ------
    LabError : ``days`` is not above 0, or ``until`` has no zone.
    """
    until = until or datetime.now(UTC)
    if not days > 0 or until.tzinfo is None:
        raise LabError(f"a period has days above 0 and an end with a zone, not {days!r} and {until!r}", code="usage")
    since = until - timedelta(days=days)
    uses = sorted((use for use in uses if use.created <= until), key=lambda use: use.created)
    version = version or (uses[-1].version if uses else None)
    uses_before, uses_now = _split([use for use in uses if use.version == version], since)
    judged = [c for c in corrections if c.version == version and c.created <= until]
    corrections_before, corrections_now = _split(judged, since)
    before, now = stroke_samples(uses_before), stroke_samples(uses_now)
    confidences = np.array([use.confidence for use in uses_now if use.confidence is not None], dtype=np.float64)
    estimated_accuracy = out_of_distribution = None
    if reference is not None:
        before["features"] = reference.features(_images(corrections_before))
        now["features"] = reference.features(_images(corrections_now))
        estimated_accuracy = reference.estimate_accuracy(confidences)
        out_of_distribution = reference.out_of_distribution(now["features"])
    return Report(
        version=version,
        since=since,
        until=until,
        n=len(uses_now),
        before=len(uses_before),
        latency=LatencySummary.of([use.milliseconds for use in uses_now]),
        days=tuple(_days([*uses_before, *uses_now])),
        positive_rate=_positive_rate(uses_now),
        confusion=_confusion(corrections_now),
        confidences=confidences,
        estimated_accuracy=estimated_accuracy,
        out_of_distribution=out_of_distribution,
        findings=tuple(drift.compare_samples(before, now, shares=share_samples(uses_before, uses_now))),
    )


def share_samples(before: Sequence[Use], now: Sequence[Use]) -> dict[str, tuple[Share, Share]]:
    """What was called right, and what no digit, in two periods: (those that were, all that are known) of each."""
    return {
        "called right": (_called_right(before), _called_right(now)),
        "called no digit": (_no_digit(before), _no_digit(now)),
    }


def stroke_samples(uses: Sequence[Use]) -> dict[str, NDArray[np.floating]]:
    """How drawings were drawn, as far as it is known: one sample (n,) for each of ``STROKE_STATS``."""
    values = {name: [getattr(use, name) for use in uses] for name in STROKE_STATS}
    return {name: np.array([v for v in column if v is not None], dtype=float) for name, column in values.items()}


def _split(records: Sequence[Record], since: datetime) -> tuple[list[Record], list[Record]]:
    """Those before a time, and those since; each the oldest first."""
    ordered = sorted(records, key=lambda record: record.created)
    return [record for record in ordered if record.created < since], [r for r in ordered if r.created >= since]


def _called_right(uses: Sequence[Use]) -> Share:
    verdicts = [use.verdict for use in uses if use.verdict is not None]
    return verdicts.count("right"), len(verdicts)


def _no_digit(uses: Sequence[Use]) -> Share:
    known = [use for use in uses if use.confidence is not None]
    return sum(use.digit is None for use in known), len(known)


def _positive_rate(uses: Sequence[Use]) -> Accuracy | None:
    right, n = _called_right(uses)
    return Accuracy(right, n) if n else None


def _plain(share: Accuracy | None) -> dict[str, Any] | None:
    return None if share is None else share.as_dict()


def _images(corrections: Sequence[Correction]) -> NDArray[np.uint8]:
    return np.array([c.image for c in corrections], dtype=np.uint8).reshape(-1, SIDE, SIDE)


def _days(uses: Sequence[Use]) -> list[DayOfUse]:
    by_day: dict[str, list[Use]] = {}
    for use in uses:
        by_day.setdefault(use.created.astimezone(UTC).date().isoformat(), []).append(use)
    return [
        DayOfUse(day, len(own), LatencySummary.of([use.milliseconds for use in own]), _positive_rate(own))
        for day, own in by_day.items()
    ]


def _confusion(corrections: Sequence[Correction]) -> NDArray[np.int64]:
    counts = np.zeros((CLASSES, CLASSES + 1), dtype=np.int64)
    for correction in corrections:
        counts[correction.digit, CLASSES if correction.predicted is None else correction.predicted] += 1
    return counts
