"""The versions of the trained network under ``models/``: numbered folders that never change, and a pointer to one.

``models/0003/`` is built aside and renamed into place once; it goes the same way, renamed aside before it is removed. Which
version is in use, and which was before, is the business of ``promotions``; what a folder holds, and whether it is sound, that
of ``checkpoint``, what is kept that of ``retention``. Changes are made one at a time, under a lock; reading needs none.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mnistlab.common import locks, paths
from mnistlab.common.constants import KEEP
from mnistlab.common.errors import CheckpointError, LabError, RegistryError
from mnistlab.common.files import read_regular, sync_folder, write_durable
from mnistlab.registry import checkpoint, packing, retention
from mnistlab.registry.checkpoint import Checkpoint
from mnistlab.registry.layout import MANIFEST, MAX_MANIFEST, POINTER
from mnistlab.registry.manifest import Manifest, parse_manifest
from mnistlab.registry.promotions import Promotions

if TYPE_CHECKING:
    from mnistlab.data.mnist import Digits, Splits


class Registry:
    """The versions in one folder.

    Parameters
    ----------
    root : the folder; None is ``models/`` of the lab.
    """

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root if root is not None else paths.models())
        self._promotions = Promotions(self.root)

    def versions(self) -> list[str]:
        """Names of all version folders, oldest first, sound or not."""
        return self._promotions.versions()

    def current(self) -> str:
        """Name of the version in use.

        Raises
        ------
        RegistryError : no pointer, or it names no version.
        """
        return self._promotions.current()

    def previous(self) -> str | None:
        """Name of the version that was in use before, and that ``rollback`` would put into use; None if there is none."""
        return self._promotions.previous()

    def resolve(self, version: str = "current") -> str:
        """The name of a version from a name, ``"current"``, ``"previous"`` or ``"latest"``.

        Raises
        ------
        RegistryError : there is none.
        """
        if version == "current":
            return self.current()
        versions = self.versions()
        if version == "latest" and versions:
            return versions[-1]
        if version == "previous" and (before := self.previous()):
            return before
        if version not in versions:
            raise RegistryError(
                f"there is no version {str(version)[:50]!r}; {self._promotions.known()}", code="unknown"
            )
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
        kind = f"{'permuted' if permuted else 'plain'} version{f' of {n_kernels} kernels' if n_kernels else ''}"
        raise RegistryError(f"there is no {kind}; notebook 03_train makes one", code="unknown")

    def best(self, kind: retention.Kind) -> str | None:
        """The version of this kind that reads most validation images, of all ever in use; None if none was."""
        known = (name for name in self._promotions.ever() if self._kind(name) == kind)
        return max(known, key=lambda name: self.manifest(name).metrics["validation"].value, default=None)

    def manifest(self, version: str = "current") -> Manifest:
        """What is written about a version, without loading it.

        Raises
        ------
        RegistryError, CheckpointError : no such version; its manifest is not valid.
        """
        folder = self.root / self.resolve(version)
        return parse_manifest(read_regular(folder / MANIFEST, MAX_MANIFEST))

    def load(self, version: str = "current") -> Checkpoint:
        """A version, checked in every way before it is given out.

        Raises
        ------
        RegistryError, CheckpointError : no such version; it is not sound.
        """
        return checkpoint.load_checkpoint(self.root / self.resolve(version))

    def verify(self) -> dict[str, CheckpointError | None]:
        """Each version with what is wrong with it, or None."""
        faults: dict[str, CheckpointError | None] = {}
        for name in self.versions():
            try:
                checkpoint.load_checkpoint(self.root / name)
                faults[name] = None
            except CheckpointError as error:
                faults[name] = error
        return faults

    def save(
        self,
        training: packing.Trained,
        splits: Splits,
        *,
        test: Digits | None = None,
        note: str = "",
        base: str | None = None,
        feedback: Sequence[int] = (),
        run: str | None = None,
    ) -> str:
        """A new version from a finished training. The pointer stays.

        Parameters
        ----------
        splits, test : as in ``packing.pack``.
        note, base, feedback, run : as in ``packing.Origin``.

        Raises
        ------
        RegistryError, CheckpointError, BusyError : as ``add``.
        """
        origin = packing.Origin(note, base, feedback, run)
        return self.add(lambda name: packing.pack(training, splits, version_id=name, test=test, origin=origin))

    def adopt(self, folder: Path) -> str:
        """A version from elsewhere, proved sound, under the next number here. The pointer stays.

        Raises
        ------
        RegistryError, CheckpointError, BusyError : as ``add``.
        """
        return self.add(lambda name: packing.repack(folder, name))

    def copy(self, root: Path) -> Registry:
        """The same versions and the same one in use in another folder, newly made, for work that must not touch these.

        Raises
        ------
        RegistryError : it cannot be written, or exists.
        """
        try:
            root.mkdir()
            for name in self.versions():
                shutil.copytree(self.root / name, root / name, symlinks=True)
            if (self.root / POINTER).is_file():
                shutil.copyfile(self.root / POINTER, root / POINTER)
        except OSError as error:
            raise RegistryError(f"the versions could not be copied: {error}", code="write") from error
        return Registry(root)

    def add(self, make: Callable[[str], dict[str, bytes]]) -> str:
        """A new version from its files; it is loaded once before it gets its name. The pointer stays.

        Parameters
        ----------
        make : gives the files by name (``packing.pack``), once told the number of the version.

        Raises
        ------
        RegistryError : the folder cannot be written.
        CheckpointError : what was made does not pass the checks.
        BusyError : another process has been changing the registry for a minute.
        """
        with self._changing("a change of the versions"):
            name = self._next()
            aside = self.root / f"{retention.NEW}{secrets.token_hex(4)}" / name
            try:
                aside.mkdir(parents=True)
                for file_name, content in make(name).items():
                    write_durable(aside / file_name, content)
                sync_folder(aside)
                checkpoint.load_checkpoint(aside)
                self._place(aside)
            except OSError as error:
                raise RegistryError(f"version {name} could not be written: {error}", code="write") from error
            finally:
                shutil.rmtree(aside.parent, ignore_errors=True)
        return name

    def promote(self, version: str, *, instead_of: str | None = None) -> str:
        """Put a version into use, once it is proved sound. Returns its name.

        Parameters
        ----------
        instead_of : the version it was compared with; should another be in use by now, nothing is changed.

        Raises
        ------
        RegistryError : no such version, as ``Promotions.put``, or not ``instead_of`` is in use (``"moved"``).
        CheckpointError : it is not sound.
        BusyError : another process has been changing the registry for a minute.
        """
        name = self.resolve(version)
        with self._changing("a change of the version in use"):
            checkpoint.load_checkpoint(self.root / name)
            if instead_of is not None and (now := self.current()) != instead_of:
                raise RegistryError(
                    f"version {name} was compared with {instead_of}, but {now} has been put into use meanwhile",
                    code="moved",
                )
            self._promotions.put(name)
        return name

    def rollback(self) -> tuple[str, str]:
        """Put the version that was in use before into use again. Returns the names of the one left and the one in use.

        Raises
        ------
        RegistryError, CheckpointError, BusyError : as ``Promotions.back``; another process has been changing the registry.
        """
        with self._changing("a change of the version in use"):
            return self._promotions.back()

    def prunable(self, keep: int = KEEP) -> list[str]:
        """What ``prune`` would remove, oldest first: all but the newest ``keep``, those in use now and before, and of each kind
        (architecture and order of pixels) the newest and the best that was in use, which others are compared with.

        Raises
        ------
        RegistryError : ``keep`` is less than 1.
        """
        kinds = {name: self._kind(name) for name in self.versions()}
        best = {self.best(kind) for kind in kinds.values() if kind}
        return retention.prunable(kinds, keep=keep, in_use={self._promotions.current_or_none(), self.previous(), *best})

    def prune(self, keep: int = KEEP) -> list[str]:
        """Remove what ``prunable`` names; returns those names.

        Raises
        ------
        RegistryError : ``keep`` is less than 1, or a folder cannot be moved.
        BusyError : another process has been changing the registry for a minute.
        """
        with self._changing("a change of the versions"):
            names = self.prunable(keep)
            retention.remove(self.root, names)
        return names

    def _next(self) -> str:
        """The number above the highest. One of nine digits is nobody's work, and above it there would soon be none left."""
        number = max((int(name) for name in self.versions() if len(name) < 9), default=0) + 1
        while (self.root / f"{number:04d}").exists():
            number += 1
        return f"{number:04d}"

    def _place(self, aside: Path) -> None:
        """Give a finished folder its place; take it back if the disk does not confirm it, so that it is there or not."""
        os.rename(aside, self.root / aside.name)
        try:
            sync_folder(self.root)
        except OSError:
            os.rename(self.root / aside.name, aside)
            raise

    def _kind(self, name: str) -> retention.Kind | None:
        with suppress(LabError):  # damaged: nothing can be compared with it
            return retention.kind(self.manifest(name))
        return None

    @contextmanager
    def _changing(self, what: str) -> Iterator[None]:
        """Alone, and with what a killed process left behind out of the way."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RegistryError(f"{self.root} cannot be created: {error}", code="write") from error
        with locks.hold(self.root / locks.REGISTRY, what, wait=locks.WAIT):
            retention.sweep(self.root)
            yield
