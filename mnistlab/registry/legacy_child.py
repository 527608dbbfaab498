"""The process in which ``legacy`` reads a file that it does not trust. Run by its path; it imports no module of ours.

    legacy_child.py FILE MEMORY SECONDS KEY...

MEMORY is in bytes beyond what PyTorch itself takes, SECONDS are those of the processor. It may write no file. What it found it
prints as JSON: ``keys`` of the file's dictionary, ``plain`` values of the KEYs, ``weights``, safetensors in base64 (of
the network under ``model.``, and ``permutation``), and ``converted``, what had to be; or a ``fault``, one line.
"""

import base64
import codecs
import json
import re
import resource
import sys
from typing import Any

import numpy as np
import safetensors.torch
import torch

# More than any network of the lab needs: bytes of all weights together (the largest has 8 MB), how many there are, the length of
# a name or a word, of a list. What is larger is not handed on, so that the parent stays small whatever the file holds.
BYTES, TENSORS, WORD, LIST = 32 * 2**20, 100, 200, 784
PREFIXES = ("module.", "_orig_mod.")  # that DataParallel and torch.compile put before every name
PRECISIONS = {"float16", "bfloat16", "float64"}


def limit(memory: int, seconds: int) -> None:
    """Hold this process, from here on, to so much memory (bytes) and processor time, and to no file."""
    limits = [(resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limits.append((resource.RLIMIT_CPU, seconds + int(usage.ru_utime + usage.ru_stime)))
    if sys.platform == "linux":  # elsewhere nothing says how much data there is already
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[5]) * resource.getpagesize()
        limits.append((resource.RLIMIT_DATA, used + memory))
    for kind, value in limits:
        resource.setrlimit(kind, (value, value))


def read(path: str, keys: list[str]) -> dict[str, object]:
    """What a file of ``torch.save`` holds, as JSON can carry it.

    Raises
    ------
    Exception : whatever PyTorch and safetensors raise on a file that is no dictionary of weights.
    """
    torch.serialization.add_safe_globals(numpy_forms())
    content = torch.load(path, weights_only=True, mmap=False, map_location="cpu")
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}, not a dictionary")
    plain: dict[str, object] = {}
    tensors: dict[str, torch.Tensor] = {}
    converted: list[str] = []
    for key, value in content.items():
        if key == "model_state_dict" and isinstance(value, dict):
            tensors |= as_weights(value, converted)
        elif key == "permutation" and isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
            tensors["permutation"] = torch.from_numpy(np.ascontiguousarray(value))
            converted.append("the permutation from an array of NumPy")
        elif key == "permutation" and isinstance(value, torch.Tensor):
            tensors["permutation"] = value
        elif key in keys:
            plain[key] = short(as_plain(key, value, converted))
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > BYTES or len(tensors) > TENSORS or any(len(name) > WORD for name in tensors):
        raise ValueError(f"its {len(tensors)} weights take {size:,} bytes, more than a network needs")
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    weights = base64.b64encode(safetensors.torch.save(tensors)).decode()
    names = [str(key)[:50] for key in list(content)[:20]]
    return {"keys": names, "plain": plain, "weights": weights, "converted": converted}


def numpy_forms() -> list[Any]:
    """What arrays and numbers of NumPy are pickled as, under its old names and its new ones. They hold data, and run nothing."""
    parts = {"scalar": np.int64(0).__reduce__()[0], "_reconstruct": np.zeros(0).__reduce__()[0]}
    named = [(part, f"numpy.{core}.multiarray.{name}") for name, part in parts.items() for core in ("core", "_core")]
    types = [type(np.dtype(code)) for code in ("?", *"bhilqBHILQefd")]
    return [*named, np.ndarray, np.dtype, *types, codecs.encode]


def as_weights(weights: dict[str, torch.Tensor], converted: list[str]) -> dict[str, torch.Tensor]:
    """Weights under the names of the form, as float32 if they are of another precision; what was done is told."""
    found = {name: tensor.detach() for name, tensor in weights.items()}
    for prefix in PREFIXES:
        if found and all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
            converted.append(f"the names of the weights, without {prefix!r}")
    others = sorted({str(tensor.dtype).removeprefix("torch.") for tensor in found.values()} & PRECISIONS)
    if others:
        converted.append(f"weights from {' and '.join(others)} to float32")
    size = sum(tensor.numel() for tensor in found.values())
    if size > BYTES // 4:  # before any is written out
        raise ValueError(f"its {len(found)} weights take {4 * size:,} bytes, more than a network needs")
    return {f"model.{name}": tensor.float() if tensor.is_floating_point() else tensor for name, tensor in found.items()}


def as_plain(key: str, value: object, converted: list[str]) -> object:
    """A value as the form has it: a list for a tuple, a whole number for one of NumPy or of PyTorch."""
    if isinstance(value, tuple):
        converted.append(f"{key} from a tuple")
        return [as_plain(key, item, []) for item in value[: LIST + 1]]
    single = isinstance(value, torch.Tensor) and value.dim() == 0 and not value.is_floating_point()
    if isinstance(value, np.integer) or single:
        converted.append(f"{key} from a number of {'PyTorch' if single else 'NumPy'}")
        return int(value)  # type: ignore[call-overload]
    return value


def short(value: object) -> object:
    """A plain value if it is as small as the form's are, or the name of its type."""
    small = (
        value is None
        or (type(value) is int and value.bit_length() < 64)
        or (type(value) is str and len(value) <= WORD)
        or (type(value) is list and len(value) <= LIST and all(type(v) is int and v.bit_length() < 64 for v in value))
    )
    return value if small else type(value).__name__


def fault(error: Exception) -> str:
    """In one line what is wrong with the file."""
    if isinstance(error, MemoryError):
        return "it takes more memory than a model could need"
    # PyTorch's own text runs over many lines and tells how to read the file all the same; what it met is enough.
    if met := re.search(r"GLOBAL ([\w.]*\w)", str(error)):
        return f"it holds {met[1]}, and only tensors, numbers, texts, lists and dictionaries are allowed"
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


if __name__ == "__main__":
    file, memory, seconds, *known = sys.argv[1:]
    torch.set_num_threads(1)
    limit(int(memory), int(seconds))
    try:
        print(json.dumps(read(file, known)))
    except Exception as error:
        print(json.dumps({"fault": fault(error)}))
