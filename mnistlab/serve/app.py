"""The application: every address and what answers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

import mnistlab
from mnistlab.common.errors import LabError
from mnistlab.serve import feedback, predict, statistics, status
from mnistlab.serve.configuration import ServeSettings
from mnistlab.serve.errors import answer_error
from mnistlab.serve.guard import Guard
from mnistlab.serve.openapi import (
    BODY,
    DAYS_QUERY,
    ERASE_QUERY,
    FEEDBACK_BODY,
    LIST_QUERY,
    PREDICT_BODY,
    PREDICT_QUERY,
    describe,
    told,
)
from mnistlab.serve.schemas import (
    CorrectionsAnswer,
    ErasedAnswer,
    FeedbackAnswer,
    HealthAnswer,
    InfoAnswer,
    PredictAnswer,
    ReadyAnswer,
    RecentAnswer,
    StatisticsAnswer,
)
from mnistlab.serve.service import Service

Handler = Callable[[Request], Awaitable[Response]]


def create_app(settings: ServeSettings) -> FastAPI:
    """An application that is ready to read.

    Raises
    ------
    RegistryError, CheckpointError : as ``Service``.
    """
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        books = asyncio.create_task(service.keep_books())
        yield
        books.cancel()
        service.close()

    app = FastAPI(
        title="mnistlab",
        version=mnistlab.__version__,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        exception_handlers={HTTPException: answer_error, LabError: answer_error},
    )
    app.state.service = service
    add_routes(app)
    app.openapi = partial(describe, app)  # type: ignore[method-assign]
    app.add_middleware(Guard, service=service)
    if settings.origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(settings.origins), allow_headers=["Authorization"])
    return app


def add_routes(app: FastAPI) -> None:
    """Every address, with its description; an alias is left out of that."""

    def add(answer: Handler, *paths: str, method: str = "GET", **described: Any) -> None:
        for path in paths:
            app.add_api_route(path, answer, methods=[method], include_in_schema=path == paths[0], **described)

    add(
        predict.predict,
        "/api/v1/predict",
        "/api/predict",
        "/predict",
        method="POST",
        **told(PredictAnswer, 404, *BODY, parameters=PREDICT_QUERY, requestBody=PREDICT_BODY),
    )
    add(
        feedback.give,
        "/api/v1/feedback",
        "/api/update-feedback",
        method="POST",
        **told(FeedbackAnswer, 404, *BODY, requestBody=FEEDBACK_BODY),
    )
    add(feedback.listed, "/api/v1/feedback", **told(CorrectionsAnswer, 422, needs_token=True, parameters=LIST_QUERY))
    add(feedback.erase, "/api/v1/feedback", method="DELETE", **told(ErasedAnswer, 422, parameters=ERASE_QUERY))
    add(
        statistics.statistics,
        "/api/v1/statistics",
        "/api/statistics",
        **told(StatisticsAnswer, 422, needs_token=True, parameters=DAYS_QUERY),
    )
    add(
        statistics.recent,
        "/api/v1/recent-predictions",
        "/api/recent-predictions",
        **told(RecentAnswer, needs_token=True),
    )
    add(status.health, "/health", **told(HealthAnswer))
    add(status.ready, "/ready", **told(ReadyAnswer))
    add(status.info, "/api/info", **told(InfoAnswer))
    add(status.metrics, "/metrics", **told(None))
