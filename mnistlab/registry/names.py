"""What a version is called, so that people can tell it from the others: ``"drawing, 21 Nov"``, ``"small, scrambled"``.

The number, ``0005``, is what files and commands go by. A name says what it is: made from the manifest alone, as long as it has to
be among the other versions, and the same on the pad, on the page, in ``mnistlab models`` and in the notebooks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from mnistlab.registry.manifest import Manifest

SMALL = 8  # kernels in each layer, at most, of a small ConvNet
MNIST = 55_000  # images to learn from; more of them are digits that were drawn


def version_name(manifest: Manifest, among: Iterable[Manifest] = ()) -> str:
    """What a version is called.

    Parameters
    ----------
    among : the other versions it has to be told from; itself may be one of them. Where two would be called the same, the day is
        said, or the minute, or in the end the number.
    """
    others = [other for other in among if other.version != manifest.version]
    *short, longest = _names(manifest)
    taken = Counter(name for other in others for name in _names(other))
    return next((name for name in short if not taken[name]), longest)


def version_names(manifests: Iterable[Manifest]) -> dict[str, str]:
    """What versions are called that stand in one list, by number."""
    manifests = list(manifests)
    return {manifest.version: version_name(manifest, manifests) for manifest in manifests}


def _names(manifest: Manifest) -> list[str]:
    """From the shortest to one that no other version has."""
    kind, made = _kind(manifest), datetime.fromisoformat(manifest.created)
    day = f"{kind}, {made.day} {made:%b}"
    return [day if kind == "drawing" else kind, day, f"{day}, {made:%H:%M}", f"{kind}, {manifest.version}"]


def _kind(manifest: Manifest) -> str:
    training, data = manifest.training, manifest.data
    if training and training.base:
        kind = f"my hand, {len(training.feedback):,} drawing{'' if len(training.feedback) == 1 else 's'}"
    elif manifest.architecture.name != "convnet":
        kind = manifest.architecture.name
    elif int(manifest.architecture.arguments["n_kernels"]) <= SMALL:
        kind = "small"
    else:
        kind = "drawing" if data and data.n_train > MNIST else "large"
    return kind if manifest.permutation.kind == "identity" else f"{kind}, scrambled"
