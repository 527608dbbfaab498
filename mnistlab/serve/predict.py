"""``POST /api/v1/predict``: what a client sends, read; the answer in JSON."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from mnistlab.common.errors import LabError
from mnistlab.registry.layout import VERSION
from mnistlab.serve import bodies
from mnistlab.serve.bodies import PenInk, Source
from mnistlab.serve.errors import ApiError
from mnistlab.serve.limits import read_body
from mnistlab.serve.schemas import CLIENT, INCLUDE
from mnistlab.serve.versions import permutation_hash

if TYPE_CHECKING:
    from mnistlab.inference.prediction import PlacedPrediction
    from mnistlab.inference.predictor import Prediction, Predictor
    from mnistlab.serve.service import Service

KEY = re.compile(r"[0-9a-f]{32}")
MANY_POINTS = 1_000  # a drawing of more is read in a thread


async def predict(request: Request) -> Response:
    """Read a picture, 784 pixels or strokes."""
    service: Service = request.app.state.service
    wanted, version = _options(request) if request.scope["query_string"] else (frozenset(), None)
    body = await read_body(request, service.settings.body_seconds)
    source = bodies.parse(request.headers.get("content-type", ""), body)
    if version is None:
        reader = service.rollout.reader(request.headers.get(CLIENT, request.state.id))
    else:
        reader = service.versions.held(version) or await _other(service, version)
    job = partial(_read, reader, source, "why" in wanted)
    # A short one costs less than to hand it to a thread; a picture may take long to decode.
    quick = (
        "why" not in wanted
        and not isinstance(source, bytes)
        and not (isinstance(source, PenInk) and source.n_points > MANY_POINTS)
    )
    try:
        prediction, why = job() if quick else await service.work.run(service.settings.read_seconds, job)
    except LabError:
        raise
    except Exception:
        if version is None:
            service.rollout.failed(reader)
        raise
    service.metrics.count_reading(prediction)
    service.tally.add(request.state.id, prediction)
    if version is None:
        service.rollout.answered(reader, prediction)
    answer = as_answer(prediction, reader, request.state.id)
    if "image" in wanted:
        answer["image"] = prediction.image.ravel().tolist()
    if "why" in wanted:
        answer["why"] = why  # null of anything but strokes
    return Response(json.dumps(answer), media_type="application/json")


def as_answer(prediction: Prediction, reader: Predictor, answer_id: str) -> dict[str, Any]:
    """A prediction in plain values."""
    return {
        "id": answer_id,
        "digit": prediction.digit,
        "digits": list(prediction.digits),
        "probabilities": prediction.probabilities.tolist(),
        "confidence": prediction.confidence,
        "reason": prediction.reason,
        "note": prediction.note,
        "digits_found": [_part(part) for part in prediction.parts],
        "version": prediction.version,
        "permutation": permutation_hash(reader),
        "milliseconds": round(prediction.milliseconds, 3),
    }


def _part(part: PlacedPrediction) -> dict[str, Any]:
    return {
        "digit": part.digit,
        "digits": list(part.digits),
        "confidence": part.confidence,
        "reason": part.reason,
        "box": list(part.box),
        "line": part.line,
    }


def _read(reader: Predictor, source: Source, explained: bool) -> tuple[Prediction, dict[str, Any] | None]:
    prediction = bodies.read(reader, source)
    if not explained or not isinstance(source, PenInk):
        return prediction, None
    from mnistlab.inference.attribution import attribute

    found = attribute(reader, source.strokes, pen_width=source.pen_width)
    pieces = [piece.tolist() for piece in found.pieces]
    return prediction, {"digit": found.digit, "pieces": pieces, "weights": found.weights.tolist()}


async def _other(service: Service, version: str) -> Predictor:
    try:
        return await service.work.run(service.settings.read_seconds, partial(service.versions.get, version))
    except ApiError:
        raise
    except LabError:  # its words may name a folder
        raise ApiError(
            f"there is no sound version {version}; /api/info lists those there are", code="unknown", status=404
        ) from None


def _options(request: Request) -> tuple[frozenset[str], str | None]:
    """What the answer is to include, and which version is to read."""
    query = request.query_params
    if unknown := sorted(set(query) - {"include", "version", "id"}):
        raise ApiError(f"the query takes include, version and id, not {unknown[0][:40]!r}", code="query", status=422)
    include, version = query.getlist("include"), query.get("version")
    if wrong := [word for word in include if word not in INCLUDE]:
        raise ApiError(f"include is one of {', '.join(INCLUDE)}, not {wrong[0][:40]!r}", code="query", status=422)
    if version is not None and not VERSION.fullmatch(version):
        raise ApiError(f"a version is 4 to 9 digits, as 0002, not {version[:40]!r}", code="query", status=422)
    if (own := query.get("id")) is not None:
        if not KEY.fullmatch(own):
            raise ApiError(
                f"an id is 32 hexadecimal digits, as an answer has it, not {own[:40]!r}", code="query", status=422
            )
        request.state.id = own  # of a drawing that has grown: it is counted once
    return frozenset(include), version
