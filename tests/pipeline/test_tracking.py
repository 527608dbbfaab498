"""Runs mirrored to MLflow: all of a run, once, and nothing lost when the tracker is down."""

from __future__ import annotations

import json
from pathlib import Path

import alembic  # noqa: F401  MLflow opens no database without it
import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.common.errors import RunError
from mnistlab.pipeline import tracking

RECEIPT = {
    "id": "20261129-101500",
    "started": "2026-11-29T10:15:00Z",
    "finished": "2026-11-29T10:25:00Z",
    "kind": "retrain",
    "outcome": "refused",
    "version": None,
    "notebooks": [{"name": "03_train", "parameters": {"epochs": 6, "preset": "fast"}, "headlines": ["It reads 99 %."]}],
    "decision": {
        "passed": False,
        "verdicts": [{"gate": "overall", "passed": False, "reason": "98.1 % is worse than 99.4 %"}],
        "figures": {"validation": {"value": 0.981, "low": 0.977, "high": 0.985, "n": 5000}, "recall": [0.99, 0.98]},
    },
    "code": {"commit": "abc", "sha256": "def"},
}
FOUND = {
    "metrics": {
        "accuracy": {"value": 0.99, "low": 0.988, "high": 0.992, "n": 10000},
        "is_plain": True,
        "p < 0.05": 0.01,
    }
}


@pytest.fixture
def reports(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MNISTLAB_REPORTS", str(tmp_path / "reports"))
    folder = tmp_path / "reports" / RECEIPT["id"]
    folder.mkdir(parents=True)
    (folder / "receipt.json").write_text(json.dumps(RECEIPT))
    (folder / "03_train.json").write_text(json.dumps(FOUND))
    (folder / "03_train.html").write_text("<p>The report.</p>")
    return tmp_path / "reports"


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setenv(tracking.VARIABLE, f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    from mlflow.tracking import MlflowClient

    return MlflowClient()


def mirrored(client) -> list:
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    return client.search_runs([experiment.experiment_id]) if experiment else []


def test_a_run_is_mirrored_whole_and_once(reports, client, tmp_path):
    folder = reports / RECEIPT["id"]
    assert tracking.mirror(folder)
    assert not tracking.mirror(folder)
    (run,) = mirrored(client)
    assert run.data.params == {"03_train.epochs": "6", "03_train.preset": "fast"}
    metrics = run.data.metrics
    assert (metrics["03_train.accuracy.value"], metrics["03_train.accuracy.low"]) == (0.99, 0.988)
    assert (metrics["gates.validation.n"], metrics["gates.recall.1"], metrics["03_train.p _ 0.05"]) == (
        5000,
        0.98,
        0.01,
    )
    assert "03_train.is_plain" not in metrics
    tags = run.data.tags
    assert (tags["outcome"], tags["gate.overall"]) == ("refused", "closed: 98.1 % is worse than 99.4 %")
    assert (tags["code.commit"], tags["mlflow.note.content"]) == ("abc", "It reads 99 %.")
    assert (run.info.end_time - run.info.start_time, run.info.status) == (600_000, "FINISHED")
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files == {"receipt.json", "03_train.json", "03_train.html"}
    assert not (tmp_path / "mlruns").exists()


def test_a_tracker_that_is_down_costs_a_warning_and_the_run_is_sent_later(reports, client, monkeypatch, capsys):
    there = client.tracking_uri
    folder = reports / RECEIPT["id"]
    before = {path: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setenv(tracking.VARIABLE, "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracking.mirror_if_asked(folder)
    assert f"`mnistlab mirror {folder.name}` tries again" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    monkeypatch.setenv(tracking.VARIABLE, there)
    done = CliRunner().invoke(main, ["mirror"])
    assert done.output == f"{folder.name}: mirrored\n"
    assert len(mirrored(client)) == 1
    assert "is there already" in CliRunner().invoke(main, ["mirror", folder.name]).output


def test_a_run_that_was_cut_off_while_it_was_sent_is_sent_again(reports, client, monkeypatch):
    from mlflow.tracking import MlflowClient

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifacts", lambda *_: 1 / 0)
        with pytest.raises(RunError, match="not mirrored"):
            tracking.mirror(reports / RECEIPT["id"])
    assert tracking.mirror(reports / RECEIPT["id"])
    assert sorted(run.info.status for run in mirrored(client)) == ["FINISHED", "KILLED"]


def test_without_the_variable_nothing_is_sent_and_nothing_said(reports, monkeypatch, capsys):
    monkeypatch.delenv(tracking.VARIABLE, raising=False)
    tracking.mirror_if_asked(reports / RECEIPT["id"])
    assert capsys.readouterr().err == ""
    done = CliRunner().invoke(main, ["mirror"])
    assert done.exit_code == 2
    assert "set MLFLOW_TRACKING_URI" in done.output


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"notebooks": 1}', "[" * 100_000])
def test_what_is_no_complete_run_is_refused(reports, client, content):
    folder = reports / RECEIPT["id"]
    (folder / "receipt.json").write_text(content)
    with pytest.raises(RunError, match="no complete run"):
        tracking.mirror(folder)
    assert mirrored(client) == []


def test_a_password_of_the_tracker_is_in_no_sentence(reports, monkeypatch):
    monkeypatch.setenv(tracking.VARIABLE, "http://me:hunter2@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RunError) as refused:
        tracking.mirror(reports / RECEIPT["id"])
    assert "hunter2" not in str(refused.value)
