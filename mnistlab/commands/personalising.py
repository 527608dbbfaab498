"""``mnistlab personal``: learn the hands of those who corrected it."""

from __future__ import annotations

import click

from mnistlab.commands.retraining import REFUSED


@click.command(short_help="Learn from people's corrections, and put that into use if it is good enough.")
@click.option("--store", default=None, help="Where feedback is kept, a path or a URL; that of the lab by default.")
@click.option("--session", default=None, help="Learn from the drawings of one session only.")
@click.option("--no-promote", is_flag=True, help="Keep a candidate that passes, but do not put it into use.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.pass_context
def personal(ctx: click.Context, store: str | None, session: str | None, no_promote: bool, quiet: bool) -> None:
    """Tune the version in use to the drawings that people corrected and agreed to have kept, judge it against the version in
    use, and put it into use if every gate is open.

    Exit codes: 0 promoted (with --no-promote: passed), 3 refused by a gate, 75 a retraining is under way, 2 wrong usage, 1 any
    other failure. In all but the first, the version in use stays as it was.
    """
    from mnistlab import lesson, locks
    from mnistlab.data import load_mnist
    from mnistlab.feedback import Store
    from mnistlab.registry import Registry

    registry = Registry()
    with locks.hold(registry.root / locks.RETRAIN, "a retraining"):
        opened = Store(store)
        corrections = opened.corrections(session=session)
        done = lesson.learn(corrections, registry, load_mnist(), promote=not no_promote, show_progress=not quiet)
        if done.version:
            opened.trained(done.version, done.learned)
    if not quiet:
        click.echo(f"Of {done.given} corrections {done.distinct} differ; it learned from {len(done.learned)}.")
        for verdict in done.decision.verdicts:
            if verdict.passed:
                click.echo(f"{click.style('open', fg='green')}  {verdict.gate:<12}{verdict.reason}")
    if done.version is None:
        click.echo(f"mnistlab: the candidate is refused by {len(done.decision.refusals)} of the gates:", err=True)
        for refusal in done.decision.refusals:
            click.echo(f"  {refusal}", err=True)
        ctx.exit(REFUSED)
    where = "is in use" if done.outcome == "promoted" else "passed and is kept, not in use"
    click.echo(f"Version {done.version} {where}; it was tuned from {done.base}.")
