"""The versions a server reads with: the one in use, swapped while it serves, and a few others.

Nothing is told to the server. It looks at ``models/CURRENT`` now and then; when that names another version, it loads it beside
the one in use, lets it read a drawing, and swaps. A version that is not sound changes nothing. A request keeps the version it
began with, since it holds it by reference.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np

from mnistlab.common import locks, paths
from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import CheckpointError, LabError, RegistryError
from mnistlab.data.drawings import load_drawings
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.layout import MANIFEST, POINTER, VERSION, WEIGHTS
from mnistlab.registry.promotions import Promotions

KEPT = 4  # versions besides those in use that stay loaded; a wide one takes 1 MB
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Incident:
    """Something that happened to a version while the server ran.

    Attributes
    ----------
    code : a short word for programs: that of the error for a version that could not be loaded, ``"failed"``, ``"slow"`` or
        ``"wrong"`` for one that had to go.
    message : a sentence for people, without a path.
    version : that it happened to.
    when : UTC, ISO 8601, to the second.
    """

    code: str
    message: str
    version: str
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def as_dict(self) -> dict[str, str]:
        """Plain values, for JSON."""
        return asdict(self)


class Versions:
    """The version in use, the one before it, and the few others that somebody asked for last.

    Parameters
    ----------
    models : folder of the versions; None is that of the lab.
    load : loads one and checks its files.

    Attributes
    ----------
    current : reads what no version is named for. Take it once for each request.
    previous : was in use before, since the server runs; None before the first swap and once it is in use again.
    fault : why what ``CURRENT`` names is not in use; None if it is.
    swaps, failed : how often another version came into use, and how often one could not.

    Raises
    ------
    RegistryError, CheckpointError : no version is in use, or it is not sound: there is nothing to serve.
    """

    def __init__(
        self, models: Path | str | None = None, *, load: Callable[[str, Path], Predictor] | None = None
    ) -> None:
        self.root = Path(models if models is not None else paths.models())
        self._promotions = Promotions(self.root)
        self._load = load or (lambda name, root: Predictor.load(name, models=root))
        self._others: OrderedDict[str, Predictor] = OrderedDict()
        self._lock = Lock()
        self._seen = self._signature()
        self.current = self._sound(self._promotions.current())
        self.previous: Predictor | None = None
        self.fault: Incident | None = None
        self.swaps = self.failed = 0

    def names(self) -> list[str]:
        """All versions in the folder, the oldest first, sound or not."""
        return self._promotions.versions()

    def held(self, name: str) -> Predictor | None:
        """A version that is loaded, at once; None if ``get`` would have to load it."""
        current, previous = self.current, self.previous
        if name == current.version:
            return current
        if previous and name == previous.version:
            return previous
        with self._lock:
            if name in self._others:
                self._others.move_to_end(name)
            return self._others.get(name)

    def get(self, name: str) -> Predictor:
        """A version by its number, loaded if it is not: some 50 ms, so not in the loop of a server.

        Raises
        ------
        RegistryError : there is none of that number (``"unknown"``); only numbers as the folders bear them are names.
        CheckpointError : it is not sound.
        """
        if reader := self.held(name):
            return reader
        if name not in self.names():
            known = ", ".join(self.names())
            raise RegistryError(f"there is no version {name[:50]!r}; choose from {known}", code="unknown")
        reader = self._sound(name)
        with self._lock:
            self._others[name] = reader
            while len(self._others) > KEPT:
                self._others.popitem(last=False)
        return reader

    def loaded(self) -> list[str]:
        """The versions in memory, in order."""
        previous = self.previous  # once: it may be gone meanwhile
        with self._lock:
            names = {self.current.version, *self._others} | ({previous.version} if previous else set())
        return sorted(names, key=int)

    def look(self) -> bool:
        """See what ``CURRENT`` names, and put it into use if it is another version and sound. Whether one came into use.

        It costs four system calls when nothing has changed. What could not be loaded is tried again when its files change.
        """
        if (seen := self._signature()) == self._seen:
            return False
        self._seen, name = seen, self._pointer() or "none"
        try:
            name = self._promotions.current()
            if name == self.current.version:
                self.fault = None
                return False
            reader = self.held(name) or self._sound(name)
        except LabError as error:
            self._refuse(name, error.code, str(error))
            return False
        except Exception as error:  # whatever a file does to the code that loads it, the version in use goes on
            log.exception("version %s could not be loaded", name)
            self._refuse(name, "unexpected", f"version {name} could not be loaded: {type(error).__name__}")
            return False
        left, before = self.current, self.previous
        self.current, self.fault, self.swaps = reader, None, self.swaps + 1
        # whoever goes back to the version before does not come to a new one, nor has one to give way to
        self.previous = None if before and before.version == name else left
        log.info("version %s is in use; it was %s", name, left.version)
        return True

    def back(self) -> str:
        """Put the version before into use again, here at once and then in the registry. Returns what there is to say of it.

        The registry is left alone if another version has been put into use meanwhile, by a person or another server.
        """
        if self.previous is None:
            raise RegistryError("no version was in use here before", code="no-previous")
        left, self.current, self.previous = self.current, self.previous, None
        now = f"version {self.current.version} is in use again"
        try:
            with locks.hold(self.root / locks.REGISTRY, "a change of the version in use", wait=locks.WAIT):
                self._promotions.back(leaving=left.version)
        except LabError as error:
            if error.code == "moved":
                return f"{now} until the one that was put into use meanwhile is loaded"
            return f"{now}, but only on this server: {self._without_path(str(error))}"
        return now

    def _sound(self, name: str) -> Predictor:
        """Load a version and let it read a drawing; its files and the images stored with it are checked on the way.

        Raises
        ------
        RegistryError, CheckpointError : there is no such version; it is not sound.
        """
        reader = self._load(name, self.root)
        drawing = next(iter(load_drawings().values()))
        probabilities = reader.predict_strokes(drawing.strokes, drawing.pen_width).probabilities
        if probabilities.shape != (CLASSES,) or not np.isfinite(probabilities).all():
            raise CheckpointError(
                f"version {name} does not give {CLASSES} probabilities for a drawing", code="self-test"
            )
        return reader

    def _refuse(self, name: str, code: str, message: str) -> None:
        self.failed += 1
        said = f"{self._without_path(message)}; version {self.current.version} stays in use"
        self.fault = Incident(code, said, name)
        log.error("version %s did not come into use: %s", name, said)

    def _without_path(self, message: str) -> str:
        return message.replace(f"{self.root}{os.sep}", "").replace(str(self.root), "the folder of versions")

    def _pointer(self) -> str | None:
        """What ``CURRENT`` names, if that has the form of a version; one read, of a regular file."""
        try:
            if (self.root / POINTER).is_file():
                with open(self.root / POINTER, "rb") as file:
                    name = file.read(64).decode(errors="replace").strip()
                return name if VERSION.fullmatch(name) else None
        except OSError:
            pass
        return None

    def _signature(self) -> tuple[object, ...]:
        """What changes when another version is named, or the files of the named one do."""
        name = self._pointer()
        files = [POINTER, *(f"{name}/{file}" for file in (MANIFEST, WEIGHTS) if name)]
        return tuple(_stamp(self.root / file) for file in files)


@lru_cache(maxsize=8)
def permutation_hash(reader: Predictor) -> str:
    """SHA-256 of the order of the pixels that a version reads."""
    return reader.permutation.sha256()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_ino, info.st_mtime_ns, info.st_size
