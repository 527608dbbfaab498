"""Weights, permutation and metadata of one trained network, in a form that is safe to load.

A version folder holds ``model.safetensors`` (weights and the 784 int64 of the permutation), ``manifest.json`` (all that is
known about them) and ``README.md`` (the same for people). Nothing is unpickled. ``load_checkpoint`` gives a network only after
every check has passed; each failure is a ``CheckpointError`` with a code. Writing and naming folders is the registry's.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import CheckpointError, LabError, PermutationError
from mnistlab.common.files import read_regular
from mnistlab.data.mnist import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.conformal import Calibration
from mnistlab.registry.layout import MANIFEST, MAX_MANIFEST, MAX_WEIGHTS, WEIGHTS
from mnistlab.registry.manifest import Manifest, PermutationInfo, parse_manifest
from mnistlab.registry.weights import read_weights
from mnistlab.training import networks

PROBE_TOLERANCE = 1e-4  # of a logit; another machine's rounding stays well below
PERMUTATION = "permutation"  # its key among the tensors; the weights carry the prefix
PREFIX = "model."


@dataclass(frozen=True)
class Checkpoint(networks.Classifier):
    """A network that passed every check, with what its images must go through.

    Attributes
    ----------
    manifest : what is known about it.
    """

    model: networks.ConvNet | networks.FullyConnected
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
    weights = read_regular(folder / WEIGHTS, MAX_WEIGHTS)
    if (sha256 := hashlib.sha256(weights).hexdigest()) != manifest.weights_sha256:
        raise CheckpointError(
            f"{WEIGHTS} of {folder.name} has SHA-256 {sha256[:12]}..., its manifest says {manifest.weights_sha256[:12]}...",
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
    tensors = read_weights(weights, {**wanted, PERMUTATION: torch.zeros(PIXELS, dtype=torch.int64)})
    permutation = _permutation(tensors.pop(PERMUTATION), manifest.permutation)
    model.load_state_dict({name.removeprefix(PREFIX): tensor for name, tensor in tensors.items()}, strict=True)
    normalisation = Normalisation(manifest.normalisation.mean, manifest.normalisation.std)
    checkpoint = Checkpoint(model.eval(), permutation, normalisation, manifest)
    _check_probe(checkpoint)
    return checkpoint


def _permutation(order: Tensor, info: PermutationInfo) -> Permutation:
    try:
        permutation = Permutation(order, info.seed)
    except PermutationError as error:
        raise CheckpointError(f"the permutation is not valid: {error}", code="permutation") from error
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
            f"the stored images give different logits from those stored (off by {distance:.3g}, allowed {PROBE_TOLERANCE:g}): "
            "weights, permutation and normalisation do not belong together",
            code="probe",
        )
