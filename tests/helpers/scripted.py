"""Versions that read what they are told to, for the tests of the server, in a folder as the registry keeps it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnistlab.common.errors import CheckpointError
from mnistlab.inference.predictor import Prediction
from mnistlab.registry.layout import MANIFEST, WEIGHTS
from mnistlab.registry.promotions import Promotions


@dataclass
class ScriptedReader:
    """Reads the same digit in everything, and says it took so long."""

    version: str
    digit: int | None = 7
    milliseconds: float = 0.5
    error: Exception | None = None
    probabilities: list[float] = field(default_factory=lambda: [0.1] * 10)

    def predict_digit(self, image: np.ndarray) -> Prediction:
        if self.error:
            raise self.error
        return Prediction(self.digit, np.array(self.probabilities), image, self.milliseconds, self.version)

    def predict_strokes(self, strokes: list[np.ndarray], pen_width: float) -> Prediction:
        return self.predict_digit(np.full((28, 28), 255, np.uint8))


class Shelf:
    """A folder of versions, and how they are loaded: ``readers`` may be replaced, and errors put in their place."""

    def __init__(self, root: Path, *names: str) -> None:
        self.root, self.promotions = root, Promotions(root)
        self.readers: dict[str, ScriptedReader | Exception] = {}
        self.loads: list[str] = []
        for name in names:
            self.add(name)
        self.promotions.put(names[0])

    def add(self, name: str) -> None:
        folder, weights = self.root / name, f"weights of {name}".encode()
        folder.mkdir(parents=True)
        (folder / WEIGHTS).write_bytes(weights)
        (folder / MANIFEST).write_text(json.dumps({"weights_sha256": hashlib.sha256(weights).hexdigest()}))
        self.readers[name] = ScriptedReader(name)

    def damage(self, name: str, code: str = "sha256") -> None:
        self.readers[name] = CheckpointError(f"{self.root}/{name}/{WEIGHTS} has another SHA-256", code=code)

    def load(self, name: str, root: Path) -> ScriptedReader:
        assert root == self.root
        self.loads.append(name)
        found = self.readers[name]
        if isinstance(found, Exception):
            raise found
        return found
