"""The versions that the server reads with: the one in use, and any other that is asked for by name."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

from mnistlab.inference.predictor import Predictor
from mnistlab.registry.registry import Registry

KEPT = 4  # versions besides the one in use that stay loaded


class Versions:
    """Loaded versions of one folder.

    Parameters
    ----------
    models : the folder; None is that of the lab.

    Raises
    ------
    RegistryError, CheckpointError : no sound version is in use.
    """

    def __init__(self, models: Path | str | None = None) -> None:
        self.registry = Registry(models)
        self._reader = Predictor(self.registry.load())
        self._others: OrderedDict[str, Predictor] = OrderedDict()
        self._lock = threading.Lock()

    def reader(self) -> Predictor:
        """The one in use."""
        return self._reader

    def get(self, name: str) -> Predictor:
        """A version by its name; it is loaded if need be, which takes a tenth of a second.

        Raises
        ------
        RegistryError, CheckpointError : there is no such version, or it is not sound.
        """
        if name == self._reader.version:
            return self._reader
        with self._lock:
            if name not in self._others:
                self._others[name] = Predictor(self.registry.load(name))
            self._others.move_to_end(name)
            while len(self._others) > KEPT:
                self._others.popitem(last=False)
            return self._others[name]


@lru_cache(maxsize=8)
def permutation_hash(reader: Predictor) -> str:
    """SHA-256 of the order of the pixels that a version reads."""
    return reader.permutation.sha256()
