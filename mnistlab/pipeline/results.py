"""What a notebook found, as one JSON file, with the machine and the versions it was found with.

A headless run collects these files and closes with their headlines. In an interactive session they go to
``reports/interactive/``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistlab.common import paths
from mnistlab.common.files import to_json, write_atomic
from mnistlab.common.provenance import environment


def write_results(notebook: str, values: dict[str, Any], *, headlines: Sequence[str] = ()) -> Path:
    """Write ``<notebook>.json`` and return its path.

    Parameters
    ----------
    notebook : name without suffix, ``"03_train"``.
    values : plain JSON values; accuracies with n and interval (``Accuracy.as_dict``), means with their seeds.
    headlines : the one to four sentences a headless run should close with.

    Raises
    ------
    ValueError, TypeError : a number is not finite; a value is no plain JSON (a tensor, an array, a NumPy integer).
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{notebook}.json"
    content = {
        "notebook": notebook,
        "written": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "headlines": list(headlines),
        "metrics": values,
        "environment": environment(),
    }
    write_atomic(path, to_json(content))
    return path


def read_results(notebook: str) -> dict[str, Any] | None:
    """The values that another notebook of the same run, or of an earlier session, has written; None if there are none.

    Parameters
    ----------
    notebook : name without suffix, ``"02_permutation"``.
    """
    try:
        values: dict[str, Any] = json.loads((_folder() / f"{notebook}.json").read_text(encoding="utf-8"))["metrics"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return values


def _folder() -> Path:
    return Path(os.environ.get(paths.RUN_FOLDER) or paths.reports() / "interactive")
