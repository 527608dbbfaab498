"""``mnistlab export``: a version in another form, for those who read it without the lab."""

from __future__ import annotations

import gzip
from pathlib import Path

import click

from mnistlab.cli import options


@click.group(short_help="Write a version in another form.")
def export() -> None:
    """Write a version in another form, for those who read digits without the lab."""


@export.command("onnx", short_help="Write a version as an ONNX file.")
@click.argument("version")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_onnx(version: str, file: Path) -> None:
    """Write VERSION (a name, "current" or "latest") as FILE, an ONNX graph for any runtime. It takes images as they are drawn,
    uint8 (N, 28, 28), and gives logits and probabilities: permutation and normalisation are inside. Version, classes and the
    limits of sets and refusals are in its metadata. ONNX Runtime reads the version's stored images with it first. Nothing is
    overwritten.
    """
    from mnistlab.registry import onnx
    from mnistlab.registry.registry import Registry

    options.write_file(file, onnx.export_onnx(Registry().load(version)))


@export.command("web", short_help="Write a page that reads by itself.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def export_web(folder: Path) -> None:
    """Write a page into DIR that reads by itself, in the browser, with the version in use: for a web host or a memory stick.

    It needs no server and sends nothing. DIR is made if it is missing; it may hold an older export, and nothing else.
    """
    from mnistlab.registry.registry import Registry
    from mnistlab.web.export import INDEX, page_files
    from mnistlab.web.folder import write_files

    registry = Registry()
    files = page_files(registry)
    write_files(folder, files)
    size = sum(len(gzip.compress(content)) for content in files.values())
    click.echo(
        f"{folder / INDEX} reads with version {registry.current()}: {len(files)} files, {size / 1000:.0f} kB gzipped"
    )
