"""A trained network as the files of a version folder."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import safetensors.torch
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from mnistlab.common import paths
from mnistlab.common.errors import CheckpointError
from mnistlab.common.files import read_regular
from mnistlab.common.provenance import git_commit
from mnistlab.data.mnist import Digits, Normalisation, Splits
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.conformal import calibrate
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.registry.card import CARD, model_card
from mnistlab.registry.checkpoint import PERMUTATION, PREFIX, load_checkpoint
from mnistlab.registry.layout import MANIFEST, MAX_WEIGHTS, WEIGHTS
from mnistlab.registry.manifest import (
    SCHEMA,
    Architecture,
    CalibrationInfo,
    DataInfo,
    Level,
    Manifest,
    Metric,
    NormalisationInfo,
    PermutationInfo,
    Probe,
    TrainingInfo,
    invalid_manifest,
)
from mnistlab.training import networks
from mnistlab.training.records import Training

PROBES = 8  # images whose logits are stored
SHARED = (
    0.001  # share of held-out images that may stand among the training images; MNIST has none, other sets a few twins
)
LIBRARIES = ("torch", "torchvision", "numpy", "safetensors", "mnistlab")


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
            raise CheckpointError(f"{count:,} {part} images are also among the training images", code="leak")
    try:
        return _pack(training, splits, version_id, test, note, base, list(feedback), run)
    except ValidationError as error:
        raise invalid_manifest(error) from None


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
        raise invalid_manifest(error) from None


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
        raise CheckpointError("the network gives logits that are not finite", code="finite")
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
    return {WEIGHTS: weights, MANIFEST: text.encode(), CARD: model_card(manifest).encode()}


def renamed(folder: Path, version_id: str) -> dict[str, bytes]:
    """The files of a version folder, proved sound, as those of another number.

    Raises
    ------
    CheckpointError : as ``load_checkpoint``.
    """
    manifest = load_checkpoint(folder).manifest
    weights = read_regular(folder / WEIGHTS, MAX_WEIGHTS)
    if hashlib.sha256(weights).hexdigest() != manifest.weights_sha256:
        raise CheckpointError(f"{WEIGHTS} of {folder.name} changed while it was read", code="sha256")
    return _files(weights, manifest.model_copy(update={"version": version_id}))


def _metric(model: nn.Module, digits: Digits, apply: dict) -> Metric:
    answers = networks.logits(model, digits.images, **apply).argmax(dim=1)
    return Metric(**Accuracy(int((answers == digits.labels).sum()), len(digits)).as_dict())


def _calibration(logits: Tensor, labels: Tensor) -> CalibrationInfo:
    found = calibrate(logits, labels)
    levels = [Level(coverage=level, surprise=limit) for level, limit in found.thresholds.items()]
    return CalibrationInfo(n=found.n, levels=levels, confidence=found.confidence)


def _run() -> str | None:
    """Name of the report that the runner is making, if this runs in a headless notebook."""
    return Path(os.environ.get(paths.RUN_FOLDER, "")).name.removesuffix(".partial") or None


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
