"""What people say about answers: taken into the store, told to those who have the token, erased by those who said it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mnistlab.common.errors import LabError
from mnistlab.data.stroke_stats import stroke_stats
from mnistlab.feedback import records
from mnistlab.feedback.consent import TEXTS
from mnistlab.feedback.records import Correction, Use
from mnistlab.serve import bodies
from mnistlab.serve.bodies import FeedbackBody, PenInk
from mnistlab.serve.errors import ApiError
from mnistlab.serve.limits import read_body
from mnistlab.serve.predict import KEY
from mnistlab.serve.schemas import MOST
from mnistlab.serve.statistics import asked_number
from mnistlab.serve.tally import STORE_SECONDS

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction
    from mnistlab.serve.service import Service


@dataclass(frozen=True)
class Said:
    """What came of it.

    Attributes
    ----------
    id : of the answer.
    verdict : that is counted; None if it was taken back.
    kept : the drawing is in the store.
    session : the random name under which it is kept, and can be erased; None without consent.
    note : why the drawing is not kept, or empty.
    """

    id: str
    verdict: str | None
    kept: bool
    session: str | None
    note: str


async def give(request: Request) -> Response:
    """Take what was said about an answer."""
    service: Service = request.app.state.service
    body = await read_body(request, service.settings.body_seconds)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError("feedback is application/json", code="media-type", status=415)
    try:
        sent = FeedbackBody.model_validate_json(body)
    except ValidationError as error:
        raise bodies.refusal(error) from None
    if sent.consent is not None and sent.consent not in TEXTS:
        allowed = ", ".join(TEXTS)
        raise ApiError(f"consent names a text that was agreed to, one of {allowed}", code="value", status=422)
    if sent.image is not None:
        bodies.as_image(sent.image)  # refused if need be, though it may not be read
    said = await service.storing.run(STORE_SECONDS, partial(take, service, sent))
    return JSONResponse(asdict(said))


async def erase(request: Request) -> Response:
    """Erase all that was kept under a session's name; to know the name is to be allowed to."""
    service: Service = request.app.state.service
    session = request.query_params.get("session", "")
    if list(request.query_params) != ["session"] or not KEY.fullmatch(session):
        raise ApiError("the query takes session, 32 hexadecimal digits", code="query", status=422)
    erased = await service.storing.run(STORE_SECONDS, lambda: service.tally.store.erase(session=session))
    return JSONResponse({"erased": erased.corrections})


async def listed(request: Request) -> Response:
    """The corrections that were said last, without their drawings."""
    service: Service = request.app.state.service
    most = asked_number(request, "limit", 100, MOST)
    corrections = await service.storing.run(STORE_SECONDS, lambda: service.tally.store.corrections(newest=most))
    return JSONResponse({"corrections": [_told(correction) for correction in reversed(corrections)]})


def take(service: Service, sent: FeedbackBody) -> Said:
    """Put what was said into the store; it is on the disk once this returns.

    Raises
    ------
    ApiError : 404, nobody knows the answer, and no drawing came under consent, or it cannot be told whether it was right.
    FeedbackError, StrokesError : the store cannot be written; there are too many points.
    """
    with service.verdicts:  # of two first ones about an answer, at the same moment, only one is the first
        known = service.tally.known(sent.id)
        said = _take(service, sent, known)
        if known and known.verdict is None and said.verdict:
            service.rollout.told(known.version, wrong=said.verdict == "wrong")
            service.metrics.count_verdict(known.version, said.verdict)
        return said


def _take(service: Service, sent: FeedbackBody, known: Use | None) -> Said:
    prediction = _read_again(service, sent, known)
    read = known or prediction
    if read is None:
        raise ApiError(
            "no answer with this id is known here; under consent its drawing can be sent again",
            code="unknown-id",
            status=404,
        )
    verdict = _verdict(service, sent, prediction)
    use = Use(version=read.version, milliseconds=read.milliseconds, verdict=verdict, key=sent.id)
    if verdict is None:  # taken back
        service.tally.store.erase(key=sent.id)
    if prediction is None:
        service.tally.store.count(use)
        return Said(sent.id, verdict, False, None, "without consent and the drawing nothing is kept but the verdict")
    session = sent.session or records.new_key()
    use = replace(use, session=session, confidence=prediction.confidence, digit=prediction.digit)
    if sent.strokes:
        use = replace(use, **asdict(stroke_stats(_ink(sent).strokes, sent.pen_width)))
    service.tally.store.count(use)
    note = _keep(service, sent, use, prediction)
    return Said(sent.id, verdict, not note, session, note)


def _read_again(service: Service, sent: FeedbackBody, known: Use | None) -> Prediction | None:
    """The drawing read once more, by the version that answered if it is still there; None without consent or drawing."""
    if sent.consent is None or (sent.strokes is None and sent.image is None):
        return None
    reader = service.versions.current
    if known is not None:
        with suppress(LabError):
            reader = service.versions.get(known.version)
    return bodies.read(reader, _ink(sent) if sent.strokes else bodies.as_image(sent.image))


def _verdict(service: Service, sent: FeedbackBody, prediction: Prediction | None) -> Literal["right", "wrong"] | None:
    """What is counted: whether the digit that was meant is the one that was read, or what was said if none is named."""
    if sent.digit is None:
        return sent.verdict
    answered = prediction or service.tally.find(sent.id)
    if answered is not None:
        return "right" if answered.digit == sent.digit else "wrong"
    if sent.verdict is None:
        raise ApiError(
            "what this answer was is no longer known here: say right or wrong beside the digit",
            code="verdict",
            status=404,
        )
    return sent.verdict


def _keep(service: Service, sent: FeedbackBody, use: Use, prediction: Prediction) -> str:
    """Keep the drawing if it can be learned from; empty, or why it is not kept."""
    digit = prediction.digit if sent.digit is None and use.verdict == "right" else sent.digit
    if use.verdict is None:
        return "taken back"
    if not sent.strokes:
        return "only strokes are kept, not pictures"
    if digit is None:
        return "say which digit it was, and the drawing is kept"
    assert sent.consent is not None
    assert use.session is not None
    now = records.now()
    service.tally.store.add(
        Correction(
            **records.as_reading(prediction),
            strokes=_ink(sent).strokes,
            pen_width=sent.pen_width,
            digit=digit,
            session=use.session,
            consent=sent.consent,
            consented_at=now,
            created=now,
            comment=sent.comment or "",
            key=sent.id,
        )
    )
    return ""


def _ink(sent: FeedbackBody) -> PenInk:
    return bodies.as_ink(sent.strokes or [], sent.pen_width)


def _told(correction: Correction) -> dict[str, Any]:
    return {
        "id": correction.key,
        "created": correction.created.isoformat(timespec="seconds"),
        "version": correction.version,
        "digit": correction.digit,
        "predicted": correction.predicted,
        "comment": correction.comment,
    }
