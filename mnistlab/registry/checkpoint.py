"""Weights, permutation and metadata of one trained network, in a form that is safe to load.

A version folder holds ``model.safetensors`` (weights and the 784 int64 of the permutation), ``manifest.json`` (all that is
known about them) and ``README.md`` (the same for people). Nothing is unpickled. ``load_checkpoint`` gives a network only after
every check has passed; each failure is a ``CheckpointError`` with a code. Writing and naming folders is the registry's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.constants import PIXELS
from mnistlab.common.errors import CheckpointError, LabError, PermutationError
from mnistlab.common.files import read_regular
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.conformal import Calibration
from mnistlab.registry.architecture import count_weights, weight_shapes
from mnistlab.registry.layout import MANIFEST, MAX_MANIFEST, MAX_WEIGHTS, WEIGHTS
from mnistlab.registry.manifest import Manifest, PermutationInfo, parse_manifest
from mnistlab.registry.network import Network
from mnistlab.registry.weights import read_weights

PROBE_TOLERANCE = 1e-4  # of a logit; another machine's rounding stays well below
PERMUTATION = "permutation"  # its key among the tensors; the weights carry the prefix
PREFIX = "model."


@dataclass(frozen=True, eq=False)
class Checkpoint(Network):
    """A network that passed every check, with what its images must go through.

    Attributes
    ----------
    manifest : what is known about it.
    """

    manifest: Manifest

    @property
    def calibration(self) -> Calibration | None:
        """What its logits are held against to tell sure from unsure; None if it was made without."""
        info = self.manifest.calibration
        if info is None:
            return None
        return Calibration(info.n, {level.coverage: level.surprise for level in info.levels}, info.confidence)


def load_checkpoint(folder: Path) -> Checkpoint:
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
    content = read_regular(folder / WEIGHTS, MAX_WEIGHTS)
    if (sha256 := hashlib.sha256(content).hexdigest()) != manifest.weights_sha256:
        raise CheckpointError(
            f"{WEIGHTS} of {folder.name} has SHA-256 {sha256[:12]}..., its manifest says {manifest.weights_sha256[:12]}...",
            code="sha256",
        )
    architecture, arguments = manifest.architecture.name, manifest.architecture.arguments
    try:
        shapes = weight_shapes(architecture, arguments)
    except LabError as error:
        raise CheckpointError(f"the architecture cannot be built: {str(error)[:200]}", code="manifest") from error
    if (count := count_weights(architecture, arguments)) != manifest.parameters:
        raise CheckpointError(
            f"the architecture has {count:,} parameters, its manifest says {manifest.parameters:,}", code="manifest"
        )
    wanted = {PREFIX + name: ("F32", shape) for name, shape in shapes.items()}
    arrays = read_weights(content, {**wanted, PERMUTATION: ("I64", (PIXELS,))})
    permutation = _permutation(arrays[PERMUTATION], manifest.permutation)
    weights = {name: arrays[PREFIX + name].astype(np.float32, copy=False) for name in shapes}
    normalisation = Normalisation(manifest.normalisation.mean, manifest.normalisation.std)
    checkpoint = Checkpoint(architecture, arguments, weights, permutation, normalisation, manifest)
    _check_probe(checkpoint)
    return checkpoint


def _permutation(order: NDArray[np.generic], info: PermutationInfo) -> Permutation:
    try:
        permutation = Permutation(order.astype(np.int64), info.seed)
    except PermutationError as error:
        raise CheckpointError(f"the permutation is not valid: {error}", code="permutation") from error
    if permutation.sha256() != info.sha256 or permutation.is_identity != (info.kind == "identity"):
        raise CheckpointError("the permutation is not the one its manifest names", code="permutation")
    return permutation


def _check_probe(checkpoint: Checkpoint) -> None:
    """The stored images must give the stored logits; a valid permutation of another model fails here."""
    images, stored = checkpoint.manifest.probe.decoded()
    width = checkpoint.arguments["output_size"]
    if stored.shape[1] != width:
        raise CheckpointError(f"the probe has {stored.shape[1]} logits an image, the network {width}", code="probe")
    with np.errstate(all="ignore"):  # weights of another network may overflow; the distance then says so
        distance = float(np.abs(checkpoint.logits(images) - stored).max())
    if not distance <= PROBE_TOLERANCE:
        raise CheckpointError(
            f"the stored images give different logits from those stored (off by {distance:.3g}, allowed {PROBE_TOLERANCE:g}): "
            "weights, permutation and normalisation do not belong together",
            code="probe",
        )
