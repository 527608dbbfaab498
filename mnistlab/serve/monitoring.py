"""The monitor's report, live: ``/monitoring``.

Figures are SVG from a template: Matplotlib would double the memory of the server.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from mnistlab.common.html import render
from mnistlab.feedback.records import UsesOfDay
from mnistlab.serve.pages import with_style
from mnistlab.serve.statistics import asked_days, days_of, summary
from mnistlab.serve.tally import STORE_SECONDS

if TYPE_CHECKING:
    from mnistlab.feedback.report import Report
    from mnistlab.serve.service import Service

WIDTH, HEIGHT, LEFT, MARGIN = 720, 200, 60, 24  # px of a figure; LEFT is room for the numbers beside it
HOURLY = 2  # days up to which every hour is a point


@dataclass(frozen=True)
class Figure:
    """A course over time, ready to be drawn.

    Attributes
    ----------
    title : of the figure.
    points : ``x``, ``y`` in px, ``low`` and ``high`` of a bar through it or None, ``when``, and ``words`` for a pointer.
    levels : lines across, with their labels.
    """

    title: str
    points: list[dict[str, Any]]
    levels: list[dict[str, Any]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


async def monitoring(request: Request) -> Response:
    """The report of the last days as a page."""
    service: Service = request.app.state.service
    days = asked_days(request, 7)
    return with_style(await service.storing.run(STORE_SECONDS, lambda: page_html(service, days)))


def page_html(service: Service, days: int) -> str:
    """The page.

    Raises
    ------
    FeedbackError : the store cannot be asked.
    """
    courses = days_of(service, days, by_hour=days <= HOURLY)
    report = _report(service, days)
    return render(
        "serve/monitoring.html",
        version=service.versions.current.version,
        days=days,
        summary=summary(courses),
        figures=figures(courses),
        alarms=report.alarms if report else [],
        lines="\n".join(_lines(report)),
        confusion=report.confusion.tolist() if report is not None and report.confusion.any() else None,
    )


def figures(courses: Sequence[UsesOfDay]) -> list[Figure]:
    """Number of predictions, time of inference and satisfaction over time, all versions together."""
    moments = sorted({each.day for each in courses})
    together = {moment: summary([each for each in courses if each.day == moment]) for moment in moments}
    spent = {moment: values["milliseconds"] for moment, values in together.items()}
    judged = {m: v["satisfaction"] for m, v in together.items() if v["satisfaction"]["judged"]}
    return [
        _figure(
            "Number of predictions",
            {moment: (values["predictions"], None) for moment, values in together.items()},
            lambda moment: f"{together[moment]['predictions']:,} predictions",
        ),
        _figure(
            "Time of inference, ms: mean, from min to max",
            {moment: (ms["mean"], (ms["min"], ms["max"])) for moment, ms in spent.items()},
            lambda moment: "min {min:.2f} ms, mean {mean:.2f} ms, max {max:.2f} ms".format(**spent[moment]),
        ),
        _figure(
            "Satisfaction, % called right of those that were judged",
            {moment: (100 * share["share"], None) for moment, share in judged.items()},
            lambda moment: f"{100 * judged[moment]['share']:.1f} % of {judged[moment]['judged']:,} judged",
        ),
    ]


Course = dict[str, tuple[float, tuple[float, float] | None]]


def _figure(title: str, course: Course, words: Callable[[str], str]) -> Figure:
    top = max([1e-9, *(bar[1] if bar else value for value, bar in course.values())])

    def y(value: float) -> float:
        return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * value / top, 1)

    step = (WIDTH - LEFT - MARGIN) / max(1, len(course) - 1)
    points = [
        {
            "x": round(LEFT + MARGIN / 2 + step * place, 1),
            "y": y(value),
            "low": y(bar[0]) if bar else None,
            "high": y(bar[1]) if bar else None,
            "when": moment.replace("T", " ") + (":00" if "T" in moment else ""),
            "words": f"{moment.replace('T', ' ')}{':00' if 'T' in moment else ''}: {words(moment)}",
        }
        for place, (moment, (value, bar)) in enumerate(course.items())
    ]
    return Figure(title, points, [{"y": y(value), "label": f"{value:.4g}"} for value in (0, top / 2, top)])


def _report(service: Service, days: int) -> Report | None:
    """What those who agreed have drawn, compared with the time before; None if nobody has."""
    uses = service.tally.store.uses(consented=True)
    if not uses:
        return None
    from mnistlab.feedback.report import make_report  # it needs SciPy, which takes its time and 60 MB

    return make_report(uses, service.tally.store.corrections(), days=days)


def _lines(report: Report | None) -> Sequence[str]:
    if report is None:
        return ["Nobody has agreed to keep a drawing yet."]
    from mnistlab.feedback.page import summary_lines

    return list(summary_lines(report))
