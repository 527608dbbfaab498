"""``mnistlab retrain``: from data to decision."""

from __future__ import annotations

import click
from click.core import ParameterSource

from mnistlab.cli.run import duration, parse

REFUSED = 3  # exit code of a candidate that a gate refused


@click.command(short_help="Train a candidate and put it into use if it is good enough.")
@click.option(
    "--recipe",
    type=click.Choice(["drawing", "plain"]),
    default="drawing",
    show_default=True,
    help="How to train: drawing is the wide network of studies/handwriting, plain the small one of 03_train.",
)
@click.option(
    "--preset",
    type=click.Choice(["full", "quick"]),
    default="full",
    show_default=True,
    help="full trains drawing as its notebook does and plain by the preset best; quick tries the way in minutes, and its "
    "candidate is refused.",
)
@click.option(
    "--with-feedback",
    is_flag=True,
    help="Do not train anew: tune the version in use to the drawings that people corrected and agreed to have kept.",
)
@click.option("--store", default=None, help="Where feedback is kept, a path or a URL; that of the lab by default.")
@click.option("--session", default=None, help="With --with-feedback: learn from the drawings of one session only.")
@click.option(
    "-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="As in `mnistlab run`. Repeatable."
)
@click.option("--no-promote", is_flag=True, help="Keep a candidate that passes, but do not put it into use.")
@click.option(
    "--cell-timeout", type=click.IntRange(min=1), default=3600, show_default=True, help="Seconds a cell may take."
)
@click.option(
    "--start-timeout",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="Seconds a kernel may take to start.",
)
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.pass_context
def retrain(
    ctx: click.Context,
    recipe: str,
    preset: str,
    with_feedback: bool,
    store: str | None,
    session: str | None,
    given: tuple[str, ...],
    no_promote: bool,
    cell_timeout: int,
    start_timeout: int,
    quiet: bool,
) -> None:
    """Check the data, train a candidate, judge it against the version in use on the same images, and put it into use if
    every gate is open. The report is in reports/<time>/, the history of all runs in reports/index.html.

    Exit codes: 0 promoted (with --no-promote: passed), 3 refused by a gate, 75 another retraining is under way, 2 wrong usage,
    130 and 143 stopped by a signal, 1 any other failure. In all but the first, the version in use stays as it was.
    """
    from mnistlab.common import locks, paths

    values = parse(given)
    chosen = [
        name for name in ("recipe", "preset", "given") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if with_feedback and chosen:
        raise click.UsageError(
            "--with-feedback tunes the version in use; it takes no --recipe, --preset or --parameter"
        )
    if not with_feedback and (store or session):
        raise click.UsageError("--store and --session go with --with-feedback")
    with locks.retraining(paths.models()):  # before PyTorch is loaded: of many at once, all but one end at once
        from mnistlab.pipeline import retrain as work
        from mnistlab.pipeline.executor import TimeLimits
        from mnistlab.pipeline.report_folder import shorten

        options = work.RetrainOptions(
            promote=not no_promote,
            limits=TimeLimits(cell_timeout, start_timeout),
            show_progress=not quiet,
            is_alone=True,
        )

        if with_feedback:
            from mnistlab.feedback.store import Store

            done = work.retrain_with_feedback(Store(store), session=session, options=options)
        else:
            done = work.retrain(recipe, size=preset, parameters=values, options=options)
    if not quiet:
        for verdict in done.decision.verdicts:
            if verdict.passed:
                click.echo(f"{click.style('open', fg='green')}  {verdict.gate:<12}{verdict.reason}")
        click.echo(f"\nReport after {duration(done.receipt['seconds'])}: {shorten(done.folder)}")
    if done.outcome == work.REFUSED:
        click.echo(f"mnistlab: the candidate is refused by {len(done.decision.refusals)} of the gates:", err=True)
        for refusal in done.decision.refusals:
            click.echo(f"  {refusal}", err=True)
        ctx.exit(REFUSED)
    where = "is in use" if done.outcome == work.PROMOTED else "passed and is kept, not in use"
    click.echo(f"Version {done.version} {where}; it was compared with {done.decision.current or 'no other'}.")
