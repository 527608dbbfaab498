"""How the API describes itself: what each address takes, what it answers, and every error it may answer instead."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import PlainTextResponse

from mnistlab.common.constants import PEN_WIDTH, PEN_WIDTHS, PIXELS, SIDE
from mnistlab.data.picture_file import FORMATS, MAX_BYTES, MAX_PIXELS, SIDES
from mnistlab.data.strokes import MAX_POINTS
from mnistlab.serve.bodies import FAR, FIELD, FeedbackBody
from mnistlab.serve.schemas import (
    CLIENT,
    DAYS,
    INCLUDE,
    MOST,
    MOST_DAYS,
    CorrectionsAnswer,
    ErasedAnswer,
    ErrorAnswer,
    FeedbackAnswer,
    HealthAnswer,
    InfoAnswer,
    PredictAnswer,
    ReadyAnswer,
    RecentAnswer,
    StatisticsAnswer,
)

Json = dict[str, Any]

ERRORS = {
    400: "The request cannot be understood, or its Host is not this machine.",
    401: "The token is missing or wrong.",
    404: "There is no such version or answer.",
    408: "The body took too long.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "What came is not what is allowed; the message says what is.",
    429: "Too many requests of this client.",
    503: "Too much to do, or the store of feedback does not answer; Retry-After says when to try again.",
}
ALWAYS = (400, 401, 429, 503)
BODY = (408, 413, 415, 422)
TOKEN = "token"
ABOUT = """Reads handwritten digits: send a picture, 784 pixels or the strokes of a pen, and get the digit, the ten probabilities
and, in doubt, the set of digits that it may be. What was read can be called right or wrong. Nothing drawn is kept without
consent."""


def array(items: Json, length: int) -> Json:
    """The schema of an array of so many items."""
    return {"type": "array", "items": items, "minItems": length, "maxItems": length}


FRACTION: Json = {"type": "number", "minimum": 0, "maximum": 1}
WHOLE: Json = {"type": "integer", "minimum": 0, "maximum": 255}
COORDINATE: Json = {"type": "number", "minimum": -FAR, "maximum": FAR}
PEN: Json = {"type": "number", "minimum": PEN_WIDTHS[0], "maximum": PEN_WIDTHS[1], "default": PEN_WIDTH}
STROKES: Json = {
    "type": "array",
    "items": {"type": "array", "items": array(COORDINATE, 2), "maxItems": MAX_POINTS},
    "maxItems": MAX_POINTS,
    "description": f"strokes of x, y in px of a 280 x 280 canvas, y down; at most {MAX_POINTS:,} points in all",
}
IMAGE: Json = {
    "anyOf": [array(grey, PIXELS) for grey in (FRACTION, WHOLE)]
    + [array(array(grey, SIDE), SIDE) for grey in (FRACTION, WHOLE)],
    "description": "ink bright, row by row. If no value is above 1 they are fractions, and 1 is full ink; "
    "else all are whole numbers",
}
PICTURE: Json = {
    "type": "string",
    "format": "binary",
    "description": f"a picture of one digit, {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, sides of {SIDES[0]} to {SIDES[1]:,} px, "
    f"{MAX_PIXELS // 10**6} million px and {MAX_BYTES // 2**20} MiB at most",
}


def an_object(properties: Json, *required: str) -> Json:
    """The schema of an object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


PREDICT_CONTENT: Json = {
    "application/json": {
        "schema": {
            "oneOf": [
                an_object({"strokes": STROKES, "pen_width": PEN}, "strokes"),
                an_object({"image": IMAGE, "pen_width": PEN}, "image"),
            ]
        },
        "examples": {
            "strokes": {"value": {"strokes": [[[40, 60], [110, 60], [70, 170]]], "pen_width": PEN_WIDTH}},
            "image": {"value": {"image": [[0] * 9 + [255] * 3 + [0] * 16] * SIDE}},
        },
    },
    "multipart/form-data": {
        "schema": an_object({FIELD: PICTURE}, FIELD),
        "encoding": {FIELD: {"contentType": "image/png, image/jpeg"}},
    },
    **{kind: {"schema": PICTURE} for kind in ("image/png", "image/jpeg", "application/octet-stream")},
}


