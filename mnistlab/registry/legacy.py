"""The older form of a model, one ``convnet.pt``: written for others, and read only by ``mnistlab models import``.

A ``.pt`` file is a pickle in a zip. It is read with ``weights_only=True``, in a process of its own that may take a gigabyte,
twenty seconds and no file, and whatever comes out of it is checked as anything else from outside is. Nothing is read another way
if that fails.

The form knows neither the normalisation nor how the network was trained. MNIST's usual normalisation is assumed, and that it
fits is seen by reading the validation images. Neither is a permutation made up: weights go with one order of pixels alone.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from mnistlab.common.errors import CheckpointError, LabError, PermutationError
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.registry import packing
from mnistlab.registry.architecture import weight_shapes
from mnistlab.registry.checkpoint import Checkpoint
from mnistlab.registry.network import Network

if TYPE_CHECKING:
    from mnistlab.data.mnist import Splits

KEYS = ("model_state_dict", "permutation", "n_kernels", "input_size", "output_size")
MAX_FILE, MAX_UNPACKED = 16 * 2**20, 64 * 2**20  # bytes
MEMORY, SECONDS = 2**30, 20  # of the process that reads, beyond what PyTorch itself takes
PATIENCE = 300  # seconds until it is given up, on a machine so busy that PyTorch takes minutes to start
# Share of validation images below which weights and permutation do not belong together; a wrong order gives about 10 %, the
# weakest sound network of the lab, a permuted one, 93 %.
FITS = 0.5
OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the magic number with which torch.save began until PyTorch 1.6
CHILD = Path(__file__).with_name("legacy_child.py")


def export_legacy(loaded: Checkpoint) -> bytes:
    """A ConvNet in the older form: the bytes of a ``convnet.pt``.

    Raises
    ------
    LabError : the network is not a ConvNet; the form has no room for another.
    """
    import torch  # the form is PyTorch's own

    if loaded.architecture != "convnet":
        raise LabError(f"only a ConvNet fits the older form, not a {loaded.architecture} net", code="usage")
    content = {
        "model_state_dict": {name: torch.tensor(weight) for name, weight in loaded.weights.items()},
        "permutation": torch.tensor(loaded.permutation.order),
        **loaded.arguments,
    }
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def read_legacy(path: Path) -> Network:
    """The network of a file in the older form, with the permutation beside it.

    Weights of another precision, the prefixes of DataParallel and torch.compile, tuples and numbers of NumPy are converted.

    Raises
    ------
    CheckpointError : it is no such file, or more than one could need; the permutation is missing or none.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[Network, str]:
    """The network, and in words what was converted, or ""."""
    path = Path(path)
    _look(path)
    content = _read_apart(path)
    plain, arrays = content["plain"], _arrays(content["weights"], path.name)
    if "model_state_dict" not in content["keys"] and any(key.endswith((".weight", ".bias")) for key in content["keys"]):
        raise CheckpointError(
            f"{path.name} holds weights alone. Their permutation cannot be guessed: save a dictionary of {', '.join(KEYS)} "
            "in their place",
            code="tensors",
        )
    if missing := [key for key in KEYS if key not in content["keys"] and key != "permutation"]:
        raise CheckpointError(
            f"{path.name} lacks {', '.join(missing)}; it has {', '.join(content['keys'])}", code="tensors"
        )
    permutation = _permutation(arrays.pop("permutation", plain.get("permutation")), path.name)
    try:
        arguments = {key: plain.get(key) for key in ("input_size", "n_kernels", "output_size")}
        shapes = weight_shapes("convnet", arguments)
    except LabError as error:
        raise CheckpointError(f"the network of {path.name} cannot be built: {error}", code="manifest") from error
    weights = _checked({name.removeprefix("model."): array for name, array in arrays.items()}, shapes, path.name)
    return Network("convnet", arguments, weights, permutation, Normalisation()), "; ".join(content["converted"])


def import_legacy(path: Path, splits: Splits, *, version_id: str) -> dict[str, bytes]:
    """The files of a version, by name, from a file in the older form, judged anew on the lab's images.

    Parameters
    ----------
    splits : the validation images show whether weights and permutation fit; the test images are read once.
    version_id : four digits or more.

    Raises
    ------
    CheckpointError : as ``read_legacy``; the weights do not go with the permutation.
    """
    network, converted = _read(path)
    with np.errstate(all="ignore"):  # weights that overflow read nothing right
        share = Accuracy.of(network.predictions(splits.validation.images) == np.asarray(splits.validation.labels))
    if share.value < FITS:
        raise CheckpointError(
            f"the network of {Path(path).name} reads only {share} validation images with the permutation beside it. It was "
            "trained with another one, or another normalisation; a permutation made anew at random cannot take its place",
            code="permutation",
        )
    now = datetime.now(UTC).strftime("%Y-%m-%d")
    note = f"imported {now} from an older file; nothing is known of its training"
    if converted:
        note += f". Converted: {converted}"
    return packing.pack_imported(network, splits, version_id=version_id, note=note)


