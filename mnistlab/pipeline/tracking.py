"""Complete runs, mirrored to an MLflow server, for whoever compares them there. ``reports/`` stays the record.

Nothing is read back, and a tracker that is down or wrong costs a warning and nothing else: what was not mirrored is by
``mnistlab mirror`` later. A run is known by its name, so it is mirrored once.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.common import paths
from mnistlab.common.errors import RunError
from mnistlab.pipeline.report_folder import RECEIPT

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

VARIABLE = "MLFLOW_TRACKING_URI"
EXPERIMENT = "mnistlab"
TAG = "mnistlab.run"
# What MLflow does unless it is told otherwise: it asks a server that is gone for minutes, and tells its makers of each use.
SETTINGS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
BATCH = 100  # parameters in one message; 1,000 metrics are
LONGEST = 500  # characters of a parameter


def mirror_if_asked(folder: Path) -> None:
    """Mirror a run that has just ended, if ``MLFLOW_TRACKING_URI`` is set; a failure is told on stderr, and ends nothing."""
    if not os.environ.get(VARIABLE):
        return
    try:
        mirror(folder)
    except RunError as error:
        print(f"mnistlab: {error}; `mnistlab mirror {folder.name}` tries again", file=sys.stderr)


def mirror(folder: Path) -> bool:
    """Mirror a complete run: parameters, metrics with their intervals, verdicts of the gates, and its files.

    Returns
    -------
    whether it was not there yet.

    Raises
    ------
    RunError : it is no complete run (``"incomplete"``), or the tracker did not take it (``"tracker"``).
    """
    try:
        receipt = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
        results = {entry["name"]: _results(folder / f"{entry['name']}.json") for entry in receipt["notebooks"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{folder.name} is no complete run ({type(error).__name__})", code="incomplete") from None
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow.tracking import MlflowClient

        client = MlflowClient()
        experiment = _experiment(client)
        if client.search_runs([experiment], f"tags.`{TAG}` = '{receipt['id']}'", max_results=1):
            return False
        _send(client, experiment, folder, receipt, results)
    except ModuleNotFoundError as error:  # of a tracker in a database, alembic too
        raise RunError(
            f"{VARIABLE} is set, but {error.name} is not installed: pip install 'mnistlab[mlflow]' alembic",
            code="tracker",
        ) from None
    except Exception as error:  # a client of a server raises nearly anything
        why = _without_secrets((str(error).strip().splitlines() or [type(error).__name__])[0])[:200]
        raise RunError(f"{folder.name} was not mirrored to MLflow ({why})", code="tracker") from None
    return True


def _without_secrets(words: str) -> str:
    """Without who logs in at the tracker, and with what."""
    for name, value in os.environ.items():
        if name.startswith("MLFLOW_") and name.endswith(("PASSWORD", "TOKEN")) and value:
            words = words.replace(value, "***")
    return re.sub(r"//[^/\s]*@", "//", words)


def _experiment(client: MlflowClient) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found:
        return str(found.experiment_id)
    uri = os.environ[VARIABLE]
    # A server knows where its files go; a database does not, and MLflow would put them into the working folder.
    place = None if uri.startswith(("http://", "https://", "databricks")) else (paths.reports() / "mlflow").as_uri()
    return str(client.create_experiment(EXPERIMENT, artifact_location=place))


def _send(
    client: MlflowClient, experiment: str, folder: Path, receipt: dict[str, Any], results: dict[str, Any]
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    when = int(1000 * _seconds(receipt["finished"]))
    started = int(1000 * _seconds(receipt["started"]))
    run = client.create_run(experiment, start_time=started, run_name=receipt["id"]).info.run_id
    try:
        parameters = [
            Param(f"{entry['name']}.{name}", str(value)[:LONGEST])
            for entry in receipt["notebooks"]
            for name, value in entry["parameters"].items()
        ]
        figures = {**results, "gates": receipt.get("decision", {}).get("figures", {})}
        metrics = [Metric(name, value, when, 0) for name, value in _numbers(figures)]
        for i in range(0, max(len(parameters), 1), BATCH):
            client.log_batch(run, params=parameters[i : i + BATCH])
        for i in range(0, max(len(metrics), 1), BATCH):
            client.log_batch(run, metrics=metrics[i : i + BATCH])
        client.log_batch(run, tags=[RunTag(name, value) for name, value in _tags(receipt).items()])
        client.log_artifacts(run, str(folder))
        client.set_tag(run, TAG, receipt["id"])  # last: a run without it is not whole, and is sent again
        client.set_terminated(run, "FINISHED", end_time=when)
    except BaseException:
        client.set_terminated(run, "KILLED")
        raise


def _tags(receipt: dict[str, Any]) -> dict[str, str]:
    """What is neither a parameter nor a number."""
    decision = receipt.get("decision") or {}
    headlines = [line for entry in receipt["notebooks"] for line in entry.get("headlines", ())]
    said = {"outcome": receipt.get("outcome"), "version": receipt.get("version"), "kind": receipt.get("kind", "run")}
    code = {f"code.{name}": value for name, value in receipt["code"].items()}
    gates = {
        f"gate.{verdict['gate']}": f"{'open' if verdict['passed'] else 'closed'}: {verdict['reason']}"
        for verdict in decision.get("verdicts", ())
    }
    tags = {**said, **code, **gates, "mlflow.note.content": "\n\n".join(headlines)}
    return {_name(name): str(value) for name, value in tags.items() if value not in (None, "")}


def _results(path: Path) -> Any:
    """What a notebook found; nothing of one that left no figures."""
    return json.loads(path.read_text(encoding="utf-8")).get("metrics", {}) if path.is_file() else {}


def _numbers(values: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested values, by the path to it: ``03_train.accuracy.low``."""
    if isinstance(values, dict | list):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from _numbers(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, int | float) and not isinstance(values, bool):
        yield _name(name), float(values)


def _name(name: str) -> str:
    """As MLflow allows it: letters, digits and ``_-. /``, at most 250."""
    return re.sub(r"[^\w\-. /]", "_", name, flags=re.ASCII)[:250]


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
