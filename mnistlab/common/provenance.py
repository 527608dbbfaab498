"""Which code this is: the commit, and a fingerprint that also notices what was changed since."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

from mnistlab.common import paths


def git_commit() -> str | None:
    """The commit of the code, if it runs from a git checkout."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def sha256() -> str:
    """Fingerprint of the package's Python files, names and contents, in the order of their names: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in sorted(paths.PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(paths.PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def environment() -> dict[str, object]:
    """Hardware and versions: what a figure depends on besides data, parameters and seeds.

    ``threads`` and ``gpu`` are those of PyTorch; None in a process that has not loaded it, which computes no figure.
    """
    torch = sys.modules.get("torch")
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads() if torch else None,
        "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None,
        "libraries": {name: _version(name) for name in ("torch", "torchvision", "numpy", "scikit-learn", "mnistlab")},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
