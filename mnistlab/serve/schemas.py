"""What the API answers, as the description at ``/openapi.json`` has it; the handlers write these forms by themselves."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mnistlab.common.constants import CLASSES, PIXELS

CLIENT = "X-Client-Key"  # header in which a client may name itself, so that it stays with one of two versions
INCLUDE = ("image", "why")  # what an answer holds if it is asked for
MOST = 1_000  # corrections that are told at once
DAYS, MOST_DAYS = 30, 180  # of statistics, and at most; nothing is kept longer

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="32 hexadecimal digits, of one answer")]
DigitOrNone = Annotated[int, Field(ge=0, lt=CLASSES)] | None
Share = Annotated[float, Field(ge=0, le=1)]
Version = Annotated[str, Field(pattern=r"^[0-9]{4,9}$")]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorAnswer(_Told):
    """Every error has this form."""

    code: Annotated[str, Field(description="a short word for programs")]
    message: Annotated[str, Field(description="what was wrong, what came and what is allowed")]
    id: Id


class WhyAnswer(_Told):
    """Which ink spoke for the digit, and which against."""

    digit: DigitOrNone
    pieces: Annotated[
        list[list[tuple[float, float]]], Field(description="px of the canvas; together the whole drawing")
    ]
    weights: Annotated[list[float], Field(description="one a piece: the log-odds with it minus those without")]


class PartAnswer(_Told):
    """One of several digits."""

    digit: DigitOrNone
    digits: list[int]
    confidence: Share
    reason: str
    box: Annotated[
        tuple[float, float, float, float],
        Field(description="left, top, right, bottom, in px of the picture or the canvas"),
    ]
    line: Annotated[int, Field(ge=0, description="on which line it stands, 0 for the uppermost")]


class PredictAnswer(_Told):
    """What was read."""

    id: Id
    digit: Annotated[DigitOrNone, Field(description="null if nothing like a digit was read; reason says why")]
    digits: Annotated[list[int], Field(description="what it may be, the likeliest first")]
    probabilities: Annotated[list[Share], Field(min_length=CLASSES, max_length=CLASSES)]
    confidence: Annotated[Share, Field(description="probability of the digit, 0 without one")]
    reason: Annotated[str, Field(description="why there is no digit; else empty")]
    note: Annotated[str, Field(description="what was left out before reading, such as a stray mark; else empty")] = ""
    digits_found: Annotated[
        list[PartAnswer], Field(description="if there are several digits, each in reading order; else empty")
    ] = []
    version: Version
    permutation: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the order of the pixels")]
    milliseconds: Annotated[float, Field(ge=0, description="the reading took")]
    image: Annotated[
        list[Annotated[int, Field(ge=0, le=255)]],
        Field(min_length=PIXELS, max_length=PIXELS, description="what was seen, row by row; with include=image"),
    ] = []
    why: Annotated[WhyAnswer | None, Field(description="with include=why")] = None


class FeedbackAnswer(_Told):
    """What came of it."""

    id: Id
    verdict: Literal["right", "wrong"] | None
    kept: bool
    session: Annotated[Id | None, Field(description="the name under which it is kept, and can be erased")]
    note: Annotated[str, Field(description="why the drawing is not kept, or empty")]


class ErasedAnswer(_Told):
    """How much was erased."""

    erased: Annotated[int, Field(ge=0)]


class ListedCorrection(_Told):
    """A correction without its drawing."""

    id: str
    created: str
    version: str
    digit: int
    predicted: DigitOrNone
    comment: str


class CorrectionsAnswer(_Told):
    """The corrections that were said last, the latest first."""

    corrections: list[ListedCorrection]


class TimesAnswer(_Told):
    """Times of readings, ms."""

    min: float
    mean: float
    max: float


class SatisfactionAnswer(_Told):
    """How many readings were called right, of those that were called right or wrong."""

    right: int
    judged: int
    share: Share | None


class DayAnswer(_Told):
    """One day of one version, UTC; times in ms."""

    day: str
    version: str
    n: int
    minimum: float
    mean: float
    maximum: float
    right: int
    wrong: int


class StatisticsAnswer(_Told):
    """Readings, their time and what people said of them."""

    predictions: int
    milliseconds: TimesAnswer | None
    satisfaction: SatisfactionAnswer
    days: list[DayAnswer]


class RecentPrediction(_Told):
    """One reading, without what was read."""

    id: Id
    digit: DigitOrNone
    confidence: Share
    milliseconds: float
    version: Version


class RecentAnswer(_Told):
    """The last hundred readings, the latest first."""

    predictions: list[RecentPrediction]


class HealthAnswer(_Told):
    """The server is alive."""

    status: Literal["alive"]


class ReadyAnswer(_Told):
    """The server can read and keep."""

    status: Literal["ready"]
    version: Version


class ConsentAnswer(_Told):
    """The text that people agree to."""

    version: str
    question: str
    text: list[str]


class IncidentAnswer(_Told):
    """What happened to a version while the server ran."""

    code: Annotated[str, Field(description="why it could not be loaded; or failed, slow or wrong if it had to go")]
    message: str
    version: Annotated[str, Field(description="that it happened to")]
    when: Annotated[str, Field(description="UTC, ISO 8601")]


class CandidateAnswer(_Told):
    """A version that reads a share of the requests."""

    version: Version
    share: Share


class ShadowAnswer(_Told):
    """What a version that reads aside has measured."""

    version: Version
    n: Annotated[int, Field(description="digits that both versions have read")]
    agreed: int
    low: Annotated[Share, Field(description="of the share agreed, the Wilson 95 % interval")]
    high: Share
    passed_over: Annotated[int, Field(description="not read, because too many waited")]
    failed: int
    milliseconds: Annotated[tuple[float, float], Field(description="p50 and p95 of a reading in the shadow")]
    milliseconds_in_use: Annotated[tuple[float, float], Field(description="of the version that answers, beside it")]


class InfoAnswer(_Told):
    """What the server reads with, and what became of its versions while it ran."""

    name: Literal["mnistlab"]
    release: str
    version: Version
    versions: list[Version]
    loaded: Annotated[list[Version], Field(description="in memory")]
    fault: Annotated[IncidentAnswer | None, Field(description="why the version that was put into use is not")]
    ab: Annotated[CandidateAnswer | None, Field(description="of two that answer, the other one")]
    shadow: ShadowAnswer | None
    incidents: Annotated[list[IncidentAnswer], Field(description="the newest last")]
    permutation: str
    metrics: Annotated[dict[str, Any], Field(description="share read right, with its interval and n")]
    manifest: dict[str, Any]
    card: Annotated[str, Field(description="Markdown")]
    consent: ConsentAnswer
