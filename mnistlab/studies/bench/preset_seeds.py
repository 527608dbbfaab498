"""How well a preset does, over several seeds: ``mnistlab benchmark preset NAME``.

A finished seed is written down at once, so that a measurement that was stopped goes on where it was. The epoch is chosen on
validation images; the test images are looked at only when asked for, which is when nothing is left to choose.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mnistlab.common import provenance
from mnistlab.common.errors import RunError, TrainingError
from mnistlab.common.files import to_json, write_atomic
from mnistlab.data.mnist import Digits, Splits
from mnistlab.evaluation.intervals import Accuracy, MeanInterval
from mnistlab.training import networks
from mnistlab.training.loop import train
from mnistlab.training.presets import Preset
from mnistlab.training.records import Training

LEVELS = (0.97, 0.98, 0.99)  # validation accuracies whose times are told


@dataclass(frozen=True)
class Trial:
    """One seed.

    Attributes
    ----------
    seed : of the first weights, the order of the images and their changes.
    epoch : the one kept, of the best validation accuracy.
    validation, test : images read right; test is None if it was not asked for.
    n_validation, n_test : of so many.
    seconds : the whole training, wall clock, validation included.
    reached : (level, seconds) for each of ``LEVELS`` that some epoch came up to on validation images, at its end.
    """

    seed: int
    epoch: int
    validation: int
    n_validation: int
    test: int | None
    n_test: int | None
    seconds: float
    reached: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, training: Training, n_validation: int, test: Digits | None) -> Trial:
        """From a finished training; ``test`` is judged here."""
        right = None
        if test is not None:
            answers = networks.logits(
                training.model, test.images, permutation=training.permutation, normalisation=training.normalisation
            )
            right = int((answers.argmax(dim=1) == test.labels).sum())
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


def measure(
    name: str,
    preset: Preset,
    splits: Splits,
    *,
    seeds: int = 5,
    test: bool = False,
    device: str = "cpu",
    file: Path | None = None,
    show_progress: bool = True,
) -> list[Trial]:
    """Train the network of 6,422 parameters from ``seeds`` seeds, one after the other, those in ``file`` left out.

    Parameters
    ----------
    name : what the preset is called.
    seeds : 1 or more; the first is that of the preset's settings.
    test : also judge the test images.
    file : where finished seeds are kept, and found again; None keeps nothing.
    show_progress : bars on stderr.

    Raises
    ------
    TrainingError : too few seeds, or a setting does not fit the data.
    RunError : the file cannot be read or written, or holds another measurement.
    """
    if type(seeds) is not int or seeds < 1:
        raise TrainingError(f"seeds is a whole number, 1 or more, not {seeds!r}", code="seeds")
    head = _head(name, preset, splits, device)
    done = {trial.seed: trial for trial in _read(file, head)} if file else {}
    first = preset.settings.seed
    for seed in range(first, first + seeds):
        if seed in done and not (test and done[seed].test is None):
            continue
        training = train(
            networks.build(seed=seed),
            splits.train,
            splits.validation,
            settings=replace(preset.settings, seed=seed),
            augment=preset.augmentation,
            device=device,
            description=f"{name}, seed {seed}",
            show_progress=show_progress,
        )
        done[seed] = Trial.of(training, len(splits.validation), splits.test if test else None)
        if file:
            _write(file, {**head, **as_dict([done[seed] for seed in sorted(done)])})
    return [done[seed] for seed in range(first, first + seeds)]


def as_dict(trials: Sequence[Trial]) -> dict:
    """Plain values for a JSON file: every seed, and the means with their 95 % t intervals (None from one seed)."""
    seconds = [trial.seconds for trial in trials]
    return {
        "trials": [asdict(trial) for trial in trials],
        "validation": _plain(_mean([(t.validation, t.n_validation) for t in trials])),
        "test": _plain(_mean([(t.test, t.n_test) for t in trials])),
        "seconds": {"median": statistics.median(seconds), "sum": sum(seconds)},
    }


def lines(name: str, trials: Sequence[Trial]) -> Iterator[str]:
    """The trials as a table for a terminal, line by line."""
    yield f"preset {name}: {len(trials)} seeds, epoch chosen on {trials[0].n_validation:,} validation images"
    yield "seed  epoch  validation        test  seconds  " + "  ".join(f"s to {100 * level:.0f} %" for level in LEVELS)
    for trial in trials:
        test = "-" if trial.test is None else f"{100 * trial.test / trial.n_test:.2f} %"
        times = dict(trial.reached)
        reached = "  ".join(f"{times[level]:>8.1f}" if level in times else f"{'-':>8}" for level in LEVELS)
        share = 100 * trial.validation / trial.n_validation
        yield f"{trial.seed:>4}  {trial.epoch:>5}  {share:>8.2f} %  {test:>10}  {trial.seconds:>7.1f}  {reached}"
    seconds = [trial.seconds for trial in trials]
    yield f"validation {_mean([(t.validation, t.n_validation) for t in trials])}"
    if judged := _mean([(t.test, t.n_test) for t in trials]):
        alike = {trial.n_test for trial in trials}
        yield f"test {judged}, n = {', '.join(f'{n:,}' for n in sorted(alike))} each"
    yield f"seconds {statistics.median(seconds):.1f} [{min(seconds):.1f}, {max(seconds):.1f}], median and range"


def _mean(pairs: Sequence[tuple[int | None, int | None]]) -> MeanInterval | None:
    if any(right is None for right, _ in pairs):
        return None
    return MeanInterval.of([Accuracy(right, n).value for right, n in pairs])


def _plain(mean: MeanInterval | None) -> dict | None:
    return None if mean is None else {key: None if value != value else value for key, value in asdict(mean).items()}


def _head(name: str, preset: Preset, splits: Splits, device: str) -> dict:
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


def _read(file: Path, head: dict) -> list[Trial]:
    """The trials in ``file``; none if there is no file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        other = [key for key, value in json.loads(json.dumps(head)).items() if found[key] != value]
        trials = [Trial(**{**one, "reached": tuple(map(tuple, one["reached"]))}) for one in found["trials"]]
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
    return trials


def _write(file: Path, content: dict) -> None:
    try:
        write_atomic(file, to_json(content))
    except OSError as error:
        raise RunError(f"{file} cannot be written: {error.strerror}", code="write") from error
