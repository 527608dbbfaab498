"""``mnistlab retrain``: from data to decision."""

from __future__ import annotations

import click
from click.core import ParameterSource

from mnistlab.cli import options
from mnistlab.common.constants import RECIPES, RETRAIN_CELL_TIMEOUT, SIZES

REFUSED = 3  # exit code of a candidate that a gate refused


@click.command(short_help="Train a candidate and put it into use if it is good enough.")
@click.option(
    "--recipe",
    type=click.Choice(RECIPES),
    default="drawing",
    help="What to train: drawing is the wide network of studies/handwriting, plain the small one of 03_train.",
)
@click.option(
    "--preset",
    type=click.Choice(SIZES),
    default="full",
    help="full trains as the notebook does, plain with the preset best; quick tries everything out in minutes, and the gates "
    "refuse its candidate.",
)
@click.option(
    "--with-feedback",
    is_flag=True,
    help="Instead of training anew, fine-tune the version in use on the drawings that people corrected and agreed to have kept. "
    "What passes is kept, and put into use by a person alone: `mnistlab models promote`.",
)
@options.store
@click.option("--session", help="With --with-feedback: learn from the drawings of this session only.")
@options.parameters("As in `mnistlab run`. Repeatable.")
@click.option("--no-promote", is_flag=True, help="Keep a candidate that passes, but do not put it into use.")
@options.timeouts(RETRAIN_CELL_TIMEOUT)
@options.quiet
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
    it passes every gate. The report is in reports/<time>/, the history of all runs in reports/index.html.

    Exit codes: 0 promoted (with --no-promote or --with-feedback: passed), 3 refused by a gate, 75 another retraining is in
    progress, 2 wrong usage, 130 and 143 stopped by a signal, 1 any other failure. In all but the first, the version in use stays
    as it was.
    """
    from mnistlab.common import locks, paths

    values = options.parse_parameters(given)
    chosen = [
        name for name in ("recipe", "preset", "given") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if with_feedback and chosen:
        raise click.UsageError(
            "--with-feedback fine-tunes the version in use; it takes no --recipe, --preset or --parameter"
        )
    if not with_feedback and (store or session):
        raise click.UsageError("--store and --session go with --with-feedback")
    with locks.retraining(paths.models()):  # before PyTorch is loaded: of many at once, all but one end at once
        from mnistlab.pipeline import retrain as work
        from mnistlab.pipeline.executor import TimeLimits
        from mnistlab.pipeline.report_folder import shorten

        settings = work.RetrainOptions(
            promote=not no_promote,
            limits=TimeLimits(cell_timeout, start_timeout),
            show_progress=not quiet,
            is_alone=True,
        )

        if with_feedback:
            from mnistlab.feedback.store import Store

            done = work.retrain_with_feedback(Store(store), session=session, options=settings)
        else:
            done = work.retrain(recipe, size=preset, parameters=values, options=settings)
    if not quiet:
        for verdict in done.decision.verdicts:
            if verdict.passed:
                click.echo(f"{click.style('open', fg='green')}  {verdict.gate:<12}{verdict.reason}")
        click.echo(f"\nReport after {options.duration(done.receipt['seconds'])}: {shorten(done.folder)}")
    if done.outcome == work.REFUSED:
        click.echo(f"mnistlab: the candidate is refused by {len(done.decision.refusals)} of the gates:", err=True)
        for refusal in done.decision.refusals:
            click.echo(f"  {refusal}", err=True)
        ctx.exit(REFUSED)
    where = "is in use" if done.outcome == work.PROMOTED else "passed and is kept, not in use"
    click.echo(f"Version {done.version} {where}; it was compared with {done.decision.current or 'no other'}.")
