"""The process in which ``legacy`` reads a file that it does not trust. Run by its path; it imports no module of ours.

    legacy_child.py FILE MEMORY SECONDS KEY...

MEMORY is in bytes beyond what PyTorch itself takes, SECONDS are those of the processor. It may write no file. What it found it
prints as JSON: ``keys`` of the file's dictionary, ``plain`` values of the KEYs, and ``weights``, safetensors in base64 (of
the network under ``model.``, and ``permutation``); or a ``fault``, one line.
"""

import base64
import json
import re
import resource
import sys

import safetensors.torch
import torch

# More than any network of the lab needs: bytes of all weights together (the largest has 8 MB), how many there are, the length of
# a name or a word, of a list. What is larger is not handed on, so that the parent stays small whatever the file holds.
BYTES, TENSORS, WORD, LIST = 32 * 2**20, 100, 200, 784


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
    content = torch.load(path, weights_only=True, mmap=False, map_location="cpu")
    if not isinstance(content, dict):
        raise ValueError(f"it holds a {type(content).__name__}, not a dictionary")
    plain: dict[str, object] = {}
    tensors: dict[str, torch.Tensor] = {}
    for key, value in content.items():
        if key == "model_state_dict" and isinstance(value, dict):
            tensors |= {f"model.{name}": tensor.detach() for name, tensor in value.items()}
        elif key == "permutation" and isinstance(value, torch.Tensor):
            tensors["permutation"] = value
        elif key in keys:
            plain[key] = short(value)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > BYTES or len(tensors) > TENSORS or any(len(name) > WORD for name in tensors):
        raise ValueError(f"its {len(tensors)} weights take {size:,} bytes, more than a network needs")
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    weights = base64.b64encode(safetensors.torch.save(tensors)).decode()
    return {"keys": [str(key)[:50] for key in list(content)[:20]], "plain": plain, "weights": weights}


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
