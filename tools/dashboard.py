"""Write the Grafana dashboard of a server, ``deploy/grafana/dashboards/mnistlab.json``, from what is listed here.

    python tools/dashboard.py

A row is what a person on call asks in that order: is it up and right, how fast, what does it read, what do people say, what
does it need. Every query is tried against a real Prometheus by ``tests/deploy/test_prometheus.py``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "deploy/grafana/dashboards/mnistlab.json"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
PREDICT = 'route=~".*/predict"'
COLUMNS, HEIGHT = 24, 8  # of Grafana's grid; a panel's height in its rows


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes
    ----------
    title : what it shows.
    queries : PromQL by the name of the curve, in which ``{{label}}`` stands for a label's value.
    unit : as Grafana names it.
    kind : ``"timeseries"``, or ``"stat"`` for one number.
    most : what the axis ends at; None is as far as the curve goes.
    """

    title: str
    queries: dict[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    most: float | None = None


def _quantile(share: float, name: str, labels: str = "", by: str = "le") -> str:
    return f"histogram_quantile({share}, sum by ({by}) (rate({name}_bucket{labels}[5m])))"


def _share(part: str, whole: str, by: str = "") -> str:
    group = f" by ({by})" if by else ""
    return f"sum{group} ({part}) / sum{group} ({whole})"


LATENCY = {f"p{int(100 * q)}": _quantile(q, "mnistlab_request_seconds", f"{{{PREDICT}}}") for q in (0.5, 0.95, 0.99)}
READING = {
    f"{{{{version}}}} p{int(100 * q)}": _quantile(q, "mnistlab_prediction_seconds", by="le, version")
    for q in (0.5, 0.95)
}
ERRORS = _share('rate(mnistlab_requests_total{status=~"5.."}[5m]) or vector(0)', "rate(mnistlab_requests_total[5m])")
RIGHT = _share('increase(mnistlab_verdicts_total{verdict="right"}[1d])', "increase(mnistlab_verdicts_total[1d])")
CPU = 'rate(process_cpu_seconds_total{job="mnistlab"}[5m]) / on (instance) mnistlab_cpu_limit_cores'
MEMORY = 'process_resident_memory_bytes{job="mnistlab"} / on (instance) mnistlab_memory_limit_bytes'
NO_DIGIT = (
    "sum by (version, reason) (rate(mnistlab_no_digit_total[5m])) / on (version) group_left "
    "sum by (version) (rate(mnistlab_predictions_total[5m]))"
)

ROWS: list[list[Panel]] = [
    [
        Panel("Servers up", {"up": 'sum(up{job="mnistlab"})'}, kind="stat"),
        Panel("Version in use", {"{{version}}": "max by (version) (mnistlab_version_in_use)"}, kind="stat"),
        Panel("Requests a second", {"requests": "sum(rate(mnistlab_requests_total[5m]))"}, "reqps", "stat"),
        Panel("95 % answered within", {"p95": LATENCY["p95"]}, "s", "stat"),
        Panel("Errors of the server", {"5xx": ERRORS}, "percentunit", "stat"),
        Panel("Called right, of a day", {"right": RIGHT}, "percentunit", "stat"),
    ],
    [
        Panel("Requests by status", {"{{status}}": "sum by (status) (rate(mnistlab_requests_total[5m]))"}, "reqps"),
        Panel("Time to the answer", LATENCY, "s"),
        Panel("Time of a reading", READING, "s"),
    ],
    [
        Panel("Digits read", {"{{digit}}": "sum by (digit) (rate(mnistlab_predictions_total[5m]))"}, "ops"),
        Panel("Share without a digit", {"{{version}}: {{reason}}": NO_DIGIT}, "percentunit", most=1),
        Panel(
            "Confidence, median",
            {"{{version}}": _quantile(0.5, "mnistlab_confidence", by="le, version")},
            "percentunit",
        ),
    ],
    [
        Panel("Verdicts of people", {"{{verdict}}": "sum by (verdict) (increase(mnistlab_verdicts_total[1h]))"}),
        Panel("Refused requests", {"{{code}}": "sum by (code) (rate(mnistlab_refusals_total[5m]))"}, "reqps"),
        Panel(
            "Versions",
            {
                "came into use": "sum(mnistlab_version_swaps_total)",
                "could not be loaded": "sum(mnistlab_version_swaps_failed_total)",
                "had to go": "sum(mnistlab_version_returns_total)",
            },
        ),
    ],
    [
        Panel("CPU of what is allowed", {"{{instance}}": CPU}, "percentunit", most=1),
        Panel("Memory of what is allowed", {"{{instance}}": MEMORY}, "percentunit", most=1),
        Panel("Drift: p-value", {"{{instance}}": "mnistlab_drift_p_value"}, most=1),
        Panel("Store answers", {"{{instance}}": "mnistlab_store_answers"}, kind="stat"),
        Panel(
            "Age of the newest version", {"age": "time() - max(mnistlab_newest_version_timestamp_seconds)"}, "s", "stat"
        ),
    ],
]


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana stores it."""
    panels, top = [], 0
    for row in ROWS:
        height = HEIGHT // 2 if all(panel.kind == "stat" for panel in row) else HEIGHT
        for place, panel in enumerate(row):
            width = COLUMNS // len(row)
            grid = {"x": place * width, "y": top, "w": width, "h": height}
            panels.append({"id": len(panels) + 1, "gridPos": grid, **_plain(panel)})
        top += height
    return {
        "uid": "mnistlab",
        "title": "mnistlab",
        "tags": ["mnistlab"],
        "timezone": "utc",
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "panels": panels,
    }


def _plain(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + i), "datasource": SOURCE, "expr": query, "legendFormat": name}
        for i, (name, query) in enumerate(panel.queries.items())
    ]
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.most is not None:
        defaults["max"] = panel.most
    options: dict[str, Any] = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    if panel.kind == "stat":
        shown = "name" if panel.title == "Version in use" else "value"
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": shown, "colorMode": "none"}
    return {
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
