"""The command ``mnistlab``: a thin way to ``runs``, ``registry``, ``predictor``, ``benchmark`` and ``doctor``.

Results go to stdout, everything about how it goes to stderr. A refusal or a fault of the lab is one sentence; anything
else is a bug and keeps its traceback. Modules are imported where they are used: ``--help`` must not wait for PyTorch.
"""

from __future__ import annotations

import json

import click

from mnistlab import __version__
from mnistlab.errors import LabError

# How a command ends besides 0: 1 what was asked for failed, 2 it was refused because of how it was asked.
REFUSED = {"usage", "unknown", "unknown-notebook", "unknown-parameter", "parameter-value", "twice"}
SIGNALS = {"sigint": 130, "sigterm": 143, "sighup": 129}  # 128 + the signal, as shells have it


class _Group(click.Group):
    """Turns the lab's own errors into a sentence and an exit code."""

    def invoke(self, ctx: click.Context):
        try:
            return super().invoke(ctx)
        except LabError as error:
            click.echo(f"mnistlab: {error}", err=True)
            ctx.exit(exit_code(error))
        except KeyboardInterrupt:
            click.echo("mnistlab: stopped by Ctrl-C", err=True)
            ctx.exit(SIGNALS["sigint"])


def exit_code(error: LabError) -> int:
    """The exit code of the command after an error of the lab: 2 for a refusal, 1 for a failure, 128 + n for signal n."""
    return SIGNALS.get(error.code, 2 if error.code in REFUSED else 1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mnistlab")
def main() -> None:
    """A lab for handwritten digits: run its notebooks, keep its models, read digits."""


@main.command(short_help="Run notebooks headless and leave a report.")
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
    from mnistlab import runs

    if only_list:
        for notebook in runs.find(notebooks):
            click.secho(notebook.name, bold=True)
            for parameter in notebook.parameters.values():
                click.echo(f"  {parameter}" + (f"  # {parameter.meaning}" if parameter.meaning else ""))
        return
    try:
        finished = runs.run(
            notebooks,
            _parse(given),
            cell_timeout=cell_timeout,
            start_timeout=start_timeout,
            update=update,
            show_progress=not quiet,
        )
    except LabError as error:
        if verbose and error.__cause__:
            click.echo(f"{error.__cause__}\n", err=True)
        raise
    if not quiet:
        _summarise(finished)


def _parse(given: tuple[str, ...]) -> dict[str, str]:
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
    from mnistlab.runs import shorten

    entries = finished.receipt["notebooks"]
    count = "1 notebook" if len(entries) == 1 else f"{len(entries)} notebooks"
    click.secho(f"\nComplete: {count} in {_duration(finished.receipt['seconds'])}", bold=True, fg="green")
    for entry in entries:
        changed = ", ".join(f"{name} = {entry['parameters'][name]}" for name in entry["changed"])
        click.echo(
            f"\n  {click.style(entry['name'], bold=True)}  {_duration(entry['seconds'])}"
            + (f"  ({changed})" * bool(changed))
        )
        for line in entry["headlines"]:
            click.echo(f"    {line}")
    click.echo(f"\nReports: {shorten(finished.folder)}\n         to read one, open its .html in a browser")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@main.group(short_help="List, show, check and choose the trained versions.")
def models() -> None:
    """The trained versions: list them, look at one, check them, put one into use."""


@models.command("list", short_help="List the versions.")
def models_list() -> None:
    """List the versions; * marks the one in use."""
    from mnistlab.registry import Registry

    registry = Registry()
    rows = [("version", "made", "kind", "parameters", "accuracy [95 %]")]
    for name in registry.versions():
        rows.append((("* " if name == _current(registry) else "  ") + name, *_describe(registry, name)))
    if len(rows) == 1:
        click.echo(f"There is no version in {registry.root}; `mnistlab run 03_train` makes one.")
        return
    rows[0] = ("  version", *rows[0][1:])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _current(registry) -> str | None:
    try:
        return registry.current()
    except LabError:
        return None


def _describe(registry, name: str) -> tuple[str, str, str, str]:
    from mnistlab import wording
    from mnistlab.evaluation import Accuracy

    try:
        manifest = registry.manifest(name)
    except LabError as error:
        return "?", "?", "?", f"fault: {error}"
    judged = "test" if "test" in manifest.metrics else "validation"
    metric = manifest.metrics[judged]
    accuracy = f"{wording.accuracy(Accuracy(metric.correct, metric.n))} of {metric.n:,} {judged} images"
    scramble = "plain" if manifest.permutation.kind == "identity" else "permuted"
    made = manifest.created.replace("T", " ").removesuffix(":00Z").removesuffix("Z")[:16]
    return made, f"{manifest.architecture.name}, {scramble}", f"{manifest.parameters:,}", accuracy


@models.command("show", short_help="Show the model card of a version.")
@click.argument("version", default="current")
@click.option("--json", "as_json", is_flag=True, help="The manifest as JSON, without its probe.")
def models_show(version: str, as_json: bool) -> None:
    """Show the model card of VERSION: a name, "current" (the default) or "latest"."""
    from mnistlab import checkpoint
    from mnistlab.registry import Registry

    manifest = Registry().manifest(version)
    if as_json:
        click.echo(manifest.model_dump_json(indent=2, exclude={"probe"}))
    else:
        click.echo(checkpoint.card(manifest).rstrip())


@models.command("verify", short_help="Check versions without trusting them.")
@click.argument("versions", nargs=-1, metavar="[VERSION]...")
@click.pass_context
def models_verify(ctx: click.Context, versions: tuple[str, ...]) -> None:
    """Check VERSIONs in every way there is, without trusting them; all of them if none is named."""
    from mnistlab.errors import CheckpointError
    from mnistlab.registry import Registry

    registry = Registry()
    names = [registry.resolve(version) for version in versions] or registry.versions()
    if not names:
        click.echo(f"There is no version in {registry.root}.")
    faults = 0
    for name in names:
        try:
            registry.load(name)
            click.echo(f"{name}  {click.style('ok', fg='green')}")
        except CheckpointError as error:
            faults += 1
            click.echo(f"{name}  {click.style('fault', fg='red')}  {error}")
    ctx.exit(1 if faults else 0)


@models.command("promote", short_help="Put a version into use.")
@click.argument("version")
def models_promote(version: str) -> None:
    """Put VERSION into use, once it is proved sound."""
    from mnistlab.registry import Registry

    registry = Registry()
    before, now = _current(registry), registry.promote(version)
    click.echo(f"Version {now} is in use" + (f"; it was {before}." if before not in (None, now) else "."))


@main.command(short_help="Read the digit in each picture.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@click.option("--version", "version", default="current", show_default=True, help="Which model reads.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list, with all ten probabilities.")
@click.pass_context
def predict(ctx: click.Context, files: tuple[str, ...], version: str, as_json: bool) -> None:
    """Read the digit in each picture FILE (PNG or JPEG)."""
    from mnistlab import Predictor

    reader = Predictor.load(version)
    readings, failed = [], False
    for file in files:
        try:
            read = reader.predict_image(file)
        except LabError as error:
            failed = True
            readings.append({"file": file, "error": str(error), "code": error.code})
            click.echo(f"{file}: {error}", err=True)
            continue
        readings.append(
            {
                "file": file,
                "digit": read.digit,
                "digits": list(read.digits),
                "confidence": read.confidence,
                "probabilities": [float(p) for p in read.probabilities] if read.image.any() else None,
                "reason": read.reason or None,
                "version": read.version,
                "milliseconds": round(read.milliseconds, 2),
            }
        )
        if not as_json:
            click.echo(f"{file}: {read}")
    if as_json:
        click.echo(json.dumps(readings, indent=2, ensure_ascii=False, allow_nan=False))
    ctx.exit(1 if failed else 0)


@main.group(short_help="Measure how well drawings are read, and how fast the lab is.")
def benchmark() -> None:
    """Measure how well drawings are read, and how fast the lab is."""


@benchmark.command("pen")
@click.argument("file", type=click.Path())
@click.option("--version", "version", default="current", show_default=True, help="Which model reads.")
@click.option(
    "--sample", type=click.IntRange(min=0), default=200, show_default=True, help="Drawings in each condition."
)
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON.")
def benchmark_pen(file: str, version: str, sample: int, as_json: bool) -> None:
    """Replay the drawings in FILE over pen widths, sizes and places, and count what is read right.

    FILE is JSON Lines, gzipped or not: {"label": 8, "writer": 12, "strokes": [[[x, y], ...], ...]}, px of a 280 x 280 canvas,
    y down.
    """
    from mnistlab.benchmark import lines, read_drawings, replay
    from mnistlab.predictor import Predictor

    drawings = read_drawings(file)
    report = replay(Predictor.load(version), drawings, sample=sample)
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False))
    else:
        click.echo("\n".join(lines(report)))


