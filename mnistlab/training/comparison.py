"""The experiment of the lab: two networks of equal size, each on plain and on permuted pixels, over several seeds.

Matched are the number of parameters, the images, the epochs, the batches, the rate and the optimiser; what is not matched
is the arithmetic (``multiplications``), because sharing weights means using each of them often. Everything is judged on
validation images. After the NYU deep-learning course (Canziani, LeCun), which ran each way once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import torch
from torch import nn

from mnistlab.common.constants import SIDE
from mnistlab.common.errors import LabError
from mnistlab.common.progress import progress_bar
from mnistlab.data.mnist import Digits
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.intervals import MeanInterval
from mnistlab.training.cache import TrainingCache
from mnistlab.training.loop import train
from mnistlab.training.networks import ConvNet, TrainableNetwork, build, convnet_parameters
from mnistlab.training.presets import Preset
from mnistlab.training.records import Training, TrainingData, TrainingSettings

NAMES = {"convnet": "ConvNet", "fully-connected": "fully connected net"}


class Cell(NamedTuple):
    """One of the four ways: an architecture, on plain or on permuted pixels."""

    architecture: str
    permuted: bool

    def __str__(self) -> str:
        return f"{NAMES[self.architecture]}, {'permuted' if self.permuted else 'plain'}"


CONV_PLAIN, CONV_PERMUTED = Cell("convnet", False), Cell("convnet", True)
FULL_PLAIN, FULL_PERMUTED = Cell("fully-connected", False), Cell("fully-connected", True)
CELLS = (CONV_PLAIN, CONV_PERMUTED, FULL_PLAIN, FULL_PERMUTED)


@dataclass(frozen=True)
class Comparison:
    """The finished networks of all four ways."""

    seeds: tuple[int, ...]  # one for each repetition; within a seed all four ways start from it
    trainings: dict[Cell, tuple[Training, ...]]  # for each cell one training per seed, in the order of ``seeds``
    n_validation: int  # images each accuracy stands on

    def training(self, cell: Cell, seed: int) -> Training:
        """The one network of a cell that started from ``seed``.

        Raises
        ------
        LabError : no network started from this seed.
        """
        if seed not in self.seeds:
            raise LabError(f"no network started from seed {seed}; the seeds are {self.seeds}", code="seed")
        return self.trainings[cell][self.seeds.index(seed)]

    def accuracies(self, cell: Cell) -> list[float]:
        """Share of the validation images read right (0 to 1), one value per seed."""
        return [training.best.validation_accuracy for training in self.trainings[cell]]

    def mean(self, cell: Cell) -> MeanInterval:
        """Mean accuracy of a cell over the seeds, with its 95 % t interval."""
        return MeanInterval.of(self.accuracies(cell))

    def difference(self, first: Cell, second: Cell) -> MeanInterval:
        """Accuracy of one cell minus that of another, paired by seed, with its 95 % t interval."""
        pairs = zip(self.accuracies(first), self.accuracies(second), strict=True)
        return MeanInterval.of([a - b for a, b in pairs])

    def cost(self, architecture: str) -> MeanInterval:
        """What the permutation takes from an architecture: plain minus permuted, paired by seed."""
        return self.difference(Cell(architecture, False), Cell(architecture, True))

    def judge(self, digits: Digits) -> dict[Cell, list[float]]:
        """Accuracy (0 to 1) of every network on other digits, by cell, one value per seed."""
        return {cell: [_accuracy(t, digits) for t in trainings] for cell, trainings in self.trainings.items()}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file; an interval that one seed cannot give is None."""
        return {
            "seeds": list(self.seeds),
            "n_validation": self.n_validation,
            "accuracy": {str(c): {"values": self.accuracies(c), **_plain(self.mean(c))} for c in self.trainings},
            "cost_of_permutation": {NAMES[name]: _plain(self.cost(name)) for name in NAMES},
        }


