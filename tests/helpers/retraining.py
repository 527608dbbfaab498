"""Retraining made quick for tests: notebooks that "train" by copying a version made before, and few drawn digits."""

from __future__ import annotations

import dataclasses
import functools
import os
import shutil
import sys
from pathlib import Path

from made import write

from mnistlab.data.mnist import Splits

TRAIN = """import json, os, pathlib, shutil, time
folder, models = (pathlib.Path(os.environ[name]) for name in ("MNISTLAB_RUN_FOLDER", "MNISTLAB_MODELS"))
made = pathlib.Path(source)
shutil.copytree(made, models / made.name)
values = {"headlines": [f"{epochs} epochs"], "metrics": {"version": made.name}}
(folder / "03_train.json").write_text(json.dumps(values))"""
EVALUATE = """import json, os, pathlib
folder = pathlib.Path(os.environ["MNISTLAB_RUN_FOLDER"])
seen = sorted(p.name for p in pathlib.Path(os.environ["MNISTLAB_MODELS"]).iterdir())
(folder / "04_evaluate.json").write_text(json.dumps({"headlines": [version], "metrics": {"seen": seen}}))"""


def lab(folder: Path, source: Path, *, train: str = TRAIN, evaluate: str = EVALUATE) -> Path:
    """A folder with the two notebooks that ``retrain("plain")`` runs; the candidate is a copy of ``source``."""
    numbers = ("epochs", "train_size", "comparison_epochs", "n_seeds")  # those that the preset "quick" sets
    parameters = (
        "".join(f"{name}: int = 3\n" for name in numbers) + "preset: str = 'fast'\n" + f"source: str = {str(source)!r}"
    )
    write(folder / "notebooks", "03_train", *train.split("\n\n"), parameters=parameters)
    write(folder / "notebooks", "04_evaluate", evaluate, parameters='version: str = "latest"')
    return folder / "notebooks"


def quicken() -> None:
    """Fewer images to judge by, and gates that a quick training passes; for this process.

    They are the images that the candidate was saved with, for its figures are counted again on them.
    """
    from mnistlab.data.mnist import load_mnist
    from mnistlab.pipeline import decision, gates, retrain

    retrain.JudgingData.of = functools.partial(decision.JudgingData.of, drawn=10)
    retrain.load_mnist = lambda: few(load_mnist())

    gates.FLOOR = gates.FLOOR_DRAWN = 0.0
    gates.ECE = 1.0
    gates.MILLISECONDS = 1e6


def few(splits: Splits) -> Splits:
    """1,000 images to train, 500 to validate, 500 to test; always the same."""
    return dataclasses.replace(
        splits,
        train=splits.train.sample(1_000, seed=1),
        validation=splits.validation.sample(500, seed=2),
        test=splits.test.sample(500, seed=3),
    )


def renumber(source: Path, target: Path) -> Path:
    """A copy of a version under another number."""
    from mnistlab.registry import packing

    target.mkdir(parents=True)
    for name, content in packing.repack(source, target.name).items():
        (target / name).write_bytes(content)
    return target


def environment(folder: Path) -> dict[str, str]:
    """For a process that retrains in ``folder``."""
    places = {f"MNISTLAB_{name.upper()}": str(folder / name) for name in ("models", "reports", "notebooks")}
    return {**os.environ, **places, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}


def clean(folder: Path) -> None:
    """Reports of an earlier case gone."""
    shutil.rmtree(folder / "reports", ignore_errors=True)
