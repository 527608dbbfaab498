"""How much faster the lab trains than the usual tutorial: ``mnistlab benchmark train``.

Both train the same network from the same start on the same images with the same number of threads. The lab's way is
``loop.train`` with a preset. The tutorial's is what most introductions show: a ``DataLoader`` that turns one image after
the other into a tensor, batches of 64, Adam at a constant rate of 0.001. The clock stops when the tutorial's network reads
as many validation images as ours did in the end.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from mnistlab.common import provenance
from mnistlab.common.errors import TrainingError
from mnistlab.data.mnist import Digits, Normalisation, Splits
from mnistlab.training import networks
from mnistlab.training.loop import train
from mnistlab.training.presets import Preset

BATCH, RATE = 64, 0.001  # of the tutorial
LOOKS = 4  # at the validation images in one of its epochs; they cost it no time
MARK = 0.99  # validation accuracy whose time is told besides


@dataclass(frozen=True)
class Lap:
    """One training of each kind.

    Attributes
    ----------
    accuracy : share of validation images that ours read in the end.
    ours : seconds it took, validation included.
    theirs : seconds until the tutorial's network read as many, or until it was stopped; validation not included.
    reached : False if it was stopped before it did. The ratio is then a lower bound.
    device : where both ran.
    marked : seconds until ours read 99 % at the end of an epoch; None if it never did.
    """

    accuracy: float
    ours: float
    theirs: float
    reached: bool
    device: str = "cpu"
    marked: float | None = None

    @property
    def ratio(self) -> float:
        """How many times longer the tutorial took."""
        return self.theirs / self.ours


def race(splits: Splits, preset: Preset, *, laps: int = 3, most_epochs: int = 30, device: str = "cpu") -> Iterator[Lap]:
    """Train both ways in turn; each lap has a seed of its own.

    Parameters
    ----------
    preset : our way; its seed is that of the first lap.
    laps : 1 or more.
    most_epochs : passes after which the tutorial is stopped, 1 or more.
    device : as for ``loop.train``.

    Raises
    ------
    TrainingError : a number is too small, or a setting does not fit the data.
    """
    if laps < 1 or most_epochs < 1:
        raise TrainingError(f"laps and most_epochs are 1 or more, not {laps} and {most_epochs}", code="laps")
    first = preset.settings.seed
    for seed in range(first, first + laps):
        start = networks.build(seed=seed)
        ours = train(
            start,
            splits.train,
            splits.validation,
            settings=replace(preset.settings, seed=seed),
            augment=preset.augmentation,
            device=device,
            show_progress=False,
        )
        theirs, reached = _tutorial(start, splits, ours.best.validation_accuracy, most_epochs, seed, ours.device)
        yield Lap(ours.best.validation_accuracy, ours.seconds, theirs, reached, ours.device, ours.seconds_to(MARK))


def as_dict(laps: Sequence[Lap]) -> dict:
    """Plain values for a JSON file: every lap, the median ratio, and the machine."""
    return {
        "laps": [{**asdict(lap), "ratio": lap.ratio} for lap in laps],
        "median_ratio": statistics.median(lap.ratio for lap in laps),
        "environment": provenance.environment(),
    }


def lines(laps: Sequence[Lap]) -> Iterator[str]:
    """The laps as a table for a terminal, line by line."""
    yield "lap  validation   ours s  tutorial s  ratio"
    for number, lap in enumerate(laps, start=1):
        more = "" if lap.reached else " or more: it had not come that far"
        yield f"{number:>3}  {100 * lap.accuracy:>8.2f} %  {lap.ours:>7.1f}  {lap.theirs:>10.1f}  {lap.ratio:>5.1f}{more}"
    ratios = [lap.ratio for lap in laps]
    bound = "" if all(lap.reached for lap in laps) else " at least"
    where = f"{laps[0].device}, {torch.get_num_threads()} threads"
    yield (
        f"median{bound} {statistics.median(ratios):.1f} times faster [{min(ratios):.1f}, {max(ratios):.1f}], "
        f"{len(laps)} laps, {where}"
    )
    marked = [lap.marked for lap in laps if lap.marked is not None]
    if marked:
        yield (
            f"ours came to {100 * MARK:.0f} % of the validation images in {len(marked)} of {len(laps)} laps, after "
            f"{statistics.median(marked):.1f} s [{min(marked):.1f}, {max(marked):.1f}]"
        )


class _Images(Dataset):
    """One image with its label at a time, turned into a tensor when it is asked for."""

    def __init__(self, digits: Digits) -> None:
        self.images, self.labels = digits.images.numpy(), digits.labels.tolist()
        normalise = transforms.Normalize((Normalisation().mean,), (Normalisation().std,))
        self.transform = transforms.Compose([transforms.ToTensor(), normalise])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), self.labels[index]


def _tutorial(
    model: nn.Module, splits: Splits, target: float, most_epochs: int, seed: int, device: str
) -> tuple[float, bool]:
    """Seconds until the validation accuracy is ``target``, and whether it came to that."""
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
                answers = networks.logits(copy.deepcopy(model).cpu(), splits.validation.images).argmax(dim=1)
                if (answers == splits.validation.labels).double().mean().item() >= target:
                    return seconds, True
                since = time.perf_counter()
    return seconds, False
