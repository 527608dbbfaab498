"""What a training is given and what it gives: data, settings, epochs, the trained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from mnistlab.common.constants import SIDE
from mnistlab.common.errors import TrainingError
from mnistlab.data.mnist import Digits
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.registry.manifest import TrainingInfo
from mnistlab.training.checks import check_finite, check_whole
from mnistlab.training.networks import Classifier

Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a network learns from, and what images go through before it sees them.

    Attributes
    ----------
    train, validation : digits to learn from and to choose the epoch with.
    permutation : applied to every image.
    normalisation : likewise, after it.
    augment : changes a batch before it is permuted: uint8 (B, 28, 28), generator -> uint8 (B, 28, 28). None: images as they are.
    nondigits : uint8 (M, 28, 28), pictures that are no digit. A quarter of a batch of them joins every step, and the network
        is taught to prefer no class for them (outlier exposure: Hendrycks, Mazeika and Dietterich 2019). None: digits alone.

    Raises
    ------
    TrainingError : no digits to learn from or to choose with; ``nondigits`` of another type or shape, or none.
    """

    train: Digits
    validation: Digits
    permutation: Permutation = field(default_factory=Permutation.identity)
    normalisation: Normalisation = field(default_factory=Normalisation)
    augment: Augment | None = None
    nondigits: Tensor | None = None

    def __post_init__(self) -> None:
        for name, digits in (("training", self.train), ("validation", self.validation)):
            if not len(digits):
                raise TrainingError(f"there are no {name} digits", code="empty")
        others = self.nondigits
        if others is not None and (others.dtype != torch.uint8 or others.shape[1:] != (SIDE, SIDE) or not len(others)):
            came = f"{str(others.dtype).removeprefix('torch.')} {tuple(others.shape)}"
            raise TrainingError(f"nondigits must be uint8 (M, {SIDE}, {SIDE}), M >= 1, not {came}", code="nondigits")


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Attributes
    ----------
    epochs : passes over the training images, >= 1.
    batch_size : images per step, 1 to the number of training images.
    learning_rate : the peak of the one-cycle rate, > 0.
    average : share of the old in the running mean of the weights at each step, 0 to below 1; the mean is what is judged and
        kept. 0.99 looks back some 100 steps; 0 keeps the weights as they are (Polyak and Juditsky 1992).
    batch_norm : normalise over the batch while the ConvNet learns (``batchnorm``); what is kept is the plain network.
    seed : order of the images, 0 to 2**32 - 1, as in ``data.mnist``.
    """

    epochs: int = 5
    batch_size: int = 128
    learning_rate: float = 0.01
    average: float = 0.0
    batch_norm: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("epochs", self.epochs, least=1)
        check_whole("batch_size", self.batch_size, least=1)
        check_finite("learning_rate", self.learning_rate)
        check_whole("seed", self.seed, least=0, most=2**32 - 1)
        average: object = self.average  # a notebook's parameter may be anything
        if isinstance(average, bool) or not isinstance(average, int | float) or not 0 <= average < 1:
            raise TrainingError(f"average is a share from 0 to below 1, not {average!r}", code="average")
        if not isinstance(self.batch_norm, bool):
            raise TrainingError(f"batch_norm is True or False, not {self.batch_norm!r}", code="batch_norm")


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images.

    Attributes
    ----------
    epoch : 1, 2, ...
    train_loss : mean cross-entropy (nats) over the epoch, while the weights moved.
    validation_loss, validation_accuracy : after the epoch; nats, and a share from 0 to 1.
    learning_rate : at the end of the epoch.
    seconds : time the epoch took, validation included.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Training(Classifier):
    """A trained network with all that is needed to use it and to say how it came about.

    Attributes
    ----------
    model : the network at its best epoch.
    settings, device, threads : what it was trained with; threads are those of PyTorch on the CPU.
    history : one ``Epoch`` for each pass.
    best : the epoch whose weights were kept: highest validation accuracy, then lowest validation loss.
    seconds : the whole training, wall clock.
    """

    settings: TrainingSettings
    device: str
    threads: int
    history: tuple[Epoch, ...]
    best: Epoch
    seconds: float

    def info(self) -> TrainingInfo:
        """How it was trained, as a version's manifest keeps it."""
        return TrainingInfo(
            epochs=self.settings.epochs,
            best_epoch=self.best.epoch,
            batch_size=self.settings.batch_size,
            learning_rate=float(self.settings.learning_rate),
            average=float(self.settings.average),
            batch_norm=self.settings.batch_norm,
            seed=self.settings.seed,
            device=self.device,
            threads=self.threads,
            seconds=round(self.seconds, 1),
        )

    def table(self) -> list[dict[str, float]]:
        """The history as rows, for a data frame or a JSON file."""
        return [asdict(epoch) for epoch in self.history]

    def seconds_to(self, accuracy: float) -> float | None:
        """Time until the end of the first epoch of this validation accuracy (0 to 1) or a better one; None if none came."""
        seconds = 0.0
        for epoch in self.history:
            seconds += epoch.seconds
            if epoch.validation_accuracy >= accuracy:
                return seconds
        return None
