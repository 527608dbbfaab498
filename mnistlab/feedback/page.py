"""The report on use for people: a few lines for a terminal, and a page with its figures inside, ``reports/monitor.html``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from mnistlab.common.errors import RunError
from mnistlab.common.files import to_json, write_atomic
from mnistlab.common.html import render
from mnistlab.evaluation import formatting
from mnistlab.feedback.drift import ALARM
from mnistlab.feedback.report import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE, FIGURES = "monitor.html", "monitor.json"
NOTHING = "No drawing has been read yet, so there is nothing to report."


def summary_lines(report: Report) -> Iterator[str]:
    """A short summary, line by line."""
    if report.version is None:
        yield NOTHING
        return
    period = f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}"
    yield f"version {report.version}, {period}: {report.n:,} readings, {report.before:,} before"
    times = report.latency
    yield f"  time of a reading    mean {times.mean:.1f} ms, p50 {times.p50:.1f}, p95 {times.p95:.1f}, max {times.maximum:.1f}"
    yield f"  called right         {report.positive_rate or 'nobody said'}"
    yield f"  right, estimated     {report.estimated_accuracy or 'not known'}"
    yield f"  out of distribution  {report.out_of_distribution or 'not known'}"
    for finding in report.findings:
        yield f"  {'changed' if finding.alarm else 'unchanged':<19}  {finding.words} ({formatting.p_value(finding.p_value)})"
    if not report.findings:
        yield "  too little to compare with the time before"


def write_page(report: Report, folder: Path) -> Path:
    """Write the page and the figures as JSON; returns the page's path.

    Raises
    ------
    RunError : they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / FIGURES, to_json(report.as_dict()))
        write_atomic(folder / PAGE, page_html(report))
    except OSError as error:
        raise RunError(f"{PAGE} could not be written: {error}", code="write") from error
    return folder / PAGE


def page_html(report: Report) -> str:
    """The whole page as HTML, without a link to anything; a sentence alone, if there was no use."""
    from mnistlab.feedback import figures  # Matplotlib is slow to import

    drawn = (figures.drift_findings, figures.latency, figures.positive_rate, figures.confidences, figures.confusion)
    return render(
        "feedback/page.html",
        report=report,
        nothing=NOTHING,
        percent=formatting.percent,
        interval=formatting.interval,
        alarm_level=ALARM,
        summary="\n".join(summary_lines(report)),
        figures=[_svg(draw, report) for draw in drawn] if report.version else [],
    )


def _svg(draw: Callable[[Report], Axes], report: Report) -> Markup:
    import matplotlib.pyplot as plt

    from mnistlab.plots.pictures import as_svg, figure_of

    figure = figure_of(draw(report))
    try:
        return as_svg(figure)
    finally:
        plt.close(figure)
