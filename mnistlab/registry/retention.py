"""Which versions are kept, and how the others go: renamed aside first, so that a version is whole or not there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mnistlab.common.errors import RegistryError
from mnistlab.common.files import sync_folder
from mnistlab.registry.layout import HISTORY, POINTER
from mnistlab.registry.manifest import Manifest

NEW, OLD = ".new-", ".old-"  # a version on its way in or out

Kind = tuple[str, ...]


def kind(manifest: Manifest) -> Kind:
    """What notebooks tell versions apart by: architecture, its sizes, and whether pixels are scrambled."""
    sizes = (f"{key} {size}" for key, size in sorted(manifest.architecture.arguments.items()))
    return (manifest.architecture.name, *sizes, manifest.permutation.kind)


def prunable(kinds: Mapping[str, Kind | None], *, keep: int, in_use: Collection[str | None]) -> list[str]:
    """The versions that may go, oldest first: neither among the newest ``keep``, nor in use, nor the newest of their kind.

    Parameters
    ----------
    kinds : of every version, oldest first; None for a damaged one.
    keep : >= 1.
    in_use : versions that stay whatever their age.

    Raises
    ------
    RegistryError : ``keep`` is less than 1.
    """
    if keep < 1:
        raise RegistryError(f"at least 1 version is kept, not {keep}", code="usage")
    versions = list(kinds)
    newest_of_kind = {kind: name for name, kind in kinds.items() if kind}
    kept = {*versions[-keep:], *newest_of_kind.values(), *in_use}
    return [name for name in versions if name not in kept]


def remove(root: Path, names: Sequence[str]) -> None:
    """Take versions out of a folder of them.

    Raises
    ------
    RegistryError : one cannot be moved.
    """
    try:
        for name in names:
            os.rename(root / name, root / f"{OLD}{secrets.token_hex(4)}")
        if names:
            sync_folder(root)  # before a file goes, or a power cut might leave half of a version
    except OSError as error:
        raise RegistryError(f"{', '.join(names)} could not be removed: {error}", code="write") from error
    sweep(root)


def sweep(root: Path) -> None:
    """Remove versions that never got their name, or lost it, and files that were never swapped in."""
    for path in root.iterdir():
        if path.name.startswith((NEW, OLD)) or (
            path.name.startswith((f".{POINTER}.", f".{HISTORY}.")) and path.name.endswith(".tmp")
        ):
            _remove(path)


def _remove(path: Path) -> None:
    """Whatever it is; what cannot go stays, and stands in nobody's way."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink()
