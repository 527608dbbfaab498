"""``mnistlab predict``, ``benchmark`` and ``doctor``: what reads digits, and what that needs."""

from __future__ import annotations

import json

import click

from mnistlab.errors import LabError


@click.command(short_help="Read the digit in each picture.")
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


@click.group(short_help="Measure how well drawings are read, and how fast the lab is.")
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


@click.command(short_help="Look at all the lab needs; say what is missing.")
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
