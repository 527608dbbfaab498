"""A trained network as the files of a version folder."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
from pydantic import ValidationError
from torch import Tensor

from mnistlab.common import paths
from mnistlab.common.errors import CheckpointError
from mnistlab.common.files import read_regular
from mnistlab.common.provenance import git_commit
from mnistlab.data.mnist import Digits, Splits
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
    Part,
    PermutationInfo,
    Probe,
    TrainingInfo,
    invalid_manifest,
)
from mnistlab.training.networks import Classifier, Network, count_parameters
from mnistlab.training.records import Training

PROBES = 8  # images whose logits are stored
SHARED = 0.001  # of the held-out images may stand among the training images; MNIST has none, other sets a few twins
LIBRARIES = ("torch", "torchvision", "numpy", "safetensors", "mnistlab")


@dataclass(frozen=True)
class Origin:
    """Where a version comes from, beside its training.

    Attributes
    ----------
    note : one line for the model card, at most 500 characters.
    base : the version it was tuned from, if it was.
    feedback : numbers of the corrections it learned from, in the store of feedback.
    run : name of the report it is made for; None asks the runner, if this is one of its notebooks.
    """

    note: str = ""
    base: str | None = None
    feedback: Sequence[int] = ()
    run: str | None = None


@dataclass(frozen=True)
class _Background:
    """The fields of a manifest that cannot be read off the network."""

    data: DataInfo | None = None
    training: TrainingInfo | None = None
    imported: str | None = None
    run: str | None = None


def pack(
    training: Training, splits: Splits, *, version_id: str, test: Digits | None = None, origin: Origin | None = None
) -> dict[str, bytes]:
    """The files of a version folder, by name, from a finished training.

    Parameters
    ----------
    splits : the data it was trained on; validation gives the probe and the first metric.
    version_id : four digits or more, ``"0003"``.
    test : the test images to judge it on, once, now that nothing is left to choose; None leaves them alone.

    Raises
    ------
    CheckpointError : the metadata does not fit the schema: a note too long, or weights whose logits are not finite; or
        images it is to be judged on stand among those it learned from (``"leak"``).
    """
    for part, count in splits.shared().items():
        if count > SHARED * len(getattr(splits, part)):
            raise CheckpointError(f"{count:,} {part} images are also among the training images", code="leak")
    origin = origin or Origin()
    with _one_sentence():
        background = _Background(_data_info(splits), _training_info(training, origin), run=origin.run)
        return _files(*_describe(training, splits, test, version_id, background))


def pack_imported(classifier: Classifier, splits: Splits, *, version_id: str, note: str) -> dict[str, bytes]:
    """The files of a version folder, by name, from a network of which nothing else is known.

    Parameters
    ----------
    splits : its validation and test images judge it.
    version_id : four digits or more.
    note : where it came from, at most 500 characters.

    Raises
    ------
    CheckpointError : as ``pack``.
    """
    with _one_sentence():
        return _files(*_describe(classifier, splits, splits.test, version_id, _Background(imported=note)))


def repack(folder: Path, version_id: str) -> dict[str, bytes]:
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


def _describe(
    classifier: Classifier, splits: Splits, test: Digits | None, version_id: str, background: _Background
) -> tuple[bytes, Manifest]:
    """The weights file and the manifest of a network, judged on the validation images and, if they are given, the test images."""
    model, permutation = classifier.model, classifier.permutation
    if not isinstance(model, Network):
        raise CheckpointError(f"a {type(model).__name__} cannot be kept, only a network of the lab", code="manifest")
    tensors = {PREFIX + name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    weights = safetensors.torch.save({**tensors, PERMUTATION: permutation.order})
    logits = classifier.logits(splits.validation.images)
    if not torch.isfinite(logits).all():
        raise CheckpointError("the network gives logits that are not finite", code="finite")
    metrics: dict[Part, Metric] = {"validation": _metric(classifier, splits.validation)}
    if test is not None:
        metrics["test"] = _metric(classifier, test)
    manifest = Manifest(
        schema_version=SCHEMA,
        version=version_id,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        architecture=Architecture(name=model.name, arguments=model.arguments),
        parameters=count_parameters(model),
        normalisation=NormalisationInfo(mean=classifier.normalisation.mean, std=classifier.normalisation.std),
        permutation=_permutation_info(permutation),
        data=background.data,
        training=background.training,
        imported=background.imported,
        metrics=metrics,
        calibration=_calibration(logits, splits.validation.labels),
        run=background.run or _run(),
        libraries=_libraries(),
        git_commit=git_commit(),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        probe=_probe(classifier, splits.validation.images[:PROBES]),
    )
    return weights, manifest


def _files(weights: bytes, manifest: Manifest) -> dict[str, bytes]:
    text = manifest.model_dump_json(indent=2) + "\n"
    return {WEIGHTS: weights, MANIFEST: text.encode(), CARD: model_card(manifest).encode()}


@contextmanager
def _one_sentence() -> Iterator[None]:
    """What the schema refuses, as an error of our own."""
    try:
        yield
    except ValidationError as error:
        raise invalid_manifest(error) from None


def _data_info(splits: Splits) -> DataInfo:
    return DataInfo(
        name=splits.name,
        split_seed=splits.seed,
        n_train=len(splits.train),
        n_validation=len(splits.validation),
        train_sha256=splits.train.sha256(),
    )


def _training_info(training: Training, origin: Origin) -> TrainingInfo:
    return TrainingInfo(
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
        note=origin.note,
        base=origin.base,
        feedback=list(origin.feedback),
    )


def _permutation_info(permutation: Permutation) -> PermutationInfo:
    kind: Literal["identity", "permuted"] = "identity" if permutation.is_identity else "permuted"
    return PermutationInfo(kind=kind, seed=permutation.seed, sha256=permutation.sha256())


def _metric(classifier: Classifier, digits: Digits) -> Metric:
    accuracy = Accuracy.of(classifier.predictions(digits.images) == digits.labels.numpy())
    return Metric(value=accuracy.value, low=accuracy.low, high=accuracy.high, correct=accuracy.correct, n=accuracy.n)


def _calibration(logits: Tensor, labels: Tensor) -> CalibrationInfo:
    calibration = calibrate(logits, labels)
    levels = [Level(coverage=coverage, surprise=score) for coverage, score in calibration.thresholds.items()]
    return CalibrationInfo(n=calibration.n, levels=levels, confidence=calibration.confidence)


def _probe(classifier: Classifier, images: Tensor) -> Probe:
    encoded = [base64.b64encode(image.numpy().tobytes()).decode() for image in images]
    return Probe(images=encoded, logits=classifier.logits(images).tolist())


def _run() -> str | None:
    """Name of the report that the runner is making, if this runs in a headless notebook."""
    return Path(os.environ.get(paths.RUN_FOLDER, "")).name.removesuffix(".partial") or None


def _libraries() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
