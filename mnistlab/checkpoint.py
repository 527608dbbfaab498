"""Weights, permutation and metadata of one trained network, in a form that is safe to load.

A version folder holds ``model.safetensors`` (weights and the 784 int64 of the permutation), ``manifest.json`` (all that is
known about them) and ``README.md`` (the same for people). Nothing is unpickled. ``load`` gives a network only after
every check has passed; each failure is a ``CheckpointError`` with a code. Writing and naming folders is the registry's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from torch import Tensor, nn

from mnistlab import tensors
from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import CheckpointError, LabError, PermutationError
from mnistlab.common.files import read_regular, strict_json
from mnistlab.common.provenance import FOLDER, git_commit
from mnistlab.data.mnist import Digits, Normalisation, Splits
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.conformal import Calibration, calibrate
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.promotions import MANIFEST, MAX_MANIFEST, MAX_WEIGHTS, WEIGHTS
from mnistlab.training import networks
from mnistlab.training.records import Training

CARD = "README.md"
SCHEMA = 1  # of the manifest; another form gets another number
PROBES = 8  # images whose logits are stored
PROBE_TOLERANCE = 1e-4  # of a logit; another machine's rounding stays well below
PERMUTATION = "permutation"  # its key among the tensors; the weights carry the prefix
PREFIX = "model."
SHARED = (
    0.001  # share of held-out images that may stand among the training images; MNIST has none, other sets a few twins
)
LIBRARIES = ("torch", "torchvision", "numpy", "safetensors", "mnistlab")

Text = Annotated[str, Field(max_length=500)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Logits = Annotated[list[float], Field(min_length=2, max_length=100)]


class _Strict(BaseModel):
    """No unknown field, no silent conversion, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Architecture(_Strict):
    """Which network, with the arguments that build it."""

    name: Literal["convnet", "fully-connected"]
    arguments: dict[str, int]


class NormalisationInfo(_Strict):
    """Mean and standard deviation of the grey values 0..1."""

    mean: Annotated[float, Field(ge=0, le=1)]
    std: Annotated[float, Field(gt=0, le=1)]


class PermutationInfo(_Strict):
    """Which permutation; the order itself is in the weights file."""

    kind: Literal["identity", "permuted"]
    seed: Annotated[int, Field(ge=0)] | None
    sha256: Sha256


class DataInfo(_Strict):
    """What it learned from."""

    name: Text
    split_seed: int
    n_train: Annotated[int, Field(ge=1)]
    n_validation: Annotated[int, Field(ge=1)]
    train_sha256: Sha256


class TrainingInfo(_Strict):
    """How it was trained."""

    epochs: Annotated[int, Field(ge=1)]
    best_epoch: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0)]
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    batch_norm: bool = False
    seed: Annotated[int, Field(ge=0)]
    device: Text
    threads: Annotated[int, Field(ge=1)]
    seconds: Annotated[float, Field(ge=0)]
    note: Text = ""
    base: Annotated[str, Field(pattern=r"^[0-9]{4,9}$")] | None = None  # the version it was tuned from
    feedback: Annotated[list[Annotated[int, Field(ge=1)]], Field(max_length=10_000)] = []  # numbers of corrections


class Metric(_Strict):
    """An accuracy with its Wilson 95 % interval."""

    value: Share
    low: Share
    high: Share
    correct: Annotated[int, Field(ge=0)]
    n: Annotated[int, Field(ge=1, le=10**9)]

    @model_validator(mode="after")
    def _agree(self) -> Metric:
        # What is shown is made from correct and n; a program reads the others.
        if self.correct > self.n:
            raise ValueError(f"{self.correct} right of {self.n} images is no accuracy")
        accuracy = Accuracy(self.correct, self.n)
        gaps = (self.value - accuracy.value, self.low - accuracy.low, self.high - accuracy.high)
        if max(map(abs, gaps)) > 1e-6:
            raise ValueError(f"value, low and high are not those of {self.correct} right of {self.n}")
        return self

    def __str__(self) -> str:
        return str(Accuracy(self.correct, self.n))


class Level(_Strict):
    """One level of ``conformal.Calibration``: at most this surprise (nats) belongs to a set of this coverage."""

    coverage: Annotated[float, Field(gt=0, lt=1)]
    surprise: Annotated[float, Field(ge=0, le=1000)]