def _look(path: Path) -> None:
    """Before anything is unpacked: a real file, a zip, and no more inside than a model could need."""
    try:
        if path.is_symlink() or not path.is_file():
            raise CheckpointError(f"{path.name} is not a regular file", code="not-a-file")
        if (size := path.stat().st_size) > MAX_FILE:
            raise CheckpointError(f"{path.name} has {size:,} bytes; at most {MAX_FILE:,} are allowed", code="too-large")
        with path.open("rb") as file:
            if file.read(len(OLD)) == OLD:
                raise CheckpointError(
                    f"{path.name} is in the format that torch.save wrote before PyTorch 1.6, a pickle that is no zip; load it "
                    "with PyTorch and save it again, if you trust it",
                    code="tensors",
                )
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CheckpointError(
            f"{path.name} is not a file made by torch.save: {str(error)[:200]}", code="tensors"
        ) from error
    if unpacked > MAX_UNPACKED:
        raise CheckpointError(
            f"{path.name} unpacks to {unpacked:,} bytes; at most {MAX_UNPACKED:,} are allowed", code="too-large"
        )


def _read_apart(path: Path) -> dict[str, Any]:
    """What a process of its own read from the file: see ``legacy_child``."""
    command = [sys.executable, "-I", str(CHILD), str(path.resolve()), str(MEMORY), str(SECONDS), *KEYS]
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=PATIENCE,
            env={**environment, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
        )
        content: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise CheckpointError(f"{path.name} took longer to read than a model could need", code="too-large") from None
    except ValueError:  # killed by a limit before it could say a word
        raise CheckpointError(
            f"{path.name} took more than a model could need, and its reading was ended", code="too-large"
        ) from None
    if "fault" in content:
        raise CheckpointError(f"{path.name} cannot be read as weights alone: {content['fault']}", code="tensors")
    return content


def _permutation(order: object, name: str) -> Permutation:
    if order is None:
        raise CheckpointError(
            f"{name} has no permutation. Its weights go with one order of the pixels alone, and that cannot be guessed; write it "
            "into the file as 784 whole numbers, 0 to 783 in order if the pixels were not scrambled",
            code="permutation",
        )
    try:
        if not isinstance(order, np.ndarray | list):
            raise PermutationError(f"it is {order!r:.60}")
        return Permutation(order)  # type: ignore[arg-type]  # it makes an array of a list, or says why not
    except PermutationError as error:
        raise CheckpointError(
            f"the permutation of {name} is not valid: {str(error)[:200]}. Neither a new random one nor a word "
            "for it can replace the one used in training",
            code="permutation",
        ) from error


def _arrays(weights: str, name: str) -> dict[str, NDArray[np.generic]]:
    """What the reading process found, by name."""
    try:
        return safetensors.numpy.load(base64.b64decode(weights))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:  # types that NumPy does not have
        raise CheckpointError(f"{name} holds numbers of another type than float32: {error}", code="type") from None


def _checked(
    arrays: dict[str, NDArray[np.generic]], shapes: dict[str, tuple[int, ...]], name: str
) -> dict[str, NDArray[np.float32]]:
    """The weights, in the order of the layers, once they are proved to be those of a ConvNet."""
    if set(arrays) != set(shapes):
        raise CheckpointError(
            f"{name} has other weights than a ConvNet: {', '.join(sorted(arrays))[:200]}", code="tensors"
        )
    for key, shape in shapes.items():
        if arrays[key].shape != shape:
            raise CheckpointError(f"{key} of {name} has shape {arrays[key].shape}, not {shape}", code="shape")
        if arrays[key].dtype != np.float32:
            raise CheckpointError(f"{key} of {name} is {arrays[key].dtype}, not float32", code="type")
        if not np.isfinite(arrays[key]).all():
            raise CheckpointError(f"{key} of {name} holds a number that is not finite", code="finite")
    return {key: arrays[key].astype(np.float32, copy=False) for key in shapes}
