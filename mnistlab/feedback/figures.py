"""Figures of the report on use: latency, positive feedback, confusion, confidence and drift."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import CLASSES
from mnistlab.feedback.drift import ALARM
from mnistlab.feedback.report import Report
from mnistlab.plots.pictures import NEUTRAL, PLAIN, RIGHT, WRONG, error_bars, heat_map

NO_DATA = "nothing yet"


def latency(report: Report, *, ax: Axes | None = None) -> Axes:
    """Mean and 95th percentile of the time of a reading, day by day, over the number of readings."""
    ax = ax or plt.subplots(figsize=(7, 2.6))[1]
    if not report.days:
        return _empty(ax, "Time of a reading")
    places = range(len(report.days))
    counts = ax.twinx()
    counts.bar(places, [day.n for day in report.days], color=NEUTRAL, alpha=0.25, width=0.8)
    counts.set_ylabel("readings")
    ax.plot(places, [day.latency.p95 for day in report.days], "o--", color=WRONG, markersize=3, label="95th percentile")
    ax.plot(places, [day.latency.mean for day in report.days], "o-", color=PLAIN, markersize=3, label="mean")
    ax.set_zorder(counts.get_zorder() + 1)
    ax.patch.set_visible(False)
    ax.set_ylim(0, 1.25 * max(max(day.latency.p95 for day in report.days), 1.0))  # room for the legend
    ax.set_ylabel("ms")
    _days(ax, report)
    ax.legend(frameon=False, loc="upper left", ncols=2)
    ax.set_title(
        f"Half of the {report.n:,} readings take less than {report.latency.p50:.1f} ms, 95 % less than {report.latency.p95:.1f}"
    )
    return ax


def positive_rate(report: Report, *, ax: Axes | None = None) -> Axes:
    """Share of readings that people called right, day by day, Wilson 95 %."""
    ax = ax or plt.subplots(figsize=(7, 2.6))[1]
    rates = [(place, day.positive_rate) for place, day in enumerate(report.days) if day.positive_rate]
    if not rates:
        return _empty(ax, "Called right")
    values, reach = error_bars([rate for _, rate in rates])
    ax.errorbar([place for place, _ in rates], values, reach, fmt="o-", color=RIGHT, capsize=2, markersize=4)
    ax.set(ylim=(0, 103), ylabel="called right, %")
    _days(ax, report)
    if (rate := report.positive_rate) is None:
        ax.set_title("Nothing judged in this period")
    else:
        ax.set_title(f"Of {rate.n:,} judged readings {100 * rate.value:.0f} % were called right")
    return ax


def confusion(report: Report, *, ax: Axes | None = None) -> Axes:
    """What people's digits were read as, by their own corrections; the last column is no digit."""
    ax = ax or plt.subplots(figsize=(4.6, 4))[1]
    counts = report.confusion
    if not counts.sum():
        return _empty(ax, "Corrections")
    wrong = np.where(np.eye(*counts.shape), 0, counts)
    heat_map(ax, wrong, {(i, j): counts[i, j] for i, j in np.argwhere(counts)}, top=max(1, wrong.max()))
    ax.set_xticks(range(CLASSES + 1), [*map(str, range(CLASSES)), "none"])
    ax.set(yticks=range(CLASSES), xlabel="read as", ylabel="meant")
    if wrong.any():
        meant, read = np.unravel_index(wrong.argmax(), wrong.shape)
        kind = "no digit" if read == CLASSES else f"a {read}"
        ax.set_title(f"Most often a {meant} was read as {kind}: {wrong.max()} times", fontsize=10)
    else:
        ax.set_title(f"All {counts.sum()} marked drawings were read right", fontsize=10)
    return ax


def confidences(report: Report, *, ax: Axes | None = None) -> Axes:
    """Confidence of the period's readings; no digit counts as 0."""
    ax = ax or plt.subplots(figsize=(7, 2.6))[1]
    if not len(report.confidences):
        return _empty(ax, "Confidence")
    ax.hist(report.confidences, bins=np.linspace(0, 1, 21).tolist(), color=PLAIN)
    ax.set(xlabel="probability of the digit that was read", ylabel="readings")
    right = f"; about {100 * report.estimated_accuracy.value:.1f} % are right" if report.estimated_accuracy else ""
    ax.set_title(f"{100 * (report.confidences > 0.95).mean():.0f} % are surer than 0.95{right}")
    return ax


def drift_findings(report: Report, *, ax: Axes | None = None) -> Axes:
    """Everything that was compared with the time before, by how unlikely the difference is to be chance."""
    ax = ax or plt.subplots(figsize=(7, 0.4 * max(3, len(report.findings)) + 0.8))[1]
    if not report.findings:
        return _empty(ax, "Too little to compare with the time before")
    p = np.array([max(finding.p_value, 1e-4) for finding in report.findings])
    ax.barh(range(len(p)), -np.log10(p), color=[WRONG if f.alarm else NEUTRAL for f in report.findings])
    ax.axvline(-np.log10(ALARM), color="black", linewidth=1, linestyle=":")
    ax.set_yticks(range(len(p)), [finding.words for finding in report.findings], fontsize=8)
    ax.set_xticks(range(5), ["1", "0.1", "0.01", "0.001", "0.0001"])
    ax.invert_yaxis()
    ax.set_xlabel("p after Holm's correction; right of the dotted line is an alarm")
    n = sum(finding.alarm for finding in report.findings)
    changes = "Nothing has changed" if n == 0 else f"{n} of {len(p)} have changed"
    ax.set_title(f"{changes} against the time before", fontsize=10)
    return ax


def _days(ax: Axes, report: Report) -> None:
    step = max(1, len(report.days) // 8)
    ax.set_xticks(range(0, len(report.days), step), [day.day[5:] for day in report.days[::step]])
    first = next((place for place, day in enumerate(report.days) if day.day >= report.since.date().isoformat()), None)
    if first:  # the period begins after the first day
        ax.axvline(first - 0.5, color="black", linewidth=1, linestyle=":")


def _empty(ax: Axes, title: str) -> Axes:
    ax.text(0.5, 0.5, NO_DATA, ha="center", va="center", transform=ax.transAxes, color="grey")
    ax.set(xticks=[], yticks=[], title=title)
    return ax
