"""The page as static files, with versions in a form that a browser can read with: weights as float16, and all beside them.

The page reads with these numbers by ``static/net.js``, which checks the hash of the weights and the answers to the stored images
before it reads anything.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

import numpy as np

from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import CheckpointError
from mnistlab.evaluation import conformal
from mnistlab.registry.checkpoint import Checkpoint
from mnistlab.registry.registry import Registry
from mnistlab.web import page

INDEX = "index.html"
CONTENTS = "contents.js"  # for the worker that keeps the page: its files, and their common hash


def page_files(registry: Registry) -> dict[str, bytes]:
    """The page that reads by itself with the version in use: every file by its name; the same versions give the same bytes.

    Raises
    ------
    RegistryError, CheckpointError : no version is in use; one that is shown is not sound, or not for the page.
    """
    current, pair = registry.current(), page.twins(registry)
    versions = {}
    for name in (current, *pair):
        checkpoint = registry.load(name)
        versions[name] = {**version_data(checkpoint), **page.about(registry, name, (current, *pair))}
    html = page.page_html("static", current=current, versions=versions, twins=pair)
    files = {**page.assets("static"), INDEX: html.encode()}
    return {CONTENTS: contents(files), **files}


def contents(files: Mapping[str, bytes]) -> bytes:
    """The script that tells the worker which files a page has, and their common hash; of ``files`` all but itself count."""
    kept = {name: content for name, content in files.items() if name not in (CONTENTS, "worker.js")}
    digest = hashlib.sha256()
    for name, content in kept.items():
        digest.update(f"{name} {len(content)} ".encode() + content)
    known = {"digest": digest.hexdigest()[:16], "files": ["./", *kept]}
    return f'"use strict";\n\nself.contents = Object.freeze({json.dumps(known, indent=2)});\n'.encode()


def version_data(checkpoint: Checkpoint) -> dict[str, object]:
    """All that ``net.js`` needs of a version, as plain values for JSON.

    Returns
    -------
    ``version``, ``architecture``, ``normalisation``, ``probes`` : as in its manifest.
    ``weights`` : float16, little-endian, one tensor after another from the first layer to the last, as base64.
    ``sha256`` : of these bytes.
    ``permutation`` : 784 whole numbers, or None if it moves no pixel.
    ``calibration`` : ``surprise``, nats, the greatest score of a digit in a set of the level shown, and ``confidence``, the least
        probability of a first choice; None if the version promises nothing.

    Raises
    ------
    CheckpointError : it does not tell ten classes apart; a weight is too large for float16.
    """
    manifest = checkpoint.manifest
    if (outputs := manifest.architecture.arguments["output_size"]) != CLASSES:
        raise CheckpointError(
            f"the page reads {CLASSES} digits; {manifest.version} has {outputs} classes", code="classes"
        )
    weights = [weight.ravel() for weight in checkpoint.weights.values()]
    with np.errstate(over="ignore"):
        halves = np.concatenate(weights).astype("<f2")
    if not np.isfinite(halves).all():
        raise CheckpointError(f"a weight of {manifest.version} is too large for float16", code="range")
    raw = halves.tobytes()
    calibration = checkpoint.calibration
    return {
        "version": manifest.version,
        "architecture": manifest.architecture.model_dump(),
        "weights": base64.b64encode(raw).decode(),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "normalisation": manifest.normalisation.model_dump(),
        "permutation": None
        if checkpoint.permutation.is_identity
        else np.asarray(checkpoint.permutation.order).tolist(),
        "calibration": calibration
        and {"surprise": calibration.thresholds[conformal.LEVEL], "confidence": calibration.confidence},
        "probes": manifest.probe.model_dump(),
    }
