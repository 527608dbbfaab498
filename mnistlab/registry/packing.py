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
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import safetensors.numpy
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from mnistlab.common import paths
from mnistlab.common.errors import CheckpointError
from mnistlab.common.files import read_regular
from mnistlab.common.provenance import git_commit
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.conformal import calibrate
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.registry.architecture import count_weights
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
from mnistlab.registry.network import Network

if TYPE_CHECKING:
    from mnistlab.data.mnist import Digits, Splits

PROBES = 10  # images whose logits are stored, at least; one of each digit is among them
SHARED = 0.001  # of the held-out images may stand among the training images; MNIST has none, other sets a few twins
LIBRARIES = ("torch", "torchvision", "numpy", "safetensors", "mnistlab")


class Trained(Protocol):
    """A finished training, as far as a version keeps it."""

    def network(self) -> Network:
        """What was learned."""

    def info(self) -> TrainingInfo:
        """How it was learned."""


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
    training: Trained, splits: Splits, *, version_id: str, test: Digits | None = None, origin: Origin | None = None
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
        own = {"note": origin.note, "base": origin.base, "feedback": list(origin.feedback)}
        info = TrainingInfo.model_validate({**training.info().model_dump(), **own})
        background = _Background(_data_info(splits), info, run=origin.run)
        return _files(*_describe(training.network(), splits, test, version_id, background))


def pack_imported(network: Network, splits: Splits, *, version_id: str, note: str) -> dict[str, bytes]:
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
        return _files(*_describe(network, splits, splits.test, version_id, _Background(imported=note)))


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
    network: Network, splits: Splits, test: Digits | None, version_id: str, background: _Background
) -> tuple[bytes, Manifest]:
    """The weights file and the manifest of a network, judged on the validation images and, if they are given, the test images."""
    arrays = {PREFIX + name: np.ascontiguousarray(weight) for name, weight in network.weights.items()}
    weights = safetensors.numpy.save({**arrays, PERMUTATION: network.permutation.order})
    with np.errstate(all="ignore"):  # refused below, in words
        logits = network.logits(splits.validation.images)
    if not np.isfinite(logits).all():
        raise CheckpointError("the network gives logits that are not finite", code="finite")
    metrics: dict[Part, Metric] = {"validation": _metric(logits, splits.validation)}
    if test is not None:
        metrics["test"] = _metric(network.logits(test.images), test)
    manifest = Manifest(
        schema_version=SCHEMA,
        version=version_id,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        architecture=Architecture.model_validate({"name": network.architecture, "arguments": network.arguments}),
        parameters=count_weights(network.architecture, network.arguments),
        normalisation=NormalisationInfo(mean=network.normalisation.mean, std=network.normalisation.std),
        permutation=_permutation_info(network.permutation),
        data=background.data,
        training=background.training,
        imported=background.imported,
        metrics=metrics,
        calibration=_calibration(logits, splits.validation.labels),
        run=background.run or _run(),
        libraries=_libraries(),
        git_commit=git_commit(),
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        probe=_probe(network, splits.validation),
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


def _permutation_info(permutation: Permutation) -> PermutationInfo:
    kind: Literal["identity", "permuted"] = "identity" if permutation.is_identity else "permuted"
    return PermutationInfo(kind=kind, seed=permutation.seed, sha256=permutation.sha256())


def _metric(logits: NDArray[np.float32], digits: Digits) -> Metric:
    accuracy = Accuracy.of(logits.argmax(axis=1) == np.asarray(digits.labels))
    return Metric(value=accuracy.value, low=accuracy.low, high=accuracy.high, correct=accuracy.correct, n=accuracy.n)


def _calibration(logits: ArrayLike, labels: ArrayLike) -> CalibrationInfo:
    calibration = calibrate(logits, labels)
    levels = [Level(coverage=coverage, surprise=score) for coverage, score in calibration.thresholds.items()]
    return CalibrationInfo(n=calibration.n, levels=levels, confidence=calibration.confidence)


def _probe(network: Network, digits: Digits) -> Probe:
    """The first image of every digit there is, and the first others, in the order they stand."""
    first = np.unique(np.asarray(digits.labels), return_index=True)[1]
    others = np.setdiff1d(np.arange(len(digits)), first)[: max(0, PROBES - len(first))]
    images = np.asarray(digits.images)[np.sort(np.concatenate([first, others]))]
    encoded = [base64.b64encode(image.tobytes()).decode() for image in images]
    return Probe(images=encoded, logits=network.logits(images).tolist())


def _run() -> str | None:
    """Name of the report that the runner is making, if this runs in a headless notebook."""
    return Path(os.environ.get(paths.RUN_FOLDER, "")).name.removesuffix(".partial") or None


def _libraries() -> dict[str, str]:
    versions = {}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
