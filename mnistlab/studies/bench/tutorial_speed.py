"""How much faster the lab trains than the usual tutorial: ``mnistlab benchmark train``.

Both train the same network from the same initial weights on the same images with the same number of threads. The lab's way is
``loop.train`` with a preset. The tutorial's is what most introductions show: a ``DataLoader`` that turns one image after
another into a tensor, batches of 64, Adam at a constant learning rate of 0.001. The clock stops when the tutorial's network
reads as many validation images correctly as ours did in the end.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from mnistlab.common import provenance
from mnistlab.common.errors import TrainingError
from mnistlab.data.mnist import Digits, Splits
from mnistlab.data.normalisation import Normalisation
from mnistlab.training import networks
from mnistlab.training.loop import train
from mnistlab.training.presets import Preset
from mnistlab.training.records import TrainingData

BATCH, RATE = 64, 0.001  # of the tutorial
LOOKS = 4  # times an epoch that the validation images are judged; the tutorial's clock stands still meanwhile
MARK = 0.99  # validation accuracy whose time is reported as well


@dataclass(frozen=True)
class Round:
    """One training of each kind, from one seed."""

    accuracy: float  # share of validation images that ours read in the end
    ours: float  # seconds it took, validation included
    theirs: float  # seconds until the tutorial's network read as many, or until it was stopped; validation not included
    reached: bool  # False if it was stopped before it did. The ratio is then a lower bound.
    device: str = "cpu"  # where both ran
    marked: float | None = None  # seconds until ours read 99 % at the end of an epoch; None if it never did

    @property
    def ratio(self) -> float:
        """How many times longer the tutorial took."""
        return self.theirs / self.ours


@dataclass(frozen=True)
class SpeedReport:
    """What several rounds came to; one round at least."""

    rounds: tuple[Round, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file: every round, the median ratio, and the machine."""
        return {
            "laps": [{**asdict(one), "ratio": one.ratio} for one in self.rounds],
            "median_ratio": statistics.median(one.ratio for one in self.rounds),
            "environment": provenance.environment(),
        }

    def lines(self) -> Iterator[str]:
        """The rounds as a table for a terminal, line by line."""
        yield "lap  validation   ours s  tutorial s  ratio"
        for number, one in enumerate(self.rounds, start=1):
            bound = "" if one.reached else " or more: stopped before it came that far"
            yield f"{number:>3}  {100 * one.accuracy:>8.2f} %  {one.ours:>7.1f}  {one.theirs:>10.1f}  {one.ratio:>5.1f}{bound}"
        ratios = [one.ratio for one in self.rounds]
        bound = "" if all(one.reached for one in self.rounds) else " at least"
        yield (
            f"median{bound} {statistics.median(ratios):.1f} times faster [{min(ratios):.1f}, {max(ratios):.1f}], "
            f"{len(ratios)} laps, {self.rounds[0].device}, {torch.get_num_threads()} threads"
        )
        if marked := [one.marked for one in self.rounds if one.marked is not None]:
            yield (
                f"ours reached {100 * MARK:.0f} % of the validation images in {len(marked)} of {len(ratios)} laps, after "
                f"{statistics.median(marked):.1f} s [{min(marked):.1f}, {max(marked):.1f}]"
            )


def compare_with_tutorial(
    splits: Splits, preset: Preset, *, rounds: int = 3, most_epochs: int = 30, device: str = "cpu"
) -> Iterator[Round]:
    """Train both ways in turn; each round has a seed of its own.

    Parameters
    ----------
    preset : our way; its seed is that of the first round.
    rounds : 1 or more.
    most_epochs : passes after which the tutorial is stopped, 1 or more.
    device : as for ``loop.train``.

    Raises
    ------
    TrainingError : a number is too small, or a setting does not fit the data.
    """
    if rounds < 1 or most_epochs < 1:
        raise TrainingError(f"rounds and most_epochs are 1 or more, not {rounds} and {most_epochs}", code="rounds")
    first = preset.settings.seed
    for seed in range(first, first + rounds):
        start = networks.build(seed=seed)
        ours = train(
            start,
            TrainingData(splits.train, splits.validation, augment=preset.augmentation),
            settings=replace(preset.settings, seed=seed),
            device=device,
            show_progress=False,
        )
        accuracy = ours.best.validation_accuracy
        theirs, reached = _train_as_tutorials_do(start, splits, accuracy, most_epochs, seed, ours.device)
        yield Round(accuracy, ours.seconds, theirs, reached, ours.device, ours.seconds_to(MARK))


class _Images(Dataset[tuple[torch.Tensor, int]]):
    """One image with its label at a time, turned into a tensor when it is asked for."""

    def __init__(self, digits: Digits) -> None:
        self.images, self.labels = digits.images.numpy(), digits.labels.tolist()
        normalise = transforms.Normalize((Normalisation().mean,), (Normalisation().std,))
        self.transform = transforms.Compose([transforms.ToTensor(), normalise])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def _train_as_tutorials_do(
    model: nn.Module, splits: Splits, target: float, most_epochs: int, seed: int, device: str
) -> tuple[float, bool]:
    """Seconds of training until the validation accuracy is ``target``, and whether it came to that."""
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(_Images(splits.train), batch_size=BATCH, shuffle=True, generator=generator)
    model = copy.deepcopy(model).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    looks = {round(len(loader) * part / LOOKS) for part in range(1, LOOKS + 1)}
    seconds, since = 0.0, time.perf_counter()
    for _ in range(most_epochs):
        for step, (images, labels) in enumerate(loader, start=1):
            loss = nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step in looks:
                seconds += time.perf_counter() - since
                predicted = networks.logits(copy.deepcopy(model).cpu(), splits.validation.images).argmax(dim=1)
                if (predicted == splits.validation.labels).double().mean().item() >= target:
                    return seconds, True
                since = time.perf_counter()
    return seconds, False
