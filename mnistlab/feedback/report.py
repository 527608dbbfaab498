"""How the lab is doing in use: how often, how fast, how well it reads, and whether people draw what it knows.

Works on the uses and corrections of a ``store.Store``; there may be none of either. A period is compared with the time before
it, each version with itself: ``drift`` asks whether something has changed. How many are read right without anybody saying so is
estimated from the confidences, corrected on digits whose truth is known (``reference``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from mnistlab.common.constants import CLASSES, SIDE
from mnistlab.common.errors import LabError
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.feedback import drift
from mnistlab.feedback.drift import DriftFinding
from mnistlab.feedback.records import Correction, Use
from mnistlab.feedback.reference import EstimatedAccuracy, Reference

DAYS = 7.0  # of the period that is looked at
SLOW = 50.0  # median ms of a reading from which it lags behind a pen; the gate of a new version has the same
TERMS = ("pen_width", "slant", "size", "x", "y")


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
    """One day of use, UTC.

    Attributes
    ----------
    day : ``"2026-11-21"``.
    n : readings.
    latency : of them.
    positive_rate : called right, of those that were called right or wrong; None if nobody said.
    """

    day: str
    n: int
    latency: LatencySummary
    positive_rate: Accuracy | None


@dataclass(frozen=True, eq=False)
class Report:
    """One period of one version, or of all.

    Attributes
    ----------
    version : whose; None is of all, if there was no use.
    since, until : bounds of the period, UTC.
    n, before : readings in it, and before it.
    latency : of those in it.
    days : every day with a use, of the period and before.
    positive_rate : called right, of those called right or wrong in the period.
    confusion : int (10, 11), true digit by what was read, the last column for no digit; from corrections of the period.
    confidences : float (n,), of the period's readings that are known, 0 where none was read.
    estimated_accuracy : accuracy without labels.
    out_of_distribution : corrections' drawings of the period that are unlike what the version learned.
    findings : what was asked of the period and the time before, the greatest change first.
    """

    version: str | None
    since: datetime
    until: datetime
    n: int
    before: int
    latency: LatencySummary
    days: tuple[DayOfUse, ...]
    positive_rate: Accuracy | None
    confusion: np.ndarray
    confidences: np.ndarray
    estimated_accuracy: EstimatedAccuracy | None
    out_of_distribution: Accuracy | None
    findings: tuple[DriftFinding, ...]

    @property
    def alarms(self) -> list[str]:
        """What ought to be looked at, in sentences."""
        slow = [f"a reading takes {self.latency.p50:.0f} ms, more than {SLOW:.0f}"] if self.latency.p50 > SLOW else []
        return slow + [finding.words for finding in self.findings if finding.alarm]

    def as_dict(self) -> dict:
        """Plain values, for a JSON file."""
        shares = {
            name: found and found.as_dict()
            for name, found in vars(self).items()
            if name in ("positive_rate", "out_of_distribution")
        }
        return {
            "version": self.version,
            "since": self.since.isoformat(timespec="seconds"),
            "until": self.until.isoformat(timespec="seconds"),
            "n": self.n,
            "before": self.before,
            "milliseconds": asdict(self.latency),
            "days": [
                {**asdict(day), "positive_rate": day.positive_rate and day.positive_rate.as_dict()} for day in self.days
            ],
            **shares,
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
    reference : of this version; without one nothing is said of expected accuracy, nor of what the network sees.
    days : length of the period, > 0.
    until : its end, with a zone; None is now.

    Raises
    ------
    LabError : ``days`` is not above 0, or ``until`` has no zone.
    """
    until = until or datetime.now(UTC)
    if not days > 0 or until.tzinfo is None:
        raise LabError(f"a period has days above 0 and an end with a zone, not {days!r} and {until!r}", code="usage")
    uses = sorted((use for use in uses if use.created <= until), key=lambda use: use.created)
    version = version or (uses[-1].version if uses else None)
    uses = [use for use in uses if use.version == version]
    since = until - timedelta(days=days)
    said = sorted((c for c in corrections if c.version == version and c.created <= until), key=lambda c: c.created)
    now, before = ([u for u in uses if (u.created >= since) == late] for late in (True, False))
    said_now, said_before = ([c for c in said if (c.created >= since) == late] for late in (True, False))
    samples = [stroke_samples(part) for part in (before, now)]
    strange = None
    if reference is not None:
        for sample, part in zip(samples, (said_before, said_now), strict=True):
            sample["features"] = reference.features(_stack(part))
        strange = reference.out_of_distribution(samples[1]["features"])
    confidences = np.array([use.confidence for use in now if use.confidence is not None], dtype=float)
    return Report(
        version,
        since,
        until,
        len(now),
        len(before),
        LatencySummary.of([use.milliseconds for use in now]),
        tuple(_days(uses)),
        _positive_rate(now),
        _confusion(said_now),
        confidences,
        reference and reference.estimate_accuracy(confidences),
        strange,
        tuple(drift.compare_samples(*samples, shares=share_samples(before, now))),
    )


def share_samples(before: Sequence[Use], now: Sequence[Use]) -> dict[str, tuple[tuple[int, int], tuple[int, int]]]:
    """What was called right, and what no digit, in two periods: (those that were, all that are known) of each."""
    return {
        "called right": tuple(_share([u.verdict == "right" for u in part if u.verdict]) for part in (before, now)),
        "called no digit": tuple(
            _share([u.digit is None for u in part if u.confidence is not None]) for part in (before, now)
        ),
    }


def stroke_samples(uses: Sequence[Use]) -> dict[str, np.ndarray]:
    """How drawings were drawn, as far as it is known: one sample (n,) for each of ``TERMS``."""
    return {name: np.array([v for use in uses if (v := getattr(use, name)) is not None], dtype=float) for name in TERMS}


def _stack(corrections: Sequence[Correction]) -> np.ndarray:
    return np.stack([c.image for c in corrections]) if corrections else np.zeros((0, SIDE, SIDE), dtype=np.uint8)


def _share(values: list[bool]) -> tuple[int, int]:
    return sum(values), len(values)


def _positive_rate(uses: Sequence[Use]) -> Accuracy | None:
    right, n = _share([use.verdict == "right" for use in uses if use.verdict])
    return Accuracy(right, n) if n else None


def _days(uses: Sequence[Use]) -> list[DayOfUse]:
    by_day: dict[str, list[Use]] = {}
    for use in uses:
        by_day.setdefault(use.created.astimezone(UTC).date().isoformat(), []).append(use)
    return [
        DayOfUse(day, len(own), LatencySummary.of([u.milliseconds for u in own]), _positive_rate(own))
        for day, own in by_day.items()
    ]


def _confusion(corrections: Sequence[Correction]) -> np.ndarray:
    counts = np.zeros((CLASSES, CLASSES + 1), dtype=int)
    for one in corrections:
        counts[one.digit, CLASSES if one.predicted is None else one.predicted] += 1
    return counts
