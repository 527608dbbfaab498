"""``mnistlab run``: notebooks headless."""

from __future__ import annotations

import click

from mnistlab.common.errors import LabError


@click.command(short_help="Run notebooks headless and leave a report.")
@click.argument("notebooks", nargs=-1, metavar="[NOTEBOOK]...")
@click.option(
    "-p",
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter, for every chosen notebook that has it; 03_train.NAME=VALUE for one. Repeatable.",
)
@click.option(
    "--list", "only_list", is_flag=True, help="List the notebooks and what they can be asked with; run nothing."
)
@click.option(
    "--cell-timeout", type=click.IntRange(min=1), default=900, show_default=True, help="Seconds a cell may take."
)
@click.option(
    "--start-timeout",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="Seconds a kernel may take to start.",
)
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
@click.option("--verbose", is_flag=True, help="After a failing cell, its traceback.")
@click.option("--update", is_flag=True, help="For maintainers: put the executed copies in the notebooks' place.")
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
    """Run notebooks headless and leave a report; without names, all five in order.

    A NOTEBOOK is a name such as 03_train, its number 03, or a path. The executed copies, pages for the browser, figures
    and a receipt go to reports/<time>/, which bears that name only once everything is complete.
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
            parse(given),
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


def parse(given: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` texts as a dictionary; what has another form is a usage error."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise click.UsageError(f"a parameter is given as NAME=VALUE, not {text!r}; for example -p epochs=3")
        if name in values:
            raise click.UsageError(f"parameter {name} is given twice, as {values[name]!r} and {value!r}")
        values[name] = value
    return values


def _summarise(finished) -> None:
    from mnistlab.pipeline.report_folder import shorten

    entries = finished.receipt["notebooks"]
    count = "1 notebook" if len(entries) == 1 else f"{len(entries)} notebooks"
    click.secho(f"\nComplete: {count} in {duration(finished.receipt['seconds'])}", bold=True, fg="green")
    for entry in entries:
        changed = ", ".join(f"{name} = {entry['parameters'][name]}" for name in entry["changed"])
        click.echo(
            f"\n  {click.style(entry['name'], bold=True)}  {duration(entry['seconds'])}"
            + (f"  ({changed})" * bool(changed))
        )
        for line in entry["headlines"]:
            click.echo(f"    {line}")
    click.echo(f"\nReports: {shorten(finished.folder)}\n         to read one, open its .html in a browser")


def duration(seconds: float) -> str:
    """``"3 min 20 s"``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
