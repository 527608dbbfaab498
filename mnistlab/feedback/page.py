"""The monitor's report for people: a few lines for a terminal, and a page with its figures inside, ``reports/monitor.html``."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator
from pathlib import Path

from mnistlab.common.errors import RunError
from mnistlab.common.files import to_json, write_atomic
from mnistlab.common.html import STYLE
from mnistlab.feedback.report import Report

PAGE, FIGURES = "monitor.html", "monitor.json"


def lines(report: Report) -> Iterator[str]:
    """A short summary, line by line."""
    if report.version is None:
        yield "No drawing has been read yet; there is nothing to watch."
        return
    period = f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}"
    yield f"version {report.version}, {period}: {report.n:,} readings, {report.before:,} before"
    times = report.times
    yield f"  time of a reading   mean {times.mean:.1f} ms, p50 {times.p50:.1f}, p95 {times.p95:.1f}, max {times.most:.1f}"
    yield f"  called right        {report.satisfied or 'nobody said'}"
    yield f"  right, estimated    {report.expected or 'not known'}"
    yield f"  unlike its lessons  {report.strange or 'not known'}"
    for finding in report.findings:
        p = "p < 0.001" if finding.p_value < 0.001 else f"p = {finding.p_value:.3f}"
        yield f"  {'changed' if finding.alarm else 'as before':<18}  {finding.words} ({p})"
    if not report.findings:
        yield "  too little to compare with the time before"


def publish(report: Report, folder: Path) -> Path:
    """Write the page and the figures as JSON; returns the page's path.

    Raises
    ------
    RunError : they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / FIGURES, to_json(report.as_dict()))
        write_atomic(folder / PAGE, page(report))
    except OSError as error:
        raise RunError(f"{PAGE} could not be written: {error}", code="write") from error
    return folder / PAGE


def page(report: Report) -> str:
    """The whole page as HTML, without a link to anything."""
    from mnistlab.feedback import figures as plots  # Matplotlib is slow to import

    drawn = (plots.findings, plots.inference_times, plots.satisfaction, plots.confidences, plots.corrected)
    alarms = "".join(f"<li>{html.escape(alarm)}</li>" for alarm in report.alarms)
    told = f'<p class="refused">Look at this:</p><ul>{alarms}</ul>' if alarms else "<p>No alarm.</p>"
    figures = "".join(f"<figure>{_svg(plot, report)}</figure>" for plot in drawn)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>mnistlab: in use</title>
<style>{STYLE}</style>
</head>
<body>
<h1>mnistlab: in use</h1>
{told}
<pre>{html.escape(chr(10).join(lines(report)))}</pre>
{figures}
<p>A change is an alarm at p &lt; 0.01 after Holm's correction, by permutation of the energy distance or Fisher's exact test.
The estimate without labels holds for drawings like MNIST's. Times are UTC.</p>
</body>
</html>
"""


def _svg(plot, report: Report) -> str:
    import matplotlib.pyplot as plt

    figure = plot(report).figure
    try:
        file = io.StringIO()
        figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    finally:
        plt.close(figure)
    return "<svg" + file.getvalue().partition("<svg")[2]  # without the XML declaration
