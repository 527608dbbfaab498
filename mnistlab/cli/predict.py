"""``mnistlab predict``: the digit in each picture."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.cli import options
from mnistlab.common.errors import LabError

if TYPE_CHECKING:
    from mnistlab.inference.prediction import Page, Prediction

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif")


@click.command(short_help="Read the digit in each picture.")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path())
@options.version("Which version reads.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list, with all ten probabilities.")
@click.option("--page", is_flag=True, help="Read every digit of each picture, and print a table of them.")
@click.option(
    "--boxes",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --page and one FILE: a new PNG, with a box around each digit.",
)
@click.pass_context
def predict(
    ctx: click.Context, files: tuple[str, ...], version: str, as_json: bool, page: bool, boxes: Path | None
) -> None:
    """Read the digit in each picture FILE: a photograph or a drawing, PNG, JPEG, WEBP, BMP, GIF or TIFF.

    A folder stands for the pictures in it, - for a picture on standard input.
    """
    from mnistlab import Predictor
    from mnistlab.inference.page_picture import page_png, page_table
    from mnistlab.inference.prediction import Page, Prediction

    if boxes and not (page and len(files) == 1):
        raise click.UsageError("--boxes goes with --page and one FILE")
    reader = Predictor.load(version)
    told: list[dict[str, object]] = []
    failed = False
    for file in _pictures(files):
        try:
            found = reader.predict_page(_source(file)) if page else reader.predict_image(_source(file))
        except LabError as error:
            failed = True
            told.append({"file": file, "error": str(error), "code": error.code})
            click.echo(_fault(file, error), err=True)
            continue
        told.append({"file": file, **(_of_digit(found) if isinstance(found, Prediction) else _of_page(found))})
        if not as_json:
            click.echo(f"{file}: {found}")
        if isinstance(found, Page):
            if not as_json:
                click.echo("\n".join(page_table(found)) if found else "")
            if boxes and found:
                options.write_file(boxes, page_png(found))
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    ctx.exit(1 if failed else 0)


def _of_digit(read: Prediction) -> dict[str, object]:
    return {
        "digit": read.digit,
        "digits": list(read.digits),
        "confidence": read.confidence,
        "probabilities": [float(p) for p in read.probabilities] if read.image.any() else None,
        "reason": read.reason,
        "note": read.note,
        "version": read.version,
        "milliseconds": round(read.milliseconds, 2),
    }


def _of_page(page: Page) -> dict[str, object]:
    found = [
        {
            "digit": part.digit,
            "digits": list(part.digits),
            "confidence": part.confidence,
            "box": list(part.box),
            "line": part.line,
        }
        for part in page
    ]
    return {"number": page.number, "reason": page.reason, "note": page.note, "digits_found": found}


def _pictures(files: tuple[str, ...]) -> Iterator[str]:
    """The files, and for a folder the pictures in it, by name."""
    for file in files:
        if not Path(file).is_dir():
            yield file
            continue
        inside = sorted(str(each) for each in Path(file).iterdir() if each.suffix.lower() in SUFFIXES)
        if not inside:
            raise LabError(f"there is no picture in the folder {file}; {', '.join(SUFFIXES)} are", code="unknown")
        yield from inside


def _fault(file: str, error: LabError) -> str:
    """One line on a file that was not read, its name first and once: some sentences begin with it too."""
    from mnistlab.data.picture_file import named

    return f"{file}: {str(error).removeprefix(f'{named(file)} ')}"


def _source(file: str) -> object:
    """What to read: the file, or standard input."""
    return sys.stdin.buffer if file == "-" else file
