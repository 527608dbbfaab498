"""What a permutation of the pixels costs a network: seeds crossed with permutations, and layouts that are partly in order.

The trainings go through a ``TrainingCache``, so a study that was stopped goes on. Everything is judged on validation images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import stats
from torch import Tensor

from mnistlab.common.constants import CLASSES, PIXELS, SIDE
from mnistlab.common.errors import LabError
from mnistlab.common.progress import progress_bar
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.intervals import CONFIDENCE, MeanInterval
from mnistlab.training.cache import TrainingCache
from mnistlab.training.checks import check_whole
from mnistlab.training.comparison import CELLS, Cell
from mnistlab.training.networks import build
from mnistlab.training.records import Training, TrainingSettings

SIZES = (14, 7, 4, 2)  # pixels along one edge of the blocks that stay whole
SHARES = (0.1, 0.25, 0.5)  # of the pixels, scrambled among themselves


# Layouts between order and disorder, by name: each takes a seed.
PARTIAL: dict[str, Callable[[int], Permutation]] = {
    **{f"blocks of {size}": partial(Permutation.blocks, size=size) for size in SIZES},
    "rows": Permutation.rows,
    "columns": Permutation.columns,
    **{f"{100 * share:.0f} % of the pixels": partial(Permutation.partial, share=share) for share in SHARES},
}


@dataclass(frozen=True)
class CrossedTrainings:
    """The networks of all four ways, by seed and permutation."""

    seeds: tuple[int, ...]  # of the first weights, in order
    permutations: tuple[int, ...]  # seeds of the scrambles, in order
    # for each cell and seed one training per permutation; for a plain cell a single one
    trainings: dict[Cell, tuple[tuple[Training, ...], ...]]

    def accuracies(self, cell: Cell) -> np.ndarray:
        """Share of the validation images read right (0 to 1): float64 (seeds, permutations), or (seeds, 1) for plain pixels."""
        return np.array([[training.best.validation_accuracy for training in row] for row in self.trainings[cell]])

    def costs(self, architecture: str) -> np.ndarray:
        """Plain minus permuted, from the same seed: float64 (seeds, permutations)."""
        return self.accuracies(Cell(architecture, False)) - self.accuracies(Cell(architecture, True))

    def correct(self, cell: Cell, images: Tensor, labels: Tensor) -> np.ndarray:
        """Which of the uint8 images (N, 28, 28) as drawn each network reads as labelled: bool (seeds, permutations or 1, N)."""
        return np.array([[net.predictions(images) == labels.numpy() for net in row] for row in self.trainings[cell]])

    def seconds(self, cell: Cell) -> float:
        """Median time of a training of a cell, wall clock."""
        return float(np.median([training.seconds for row in self.trainings[cell] for training in row]))


def train_crossed(
    cache: TrainingCache,
    *,
    n_seeds: int,
    n_permutations: int,
    settings: TrainingSettings,
    first_permutation: int = 0,
    show_progress: bool = True,
) -> CrossedTrainings:
    """Train both networks from each seed, on plain pixels and under each permutation, or read back what was trained.

    Parameters
    ----------
    n_seeds, n_permutations : 1 or more; intervals need 2 of both.
    settings : shared by all; its seed is the first.

    Raises
    ------
    TrainingError : too few of either.
    """
    check_whole("n_seeds", n_seeds, least=1)
    check_whole("n_permutations", n_permutations, least=1)
    seeds = tuple(range(settings.seed, settings.seed + n_seeds))
    drawn = tuple(range(first_permutation, first_permutation + n_permutations))
    scrambles = [Permutation.random(seed) for seed in drawn]
    trainings: dict[Cell, list[tuple[Training, ...]]] = {cell: [] for cell in CELLS}
    with progress_bar(
        total=2 * n_seeds * (1 + n_permutations), description="crossed", show=show_progress, unit="net"
    ) as bar:
        for seed in seeds:
            for cell in CELLS:
                row = []
                for scramble in scrambles if cell.permuted else [Permutation.identity()]:
                    bar.set_description_str(f"{cell}, seed {seed}")
                    row.append(_train(cache, cell.architecture, scramble, replace(settings, seed=seed)))
                    bar.update()
                trainings[cell].append(tuple(row))
    return CrossedTrainings(seeds, drawn, {cell: tuple(rows) for cell, rows in trainings.items()})


def train_partial_layouts(
    cache: TrainingCache, *, n_seeds: int, settings: TrainingSettings, show_progress: bool = True
) -> dict[str, tuple[Training, ...]]:
    """Train the ConvNet on each layout of ``PARTIAL``, from each seed, which also draws the layout; or read it back.

    Raises
    ------
    TrainingError : fewer than one seed.
    """
    check_whole("n_seeds", n_seeds, least=1)
    trainings: dict[str, list[Training]] = {name: [] for name in PARTIAL}
    with progress_bar(total=n_seeds * len(PARTIAL), description="partly", show=show_progress, unit="net") as bar:
        for seed in range(settings.seed, settings.seed + n_seeds):
            for name, draw in PARTIAL.items():
                bar.set_description_str(f"{name}, seed {seed}")
                trainings[name].append(_train(cache, "convnet", draw(seed), replace(settings, seed=seed)))
                bar.update()
    return {name: tuple(row) for name, row in trainings.items()}


def crossed_interval(values: np.ndarray) -> MeanInterval:
    """Mean of figures (seeds, permutations) with a 95 % interval for other seeds and other permutations.

    Figures that share a seed or a permutation are no independent ones. So the variance of the mean is put together from what
    varies between seeds, between permutations and otherwise (two-way random effects, Searle, Casella and McCulloch 1992), and
    the t interval has the degrees of freedom of the fewer. Without two of both there is no interval, as from one seed.
    """
    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    if min(values.shape) < 2:
        return MeanInterval.of([mean])
    std = float(values.std(ddof=1))
    of_seeds, of_permutations, rest = _squares(values)
    variance = max(of_seeds + of_permutations - rest, of_seeds, of_permutations, rest) / values.size
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, min(values.shape) - 1)) * variance**0.5
    return MeanInterval(mean, mean - half, mean + half, std, values.size)


def spreads(values: np.ndarray) -> tuple[float, float, float]:
    """Standard deviation between seeds, between permutations, and of the rest, of figures (seeds, permutations).

    Raises
    ------
    LabError : there are not two of both.
    """
    values = np.asarray(values, dtype=np.float64)
    if min(values.shape) < 2:
        raise LabError(f"spreads need two seeds and two permutations, not {values.shape}", code="seeds")
    of_seeds, of_permutations, rest = _squares(values)
    n_seeds, n_permutations = values.shape
    parts = ((of_seeds - rest) / n_permutations, (of_permutations - rest) / n_seeds, rest)
    seeds, permutations, other = (max(0.0, part) ** 0.5 for part in parts)
    return seeds, permutations, other


def kept_neighbours(permutation: Permutation) -> float:
    """Share (0 to 1) of the 1,512 pairs of pixels that touch, side by side or one above the other, which still do."""
    rows, columns = np.divmod(permutation.inverse().order, SIDE)  # where each pixel stands now
    rows, columns = rows.reshape(SIDE, SIDE), columns.reshape(SIDE, SIDE)
    kept = 0
    for axis in (0, 1):
        apart = np.abs(np.diff(rows, axis=axis)) + np.abs(np.diff(columns, axis=axis))
        kept += int((apart == 1).sum())
    return kept / (2 * (PIXELS - SIDE))


def recalls(right: np.ndarray, labels: Tensor) -> np.ndarray:
    """Share of each digit that is read right, from hits bool (seeds, permutations, N): float64 (10, seeds, permutations)."""
    digits = labels.numpy()
    return np.stack([right[..., digits == digit].mean(axis=-1) for digit in range(CLASSES)])


def mean_accuracies(trainings: Mapping[str, tuple[Training, ...]]) -> dict[str, MeanInterval]:
    """Mean validation accuracy of each layout over its seeds, with its t interval."""
    return {name: MeanInterval.of([t.best.validation_accuracy for t in row]) for name, row in trainings.items()}


def _train(cache: TrainingCache, architecture: str, permutation: Permutation, settings: TrainingSettings) -> Training:
    return cache.train(
        build(architecture, seed=settings.seed), permutation=permutation, settings=settings, show_progress=False
    )


def _squares(values: np.ndarray) -> tuple[float, float, float]:
    """Mean squares of seeds (rows), permutations (columns) and the rest of a table without repeats."""
    n_seeds, n_permutations = values.shape
    rows, columns = values.mean(axis=1), values.mean(axis=0)
    rest = values - rows[:, None] - columns + values.mean()
    freedom = (n_seeds - 1) * (n_permutations - 1)
    of_seeds, of_permutations = n_permutations * rows.var(ddof=1), n_seeds * columns.var(ddof=1)
    return float(of_seeds), float(of_permutations), float((rest**2).sum() / freedom)
