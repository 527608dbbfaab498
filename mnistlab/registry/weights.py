"""The weights file, read strictly: a safetensors file of exactly the tensors that are wanted, and nothing beside them.

The format lets more through than a model needs: texts of any length in its header, a name given twice (the last one counts),
numbers that are none. Whatever is not wanted is refused. The header is looked at before PyTorch sees anything.
"""

from __future__ import annotations

from collections.abc import Mapping

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from mnistlab.common.errors import CheckpointError
from mnistlab.common.files import strict_json
from mnistlab.registry.layout import WEIGHTS

LENGTH = 8  # bytes at the start that say how long the header is
MAX_HEADER = 64 * 1024  # bytes; a usual one takes 700
FIELDS = {"dtype", "shape", "data_offsets"}  # of a tensor in the header


def read_weights(content: bytes, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a safetensors file, all finite, in the shapes and types of those that are wanted.

    Parameters
    ----------
    content : of the file.
    wanted : a tensor by each name there has to be; its numbers do not matter.

    Raises
    ------
    CheckpointError : it is no such file or has other names (``"tensors"``), or a tensor has another shape (``"shape"``), another
        type (``"type"``) or a number that is not finite (``"finite"``).
    """
    _check_names(_header(content), wanted)
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _no_file(error) from None
    for name, tensor in wanted.items():
        if tensors[name].shape != tensor.shape:
            raise CheckpointError(
                f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(tensor.shape)}", code="shape"
            )
        if tensors[name].dtype != tensor.dtype:
            raise CheckpointError(f"{name} is {tensors[name].dtype}, not {tensor.dtype}", code="type")
        if not torch.isfinite(tensors[name]).all():
            raise CheckpointError(f"{name} holds a number that is not finite", code="finite")
    return tensors


def _header(content: bytes) -> dict[str, object]:
    """What the file says of its tensors, by name."""
    size = int.from_bytes(content[:LENGTH], "little")
    if size > MAX_HEADER:
        raise _no_file(f"its header is said to have {size:,} bytes; at most {MAX_HEADER:,} are allowed")
    try:
        header = strict_json(content[LENGTH : LENGTH + size])
    except ValueError as error:
        raise _no_file(f"its header is not strict JSON: {error}") from None
    if not isinstance(header, dict):
        raise _no_file("its header is not an object")
    return header


def _check_names(header: dict[str, object], wanted: Mapping[str, Tensor]) -> None:
    if set(header) != set(wanted):
        missing, extra = sorted(set(wanted) - set(header)), sorted(set(header) - set(wanted))
        raise CheckpointError(
            f"{WEIGHTS} lacks {missing or 'nothing'} and has {[name[:50] for name in extra[:5]] or 'nothing'} too many",
            code="tensors",
        )
    for name, entry in header.items():
        if not isinstance(entry, dict) or set(entry) != FIELDS:
            raise _no_file(f"{name} is not described by {', '.join(sorted(FIELDS))} alone")


def _no_file(why: object) -> CheckpointError:
    return CheckpointError(f"{WEIGHTS} is not a safetensors file: {str(why)[:200]}", code="tensors")