def compare_four_ways(
    data: TrainingData,
    settings: TrainingSettings | None = None,
    *,
    n_seeds: int = 3,
    n_kernels: int = 6,
    device: str = "auto",
    show_progress: bool = True,
) -> Comparison:
    """Train every cell of the comparison once per seed.

    Parameters
    ----------
    data : its permutation is that of the permuted half; not the identity.
    settings : shared by all; ``settings.seed`` is the first of ``n_seeds`` consecutive seeds.
    n_seeds : repetitions, >= 1; intervals need 2, and are fair from 3 on.
    n_kernels : of the ConvNet; the fully connected net gets the size nearest to it in parameters.

    Raises
    ------
    LabError : the permutation moves nothing, or ``n_seeds`` is below 1.
    TrainingError : as ``loop.train``.
    """
    settings = settings or TrainingSettings()
    if data.permutation.is_identity:
        raise LabError("the comparison needs a permutation that moves pixels, not the identity", code="identity")
    if type(n_seeds) is not int or n_seeds < 1:
        raise LabError(f"n_seeds is a whole number, 1 or more, not {n_seeds!r}", code="n_seeds")
    seeds = tuple(range(settings.seed, settings.seed + n_seeds))
    sizes = {"convnet": {"n_kernels": n_kernels}, "fully-connected": {"n_hidden": matched_hidden(n_kernels)}}
    plain = replace(data, permutation=Permutation.identity())
    trainings: dict[Cell, list[Training]] = {cell: [] for cell in CELLS}
    runs = list(product(seeds, CELLS))
    total = len(runs) * settings.epochs
    with progress_bar(total=total, description="comparison", show=show_progress, unit="epoch") as bar:
        for number, (seed, cell) in enumerate(runs, start=1):
            bar.set_description_str(f"{number}/{len(runs)} {cell}")
            training = train(
                build(cell.architecture, seed=seed, **sizes[cell.architecture]),
                data if cell.permuted else plain,
                replace(settings, seed=seed),
                device=device,
                on_epoch=lambda history: bar.update(),
                show_progress=False,
            )
            trainings[cell].append(training)
    return Comparison(seeds, {cell: tuple(row) for cell, row in trainings.items()}, len(data.validation))


def on_layouts(
    cache: TrainingCache,
    layouts: Mapping[str, Permutation],
    *,
    preset: Preset,
    model: str = ConvNet.name,
    n_seeds: int = 1,
    show_progress: bool = True,
) -> dict[str, list[Training]]:
    """Train the same network on differently ordered pixels, each time from the same seeds.

    Parameters
    ----------
    cache : the digits to learn from and to choose the epoch with; what it holds already is not trained again.
    layouts : what images go through, by name.
    preset : how to train; its seed is the first of ``n_seeds`` in a row. Only a ConvNet knows its batch normalisation.
    model : ``"convnet"`` or ``"fully-connected"``, as small as they are.

    Returns
    -------
    For each layout one training per seed.

    Raises
    ------
    LabError : code ``"seeds"``, fewer than one seed.
    TrainingError, RunError : as in ``TrainingCache.train``.
    """
    if n_seeds < 1:
        raise LabError(f"the number of seeds is 1 or more, not {n_seeds}", code="seeds")
    batch_norm = preset.settings.batch_norm and model == ConvNet.name
    seeds = range(preset.settings.seed, preset.settings.seed + n_seeds)
    return {
        name: [
            cache.train(
                build(model, seed=seed),
                permutation=layout,
                settings=replace(preset.settings, seed=seed, batch_norm=batch_norm),
                augment=preset.augmentation,
                description=f"{name}, seed {seed}",
                show_progress=show_progress,
            )
            for seed in seeds
        ]
        for name, layout in layouts.items()
    }


def matched_hidden(n_kernels: int = 6) -> int:
    """Hidden units of the 784-h-h-10 net whose parameters come nearest to a ConvNet's: 8 for six kernels."""
    wanted = convnet_parameters(n_kernels)
    # The size, 785 h + (h + 1) h + (h + 1) 10, grows by 796 or more with each unit, which bounds the search.
    return min(range(1, wanted // 796 + 2), key=lambda h: abs(785 * h + (h + 1) * h + (h + 1) * 10 - wanted))


@torch.inference_mode()
def multiplications(model: TrainableNetwork) -> int:
    """Multiplications of weights one image takes, counted on an empty picture (1, 1, 28, 28)."""
    counted: list[int] = []

    def count(layer: nn.Module, inputs: object, result: torch.Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        counted.append(result.numel() * layer.weight[0].numel())

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    try:
        model.net(torch.zeros(1, 1, SIDE, SIDE))  # layer by layer, as `forward` need not be
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counted)


def _accuracy(training: Training, digits: Digits) -> float:
    return float((training.predictions(digits.images) == digits.labels.numpy()).mean())


def _plain(values: MeanInterval) -> dict[str, float | None]:
    single = values.n == 1
    return {
        "mean": values.mean,
        "low": None if single else values.low,
        "high": None if single else values.high,
        "n_seeds": values.n,
    }
