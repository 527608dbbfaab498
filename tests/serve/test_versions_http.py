"""Versions as a client of the server meets them: swapped, refused, at work side by side."""

from __future__ import annotations

import json
import logging
import re

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from serving import SEVEN, TOKEN, client_of, settings

from mnistlab.cli.main import main
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.registry import Registry
from mnistlab.serve.app import create_app
from mnistlab.serve.logs import JsonLines
from mnistlab.serve.rollout import Rollout
from mnistlab.serve.share import Share


def served(registry: Registry, **options: object) -> tuple[TestClient, Rollout]:
    app = create_app(settings(models=registry.root, **options))
    return client_of(app, raise_server_exceptions=False), app.state.service.rollout


@pytest.fixture
def server(registry) -> tuple[TestClient, Rollout]:
    """0001 is in use."""
    return served(registry)


def read(client: TestClient, query: str = "", **headers: str) -> str:
    answer = client.post(f"/api/v1/predict{query}", json={"strokes": SEVEN}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


def metric(client: TestClient, line: str) -> float:
    found = re.search(rf"^{re.escape(line)} (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found, f"no {line} in {client.get('/metrics').text}"
    return float(found[1])


def test_a_promoted_version_answers_without_a_restart(server, registry):
    client, rollout = server
    assert (read(client), client.get("/ready").json()["version"]) == ("0001", "0001")
    registry.promote("0002")
    rollout.tend()
    assert (read(client), client.get("/ready").json()["version"]) == ("0002", "0002")
    assert client.get("/api/info").json()["manifest"]["version"] == "0002"
    assert metric(client, 'mnistlab_version_in_use{version="0002"}') == 1
    assert metric(client, "mnistlab_version_swaps_total") == 1


def test_a_damaged_version_is_told_and_the_old_one_answers(server, registry):
    client, rollout = server
    (registry.root / "0002" / "model.safetensors").write_bytes(b"damaged")
    (registry.root / "CURRENT").write_text("0002\n")
    rollout.tend()
    assert read(client) == "0001"
    info = client.get("/api/info").json()
    assert (info["version"], info["fault"]["code"], info["fault"]["version"]) == ("0001", "sha256", "0002")
    assert "version 0001 stays in use" in info["fault"]["message"]
    assert info["incidents"] == [info["fault"]]
    assert metric(client, "mnistlab_version_refused") == 1
    assert metric(client, "mnistlab_version_swaps_failed_total") == 1


def test_a_client_that_names_itself_stays_with_one_of_two_versions(registry):
    client, _ = served(registry, ab=Share("0002", 0.5))
    first = [read(client, **{"X-Client-Key": str(person)}) for person in range(20)]
    assert first == [read(client, **{"X-Client-Key": str(person)}) for person in range(20)]
    assert set(first) == {"0001", "0002"}
    assert {read(client) for _ in range(40)} == {"0001", "0002"}  # by its id, a request goes anywhere
    assert client.get("/api/info").json()["ab"] == {"version": "0002", "share": 0.5}
    assert metric(client, 'mnistlab_version_share{version="0002"}') == 0.5


def test_a_shadow_measures_and_never_answers(registry):
    client, rollout = served(registry, shadow="0002")
    rollout.shadow.start()
    assert {read(client) for _ in range(10)} == {"0001"}
    read(client, "?version=0002")
    rollout.shadow.close()
    shadow = client.get("/api/info").json()["shadow"]
    assert (shadow["version"], shadow["n"]) == ("0002", 10)  # what named a version is no part of it
    seen = sum(
        metric(client, f'mnistlab_shadow_predictions_total{{outcome="{o}",version="0002"}}')
        for o in ("agreed", "differed")
    )
    assert seen == 10
    assert metric(client, 'mnistlab_shadow_seconds{quantile="0.5",reader="shadow",version="0002"}') > 0


def test_a_new_version_that_fails_gives_way_to_the_one_before(server, registry, monkeypatch):
    client, rollout = server
    registry.promote("0002")
    rollout.tend()
    works = Predictor.predict_strokes

    def fails(self: Predictor, *given: object) -> object:
        return works(self, *given) if self.version == "0001" else 1 / 0

    monkeypatch.setattr(Predictor, "predict_strokes", fails)
    statuses = [client.post("/predict", json={"strokes": SEVEN}).status_code for _ in range(20)]
    assert statuses == [500] * 20
    rollout.tend()
    assert read(client) == "0001"
    assert registry.current() == "0001"
    (told,) = client.get("/api/info").json()["incidents"]
    assert (told["code"], told["version"]) == ("failed", "0002")
    assert "version 0001 is in use again" in told["message"]
    assert metric(client, "mnistlab_version_returns_total") == 1


def test_what_a_client_sends_wrongly_is_no_failure_of_a_version(server, registry):
    client, rollout = server
    registry.promote("0002")
    rollout.tend()
    for _ in range(40):
        assert client.post("/predict", json={"strokes": "no drawing"}).status_code == 422
        assert client.post("/predict", content=b"no picture", headers={"Content-Type": "image/png"}).status_code == 422
    rollout.tend()
    assert (read(client), rollout.returns) == ("0002", 0)


def test_a_server_of_its_own_looks_after_its_versions(registry):
    app = create_app(settings(models=registry.root))
    rollout = app.state.service.rollout
    with client_of(app) as client:
        assert read(client) == "0001"
        assert rollout._thread.is_alive()
    assert not rollout._thread.is_alive()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ab", "0002"], "VERSION=PERCENT"),
        (["--ab", "9999=10%"], "there is no version '9999'"),
        (["--shadow", "../0002"], "there is no version '../0002'"),
    ],
)
def test_a_candidate_that_cannot_be_is_refused_before_the_server_starts(options, words):
    done = CliRunner().invoke(main, ["serve", *options])
    assert done.exit_code == 2, done.output
    assert words in done.output


def test_beyond_this_machine_no_server_is_without_a_limit_on_the_rate(monkeypatch):
    monkeypatch.setenv("MNISTLAB_TOKEN", TOKEN)
    done = CliRunner().invoke(main, ["serve", "--host", "0.0.0.0", "--rate", "off"])
    assert (done.exit_code, "need a limit" in done.output) == (2, True), done.output


def test_a_line_of_the_log_says_where_an_error_was_raised_and_nothing_it_says():
    try:
        raise ValueError("what a client sent")
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "failed", "levelname": "ERROR", "exc_info": (None, error, None)})
    line = json.loads(JsonLines().format(record))
    assert (line["message"], line["error"]) == ("failed", "ValueError")
    assert "test_versions_http.py" in line["at"][-1]
    assert "sent" not in json.dumps(line)