class CalibrationInfo(_Strict):
    """``conformal.Calibration``, made on the validation digits."""

    n: Annotated[int, Field(ge=1)]
    levels: Annotated[list[Level], Field(min_length=1, max_length=20)]
    confidence: Share


class Probe(_Strict):
    """A few images (base64 of 784 bytes each, before the permutation) and the logits the network gave to them."""

    images: Annotated[list[str], Field(min_length=1, max_length=64)]
    logits: Annotated[list[Logits], Field(min_length=1, max_length=64)]


class Manifest(_Strict):
    """All that is known about a version; the schema of ``manifest.json``."""

    schema_version: Annotated[int, Field(ge=SCHEMA, le=SCHEMA)]
    version: Annotated[str, Field(pattern=r"^[0-9]{4,9}$")]
    created: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
    architecture: Architecture
    parameters: Annotated[int, Field(ge=1)]
    normalisation: NormalisationInfo
    permutation: PermutationInfo
    data: DataInfo | None  # neither is known of an imported version
    training: TrainingInfo | None
    imported: Text | None = None
    metrics: dict[Literal["validation", "test"], Metric]
    calibration: CalibrationInfo | None = None  # versions made before there was one have none
    run: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,100}$")] | None = None  # which headless run made it
    libraries: dict[Text, Text]
    git_commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")] | None
    weights_sha256: Sha256
    probe: Probe

    @model_validator(mode="after")
    def _complete(self) -> Manifest:
        if "validation" not in self.metrics:
            raise ValueError("metrics lacks validation")
        if (self.data is None or self.training is None) != (self.imported is not None):
            raise ValueError("data and training are missing in what is imported, and nowhere else")
        if self.training and self.training.best_epoch > self.training.epochs:
            raise ValueError(f"best_epoch {self.training.best_epoch} is not one of {self.training.epochs} epochs")
        return self

    def summary(self) -> str:
        """One line: architecture, permutation, accuracy."""
        scramble = "plain" if self.permutation.kind == "identity" else "permuted"
        judged = "test" if "test" in self.metrics else "validation"
        return f"{self.architecture.name}, {self.parameters:,} parameters, {scramble}; {judged} {self.metrics[judged]}"


@dataclass(frozen=True)
class Checkpoint:
    """A network that passed every check, with what its images must go through.

    Attributes
    ----------
    model : on the CPU, in evaluation mode.
    permutation, normalisation : as in training.
    manifest : what is known about it.
    """

    model: nn.Module
    permutation: Permutation
    normalisation: Normalisation
    manifest: Manifest

    @property
    def calibration(self) -> Calibration | None:
        """What its answers are held against to tell sure from unsure; None if it was made without."""
        info = self.manifest.calibration
        return info and Calibration(info.n, {one.coverage: one.surprise for one in info.levels}, info.confidence)

    def logits(self, images: Tensor) -> Tensor:
        """uint8 (N, 28, 28) as drawn -> float32 (N, 10)."""
        return networks.logits(self.model, images, permutation=self.permutation, normalisation=self.normalisation)

    def probabilities(self, images: Tensor) -> Tensor:
        """uint8 (N, 28, 28) as drawn -> float32 (N, 10), each row sums to 1."""
        return self.logits(images).softmax(dim=1)


def pack(
    training: Training,
    splits: Splits,
    *,
    version_id: str,
    test: Digits | None = None,
    note: str = "",
    base: str | None = None,
    feedback: Sequence[int] = (),
    run: str | None = None,
) -> dict[str, bytes]:
    """The files of a version folder, by name, from a finished training.

    Parameters
    ----------
    splits : the data it was trained on; validation gives the probe and the first metric.
    version_id : four digits or more, ``"0003"``.
    test : the test images to judge it on, once, now that nothing is left to choose; None leaves them alone.
    note : one line for the model card, at most 500 characters.
    base : the version it was tuned from, if it was.
    feedback : numbers of the corrections it learned from, in the store of feedback.
    run : name of the report it is made for; None asks the runner, if this is one of its notebooks.

    Raises
    ------
    CheckpointError : the metadata does not fit the schema: a note too long, or weights whose logits are not finite; or
        images it is to be judged on stand among those it learned from (``"leak"``).
    """
    for part, count in splits.shared().items():
        if count > SHARED * len(getattr(splits, part)):
            raise CheckpointError(f"{count:,} {part} images stand among the training images", code="leak")
    try:
        return _pack(training, splits, version_id, test, note, base, list(feedback), run)
    except ValidationError as error:
        raise _invalid(error) from None


