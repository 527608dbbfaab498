"""Finished trainings on disk, so that a long study goes on where it was stopped.

A training that ended is kept as one file: its weights as safetensors, and as JSON in the file's header all that determines it,
how it went, and the seconds it took. The file's name is a fingerprint of what determines it, so the same training is read back,
and another one is never taken for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from mnistlab.common import constants, provenance
from mnistlab.common.errors import RunError
from mnistlab.common.files import write_atomic
from mnistlab.data import augmentation, mnist, normalisation, permutation
from mnistlab.data.augmentation import Augmentation
from mnistlab.data.mnist import Digits
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.registry import architecture
from mnistlab.training import batchnorm, loop, networks, records
from mnistlab.training.loop import train
from mnistlab.training.networks import TrainableNetwork, best_device
from mnistlab.training.records import Epoch, Training, TrainingData, TrainingSettings

# What decides what a training gives; a test walks the imports.
CODE = (constants, augmentation, mnist, normalisation, permutation, architecture, networks, batchnorm, records, loop)
FIELD = "training"  # of the file's header


class TrainingCache:
    """Trainings on the same digits, each done once.

    Parameters
    ----------
    folder : where they are kept; made when the first one is.
    learned, validation : digits to learn from and to choose the epoch with.
    device : as in ``loop.train``.
    """

    def __init__(self, folder: Path, learned: Digits, validation: Digits, *, device: str = "auto") -> None:
        self.folder, self.learned, self.validation = Path(folder), learned, validation
        self.device = best_device() if device == "auto" else device
        self._same = {
            "train_sha256": learned.sha256(),
            "validation_sha256": validation.sha256(),
            "device": self.device,
            "environment": provenance.environment(),
            "code": {module.__name__: _sha256(module) for module in CODE},
        }

    def train(
        self,
        model: TrainableNetwork,
        *,
        permutation: Permutation | None = None,
        settings: TrainingSettings | None = None,
        augment: Augmentation | None = None,
        description: str = "training",
        show_progress: bool = True,
    ) -> Training:
        """The training of ``model`` as ``loop.train`` gives it; from its file, if it was done before.

        Raises
        ------
        RunError : its file cannot be read (``"unreadable"``), holds something else (``"other"``), or cannot be written
            (``"write"``).
        TrainingError : as in ``loop.train``.
        """
        permutation, settings = permutation or Permutation.identity(), settings or TrainingSettings()
        key = {
            **self._same,
            "architecture": {"name": model.name, "arguments": model.arguments},
            "weights_sha256": hashlib.sha256(safetensors.torch.save(_tensors(model))).hexdigest(),
            "permutation_sha256": permutation.sha256(),
            "settings": asdict(settings),
            **({"augmentation": asdict(augment)} if augment else {}),
        }
        fingerprint = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        file = self.folder / f"{fingerprint[:32]}.safetensors"
        if file.exists():
            return _read(file, key, model, permutation, settings)
        finished = train(
            model,
            TrainingData(self.learned, self.validation, permutation=permutation, augment=augment),
            settings=settings,
            device=self.device,
            description=description,
            show_progress=show_progress,
        )
        _write(file, key, finished)
        return finished


def _sha256(module: ModuleType) -> str:
    """Fingerprint of a module's file, wherever it lies."""
    return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()


def _tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}


def _write(file: Path, key: dict[str, Any], finished: Training) -> None:
    course = {"history": finished.table(), "best": finished.best.epoch, "threads": finished.threads}
    header = {FIELD: json.dumps({"key": key, **course, "seconds": finished.seconds}, allow_nan=False)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, safetensors.torch.save(_tensors(finished.model), metadata=header))
    except OSError as error:
        raise RunError(f"{file} cannot be written: {error.strerror}", code="write") from error


def _read(
    file: Path, key: dict[str, Any], model: TrainableNetwork, permutation: Permutation, settings: TrainingSettings
) -> Training:
    try:
        with safe_open(file, framework="pt") as opened:
            kept = json.loads((opened.metadata() or {})[FIELD])
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - it is no mapping
        history = tuple(Epoch(**epoch) for epoch in kept["history"])
        best = next(epoch for epoch in history if epoch.epoch == kept["best"])
        if kept["key"] != json.loads(json.dumps(key)):
            raise RunError(f"{file} holds a different training from the one its name says; remove it", code="other")
        fresh = type(model)(**model.arguments)
        fresh.load_state_dict(weights)
        seconds, threads = float(kept["seconds"]), int(kept["threads"])
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, StopIteration, RuntimeError) as error:
        raise RunError(
            f"{file} cannot be read as a finished training ({str(error)[:200]}); remove it, and it is trained again",
            code="unreadable",
        ) from error
    return Training(
        model=fresh.eval(),
        permutation=permutation,
        normalisation=Normalisation(),
        settings=settings,
        device=key["device"],
        threads=threads,
        history=history,
        best=best,
        seconds=seconds,
    )
