"""The application: every address and what answers it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response

import mnistlab
from mnistlab.common.errors import LabError
from mnistlab.serve import feedback, home, monitoring, openapi, pages, predict, statistics, status
from mnistlab.serve.configuration import ServeSettings
from mnistlab.serve.errors import answer_error
from mnistlab.serve.guard import Guard
from mnistlab.serve.service import Service
from mnistlab.serve.upkeep import Upkeep

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
        books = asyncio.create_task(Upkeep(service).run())
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
        telemetry={"tracing": False, "metrics": False, "logs": False},  # whatever the environment asks for
        exception_handlers={HTTPException: answer_error, LabError: answer_error},
    )
    app.state.service = service
    add_routes(app)
    app.openapi = partial(openapi.describe, app)  # type: ignore[method-assign]
    app.add_middleware(Guard, service=service)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", predict.CLIENT],
            expose_headers=["Retry-After", "X-Request-Id"],
        )
    return app


def add_routes(app: FastAPI) -> None:
    """Every address, with its description; an alias is left out of that."""

    def add(method: str, answer: Handler, described: dict[str, Any], *paths: str) -> None:
        for path in paths:
            for taken in ("GET", "HEAD") if method == "GET" else (method,):
                shown = path == paths[0] and taken == method
                app.add_api_route(path, answer, methods=[taken], include_in_schema=shown, **described)
                # Our handlers take the request as it is: FastAPI's search for their parameters would cost as much as they do.
                cast(APIRoute, app.router.routes[-1]).app = request_response(answer)

    def both(name: str) -> tuple[str, str]:
        return f"/api/v1/{name}", f"/api/{name}"

    add("POST", predict.predict, openapi.PREDICT, *both("predict"), "/predict")
    add("POST", feedback.give, openapi.GIVE, "/api/v1/feedback", "/api/update-feedback")
    add("GET", feedback.listed, openapi.LISTED, "/api/v1/feedback")
    add("DELETE", feedback.erase, openapi.ERASE, "/api/v1/feedback")
    add("GET", statistics.statistics, openapi.STATISTICS, *both("statistics"))
    add("GET", statistics.recent, openapi.RECENT, *both("recent-predictions"))
    for path, page in (
        ("/", home.index),
        ("/assets/{name}", home.asset),
        ("/docs", pages.docs),
        ("/redoc", pages.redoc),
        ("/static/{name}", pages.static),
        ("/monitoring", monitoring.monitoring),
    ):
        app.add_api_route(path, page, methods=["GET", "HEAD"], include_in_schema=False)
    add("GET", status.health, openapi.HEALTH, "/health")
    add("GET", status.ready, openapi.READY, "/ready")
    add("GET", status.info, openapi.INFO, "/api/info")
    add("GET", status.metrics, openapi.METRICS, "/metrics")