def whole(most: int, *, default: int) -> Json:
    """The schema of a whole number from 1."""
    return {"type": "integer", "minimum": 1, "maximum": most, "default": default}


def query(name: str, schema: Json, description: str, *, required: bool = False) -> Json:
    """A parameter of the query."""
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


def told(
    summary: str,
    answer: type[BaseModel] | None,
    *errors: int,
    tag: str,
    needs_token: bool = False,
    extra: Json | None = None,
) -> Json:
    """What ``add_api_route`` takes to describe an address.

    Parameters
    ----------
    summary : what it is for, in a few words, as the lists of /docs and /redoc show it.
    answer : its form; None if it is text.
    errors : statuses besides those that any address may answer.
    tag : the group that it is listed in.
    extra : further parts of the description, such as ``parameters``.
    """
    responses: dict[int, Json] = {
        status: {"model": ErrorAnswer, "description": ERRORS[status]} for status in sorted({*ALWAYS, *errors})
    }
    security: list[Json] = [{TOKEN: []}] if needs_token else [{}, {TOKEN: []}]
    extra = {"security": security, **(extra or {})}
    described: Json = {"summary": summary, "tags": [tag], "responses": responses, "openapi_extra": extra}
    if answer is None:
        return described | {"response_class": PlainTextResponse}
    responses[200] = {"model": answer}
    return described


def describe(app: FastAPI) -> Json:
    """The whole description, made once."""
    if not app.openapi_schema:
        schema = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
        scheme = {
            "type": "http",
            "scheme": "bearer",
            "description": "needed for all but reading, and beyond this machine",
        }
        schema["components"]["securitySchemes"] = {TOKEN: scheme}
        app.openapi_schema = schema
    return app.openapi_schema


ID: Json = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
VERSION: Json = {"type": "string", "pattern": "^[0-9]{4,9}$"}
FEEDBACK_SCHEMA: Json = FeedbackBody.model_json_schema()
FEEDBACK_SCHEMA["properties"]["image"] = IMAGE | {"anyOf": [*IMAGE["anyOf"], {"type": "null"}]}

PREDICT = told(
    "Read a digit",
    PredictAnswer,
    404,
    *BODY,
    tag="reading",
    extra={
        "parameters": [
            query("include", {"type": "array", "items": {"enum": list(INCLUDE)}}, "what to answer besides"),
            query("version", VERSION, "the version that reads, instead of the one in use"),
            query("id", ID, "the id of an earlier answer, for a drawing that has grown: it is counted once"),
            {
                "name": CLIENT,
                "in": "header",
                "schema": {"type": "string"},
                "description": "whatever a client names itself by: where two versions answer, it stays with one of them",
            },
        ],
        "requestBody": {"required": True, "content": PREDICT_CONTENT},
    },
)
GIVE = told(
    "Say whether an answer was right",
    FeedbackAnswer,
    404,
    *BODY,
    tag="feedback",
    extra={"requestBody": {"required": True, "content": {"application/json": {"schema": FEEDBACK_SCHEMA}}}},
)
LISTED = told(
    "List the corrections",
    CorrectionsAnswer,
    422,
    needs_token=True,
    tag="feedback",
    extra={"parameters": [query("limit", whole(MOST, default=100), "how many, the latest")]},
)
ERASE = told(
    "Erase what was kept",
    ErasedAnswer,
    422,
    tag="feedback",
    extra={"parameters": [query("session", ID, "the name under which it was kept", required=True)]},
)
STATISTICS = told(
    "Use, day by day",
    StatisticsAnswer,
    422,
    needs_token=True,
    tag="statistics",
    extra={"parameters": [query("days", whole(MOST_DAYS, default=DAYS), "how many days back")]},
)
RECENT = told("The last hundred answers", RecentAnswer, tag="statistics", needs_token=True)
HEALTH = told("Is the server alive?", HealthAnswer, tag="server")
READY = told("Can it read?", ReadyAnswer, tag="server")
INFO = told("What it reads with", InfoAnswer, tag="server")
METRICS = told("Counters for Prometheus", None, tag="server")
