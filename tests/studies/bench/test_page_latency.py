"""The benchmark of the page runs in a real browser and tells what it saw; how fast that is, no test asks."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.common import paths
from mnistlab.common.errors import LabError
from mnistlab.studies.bench import page_latency
from mnistlab.studies.bench.latency import Timing


def test_the_command_prints_a_table(monkeypatch):
    timings = [Timing("strokes to answer", np.array([1.0, 2.0, 9.0]), {50: 2, 95: 5})]
    monkeypatch.setattr(
        page_latency, "measure_page", lambda n, drawn: page_latency.PageLatency("0005", 48.0, timings, 0.5)
    )
    lines = CliRunner().invoke(main, ["benchmark", "page"]).stdout.splitlines()
    assert lines[0] == "version 0005 in Chromium, ready after 48 ms; load of the machine 0.5"
    assert re.fullmatch(r"strokes to answer +2.00 +8.30 +8.86 +3 +p50 <= 2, p95 <= 5, missed", lines[2])
    assert '"loaded": 48.0' in CliRunner().invoke(main, ["benchmark", "page", "--json"]).stdout


def test_too_few_readings_are_refused():
    with pytest.raises(LabError, match="at least 10 calls, not 9"):
        page_latency.measure_page(n=9)


@pytest.mark.browser
def test_in_a_real_browser_everything_is_timed():
    if paths.chromium() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium found")
        pytest.skip("no Chromium found")
    seen = page_latency.measure_page(n=10, drawn=2)
    assert [len(timing.milliseconds) for timing in seen.timings[:3]] == [10, 2, 2]
    assert len(seen.timings[3].milliseconds) > 20
    assert all((timing.milliseconds >= 0).all() for timing in seen.timings)
    assert seen.loaded > 0
