"""``mnistlab monitor``: how the lab is doing in use."""

from __future__ import annotations

import json

import click

from mnistlab.cli import options

ALARM = 4  # exit code


@click.command(short_help="Report on the lab in use; exit code 4 on an alarm.")
@click.option(
    "--days",
    type=click.FloatRange(min=0, min_open=True),
    default=7,
    help="Length of the period that is compared with the time before.",
)
@click.option("--version", "version", help="Which version to look at, instead of the one used last.")
@options.store
@options.as_json
@click.pass_context
def monitor(ctx: click.Context, days: float, version: str | None, store: str | None, as_json: bool) -> None:
    """Compare the last few days with the time before: how many drawings were read and how fast, how many were marked right,
    how many should have been, and whether people draw differently. The page is reports/monitor.html.

    Exit codes: 0 no alarm, 4 an alarm, 2 wrong usage, 1 any failure.
    """
    from mnistlab.common import paths
    from mnistlab.data.mnist import load_mnist
    from mnistlab.feedback.page import summary_lines, write_page
    from mnistlab.feedback.reference import Reference
    from mnistlab.feedback.report import make_report
    from mnistlab.feedback.store import Store
    from mnistlab.pipeline.report_folder import shorten
    from mnistlab.registry.registry import Registry

    opened = Store(store)
    uses, corrections = opened.uses(), opened.corrections()
    registry = Registry()
    chosen = version or (max(uses, key=lambda use: use.created).version if uses else None)
    known = chosen and chosen in registry.versions()
    reference = Reference.of(registry.load(chosen), load_mnist()) if chosen and known else None
    report = make_report(uses, corrections, version=chosen, reference=reference, days=days)
    page = write_page(report, paths.reports())
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    else:
        click.echo("\n".join(summary_lines(report)))
        click.echo(f"Page: {shorten(page)}")
    if report.alarms:
        for alarm in report.alarms:
            click.echo(f"mnistlab: alarm: {alarm}", err=True)
        ctx.exit(ALARM)
