"""How well a preset does, over several seeds: ``mnistlab benchmark preset NAME``.

A finished seed is written down at once, so that a measurement that was stopped goes on where it was. The epoch is chosen on
validation images; the test images are looked at only when asked for, which is when nothing is left to choose.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mnistlab.common import provenance
from mnistlab.common.errors import RunError
from mnistlab.common.files import to_json, without_nan, write_atomic
from mnistlab.data.mnist import Digits, Splits
from mnistlab.evaluation.intervals import Accuracy, MeanInterval
from mnistlab.training import networks
from mnistlab.training.checks import check_whole
from mnistlab.training.loop import train
from mnistlab.training.presets import Preset
from mnistlab.training.records import Training, TrainingData

LEVELS = (0.97, 0.98, 0.99)  # validation accuracies whose times are reported


@dataclass(frozen=True)
class SeedResult:
    """One seed."""

    seed: int  # of the first weights, the order of the images and their changes
    epoch: int  # the one kept, of the best validation accuracy
    validation: int  # images read right
    n_validation: int  # of so many
    test: int | None  # the same of test images; None if they were not asked for
    n_test: int | None
    seconds: float  # the whole training, wall clock, validation included
    # (level, seconds) for each of ``LEVELS`` that some epoch came up to on validation images, at its end
    reached: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, training: Training, n_validation: int, test: Digits | None) -> SeedResult:
        """From a finished training; ``test`` is judged here."""
        right = None if test is None else int((training.predictions(test.images) == test.labels.numpy()).sum())
        times = {level: training.seconds_to(level) for level in LEVELS}
        return cls(
            seed=training.settings.seed,
            epoch=training.best.epoch,
            validation=round(training.best.validation_accuracy * n_validation),
            n_validation=n_validation,
            test=right,
            n_test=None if test is None else len(test),
            seconds=round(training.seconds, 2),
            reached=tuple((level, round(time, 2)) for level, time in times.items() if time is not None),
        )

    @property
    def validation_accuracy(self) -> Accuracy:
        """On the validation images that chose the epoch, and so a little too high."""
        return Accuracy(self.validation, self.n_validation)

    @property
    def test_accuracy(self) -> Accuracy | None:
        """On the test images; None if it was not asked for."""
        return None if self.test is None or self.n_test is None else Accuracy(self.test, self.n_test)


@dataclass(frozen=True)
class SeedsReport:
    """A preset by name and its seeds, one at least."""

    preset: str
    results: tuple[SeedResult, ...]

    @property
    def validation(self) -> MeanInterval:
        """Mean accuracy over the seeds with its 95 % t interval (NaN from one seed)."""
        return MeanInterval.of([result.validation_accuracy.value for result in self.results])

    @property
    def test(self) -> MeanInterval | None:
        """The same on test images; None if a seed was not judged on them."""
        judged = [result.test_accuracy for result in self.results]
        known = [accuracy.value for accuracy in judged if accuracy is not None]
        return MeanInterval.of(known) if len(known) == len(judged) else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file: every seed, and the means with their intervals (None from one seed)."""
        seconds = [result.seconds for result in self.results]
        return {
            "trials": [asdict(result) for result in self.results],
            "validation": without_nan(asdict(self.validation)),
            "test": self.test and without_nan(asdict(self.test)),
            "seconds": {"median": statistics.median(seconds), "sum": sum(seconds)},
        }

    def lines(self) -> Iterator[str]:
        """The seeds as a table for a terminal, line by line."""
        n = self.results[0].n_validation
        yield f"preset {self.preset}: {len(self.results)} seeds, epoch chosen on {n:,} validation images"
        levels = "  ".join(f"s to {100 * level:.0f} %" for level in LEVELS)
        yield f"seed  epoch  validation        test  seconds  {levels}"
        for result in self.results:
            test = "-" if result.test_accuracy is None else f"{100 * result.test_accuracy.value:.2f} %"
            times = dict(result.reached)
            reached = "  ".join(f"{times[level]:>8.1f}" if level in times else f"{'-':>8}" for level in LEVELS)
            share = 100 * result.validation_accuracy.value
            yield f"{result.seed:>4}  {result.epoch:>5}  {share:>8.2f} %  {test:>10}  {result.seconds:>7.1f}  {reached}"
        yield f"validation {self.validation}"
        if self.test:
            sizes = sorted({result.n_test for result in self.results if result.n_test})
            yield f"test {self.test}, n = {', '.join(f'{n:,}' for n in sizes)} each"
        seconds = [result.seconds for result in self.results]
        yield f"seconds {statistics.median(seconds):.1f} [{min(seconds):.1f}, {max(seconds):.1f}], median and range"


def measure_seeds(
    name: str,
    preset: Preset,
    splits: Splits,
    *,
    seeds: int = 5,
    test: bool = False,
    device: str = "cpu",
    file: Path | None = None,
) -> SeedsReport:
    """Train the network of 6,422 parameters from ``seeds`` seeds, one after the other, those in ``file`` left out.

    Parameters
    ----------
    name : what the preset is called.
    seeds : 1 or more; the first is that of the preset's settings.
    test : also judge the test images.
    file : where finished seeds are kept, and found again; None keeps nothing.

    Raises
    ------
    TrainingError : too few seeds, or a setting does not fit the data.
    RunError : the file cannot be read or written, or holds another measurement.
    """
    check_whole("seeds", seeds, least=1)
    head = _head(name, preset, splits, device)
    done = {result.seed: result for result in _read(file, head)} if file else {}
    first = preset.settings.seed
    for seed in range(first, first + seeds):
        if seed in done and not (test and done[seed].test is None):
            continue
        training = train(
            networks.build(seed=seed),
            TrainingData(splits.train, splits.validation, augment=preset.augmentation),
            settings=replace(preset.settings, seed=seed),
            device=device,
            description=f"{name}, seed {seed}",
        )
        done[seed] = SeedResult.of(training, len(splits.validation), splits.test if test else None)
        if file:
            _write(file, {**head, **SeedsReport(name, tuple(done[seed] for seed in sorted(done))).as_dict()})
    return SeedsReport(name, tuple(done[seed] for seed in range(first, first + seeds)))


def _head(name: str, preset: Preset, splits: Splits, device: str) -> dict[str, Any]:
    """What must be the same for all seeds of one measurement."""
    settings = asdict(preset.settings)
    del settings["seed"]
    return {
        "preset": name,
        "settings": settings,
        "augmentation": None if preset.augmentation is None else asdict(preset.augmentation),
        "data": {"name": splits.name, "split_seed": splits.seed, "train_sha256": splits.train.sha256()},
        "device": device,
        "environment": provenance.environment(),
    }


def _read(file: Path, head: dict[str, Any]) -> list[SeedResult]:
    """The seeds in ``file``; none if there is no file."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        other = [key for key, value in json.loads(json.dumps(head)).items() if stored[key] != value]
        results = [SeedResult(**{**row, "reached": tuple(map(tuple, row["reached"]))}) for row in stored["trials"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{file} cannot be read as a measurement ({error}); name another file", code="unreadable"
        ) from error
    if other:
        raise RunError(
            f"{file} holds a measurement with another {', another '.join(other)}; name another file", code="other"
        )
    return results


def _write(file: Path, content: dict[str, Any]) -> None:
    try:
        write_atomic(file, to_json(content))
    except OSError as error:
        raise RunError(f"{file} cannot be written: {error.strerror}", code="write") from error
