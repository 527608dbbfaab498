"""What Prometheus asks for at ``/metrics``: requests, readings, verdicts, how long both take, and what the server may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from mnistlab.serve.machine import cores, memory

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
CONFIDENCES = (0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 1.0)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The counters of one server; each server has its own registry, so that two in one process do not clash.

    Attributes
    ----------
    store_answers : 1 if the store of feedback answered when it was asked last, else 0.
    drift : smallest p-value of "people draw as before", 0 to 1, after Holm's correction; not a number until it is known.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)  # CPU and memory, on Linux
        self._requests = Counter(
            "mnistlab_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "mnistlab_request_seconds", "Time to the answer.", ["route"], buckets=SECONDS, registry=registry
        )
        self._refusals = Counter(
            "mnistlab_refusals", "Requests refused, by the code of the answer.", ["code"], registry=registry
        )
        self._readings = Counter("mnistlab_predictions", "Readings.", ["version", "digit"], registry=registry)
        self._unread = Counter(
            "mnistlab_no_digit", "Readings without a digit.", ["version", "reason"], registry=registry
        )
        self._reading = Histogram(
            "mnistlab_prediction_seconds", "Time of a reading.", ["version"], buckets=SECONDS, registry=registry
        )
        self._confidence = Histogram(
            "mnistlab_confidence", "Probability of the digit read.", ["version"], buckets=CONFIDENCES, registry=registry
        )
        self._verdicts = Counter(
            "mnistlab_verdicts", "First verdicts of people on readings.", ["version", "verdict"], registry=registry
        )
        self.store_answers = Gauge("mnistlab_store_answers", "1 if the store of feedback answers.", registry=registry)
        self.drift = Gauge("mnistlab_drift_p_value", "p-value of: people draw as before.", registry=registry)
        self.drift.set(float("nan"))
        Gauge("mnistlab_memory_limit_bytes", "Memory it may use.", registry=registry).set(memory())
        Gauge("mnistlab_cpu_limit_cores", "Cores it may use.", registry=registry).set(cores())

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request; ``route`` is the pattern of its address."""
        self._requests.labels(method if method in METHODS else "other", route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def count_refusal(self, code: str) -> None:
        """One request that got an error; codes are words of ours, not of a client."""
        self._refusals.labels(code).inc()

    def count_reading(self, prediction: Prediction) -> None:
        """One reading."""
        version, digit = prediction.version, prediction.digit
        self._readings.labels(version, "none" if digit is None else str(digit)).inc()
        self._reading.labels(version).observe(prediction.milliseconds / 1000)
        if digit is None:
            self._unread.labels(version, _unread_as(prediction)).inc()
        else:
            self._confidence.labels(version).observe(prediction.confidence)

    def count_verdict(self, version: str, verdict: str) -> None:
        """What a person said first of a reading, ``"right"`` or ``"wrong"``."""
        self._verdicts.labels(version, verdict).inc()

    def text(self) -> bytes:
        """All of them in the format of Prometheus."""
        return generate_latest(self.registry)


def _unread_as(prediction: Prediction) -> str:
    """Why there is no digit, in one of three words."""
    if prediction.parts:
        return "several digits"
    return "not a digit" if prediction.image.any() else "nothing to read"
