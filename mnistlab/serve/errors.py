"""The one form of every error, ``{"code", "message", "id"}``, and which status it has."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from mnistlab.common.errors import CheckpointError, FeedbackError, LabError, RegistryError

# What Starlette says by itself.
PLAIN = {
    404: ("not-found", "there is nothing at this address; /docs lists what there is"),
    405: ("method", "this address does not take that method; the header Allow names those it takes"),
}
BUSY = "the feedback cannot be reached just now; try again in a minute"
GONE = "the versions cannot be read just now; try again in a minute"
UNEXPECTED = "something went wrong on the server; the id of this answer is in its log"


class ApiError(LabError):
    """A request that is refused.

    Parameters
    ----------
    message, code : as for ``LabError``.
    status : of HTTP, 400 to 503.
    headers : to be sent along.
    """

    def __init__(self, message: str, *, code: str, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, code=code)
        self.status, self.headers = status, dict(headers or {})


def as_api_error(error: Exception) -> ApiError:
    """Any exception as what may be told to a client: no path, and nothing of an error that nobody foresaw."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        code, message = PLAIN.get(error.status_code, ("refused", str(error.detail)))
        return ApiError(message, code=code, status=error.status_code, headers=error.headers)
    if isinstance(error, FeedbackError) and error.code != "value":  # its words name the store's place
        return ApiError(BUSY, code="feedback", status=503, headers={"Retry-After": "60"})
    if isinstance(error, RegistryError | CheckpointError):  # theirs name the folder of versions
        return ApiError(GONE, code="versions", status=503, headers={"Retry-After": "60"})
    if isinstance(error, LabError):
        return ApiError(str(error), code=error.code, status=422)
    return ApiError(UNEXPECTED, code="internal", status=500)


def error_response(error: ApiError, answer_id: str) -> Response:
    """The answer that says what was wrong."""
    body = {"code": error.code, "message": str(error), "id": answer_id}
    return Response(json.dumps(body), error.status, error.headers, "application/json")


async def answer_error(request: Request, error: Exception) -> Response:
    """The handler of every error that is foreseen."""
    refused = as_api_error(error)
    if refused.status == 405:  # Starlette names the methods of one handler only
        routes = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
        methods = {method for route in routes for method in getattr(route, "methods", None) or ()}
        refused.headers["Allow"] = ", ".join(sorted(methods))
    request.app.state.service.metrics.count_refusal(refused.code)
    return error_response(refused, request.state.id)
