"""The command that times readings: what it prints and what it refuses. No test asks how fast this machine is."""

from __future__ import annotations

import builtins
import json
import os
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.common import paths
from mnistlab.common.errors import LabError
from mnistlab.inference.predictor import Predictor
from mnistlab.studies.bench import browser_latency, latency, start_up
from mnistlab.studies.bench.latency import Timing
from mnistlab.studies.bench.start_up import StartUp


def call(*arguments: str):
    return CliRunner().invoke(main, ["benchmark", "latency", "--starts", "0", *arguments])


def test_percentiles_are_those_of_the_times():
    timing = Timing("it", np.arange(101.0), {50: 50, 95: 94})
    assert [timing.percentile(q) for q in (50, 95, 99)] == [50, 95, 99]
    assert timing.as_dict() == {"name": "it", "n": 101, "p50": 50, "p95": 95, "p99": 99, "aim": {"p50": 50, "p95": 94}}
    header, row = latency.timing_table([timing])
    assert header.split() == ["milliseconds", "p50", "p95", "p99", "n", "aim"]
    assert row.split(maxsplit=5) == ["it", "50.00", "95.00", "99.00", "101", "p50 <= 50, p95 <= 94, missed"]


def test_every_call_is_timed_and_the_warm_up_is_not():
    calls = []
    timing = latency._timed("it", lambda: calls.append(1), 30, {})
    assert len(calls) == 30 + latency.WARM_UP
    assert (timing.milliseconds > 0).all()
    assert len(timing.milliseconds) == 30


def test_readings_and_explanations_are_timed():
    timings = latency.measure_latency(Predictor.load("0001", models=paths.models()), n=20)
    assert [len(timing.milliseconds) for timing in timings] == [20, 20, 4, 2]
    with pytest.raises(LabError, match="at least 10 calls, not 9"):
        latency.measure_latency(Predictor.load("0001", models=paths.models()), n=9)


SEEN = browser_latency.BrowserLatency(
    Timing("last pointer event to digit shown", np.array([30.0, 40.0]), {95: 32}),
    Timing("pointer event to ink", np.array([3.0, 4.0]), {95: 25}),
    6001,
    5999,
    199.6,
    12.3,
)


def test_the_command_prints_a_table_or_json(monkeypatch):
    given = []
    monkeypatch.setattr(
        browser_latency, "measure_browser_latency", lambda version, **options: given.append(options) or SEEN
    )
    plain = call("--n", "10")
    assert plain.exit_code == 0, plain.output
    assert len(plain.stdout.splitlines()) == 6
    table = call("--n", "10", "--browser", "--busy", "--round-trip", "50").stdout.splitlines()
    assert given == [{"n": 50, "seconds": 30, "round_trip": 50, "busy": True}]
    assert table[-4].startswith("pointer event to ink")
    assert table[-3].startswith("last pointer event to digit shown")
    assert table[-2] == "6,001 points at 200 a second: 2 lost"
    assert table[-1] == "the page came to rest 12 ms after the last of them"
    figures = json.loads(call("--n", "10", "--browser", "--json", "--version", "0002").stdout)
    assert figures["version"] == "0002"
    assert [timing["n"] for timing in figures["kernel"]] == [10, 10, 2, 1]
    assert (figures["browser"]["sent"], figures["browser"]["arrived"]) == (6001, 5999)
    assert "browser" not in json.loads(call("--n", "10", "--json").stdout)


@pytest.mark.parametrize("arguments", [["--n", "9"], ["--seconds", "91"], ["--drawn", "0"], ["--version", "0099"]])
def test_what_cannot_be_timed_is_refused(arguments):
    assert call(*arguments).exit_code == 2


def test_without_a_browser_it_is_said_what_is_missing(monkeypatch):
    monkeypatch.delenv("MNISTLAB_CHROMIUM", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(LabError, match="no Chromium found"):
        browser_latency.measure_browser_latency()
    known = builtins.__import__

    def without(name, *rest):
        if name.startswith("playwright"):
            raise ImportError(name)
        return known(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LabError, match="pip install playwright"):
        browser_latency.measure_browser_latency()


@pytest.mark.browser
def test_in_a_real_browser_no_point_is_lost(monkeypatch):
    try:
        browser_latency._chromium()
    except LabError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    monkeypatch.setenv("MNISTLAB_MODELS", str(paths.models()))
    seen = browser_latency.measure_browser_latency(n=1, seconds=1, round_trip=20, busy=True)
    assert len(seen.answer.milliseconds) == 1
    assert len(seen.ink.milliseconds) > 10
    assert seen.sent == seen.arrived == 201
    assert seen.lag > 0


def test_what_is_started_is_measured_and_told_in_rows():
    rows = start_up.measure_start_up("0002", repeats=1)
    assert [(row.unit, len(row.values)) for row in rows] == [("s", 1), ("MB", 1), ("s", 1), ("MB", 1), ("MB", 1)]
    assert all(value > 0 for row in rows for value in row.values)
    table = list(start_up.start_up_table([*rows, StartUp("it", "s", (1.0, 3.0, 2.0), 1.5)]))
    assert table[-1].split() == ["it", "2.00", "1.00", "3.00", "3", "<=", "1.5", "s,", "missed"]
    assert rows[0].as_dict()["n"] == 1


def test_a_process_that_fails_is_told():
    with pytest.raises(LabError, match=r"failed: .*no version '0099'"):
        start_up.measure_start_up("0099", repeats=1)


def test_a_kernel_that_fails_is_told():
    with pytest.raises(LabError, match="the kernel failed: division by zero"):
        start_up._kernel("1 / 0")
