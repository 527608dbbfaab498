"""The weights file, read strictly: a safetensors file of exactly the tensors that are wanted, and nothing beside them.

The format lets more through than a model needs: texts of any length in its header, a name given twice (the last one counts),
numbers that are none. Whatever is not wanted is refused. The header is looked at before anything is read by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from mnistlab.common.errors import CheckpointError
from mnistlab.common.files import strict_json
from mnistlab.registry.layout import WEIGHTS

LENGTH = 8  # bytes at the start that say how long the header is
MAX_HEADER = 64 * 1024  # bytes; a usual one takes 700
FIELDS = {"dtype", "shape", "data_offsets"}  # of a tensor in the header


def read_weights(content: bytes, wanted: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, NDArray[np.generic]]:
    """The arrays of a safetensors file, all finite, in the types and shapes of those that are wanted.

    Parameters
    ----------
    content : of the file.
    wanted : type (``"F32"`` or ``"I64"``) and shape by each name there has to be.

    Raises
    ------
    CheckpointError : it is no such file or has other names (``"tensors"``), or a tensor has another shape (``"shape"``), another
        type (``"type"``) or a number that is not finite (``"finite"``).
    """
    header = _header(content)
    _check_names(header, wanted)
    for name, (kind, shape) in wanted.items():
        entry = header[name]
        if entry["shape"] != list(shape):
            came = str(entry["shape"])[:50].replace("[", "(").replace("]", ")")
            raise CheckpointError(f"{name} has shape {came}, not {shape}", code="shape")
        if entry["dtype"] != kind:
            raise CheckpointError(f"{name} is {str(entry['dtype'])[:20]}, not {kind}", code="type")
    try:
        arrays = safetensors.numpy.load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _no_file(error) from None
    for name in wanted:
        if not np.isfinite(arrays[name]).all():
            raise CheckpointError(f"{name} holds a number that is not finite", code="finite")
    return arrays


def _header(content: bytes) -> dict[str, Any]:
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


def _check_names(header: dict[str, Any], wanted: Mapping[str, object]) -> None:
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
