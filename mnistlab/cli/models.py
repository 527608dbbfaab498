"""``mnistlab models``: the trained versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from mnistlab.cli import options
from mnistlab.common import paths
from mnistlab.common.constants import KEEP
from mnistlab.common.errors import LabError, plain

REFUSED = 3  # exit code of a version that a gate refused

if TYPE_CHECKING:
    from mnistlab.registry.manifest import Manifest
    from mnistlab.registry.registry import Registry


@click.group(short_help="List, show, check and choose the trained versions.")
def models() -> None:
    """List, show, check and choose the trained versions."""


@models.command("list", short_help="List the versions.")
def models_list() -> None:
    """List the versions; * marks the one in use."""
    from mnistlab.registry.manifest import Manifest
    from mnistlab.registry.names import version_names
    from mnistlab.registry.promotions import Promotions  # not the registry: what loads networks takes its time

    root = paths.models()
    promotions = Promotions(root)
    found = {number: _manifest(root / number) for number in promotions.versions()}
    if not found:
        click.echo(f"There is no version in {paths.told(root)}; `mnistlab run 03_train` makes one.")
        return
    names = version_names(each for each in found.values() if isinstance(each, Manifest))
    in_use = promotions.current_or_none()
    rows = [("  version", "name", "made", "parameters", "accuracy [95 %]")]
    for number, manifest in found.items():
        described = _describe(manifest) if isinstance(manifest, Manifest) else ("?", "?", f"fault: {manifest}")
        rows.append((("* " if number == in_use else "  ") + number, names.get(number, "?"), *described))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _registry() -> Registry:
    from mnistlab.registry.registry import Registry  # not before it is needed: it takes its time

    return Registry()


def _current(registry: Registry) -> str | None:
    try:
        return registry.current()
    except LabError:
        return None


def _manifest(folder: Path) -> Manifest | LabError:
    """The manifest of a version, or what is wrong with it."""
    from mnistlab.common.files import read_regular
    from mnistlab.registry.layout import MANIFEST, MAX_MANIFEST
    from mnistlab.registry.manifest import parse_manifest

    try:
        return parse_manifest(read_regular(folder / MANIFEST, MAX_MANIFEST))
    except LabError as error:
        return error


def _describe(manifest: Manifest) -> tuple[str, str, str]:
    from mnistlab.evaluation import formatting
    from mnistlab.evaluation.intervals import Accuracy

    judged: Literal["test", "validation"] = "test" if "test" in manifest.metrics else "validation"
    metric = manifest.metrics[judged]
    accuracy = f"{formatting.accuracy(Accuracy(metric.correct, metric.n))} of {metric.n:,} {judged} images"
    created = manifest.created.replace("T", " ").removesuffix(":00Z").removesuffix("Z")[:16]
    return created, f"{manifest.parameters:,}", accuracy


@models.command("show", short_help="Show the model card of a version.")
@click.argument("version", default="current")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON, without its probe.")
def models_show(version: str, as_json: bool) -> None:
    """Show the model card of VERSION: a name, "current" (the default) or "latest"."""
    from mnistlab.registry.card import lineage, model_card

    manifest = _registry().manifest(version)
    if as_json:
        click.echo(plain(manifest.model_dump_json(indent=2, exclude={"probe"})))
    else:
        click.echo(model_card(manifest).rstrip())
        click.echo("\nWhere it comes from:\n")
        for name, text in lineage(manifest).items():
            click.echo(f"- {name}: {plain(text)}")
        if manifest.training and manifest.training.feedback:
            click.echo(f"- erased since: {_erased(manifest.version)}")


def _erased(version: str) -> str:
    """How many of the corrections a version learned from are erased by now, as far as the store knows."""
    from mnistlab.common.errors import FeedbackError
    from mnistlab.feedback.store import Store

    try:
        learned, erased = Store().marked().get(version, (0, 0))
    except FeedbackError as error:
        return f"not known: {error}"
    return f"{erased} of them" if learned else "not known: the store has no record of this version"


@models.command("verify", short_help="Check the files of versions.")
@click.argument("versions", nargs=-1, metavar="[VERSION]...")
@click.pass_context
def models_verify(ctx: click.Context, versions: tuple[str, ...]) -> None:
    """Check the files of each VERSION in every way there is, without trusting them; of all versions if none is named."""
    from mnistlab.common.errors import CheckpointError

    registry = _registry()
    names = [registry.resolve(version) for version in versions] or registry.versions()
    if not names:
        click.echo(f"There is no version in {paths.told(registry.root)}.")
    faults = 0
    for name in names:
        try:
            registry.load(name)
            click.echo(f"{name}  {click.style('ok', fg='green')}")
        except CheckpointError as error:
            faults += 1
            click.echo(f"{name}  {click.style('fault', fg='red')}  {error}")
    ctx.exit(1 if faults else 0)


@models.command("promote", short_help="Put a version into use, if the gates let it.")
@click.argument("version")
@click.option("--unjudged", is_flag=True, help="Ask no gate: it may read worse than the version in use.")
@click.pass_context
def models_promote(ctx: click.Context, version: str, unjudged: bool) -> None:
    """Put VERSION into use, if its files are intact and every gate of a retraining lets it. Exit code 3 if one does not. Where
    the package is installed without the libraries of the gates, none is asked, which is said.

    To go back to the version in use before, `mnistlab models rollback` asks nobody.
    """
    registry = _registry()
    name, before = registry.resolve(version), _current(registry)
    if not unjudged and name != before:
        try:
            refusals = _refusals(registry, name, before)
        except ModuleNotFoundError:  # of an installation that reads and does not train
            refusals, unjudged = [], True
        if refusals:
            click.echo(f"mnistlab: version {name} is not put into use; gates are closed:", err=True)
            for refusal in refusals:
                click.echo(f"  {refusal}", err=True)
            click.echo("To put it into use all the same: --unjudged.", err=True)
            ctx.exit(REFUSED)
    now = registry.promote(name)
    click.echo(f"Version {now} is in use" + (f"; it was {before}." if before not in (None, now) else "."))
    if unjudged:
        warning = f"NO GATE WAS ASKED: whether version {now} reads worse than others is not known."
        click.echo(click.style(warning, fg="red", bold=True), err=True)


def _refusals(registry: Registry, name: str, before: str | None) -> list[str]:
    """What the gates have against a version that is to take the place of another one."""
    from mnistlab.data.mnist import load_mnist
    from mnistlab.pipeline import gates
    from mnistlab.pipeline.decision import JudgingData

    path, in_use = registry.root / name, registry.root / before if before else None
    return gates.decide(path, in_use, JudgingData.of(load_mnist()), best=gates.best_in(registry, path)).refusals


@models.command("rollback", short_help="Go back to the version in use before.")
def models_rollback() -> None:
    """Go back to the version that was in use before; repeated, it goes further back."""
    from mnistlab.common import locks
    from mnistlab.registry.promotions import Promotions

    root = paths.models()
    with locks.hold(root / locks.REGISTRY, "a change of the version in use", wait=locks.WAIT):
        left, now = Promotions(root).back()
    click.echo(f"Version {now} is in use again; it was {left}.")


@models.command("prune", short_help="Remove old versions.")
@click.option("--keep", type=click.IntRange(min=1), default=KEEP, help="How many of the newest to keep.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def models_prune(keep: int, dry_run: bool) -> None:
    """Remove old versions; the newest, the one in use, the one before it and the newest of each kind are kept."""
    gone = _registry().prunable(keep) if dry_run else _registry().prune(keep)
    names = ", ".join(gone) or "nothing"
    click.echo(f"Would remove {names}." if dry_run else f"Removed {names}.")


@models.command("compare", short_help="Compare two versions on the same images.")
@click.argument("first")
@click.argument("second")
@click.option(
    "--images",
    type=click.Choice(["validation", "test"]),
    default="validation",
    help="Which MNIST images. What was chosen on the test images can no longer be judged on them.",
)
@options.as_json
def models_compare(first: str, second: str, images: str, as_json: bool) -> None:
    """Compare versions FIRST and SECOND, paired: which images does only one of them read right?"""
    from mnistlab.data.mnist import load_mnist
    from mnistlab.evaluation import formatting
    from mnistlab.evaluation.intervals import compare
    from mnistlab.evaluation.metrics import evaluate

    registry = _registry()
    names = [registry.resolve(name) for name in (first, second)]
    digits = getattr(load_mnist(), images)
    judged = [evaluate(registry.load(name).probabilities(digits.images), digits.labels) for name in names]
    paired = compare(*(evaluation.correct for evaluation in judged))
    if as_json:
        figures = {name: evaluation.accuracy.as_dict() for name, evaluation in zip(names, judged, strict=True)}
        click.echo(json.dumps({"images": images, "accuracy": figures, "paired": paired.as_dict()}, indent=2))
        return
    for name, evaluation in zip(names, judged, strict=True):
        click.echo(f"{name}  {evaluation.accuracy} {images} images")
    sentence = formatting.mcnemar(paired, names[0], names[1])
    click.echo(f"{sentence[0].upper()}{sentence[1:]}.")


@models.command("export", short_help="Write a version in the old format, convnet.pt.")
@click.argument("version", default="current")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="convnet.pt")
def models_export(version: str, file: Path) -> None:
    """Write VERSION to FILE in the old format, a dictionary for torch.load: model_state_dict, permutation, n_kernels,
    input_size and output_size. Nothing is overwritten. A FILE that ends in .onnx is written by `export onnx`.
    """
    from mnistlab.cli.export import export_onnx
    from mnistlab.registry import legacy

    if file.suffix.lower() == ".onnx":
        click.get_current_context().invoke(export_onnx, version=version, file=file)
        return
    if file.suffix.lower() == ".safetensors":
        raise click.UsageError(f"the old format is a file of PyTorch, such as convnet.pt, not {file.name}")

    options.write_file(file, legacy.export_legacy(_registry().load(version)))


@models.command("import", short_help="Add a model in the old format, convnet.pt.")
@click.argument("file", type=click.Path(path_type=Path))
def models_import(file: Path) -> None:
    """Add the model in FILE, in the old format (see export), as a new version. No code in FILE is run, and the version is not
    put into use.
    """
    from mnistlab.data.mnist import load_mnist
    from mnistlab.registry import legacy

    registry, splits = _registry(), load_mnist()
    version = registry.add(lambda name: legacy.import_legacy(file, splits, version_id=name))
    manifest = registry.manifest(version)
    click.echo(f"Version {version}: {manifest.summary()}")
    _, _, converted = (manifest.imported or "").partition("Converted: ")
    if converted:
        click.echo(f"Converted: {converted}. Its stored answers are those of the converted network.")
