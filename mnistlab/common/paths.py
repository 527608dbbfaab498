"""Where things live, wherever a notebook or command was started from.

In a checkout everything stands in it. An installed package brings versions and notebooks inside, where nothing is ever written;
what changes lives in the user's data folder. Each folder can be moved by an environment variable.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path

import platformdirs

import mnistlab
from mnistlab.common.errors import LabError

PACKAGE = Path(str(mnistlab.__file__)).resolve().parent
ROOT = PACKAGE.parent
CHROMIUM, BROWSERS = "MNISTLAB_CHROMIUM", ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLES = ("MNISTLAB_MODELS", "MNISTLAB_REPORTS", "MNISTLAB_DATA", "MNISTLAB_NOTEBOOKS", "MNISTLAB_DRAWINGS")
RUN_FOLDER = "MNISTLAB_RUN_FOLDER"  # in this variable the runner names the folder of its run's files


INSTALLED = PACKAGE / "installed"  # models and notebooks of the wheel; a checkout has no such folder


def checkout() -> Path | None:
    """The folder of the repository that the package is used from, or None if it is installed without one."""
    return ROOT if (ROOT / "pyproject.toml").is_file() else None


def _folder(variable: str, default: str) -> Path:
    home = checkout() or platformdirs.user_data_path("mnistlab", appauthor=False)
    given = os.environ.get(variable)
    folder = Path(given or home / default)
    try:
        found = folder.expanduser().resolve()
        blocked = [part for part in (found, *found.parents) if part.exists() and not part.is_dir()] if given else []
    except (RuntimeError, OSError, ValueError) as error:  # ~nobody, a loop of links, a null byte
        raise LabError(f"{variable} names no folder that can be: {str(folder)[:100]!r}", code="usage") from error
    if blocked:
        raise LabError(f"{variable} names {str(found)[:200]}, but {blocked[0].name} is no folder", code="usage")
    return found


def told(folder: Path) -> str:
    """A folder for a message, with the variable that names it, if one does."""
    for variable in VARIABLES:
        given = os.environ.get(variable)
        if given and Path(given).expanduser().resolve() == folder:
            return f"{folder} (named by {variable})"
    return str(folder)


def models() -> Path:
    """Folder of the model versions (``MNISTLAB_MODELS``).

    An installed package copies its own there the first time; where that cannot be written, it reads them where they are.
    """
    folder = _folder("MNISTLAB_MODELS", "models")
    brought = INSTALLED / "models"
    if os.environ.get("MNISTLAB_MODELS") or folder.exists() or not brought.is_dir():
        return folder
    aside = folder.with_name(f".models.{secrets.token_hex(4)}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(brought, aside)
        for path in (aside, *aside.rglob("*")):  # where it was brought to, nobody may be allowed to write
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
        aside.rename(folder)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)  # nobody's folder, or another process was first
        return folder if folder.is_dir() else brought
    return folder


def reports() -> Path:
    """Folder of the executed reports (``MNISTLAB_REPORTS``)."""
    return _folder("MNISTLAB_REPORTS", "reports")


def downloads() -> Path:
    """Folder of downloaded data sets (``MNISTLAB_DATA``)."""
    return _folder("MNISTLAB_DATA", "data")


def notebooks() -> Path:
    """Folder of the notebooks (``MNISTLAB_NOTEBOOKS``); of an installed package those it brings."""
    brought = INSTALLED / "notebooks"
    if not os.environ.get("MNISTLAB_NOTEBOOKS") and brought.is_dir():
        return brought
    return _folder("MNISTLAB_NOTEBOOKS", "notebooks")


def own_notebooks() -> Path:
    """Folder of the notebooks to work in; those of an installed package are copied into the user's data folder, once.

    Raises
    ------
    LabError : code ``"write"``, they could not be.
    """
    brought = INSTALLED / "notebooks"
    if notebooks() != brought:
        return notebooks()
    folder = _folder("MNISTLAB_NOTEBOOKS", "notebooks")
    if not folder.exists():
        aside = folder.with_name(f".notebooks.{secrets.token_hex(4)}")
        try:
            shutil.copytree(brought, aside)
            for path in (aside, *aside.rglob("*")):
                path.chmod(path.stat().st_mode | stat.S_IWUSR)
            aside.rename(folder)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise LabError(f"the notebooks could not be copied to {folder}: {error}", code="write") from error
    return folder


def drawings() -> Path:
    """Folder of the drawings that a test replays (``MNISTLAB_DRAWINGS``)."""
    return _folder("MNISTLAB_DRAWINGS", "tests/drawings")


def chromium() -> str | None:
    """The Chromium that ``MNISTLAB_CHROMIUM`` names, there or not; else the first on the search path, None without one."""
    return os.environ.get(CHROMIUM) or next(filter(None, map(shutil.which, BROWSERS)), None)


def shown(path: Path) -> Path:
    """A path as people are told it: from the root of the checkout if it lies in there."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
