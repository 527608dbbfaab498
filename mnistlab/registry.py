"""The versions of the trained network under ``models/``: numbered folders that never change, and a pointer to one.

``models/0003/`` is built aside and renamed into place once. ``models/CURRENT`` is one line naming the version in use,
swapped atomically. What a folder holds, and whether it is sound, is the checkpoint's business.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path

from mnistlab import checkpoint, paths
from mnistlab.checkpoint import Checkpoint, Manifest
from mnistlab.data import Digits, Splits
from mnistlab.errors import CheckpointError, RegistryError
from mnistlab.files import sync_folder, write_atomic, write_durable
from mnistlab.training import Training

POINTER = "CURRENT"
VERSION = re.compile(r"[0-9]{4,9}")


class Registry:
    """The versions in one folder.

    Parameters
    ----------
    root : the folder; None is ``models/`` of the lab.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root if root is not None else paths.models())

    def versions(self) -> list[str]:
        """Names of all version folders, oldest first, sound or not."""
        if not self.root.is_dir():
            return []
        return sorted((p.name for p in self.root.iterdir() if VERSION.fullmatch(p.name) and p.is_dir()), key=int)

    def current(self) -> str:
        """Name of the version in use.

        Raises
        ------
        RegistryError : no pointer, or it names no version.
        """
        try:
            if not (self.root / POINTER).is_file():  # a pipe would wait for ever
                raise FileNotFoundError
            with open(self.root / POINTER, "rb") as file:
                name = file.read(64).decode().strip()
        except (OSError, UnicodeDecodeError):
            raise RegistryError(
                f"no version is in use: {self.root / POINTER} cannot be read; `mnistlab models promote VERSION` sets it",
                code="no-current",
            ) from None
        if name not in self.versions():
            raise RegistryError(
                f"{POINTER} names {name[:50]!r}, which is not there; {self._known()}", code="no-current"
            )
        return name

    def resolve(self, version: str = "current") -> str:
        """The name of a version from a name, ``"current"`` or ``"latest"``.

        Raises
        ------
        RegistryError : there is none.
        """
        if version == "current":
            return self.current()
        versions = self.versions()
        if version == "latest" and versions:
            return versions[-1]
        if version not in versions:
            raise RegistryError(f"there is no version {version[:50]!r}; {self._known()}", code="unknown")
        return version

    def latest(self, *, permuted: bool, n_kernels: int | None = None) -> str:
        """The newest version with scrambled pixels, or with plain ones; of one number of kernels, if it is given.

        Raises
        ------
        RegistryError, CheckpointError : there is none; a newer one has a manifest that is not valid.
        """
        for name in reversed(self.versions()):
            manifest = self.manifest(name)
            same_size = n_kernels in (None, manifest.architecture.arguments.get("n_kernels"))
            if same_size and (manifest.permutation.kind == "permuted") == permuted:
                return name
        kind = ("permuted" if permuted else "plain") + (f" version of {n_kernels} kernels" if n_kernels else " version")
        raise RegistryError(f"there is no {kind}; notebook 03_train makes one", code="unknown")

    def manifest(self, version: str = "current") -> Manifest:
        """What is written about a version, without loading it.

        Raises
        ------
        RegistryError, CheckpointError : no such version; its manifest is not valid.
        """
        folder = self.root / self.resolve(version)
        return checkpoint.parse_manifest(checkpoint._read(folder / checkpoint.MANIFEST, checkpoint.MAX_MANIFEST))

    def load(self, version: str = "current") -> Checkpoint:
        """A version, checked in every way before it is given out.

        Raises
        ------
        RegistryError, CheckpointError : no such version; it is not sound.
        """
        return checkpoint.load(self.root / self.resolve(version))

    def verify(self) -> dict[str, CheckpointError | None]:
        """Each version with what is wrong with it, or None."""
        faults: dict[str, CheckpointError | None] = {}
        for name in self.versions():
            try:
                checkpoint.load(self.root / name)
                faults[name] = None
            except CheckpointError as error:
                faults[name] = error
        return faults

    def save(self, training: Training, splits: Splits, *, test: Digits | None = None, note: str = "") -> str:
        """A new version from a finished training; it is loaded once before it gets its name. The pointer stays.

        Parameters
        ----------
        splits, test, note : as in ``checkpoint.pack``.

        Raises
        ------
        RegistryError : the folder cannot be written.
        CheckpointError : what was trained does not pass the checks.
        """
        self._make_root()
        name = f"{int((self.versions() or ['0'])[-1]) + 1:04d}"
        aside = self.root / f".new-{secrets.token_hex(4)}" / name
        try:
            aside.mkdir(parents=True)
            for file_name, content in checkpoint.pack(training, splits, version_id=name, test=test, note=note).items():
                write_durable(aside / file_name, content)
            sync_folder(aside)
            checkpoint.load(aside)
            os.rename(aside, self.root / name)
            sync_folder(self.root)
        except OSError as error:
            raise RegistryError(f"version {name} could not be written: {error}", code="write") from error
        finally:
            shutil.rmtree(aside.parent, ignore_errors=True)
        return name

    def promote(self, version: str) -> str:
        """Put a version into use, once it is proved sound. Returns its name.

        Raises
        ------
        RegistryError, CheckpointError : no such version, it is not sound, or the pointer cannot be written.
        """
        name = self.resolve(version)
        checkpoint.load(self.root / name)
        try:
            write_atomic(self.root / POINTER, name + "\n")
        except OSError as error:
            raise RegistryError(f"{POINTER} could not be written: {error}", code="write") from error
        return name

    def _make_root(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RegistryError(f"{self.root} cannot be made: {error}", code="write") from error

    def _known(self) -> str:
        versions = self.versions()
        return f"there is {', '.join(versions)}" if versions else f"there is none in {self.root}"
