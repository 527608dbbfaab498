"""``mnistlab run``: notebooks headless."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mnistlab.cli import options
from mnistlab.common.constants import CELL_TIMEOUT
from mnistlab.common.errors import LabError

if TYPE_CHECKING:
    from mnistlab.pipeline.runner import Run


@click.command(short_help="Run notebooks headless and leave a report.")
@click.argument("notebooks", nargs=-1, metavar="[NOTEBOOK]...")
@options.parameters(
    "Set a parameter in every chosen notebook that has it; 03_train.NAME=VALUE in one only. Repeatable."
)
@click.option("--list", "only_list", is_flag=True, help="List the notebooks and their parameters; run nothing.")
@options.timeouts(CELL_TIMEOUT)
@options.quiet
@click.option("--verbose", is_flag=True, help="If a cell fails, print its traceback.")
@click.option("--update", is_flag=True, help="For maintainers: replace the notebooks by the executed copies.")
def run(
    notebooks: tuple[str, ...],
    given: tuple[str, ...],
    only_list: bool,
    cell_timeout: int,
    start_timeout: int,
    quiet: bool,
    verbose: bool,
    update: bool,
) -> None:
    """Run notebooks headless and leave a report; without names, the whole sequence in order.

    NOTEBOOK is a name such as 03_train, its number 03, or a path. The executed copies, pages for the browser, results and a
    receipt go to reports/<time>/, which gets that name only once everything is complete.
    """
    from mnistlab.pipeline import runner
    from mnistlab.pipeline.executor import TimeLimits

    if only_list:
        for notebook in runner.find(notebooks):
            click.secho(notebook.name, bold=True)
            for parameter in notebook.parameters.values():
                click.echo(f"  {parameter}" + (f"  # {parameter.meaning}" if parameter.meaning else ""))
        return
    try:
        finished = runner.run(
            notebooks,
            options.parse_parameters(given),
            limits=TimeLimits(cell_timeout, start_timeout),
            update=update,
            show_progress=not quiet,
        )
    except LabError as error:
        if verbose and error.__cause__:
            click.echo(f"{error.__cause__}\n", err=True)
        raise
    if not quiet:
        _summarise(finished)


def _summarise(finished: Run) -> None:
    from mnistlab.pipeline.report_folder import shorten

    entries = finished.receipt["notebooks"]
    count = "1 notebook" if len(entries) == 1 else f"{len(entries)} notebooks"
    click.secho(f"\nComplete: {count} in {options.duration(finished.receipt['seconds'])}", bold=True, fg="green")
    for entry in entries:
        changed = ", ".join(f"{name} = {entry['parameters'][name]}" for name in entry["changed"])
        click.echo(
            f"\n  {click.style(entry['name'], bold=True)}  {options.duration(entry['seconds'])}"
            + (f"  ({changed})" if changed else "")
        )
        for line in entry["headlines"]:
            click.echo(f"    {line}")
    click.echo(f"\nReports: {shorten(finished.folder)}\n         to read one, open its .html in a browser")
