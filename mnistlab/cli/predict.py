"""``mnistlab predict``: the digit in each picture."""

from __future__ import annotations

import json

import click

from mnistlab.cli import options
from mnistlab.common.errors import LabError


@click.command(short_help="Read the digit in each picture.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@options.version("Which version reads.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list, with all ten probabilities.")
@click.pass_context
def predict(ctx: click.Context, files: tuple[str, ...], version: str, as_json: bool) -> None:
    """Read the digit in each picture FILE (PNG or JPEG)."""
    from mnistlab import Predictor

    reader = Predictor.load(version)
    readings: list[dict[str, object]] = []
    failed = False
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
                "reason": read.reason,
                "version": read.version,
                "milliseconds": round(read.milliseconds, 2),
            }
        )
        if not as_json:
            click.echo(f"{file}: {read}")
    if as_json:
        click.echo(json.dumps(readings, indent=2, ensure_ascii=False, allow_nan=False))
    ctx.exit(1 if failed else 0)