def pack_imported(
    model: nn.Module, permutation: Permutation, splits: Splits, *, version_id: str, note: str
) -> dict[str, bytes]:
    """The files of a version folder, by name, from a network of which nothing else is known.

    Parameters
    ----------
    splits : its validation and test images judge it; its normalisation is taken to be MNIST's usual one.
    version_id : four digits or more.
    note : where it came from, at most 500 characters.

    Raises
    ------
    CheckpointError : as ``pack``.
    """
    try:
        return _write(model, permutation, Normalisation(), splits, splits.test, version_id, imported=note)
    except ValidationError as error:
        raise _invalid(error) from None


def _pack(
    training: Training,
    splits: Splits,
    version_id: str,
    test: Digits | None,
    note: str,
    base: str | None,
    feedback: list[int],
    run: str | None,
) -> dict[str, bytes]:
    data = DataInfo(
        name=splits.name,
        split_seed=splits.seed,
        n_train=len(splits.train),
        n_validation=len(splits.validation),
        train_sha256=splits.train.sha256(),
    )
    how = TrainingInfo(
        epochs=training.settings.epochs,
        best_epoch=training.best.epoch,
        batch_size=training.settings.batch_size,
        learning_rate=float(training.settings.learning_rate),
        average=float(training.settings.average),
        batch_norm=training.settings.batch_norm,
        seed=training.settings.seed,
        device=training.device,
        threads=training.threads,
        seconds=round(training.seconds, 1),
        note=note,
        base=base,
        feedback=feedback,
    )
    own = (training.model, training.permutation, training.normalisation)
    return _write(*own, splits, test, version_id, data=data, training=how, run=run)


