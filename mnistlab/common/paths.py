"""Where things live, wherever a notebook or command was started from.

Each folder can be moved by an environment variable; without one it stands in the repository the package was
installed from.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import mnistlab

PACKAGE = Path(str(mnistlab.__file__)).resolve().parent
ROOT = PACKAGE.parent
CHROMIUM, BROWSERS = "MNISTLAB_CHROMIUM", ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
RUN_FOLDER = "MNISTLAB_RUN_FOLDER"  # in this variable the runner names the folder of its run's files


def _folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or ROOT / default).expanduser().resolve()


def models() -> Path:
    """Folder of the model versions (``MNISTLAB_MODELS``)."""
    return _folder("MNISTLAB_MODELS", "models")


def reports() -> Path:
    """Folder of the executed reports (``MNISTLAB_REPORTS``)."""
    return _folder("MNISTLAB_REPORTS", "reports")


def downloads() -> Path:
    """Folder of downloaded data sets (``MNISTLAB_DATA``)."""
    return _folder("MNISTLAB_DATA", "data")


def notebooks() -> Path:
    """Folder of the notebooks (``MNISTLAB_NOTEBOOKS``)."""
    return _folder("MNISTLAB_NOTEBOOKS", "notebooks")


def drawings() -> Path:
    """Folder of the drawings that a test replays (``MNISTLAB_DRAWINGS``)."""
    return _folder("MNISTLAB_DRAWINGS", "tests/drawings")


def chromium() -> str | None:
    """The Chromium that ``MNISTLAB_CHROMIUM`` names, there or not; else the first on the search path, None without one."""
    return os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, BROWSERS)), None)
