"""What was read, in figures: ``/api/v1/statistics``, and the last answers one by one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mnistlab.feedback import records
from mnistlab.feedback.records import UsesOfDay
from mnistlab.serve.errors import ApiError
from mnistlab.serve.schemas import DAYS, MOST_DAYS
from mnistlab.serve.tally import STORE_SECONDS

if TYPE_CHECKING:
    from mnistlab.serve.service import Service


async def statistics(request: Request) -> Response:
    """Readings, their time and what people said of them, day by day."""
    service: Service = request.app.state.service
    asked = asked_days(request, DAYS)
    days = await service.storing.run(STORE_SECONDS, lambda: days_of(service, asked))
    return JSONResponse(summary(days) | {"days": [asdict(day) for day in days]})


async def recent(request: Request) -> Response:
    """The last answers, the latest first."""
    service: Service = request.app.state.service
    return JSONResponse({"predictions": [asdict(answered) for answered in service.tally.last()]})


def asked_days(request: Request, default: int) -> int:
    """How many days the query asks for.

    Raises
    ------
    ApiError : 422, it asks for something else.
    """
    return asked_number(request, "days", default, MOST_DAYS)


def asked_number(request: Request, name: str, default: int, most: int) -> int:
    """The one whole number that a query may hold, from 1 to ``most``.

    Raises
    ------
    ApiError : 422, it holds something else.
    """
    text = request.query_params.get(name, str(default))
    # Few digits, for a number of thousands of them is itself an error to Python.
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= most or set(request.query_params) - {name}:
        raise ApiError(f"the query takes {name}, from 1 to {most:,}", code="query", status=422)
    return int(text)


def days_of(service: Service, days: int, *, by_hour: bool = False) -> list[UsesOfDay]:
    """The last days, or their hours, by version; what was just read included.

    Raises
    ------
    FeedbackError : the store cannot be asked.
    """
    service.tally.write()
    return service.tally.store.days(records.now() - timedelta(days=days), by_hour=by_hour)


def summary(days: Sequence[UsesOfDay]) -> dict[str, Any]:
    """All days together: number of predictions, ms of a reading, and how many of those judged were called right."""
    n, right = sum(day.n for day in days), sum(day.right for day in days)
    judged = right + sum(day.wrong for day in days)
    times = days and {
        "min": min(day.minimum for day in days),
        "mean": sum(day.n * day.mean for day in days) / n,
        "max": max(day.maximum for day in days),
    }
    return {
        "predictions": n,
        "milliseconds": times or None,
        "satisfaction": {"right": right, "judged": judged, "share": right / judged if judged else None},
    }
