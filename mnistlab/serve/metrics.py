"""What Prometheus asks for at ``/metrics``: requests, readings and how long both take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Metrics:
    """The counters of one server; each server has its own registry, so that two in one process do not clash."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # CPU and memory, on Linux
        self._requests = Counter(
            "mnistlab_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "mnistlab_request_seconds", "Time to the answer.", ["route"], buckets=SECONDS, registry=self.registry
        )
        self._readings = Counter("mnistlab_predictions", "Readings.", ["version", "digit"], registry=self.registry)
        self._reading = Histogram(
            "mnistlab_prediction_seconds", "Time of a reading.", ["version"], buckets=SECONDS, registry=self.registry
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request; ``route`` is the pattern of its address."""
        self._requests.labels(method if method in METHODS else "other", route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def count_reading(self, prediction: Prediction) -> None:
        """One reading."""
        digit = "none" if prediction.digit is None else str(prediction.digit)
        self._readings.labels(prediction.version, digit).inc()
        self._reading.labels(prediction.version).observe(prediction.milliseconds / 1000)

    def text(self) -> bytes:
        """All of them in the format of Prometheus."""
        return generate_latest(self.registry)
