"""The benchmark of the server, in a small form: the real command, clients in their own processes, switches under load."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mnistlab.common.errors import LabError
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.registry import Registry
from mnistlab.studies.bench import serve
from mnistlab.studies.bench.latency import Timing
from mnistlab.studies.bench.serve_report import Cost, ServeReport, Switches
from mnistlab.studies.bench.server_process import ServerProcess

SWITCHES = 5
REPORT = ServeReport(
    version="0005",
    load_average=1.25,
    starts=(0.9, 0.7, 0.8),
    costs=(Cost("array", 0.4, 0.2, 0.5), Cost("strokes", 0.7, 0.4, 0.25)),
    timings=(Timing("1 client", np.array([1.0, 2.0]), {}), Timing("/health, 8 clients", np.array([11.0]), {99: 10})),
    requests=100,
    failures={"503": 2, "ConnectionResetError": 1},
    memory=(100.0, 104.0, 104.5),
    switches=Switches(50, 2_000, {}, 1.05),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> ServeReport:
    with pytest.MonkeyPatch.context() as small:
        for name, value in (("STARTS", 1), ("ROUNDS", 1), ("ROUND", 20), ("CLIENTS", (1, 8))):
            small.setattr(serve, name, value)
        models = Registry().copy(tmp_path_factory.mktemp("served") / "models")
        return serve.measure_serve(Predictor.load(models=models.root), models.root, requests=200, switches=SWITCHES)


def test_no_request_fails_over_switches_of_the_version_under_load(report):
    assert report.switches.n == SWITCHES
    assert report.switches.failures == {}
    assert report.switches.requests >= SWITCHES


def test_all_requests_are_answered_and_everything_is_measured(report):
    assert (report.requests, report.failures) == (200, {})
    assert [cost.kind for cost in report.costs] == ["array", "strokes", "PNG"]
    assert [timing.name for timing in report.timings] == ["1 client", "8 clients", "/health, 8 clients"]
    assert len(report.memory) == 1 + serve.SAMPLES
    assert min(report.memory) > 10
    json.dumps(report.as_dict(), allow_nan=False)


def test_the_table_says_what_missed_its_aim():
    text = "\n".join(REPORT.lines())
    assert "load average 1.25" in text
    assert "start to ready: 0.80 s, median of 3" in text
    assert "request <= 0.5\n" in text
    assert "difference <= 0.25, missed" in text
    assert "p99 <= 10, missed" in text
    assert "100 requests of 8 clients: 2 x 503, 1 x ConnectionResetError; aim 0" in text
    assert "memory: 100, 104, 104 MB, +0.5 MB from the first tenth to the end" in text
    assert "50 switches of the version, each in use after 1.05 s (median), under 2,000 requests: none failed" in text
    assert "switches" not in "\n".join(replace(REPORT, switches=None).lines())


def test_a_server_that_does_not_start_says_why(tmp_path):
    with pytest.raises(LabError, match=r"did not become ready: .*no version is in use"):
        ServerProcess(tmp_path)


def test_to_switch_takes_two_versions(registry):
    (registry.root / "0002").rename(registry.root / "aside")
    with pytest.raises(LabError, match="takes two versions"):
        serve.measure_switches(registry.root, [], 1)
