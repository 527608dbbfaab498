"""``mnistlab export``: a version in another form, for those who read it without the lab."""

from __future__ import annotations

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
