"""The application: every address and what answers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

import mnistlab
from mnistlab.common.errors import LabError
from mnistlab.serve import feedback, predict, statistics, status
from mnistlab.serve.configuration import ServeSettings
from mnistlab.serve.errors import answer_error
from mnistlab.serve.guard import Guard
from mnistlab.serve.service import Service


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
    for path in ("/api/v1/predict", "/api/predict", "/predict"):
        app.add_api_route(path, predict.predict, methods=["POST"], include_in_schema="v1" in path)
    for path in ("/api/v1/feedback", "/api/update-feedback"):
        app.add_api_route(path, feedback.give, methods=["POST"], include_in_schema="v1" in path)
    app.add_api_route("/api/v1/feedback", feedback.listed)
    app.add_api_route("/api/v1/feedback", feedback.erase, methods=["DELETE"])
    for name, answer in (("statistics", statistics.statistics), ("recent-predictions", statistics.recent)):
        app.add_api_route(f"/api/v1/{name}", answer)
        app.add_api_route(f"/api/{name}", answer, include_in_schema=False)
    app.add_api_route("/health", status.health)
    app.add_api_route("/ready", status.ready)
    app.add_api_route("/api/info", status.info)
    app.add_api_route("/metrics", status.metrics)
    app.add_middleware(Guard, service=service)
    if settings.origins:
        app.add_middleware(CORSMiddleware, allow_origins=list(settings.origins), allow_headers=["Authorization"])
    return app
