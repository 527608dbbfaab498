"""What Prometheus is told: each thing that happens moves its own number, and no other."""

from __future__ import annotations

import re

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving import SEVEN, client_of, settings

from mnistlab.serve import machine
from mnistlab.serve.app import create_app


@pytest.fixture
def client(tmp_path):
    with client_of(create_app(settings(store=str(tmp_path / "feedback.sqlite")))) as client:
        yield client


def numbers(client: TestClient) -> dict[str, float]:
    lines = re.findall(r"^(mnistlab_\w+(?:\{.*\})?) (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return {name: float(value) for name, value in lines}


def moved(client: TestClient, act) -> set[str]:
    before = numbers(client)
    act()
    after = numbers(client)
    counts = [name for name in after if re.match(r"\w+_(total|count)\b", name) and "/metrics" not in name]
    return {name for name in counts if after[name] != before.get(name, 0.0)}


def test_a_digit_that_is_read_is_counted_with_its_confidence(client):
    version = client.app.state.service.versions.current.version
    assert moved(client, lambda: client.post("/predict", json={"strokes": SEVEN})) == {
        f'mnistlab_predictions_total{{digit="7",version="{version}"}}',
        f'mnistlab_prediction_seconds_count{{version="{version}"}}',
        f'mnistlab_confidence_count{{version="{version}"}}',
        'mnistlab_requests_total{method="POST",route="/predict",status="200"}',
        'mnistlab_request_seconds_count{route="/predict"}',
    }


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"strokes": []}, "nothing to read"),
        ({"strokes": [*SEVEN, [[x + 150, y] for x, y in SEVEN[0]]]}, "several digits"),
        ({"image": np.random.default_rng(0).integers(0, 256, 784).tolist()}, "not a digit"),
    ],
)
def test_what_is_no_digit_is_counted_by_its_reason_and_has_no_confidence(client, sent, reason):
    version = client.app.state.service.versions.current.version
    names = moved(client, lambda: client.post("/predict", json=sent))
    assert f'mnistlab_no_digit_total{{reason="{reason}",version="{version}"}}' in names
    assert f'mnistlab_predictions_total{{digit="none",version="{version}"}}' in names
    assert not [name for name in names if "confidence" in name]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda client: client.post("/predict", json={"image": [1]}), "value"),
        (lambda client: client.post("/predict", content=b"x", headers={"Content-Type": "image/png"}), "unreadable"),
        (lambda client: client.get("/api/statistics"), "token"),
        (lambda client: client.get("/nothing"), "not-found"),
    ],
)
def test_a_refusal_is_counted_once_under_the_code_of_its_answer(client, act, code):
    before = numbers(client)
    assert act(client).json()["code"] == code
    after = numbers(client)
    name = f'mnistlab_refusals_total{{code="{code}"}}'
    assert after[name] - before.get(name, 0.0) == 1
    assert sum(after[n] - before.get(n, 0.0) for n in after if n.startswith("mnistlab_refusals_total")) == 1


def test_of_verdicts_on_a_reading_the_first_counts(client):
    answer = client.post("/predict", json={"strokes": SEVEN}).json()

    def say(verdict: str | None) -> set[str]:
        sent = {"id": answer["id"], "verdict": verdict}
        names = moved(client, lambda: client.post("/api/v1/feedback", json=sent).raise_for_status())
        return {name for name in names if "verdicts" in name}

    assert say("wrong") == {f'mnistlab_verdicts_total{{verdict="wrong",version="{answer["version"]}"}}'}
    assert say("right") == set()


def test_the_newest_version_is_told_by_its_date(client):
    assert 1.7e9 < numbers(client)["mnistlab_newest_version_timestamp_seconds"] < 4e9


# --- what it may use --------------------------------------------------------------------------------------------------


def quota(microseconds: str) -> dict[str, str]:
    """Version 1 of cgroup: a share of each tenth of a second."""
    return {"cpu/cpu.cfs_quota_us": microseconds, "cpu/cpu.cfs_period_us": "100000"}


@pytest.mark.parametrize(
    ("files", "bytes_", "cores"),
    [
        ({"memory.max": "104857600", "cpu.max": "50000 100000"}, 104857600, 0.5),
        ({"memory/memory.limit_in_bytes": "209715200", **quota("25000")}, 209715200, 0.25),
    ],
    ids=["version 2", "version 1"],
)
def test_a_container_may_use_what_it_is_allowed(tmp_path, files, bytes_, cores):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content + "\n")
    assert (machine.memory(tmp_path), machine.cores(tmp_path)) == (bytes_, cores)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"memory.max": "max", "cpu.max": "max 100000"},
        {"memory.max": "", "cpu.max": ""},
        {"memory/memory.limit_in_bytes": str(2**63 - 4096), **quota("-1")},
    ],
    ids=["no cgroup", "no limit in version 2", "empty", "no limit in version 1"],
)
def test_without_a_limit_it_may_use_the_machine(tmp_path, files):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert machine.memory(tmp_path) == machine.memory(tmp_path / "none")
    assert machine.memory(tmp_path) > 2**28
    assert machine.cores(tmp_path) == machine.cores(tmp_path / "none") >= 1