def _write(
    model: nn.Module,
    permutation: Permutation,
    normalisation: Normalisation,
    splits: Splits,
    test: Digits | None,
    version_id: str,
    *,
    data: DataInfo | None = None,
    training: TrainingInfo | None = None,
    imported: str | None = None,
    run: str | None = None,
) -> dict[str, bytes]:
    parts = {PREFIX + name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    weights = safetensors.torch.save({**parts, PERMUTATION: permutation.order})
    apply = {"permutation": permutation, "normalisation": normalisation}
    logits = networks.logits(model, splits.validation.images, **apply)
    if not torch.isfinite(logits).all():
        raise CheckpointError("the network gives logits that are no finite numbers", code="finite")
    probe = splits.validation.images[:PROBES]
    manifest = Manifest(
        schema_version=SCHEMA,
        version=version_id,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        architecture=Architecture(name=model.name, arguments=model.arguments),
        parameters=networks.count_parameters(model),
        normalisation=NormalisationInfo(mean=normalisation.mean, std=normalisation.std),
        permutation=PermutationInfo(
            kind="identity" if permutation.is_identity else "permuted",
            seed=permutation.seed,
            sha256=permutation.sha256(),
        ),
        data=data,
        training=training,
        imported=imported,
        metrics={
            name: _metric(model, digits, apply)
            for name, digits in (("validation", splits.validation), ("test", test))
            if digits is not None
        },
        calibration=_calibration(logits, splits.validation.labels),
        run=run or _run(),
        libraries=_libraries(),
        git_commit=git_commit(),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        probe=Probe(
            images=[base64.b64encode(image.numpy().tobytes()).decode() for image in probe],
            logits=networks.logits(model, probe, **apply).tolist(),
        ),
    )
    return _files(weights, manifest)


def _files(weights: bytes, manifest: Manifest) -> dict[str, bytes]:
    text = manifest.model_dump_json(indent=2) + "\n"
    return {WEIGHTS: weights, MANIFEST: text.encode(), CARD: card(manifest).encode()}


def load(folder: Path) -> Checkpoint:
    """The network in a version folder, once it is proved sound.

    The order of the checks matters: nothing is parsed before its size and hash are known, nothing is built before its
    shapes are, and last the golden probe shows that weights, permutation and normalisation belong together.

    Raises
    ------
    CheckpointError : any check failed; ``code`` says which (missing, not-a-file, too-large, manifest, sha256, tensors,
        shape, type, finite, permutation, probe).
    """
    manifest = parse_manifest(read_regular(folder / MANIFEST, MAX_MANIFEST))
    if manifest.version != folder.name:
        raise CheckpointError(f"the manifest in {folder.name} is that of version {manifest.version}", code="manifest")
    weights = read_regular(folder / WEIGHTS, MAX_WEIGHTS)
    if (found := hashlib.sha256(weights).hexdigest()) != manifest.weights_sha256:
        raise CheckpointError(
            f"{WEIGHTS} of {folder.name} has SHA-256 {found[:12]}..., its manifest says {manifest.weights_sha256[:12]}...",
            code="sha256",
        )
    try:
        arguments = networks.check_arguments(manifest.architecture.name, manifest.architecture.arguments)
    except LabError as error:
        raise CheckpointError(f"the architecture cannot be built: {str(error)[:200]}", code="manifest") from error
    model = networks.build(manifest.architecture.name, **arguments)
    if (count := networks.count_parameters(model)) != manifest.parameters:
        raise CheckpointError(
            f"the architecture has {count:,} parameters, its manifest says {manifest.parameters:,}", code="manifest"
        )
    wanted = {PREFIX + name: tensor for name, tensor in model.state_dict().items()}
    found = tensors.read(weights, {**wanted, PERMUTATION: torch.zeros(PIXELS, dtype=torch.int64)})
    permutation = _permutation(found.pop(PERMUTATION), manifest.permutation)
    model.load_state_dict({name.removeprefix(PREFIX): tensor for name, tensor in found.items()}, strict=True)
    normalisation = Normalisation(manifest.normalisation.mean, manifest.normalisation.std)
    checkpoint = Checkpoint(model.eval(), permutation, normalisation, manifest)
    _check_probe(checkpoint)
    return checkpoint


def renamed(folder: Path, version_id: str) -> dict[str, bytes]:
    """The files of a version folder, proved sound, as those of another number.

    Raises
    ------
    CheckpointError : as ``load``.
    """
    manifest = load(folder).manifest
    weights = read_regular(folder / WEIGHTS, MAX_WEIGHTS)
    if hashlib.sha256(weights).hexdigest() != manifest.weights_sha256:
        raise CheckpointError(f"{WEIGHTS} of {folder.name} changed while it was read", code="sha256")
    return _files(weights, manifest.model_copy(update={"version": version_id}))


def parse_manifest(text: bytes) -> Manifest:
    """A manifest from strict JSON: UTF-8, no duplicate key, no NaN, no unknown field.

    Raises
    ------
    CheckpointError : with code ``"manifest"``, naming the first fault.
    """
    try:
        strict_json(text)
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise _invalid(error) from None
    except ValueError as error:
        raise CheckpointError(f"the manifest is not strict JSON: {str(error)[:200]}", code="manifest") from None


def card(manifest: Manifest) -> str:
    """The model card in Markdown, made from the manifest alone."""
    data, training, permutation = manifest.data, manifest.training, manifest.permutation
    scramble = {
        "identity": "none: pixels stay where they are",
        "permuted": f"fixed, {f'seed {permutation.seed}, ' if permutation.seed is not None else ''}{permutation.sha256[:12]}...",
    }[permutation.kind]
    rows = {
        "architecture": f"{manifest.architecture.name} {manifest.architecture.arguments}",
        "parameters": f"{manifest.parameters:,}",
        "permutation of the pixels": scramble,
        "normalisation": f"mean {manifest.normalisation.mean:g}, standard deviation {manifest.normalisation.std:g}",
        "data": "not known"
        if data is None
        else f"{data.name}, {data.n_train:,} to train, {data.n_validation:,} to validate",
        "training": "not known" if training is None else _how(training),
        **{f"accuracy on {name}": str(metric) for name, metric in manifest.metrics.items()},
        "made": f"{manifest.created}, commit {(manifest.git_commit or 'unknown')[:12]}",
        "libraries": ", ".join(f"{name} {number}" for name, number in manifest.libraries.items()),
    }
    table = "\n".join(f"| {_escape(name)} | {_escape(value)} |" for name, value in rows.items())
    # "Note:" keeps the text off the start of its line, where it could be a heading or a list.
    words = manifest.imported or (training.note if training else "")
    note = f"\nNote: {_escape(words)}\n" if words else ""
    apart = (
        "The test images took no part in training or in any choice." if training else "It may have learned from them."
    )
    return f"""# Version {manifest.version}
{note}
| | |
|---|---|
{table}

Intervals are Wilson's, 95 %. {apart}

**Made for** reading one handwritten digit at a time in teaching and experiments. **Not for** decisions about people,
cheques or forms: it was trained on digits written in the United States around 1990, and reads other hands less well.
"""


def _how(training: TrainingInfo) -> str:
    normed = ", normalised over the batch" if training.batch_norm else ""
    return (
        f"{training.epochs} epochs (best: {training.best_epoch}), batch {training.batch_size}{normed}, "
        f"peak rate {training.learning_rate:g}, seed {training.seed}, {training.seconds:.0f} s on {training.device}"
    )


def lineage(manifest: Manifest) -> dict[str, str]:
    """Where a version comes from, to be followed back: every name in full."""
    seed, data = manifest.permutation.seed, manifest.data
    seeded = f", seed {seed}" if seed is not None else ""
    tuned = manifest.training if manifest.training and manifest.training.base else None
    return {
        "version": f"{manifest.version}, made {manifest.created}",
        **({"tuned from": f"{tuned.base}, on {len(tuned.feedback):,} corrections"} if tuned else {}),
        "weights": f"SHA-256 {manifest.weights_sha256}",
        "permutation": f"{manifest.permutation.kind}{seeded}, SHA-256 {manifest.permutation.sha256}",
        "training images": f"{data.n_train:,}, set {data.name}, SHA-256 {data.train_sha256}" if data else "not known",
        "training run": manifest.run or manifest.imported or "not made by a headless run, or before runs were noted",
        "code": manifest.git_commit or "unknown commit",
    }


def _permutation(order: Tensor, info: PermutationInfo) -> Permutation:
    try:
        permutation = Permutation(order, info.seed)
    except PermutationError as error:
        raise CheckpointError(f"the permutation is not one: {error}", code="permutation") from error
    if permutation.sha256() != info.sha256 or permutation.is_identity != (info.kind == "identity"):
        raise CheckpointError("the permutation is not the one its manifest names", code="permutation")
    return permutation


def _check_probe(checkpoint: Checkpoint) -> None:
    """The stored images must give the stored logits; a valid permutation of another model fails here."""
    probe = checkpoint.manifest.probe
    try:
        raw = [base64.b64decode(image, validate=True) for image in probe.images]
    except ValueError as error:  # binascii.Error is one; characters beyond ASCII raise the bare one
        raise CheckpointError(f"a probe image is not base64: {error}", code="probe") from None
    width = checkpoint.model.arguments["output_size"]
    if any(len(image) != PIXELS for image in raw) or [len(row) for row in probe.logits] != [width] * len(raw):
        raise CheckpointError(
            f"the probe is not {len(raw)} images of {PIXELS} bytes with {width} logits each", code="probe"
        )
    images = torch.frombuffer(bytearray(b"".join(raw)), dtype=torch.uint8).view(-1, SIDE, SIDE)
    distance = (checkpoint.logits(images) - torch.tensor(probe.logits)).abs().max().item()
    if not distance <= PROBE_TOLERANCE:
        raise CheckpointError(
            f"the stored images give other logits than stored (off by {distance:.3g}, allowed {PROBE_TOLERANCE:g}): "
            "weights, permutation and normalisation do not belong together",
            code="probe",
        )


def _metric(model: nn.Module, digits: Digits, apply: dict) -> Metric:
    answers = networks.logits(model, digits.images, **apply).argmax(dim=1)
    return Metric(**Accuracy(int((answers == digits.labels).sum()), len(digits)).as_dict())


def _calibration(logits: Tensor, labels: Tensor) -> CalibrationInfo:
    found = calibrate(logits, labels)
    levels = [Level(coverage=level, surprise=limit) for level, limit in found.surprises.items()]
    return CalibrationInfo(n=found.n, levels=levels, confidence=found.confidence)


def _run() -> str | None:
    """Name of the report that the runner is making, if this runs in a headless notebook."""
    return Path(os.environ.get(FOLDER, "")).name.removesuffix(".partial") or None


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _invalid(error: ValidationError) -> CheckpointError:
    """The first fault that the schema found, in one sentence."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:100]
    message = first["msg"].removeprefix("Value error, ")
    return CheckpointError(f"the manifest is not valid at {where or 'its top'}: {message[:200]}", code="manifest")


def _escape(text: str) -> str:
    """Text for one line of Markdown or one cell of its table: no markup, no HTML, no line break, no control character."""
    text = "".join(character if character.isprintable() else " " for character in text)
    text = re.sub(r"[\\`*|~]|\](?=\()|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)  # a_b is no markup, nor is a bracket alone
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
