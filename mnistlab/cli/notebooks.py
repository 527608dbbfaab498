"""``mnistlab notebooks``: the notebooks as files of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from mnistlab.common.errors import LabError


@click.command(short_help="Copy the notebooks into a folder.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def notebooks(folder: Path) -> None:
    """Copy the notebooks into DIR, to work in. DIR is made; it may exist if it is empty."""
    from mnistlab.common import paths

    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; nothing is overwritten")
    try:
        shutil.copytree(
            paths.notebooks(), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "__pycache__")
        )
    except OSError as error:
        raise LabError(f"the notebooks could not be copied: {error}", code="write") from error
    click.echo(
        f"{sum(1 for _ in folder.rglob('*.ipynb'))} notebooks in {folder}; `mnistlab[lab]` brings JupyterLab to open them"
    )
