"""What is watched and when it alarms: the rules by their own cases, every query against a real Prometheus and a real server."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dashboard
import httpx
import numpy as np
import pytest
import yaml
from made import committed, wait_for
from serving import SEVEN, TOKEN, client_of, serving, settings

from mnistlab.registry.layout import POINTER, WEIGHTS
from mnistlab.serve.app import create_app

FOLDER = Path(__file__).parents[2] / "deploy/prometheus"
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
CASES = yaml.safe_load((FOLDER / "rules.test.yml").read_text())["tests"]


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"there is no {program} here: apt-get install prometheus"
    )


# --- as they are written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_each_alert_has_a_case_that_fires_and_one_that_is_silent_and_says_what_to_do(rule):
    asked = [check for case in CASES for check in case["alert_rule_test"] if check["alertname"] == rule["alert"]]
    assert {bool(check["exp_alerts"]) for check in asked} == {True, False}
    assert set(rule["annotations"]) == {"summary", "action"}
    assert rule["labels"]["severity"] in ("page", "ticket")


@needs("promtool")
def test_the_alerts_do_as_their_cases_say():
    done = subprocess.run(["promtool", "test", "rules", "rules.test.yml"], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_the_one_that_is_written_by_code():
    assert dashboard.TARGET.read_text() == dashboard.text(), "run: python tools/dashboard.py"


def test_the_panels_of_the_dashboard_fill_its_grid_and_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    panels = json.loads(dashboard.TARGET.read_text())["panels"]
    for panel in panels:
        x, y, w, h = (panel["gridPos"][name] for name in "xywh")
        cells = {(row, column) for row in range(y, y + h) for column in range(x, x + w)}
        assert not cells & taken
        assert x + w <= dashboard.COLUMNS
        taken |= cells
    assert len({panel["title"] for panel in panels}) == len({panel["id"] for panel in panels}) == len(panels)


def test_every_metric_that_is_asked_for_is_one_of_the_server(client_metrics):
    asked = [rule["expr"] for rule in RULES] + [q for row in dashboard.ROWS for p in row for q in p.queries.values()]
    names = {word for query in asked for word in _names(query)}
    assert {name for name in names if name not in client_metrics} == set()


@pytest.fixture
def client_metrics(tmp_path) -> set[str]:
    """Names of all samples that a server has once each thing has happened, as Prometheus knows them."""
    with client_of(create_app(settings(store=str(tmp_path / "feedback.sqlite")))) as client:
        _use(client)
        lines = client.get("/metrics").text.splitlines()
    return {line.partition("{")[0].partition(" ")[0] for line in lines if not line.startswith("#")}


def _names(query: str) -> list[str]:
    return re.findall(r"\b(?:mnistlab|process)_\w+", query)


# --- at work ----------------------------------------------------------------------------------------------------------


def _use(client: httpx.Client) -> None:
    """Everything that the dashboard shows, once."""
    answer = client.post("/predict", json={"strokes": SEVEN}).json()
    client.post("/predict", json={"strokes": []})
    client.post("/predict", json={"image": np.random.default_rng(0).integers(0, 256, 784).tolist()})
    client.post("/predict", json={"image": [1]})
    for verdict in ("right", "wrong"):
        answer = client.post("/api/v1/predict", json={"strokes": SEVEN}).json()
        client.post("/api/v1/feedback", json={"id": answer["id"], "verdict": verdict})


@pytest.fixture
def watched(tmp_path) -> Iterator[tuple[httpx.Client, httpx.Client, Path]]:
    """A server with versions of its own, used for some seconds, and a Prometheus that watches it with our configuration."""
    folder, models = tmp_path, committed("models", tmp_path / "models")
    (folder / "token").write_text(TOKEN)
    with serving(folder, MNISTLAB_MODELS=str(models)) as served, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(FOLDER / "rules.yml")]
        del config["alerting"]
        ours, _ = config["scrape_configs"]
        del ours["dns_sd_configs"]  # the names of the containers
        ours["static_configs"] = [{"targets": [served.address.removeprefix("http://")]}]
        ours["authorization"]["credentials_file"] = str(folder / "token")
        config["scrape_configs"] = [ours]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with open(folder / "prometheus.log", "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            with (
                httpx.Client(base_url=served.address, timeout=20) as server,
                httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as prometheus,
            ):
                wait_for(lambda: _is_ready(prometheus), "Prometheus did not start", seconds=30)
                wait_for(
                    lambda: bool(_ask(prometheus, 'up{job="mnistlab"} == 1')), "the server is not seen", seconds=30
                )
                for _ in range(4):  # a rate needs a number before and one after
                    _use(server)
                    time.sleep(1)
                yield server, prometheus, models
        finally:
            process.terminate()
            process.wait(timeout=20)


def _is_ready(prometheus: httpx.Client) -> bool:
    try:
        return prometheus.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def _ask(prometheus: httpx.Client, query: str) -> list[dict[str, Any]]:
    answer = prometheus.get("/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def _firing(prometheus: httpx.Client) -> set[str]:
    alerts = prometheus.get("/api/v1/alerts").json()["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@needs("prometheus")
def test_every_query_of_the_dashboard_returns_data(watched):
    _, prometheus, _ = watched
    for panel in (panel for row in dashboard.ROWS for panel in row):
        for name, query in panel.queries.items():
            values = [float(result["value"][1]) for result in _ask(prometheus, query)]
            assert values, f"{panel.title}, {name}: {query}"
            if not panel.title.startswith("Drift"):  # it is known once people have agreed, and drawn
                assert np.isfinite(values).all(), f"{panel.title}, {name}: {values}"


@needs("prometheus")
def test_a_damaged_version_fires_its_alert_and_a_sound_one_ends_it(watched):
    server, prometheus, models = watched
    in_use = (models / POINTER).read_text()
    assert "MnistlabVersionRefused" not in _firing(prometheus)
    weights = models / "0001" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x00")
    (models / POINTER).write_text("0001\n")
    wait_for(lambda: "MnistlabVersionRefused" in _firing(prometheus), "no alert", seconds=30)
    assert server.post("/predict", json={"strokes": SEVEN}).json()["version"] == in_use.strip()
    (models / POINTER).write_text(in_use)
    wait_for(lambda: not _ask(prometheus, "mnistlab_version_refused == 1"), "it is still refused", seconds=30)