@benchmark.command("train")
@click.option("--laps", type=click.IntRange(min=1), default=3, show_default=True, help="Trainings of each kind.")
@click.option("--epochs", type=click.IntRange(min=1), default=5, show_default=True, help="Passes of ours.")
@click.option(
    "--most-epochs", type=click.IntRange(min=1), default=30, show_default=True, help="Passes that stop the tutorial's."
)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, mps or auto.")
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON.")
def benchmark_train(laps: int, epochs: int, most_epochs: int, device: str, as_json: bool) -> None:
    """Train the small ConvNet as the lab does and as tutorials do, in turn, to the same validation accuracy."""
    from mnistlab import race
    from mnistlab.data import load_mnist
    from mnistlab.progress import track
    from mnistlab.training import Settings

    run = race.race(load_mnist(), Settings(epochs=epochs), laps=laps, most_epochs=most_epochs, device=device)
    found = list(track(run, total=laps, description="laps"))
    click.echo(json.dumps(race.as_dict(found), indent=2) if as_json else "\n".join(race.lines(found)))


@benchmark.command("latency")
@click.option("--version", "version", default="current", show_default=True, help="Which model reads.")
@click.option("--n", "n", type=click.IntRange(min=10), default=500, show_default=True, help="Readings to time.")
@click.option(
    "--browser", is_flag=True, help="Also from the pointer to the page, in JupyterLab and a headless Chromium."
)
@click.option(
    "--drawn", type=click.IntRange(min=1), default=50, show_default=True, help="With --browser: drawings to time."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=1, max=90),
    default=30,
    show_default=True,
    help="With --browser: seconds of 200 moves each.",
)
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON.")
def benchmark_latency(version: str, n: int, browser: bool, drawn: int, seconds: float, as_json: bool) -> None:
    """Time readings and explanations: p50, p95 and p99 in milliseconds, on one thread."""
    from mnistlab import latency
    from mnistlab.predictor import Predictor

    reader = Predictor.load(version)
    timings, seen = latency.measure(reader, n=n), None
    if browser:
        from mnistlab import pointer

        seen = pointer.measure(reader.version, n=drawn, seconds=seconds)
    if as_json:
        figures = {"version": reader.version, "kernel": [timing.as_dict() for timing in timings]}
        click.echo(json.dumps({**figures, **({"browser": seen.as_dict()} if seen else {})}, indent=2, allow_nan=False))
        return
    click.echo(f"version {reader.version}, one thread")
    click.echo("\n".join(latency.lines(timings if seen is None else [*timings, seen.answer])))
    if seen is not None:
        click.echo("\n".join(seen.lines()))


@main.command(short_help="Look at all the lab needs; say what is missing.")
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Look at everything the lab needs, and say what to do about what is missing."""
    from mnistlab.doctor import FAULT, OK, WARNING, examine

    colours, worst = {OK: "green", WARNING: "yellow", FAULT: "red"}, 0
    for finding in examine():
        click.echo(
            f"{click.style(f'{finding.state:<8}', fg=colours[finding.state])}{finding.subject:<10} {finding.text}"
        )
        if finding.remedy:
            click.echo(f"{'':<19}-> {finding.remedy}")
        worst += finding.state == FAULT
    ctx.exit(1 if worst else 0)


if __name__ == "__main__":
    main()
