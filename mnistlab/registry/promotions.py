"""Which version is in use, and which were before it: one pointer, swapped atomically, and the way back.

``CURRENT`` is one line naming the version in use; that line alone decides. ``HISTORY`` has a line for each version put into
use, the newest last, with the SHA-256 its manifest had then. It is written before the pointer is swapped, and read only up
to the version in use: a kill between the two leaves the old version in use with its own past, and one line that nobody reads.

Nothing here needs PyTorch, so that going back takes no longer than reading two files.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path

from mnistlab.common import paths
from mnistlab.common.errors import CheckpointError, RegistryError
from mnistlab.common.files import UnflushedError, read_regular, write_atomic
from mnistlab.registry.layout import HISTORY, MANIFEST, MAX_MANIFEST, MAX_WEIGHTS, POINTER, VERSION, WEIGHTS

LINE = re.compile(r"([0-9]{4,9}) ([0-9a-f]{64})")
KEPT = 100  # lines of the history


class Promotions:
    """The pointer of one folder of versions, and its past.

    Parameters
    ----------
    root : the folder of the versions.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

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
                f"no version is in use: there is no {POINTER} that can be read in {paths.told(self.root)}; "
                "`mnistlab models promote VERSION` sets it",
                code="no-current",
            ) from None
        if name not in self.versions():
            raise RegistryError(f"{POINTER} names {name[:50]!r}, which is not there; {self.known()}", code="no-current")
        return name

    def previous(self) -> str | None:
        """Name of the version that was in use before the present one, or None if none is recorded or left."""
        entries = self._before()
        return entries[-1][0] if entries else None

    def ever(self) -> list[str]:
        """Versions that were put into use at some time and are still what they were, and the one in use; oldest first."""
        recorded = dict(self._entries())
        names = {name for name, fingerprint in recorded.items() if self._fingerprint(name) == fingerprint}
        return [name for name in self.versions() if name in names or name == self.current_or_none()]

    def put(self, name: str) -> None:
        """Put a version into use. Whether it is sound is for the caller to know.

        Raises
        ------
        RegistryError : the pointer cannot be written; it is as it was. Or, with code ``"unflushed"``, the version is in use, but
            the disk did not confirm it.
        """
        now = self.current_or_none()
        if now == name:
            return
        past = self._up_to(now)
        if now and (not past or past[-1][0] != now) and (fingerprint := self._fingerprint(now)):
            past.append((now, fingerprint))
        if fingerprint := self._fingerprint(name):
            past.append((name, fingerprint))
        self._write(HISTORY, past)
        self._swap(name)

    def back(self, *, leaving: str | None = None) -> tuple[str, str]:
        """Put the version that was in use before into use again, if it is byte for byte what it was then.

        Parameters
        ----------
        leaving : the version that has to go; should another be in use by now, nothing is changed.

        Returns
        -------
        The names of the version that was in use until now, and of the one that is.

        Raises
        ------
        RegistryError : as ``put``; none is recorded; or not ``leaving`` is in use (``"moved"``).
        CheckpointError : that version is not what it was.
        """
        now, before = self.current(), self._before()
        if leaving not in (None, now):
            raise RegistryError(f"version {leaving} is no longer in use; {now} is", code="moved")
        if not before:
            raise RegistryError(
                f"no version is recorded as in use before {now}; `mnistlab models promote VERSION` chooses one",
                code="no-previous",
            )
        name, fingerprint = before[-1]
        self._check(name, fingerprint)
        self._swap(name)
        with suppress(RegistryError):  # only tidies: what stands after the version in use is not read
            self._write(HISTORY, before)
        return now, name

    def known(self) -> str:
        """The versions there are, for the end of a sentence."""
        versions = self.versions()
        return f"choose from {', '.join(versions)}" if versions else f"there is none in {paths.told(self.root)}"

    def current_or_none(self) -> str | None:
        """Name of the version in use; None where ``current`` raises."""
        try:
            return self.current()
        except RegistryError:
            return None

    def _entries(self) -> list[tuple[str, str]]:
        """(name, SHA-256 of its manifest) of each version put into use; a line that is no such line is left out."""
        try:
            if not (self.root / HISTORY).is_file():
                return []
            with open(self.root / HISTORY, "rb") as file:
                text = file.read(100 * KEPT).decode(errors="replace")
        except OSError:
            return []
        matches = [LINE.fullmatch(line.strip()) for line in text.splitlines()]
        return [(match[1], match[2]) for match in matches if match]

    def _up_to(self, name: str | None) -> list[tuple[str, str]]:
        """The entries up to the last one of ``name``; all of them if it was put into use by hand."""
        entries = self._entries()
        last = max((i for i, entry in enumerate(entries) if entry[0] == name), default=len(entries) - 1)
        return entries[: last + 1]

    def _before(self) -> list[tuple[str, str]]:
        """The entries before the version in use, up to the newest that is another one and still there."""
        now, there = self.current_or_none(), set(self.versions())
        entries = self._up_to(now)
        while entries and (entries[-1][0] == now or entries[-1][0] not in there):
            entries.pop()
        return entries

    def _fingerprint(self, name: str) -> str | None:
        try:
            return hashlib.sha256(read_regular(self.root / name / MANIFEST, MAX_MANIFEST)).hexdigest()
        except CheckpointError:
            return None

    def _check(self, name: str, fingerprint: str) -> None:
        """The manifest is the recorded one, and the weights are those it names: what was proved when it was promoted."""
        manifest = read_regular(self.root / name / MANIFEST, MAX_MANIFEST)
        weights = read_regular(self.root / name / WEIGHTS, MAX_WEIGHTS)
        try:
            named = json.loads(manifest)["weights_sha256"]
        except (ValueError, KeyError, TypeError, RecursionError):
            named = None  # though its SHA-256 is the recorded one: anybody can write a record
        same = hashlib.sha256(manifest).hexdigest() == fingerprint
        if not same or hashlib.sha256(weights).hexdigest() != named:
            raise CheckpointError(
                f"version {name} has changed since it was in use; `mnistlab models verify {name}` looks closer",
                code="sha256",
            )

    def _write(self, file: str, entries: list[tuple[str, str]]) -> None:
        text = "".join(f"{name} {fingerprint}\n" for name, fingerprint in entries[-KEPT:])
        try:
            write_atomic(self.root / file, text)
        except OSError as error:
            raise RegistryError(f"{file} could not be written: {error}", code="write") from error

    def _swap(self, name: str) -> None:
        before = self.current_or_none()
        try:
            write_atomic(self.root / POINTER, f"{name}\n")
        except UnflushedError as error:
            after = f"may be {before} again" if before else "may not be"
            raise RegistryError(
                f"version {name} is in use, but {after} after a power cut: {self.root} could not be flushed to the disk: {error}",
                code="unflushed",
            ) from error
        except OSError as error:
            raise RegistryError(f"{POINTER} could not be written: {error}", code="write") from error
