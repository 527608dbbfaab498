"""What Prometheus is told of the versions at work; it is gathered when asked for, so counting costs a request nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mnistlab.common.errors import LabError
from mnistlab.registry.registry import Registry

if TYPE_CHECKING:
    from mnistlab.serve.rollout import Rollout
    from mnistlab.serve.shadow import ShadowFigures


class RolloutCollector(Collector):
    """The metrics of one server's versions.

    Parameters
    ----------
    rollout : of the server.
    """

    def __init__(self, rollout: Rollout) -> None:
        self._rollout = rollout

    def collect(self) -> Iterator[Metric]:
        """All of them as they are now."""
        rollout, versions = self._rollout, self._rollout.versions
        in_use = GaugeMetricFamily("mnistlab_version_in_use", "1 for the version in use.", labels=["version"])
        in_use.add_metric([versions.current.version], 1)
        yield in_use
        yield GaugeMetricFamily("mnistlab_versions_loaded", "Versions in memory.", len(versions.loaded()))
        yield GaugeMetricFamily(
            "mnistlab_version_refused", "1 while what CURRENT names could not be loaded.", versions.fault is not None
        )
        newest = GaugeMetricFamily("mnistlab_newest_version_timestamp_seconds", "When the newest version was made.")
        if (names := versions.names()) and (made := _made(versions.root, names[-1])) is not None:
            newest.add_metric([], made)
        yield newest
        yield CounterMetricFamily("mnistlab_version_swaps", "Versions that came into use.", versions.swaps)
        yield CounterMetricFamily("mnistlab_version_swaps_failed", "Versions that could not.", versions.failed)
        yield CounterMetricFamily("mnistlab_version_returns", "Versions that had to go by a bound.", rollout.returns)
        share = GaugeMetricFamily("mnistlab_version_share", "Share that a candidate reads.", labels=["version"])
        if candidate := rollout.share:
            share.add_metric([candidate.version], candidate.share)
        yield share
        if rollout.shadow:
            yield from _of_shadow(rollout.shadow.figures())


@lru_cache(maxsize=8)
def _made(models: Path, version: str) -> float | None:
    """Seconds since 1970; None if its manifest cannot be read."""
    try:
        return datetime.fromisoformat(Registry(models).manifest(version).created).timestamp()
    except LabError:
        return None


def _of_shadow(figures: ShadowFigures) -> Iterator[Metric]:
    read = CounterMetricFamily(
        "mnistlab_shadow_predictions", "Digits read in the shadow.", labels=["version", "outcome"]
    )
    outcomes = {
        "agreed": figures.agreed,
        "differed": figures.n - figures.agreed,
        "failed": figures.failed,
        "passed over": figures.passed_over,
    }
    for outcome, n in outcomes.items():
        read.add_metric([figures.version, outcome], n)
    yield read
    seconds = GaugeMetricFamily(
        "mnistlab_shadow_seconds", "Time of a reading, of the newest.", labels=["version", "reader", "quantile"]
    )
    for reader, times in (("shadow", figures.milliseconds), ("in use", figures.milliseconds_in_use)):
        for quantile, milliseconds in zip(("0.5", "0.95"), times, strict=True):
            seconds.add_metric([figures.version, reader, quantile], milliseconds / 1000)
    yield seconds
