"""``mnistlab mirror``: complete runs, sent to MLflow."""

from __future__ import annotations

import os

import click

from mnistlab.common import paths
from mnistlab.common.errors import RunError


@click.command(short_help="Send runs to MLflow that are not there yet.")
@click.argument("runs", nargs=-1)
def mirror(runs: tuple[str, ...]) -> None:
    """Send complete RUNS, folders of reports/ by name, to the MLflow server that MLFLOW_TRACKING_URI names; all without a name.

    Runs and retrainings do so by themselves while the variable is set. Here is for those that could not.
    """
    from mnistlab.pipeline import tracking
    from mnistlab.pipeline.report_folder import RECEIPT

    if not os.environ.get(tracking.VARIABLE):
        raise RunError(
            f"no tracker is named: set {tracking.VARIABLE}, as to http://127.0.0.1:5000 or sqlite:///mlflow.db",
            code="usage",
        )
    reports = paths.reports()
    names = runs or tuple(sorted(receipt.parent.name for receipt in reports.glob(f"*/{RECEIPT}")))
    for name in names:
        is_new = tracking.mirror(reports / name)
        click.echo(f"{name}: {'mirrored' if is_new else 'is there already'}")
    if not names:
        click.echo("There is no complete run to mirror.")
