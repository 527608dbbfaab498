"""What several test files share: the data once, a quick training once, and a registry anybody may spoil.

Nothing a test does may land in the tree, and nothing that was left there may reach a test: reports and downloads go to a
temporary folder, and ``models/`` is a copy of what is committed.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import matplotlib
import pytest
from made import committed
from retraining import few

from mnistlab.data.mnist import Splits, load_mnist
from mnistlab.data.permutation import Permutation
from mnistlab.registry.registry import Registry
from mnistlab.training import networks
from mnistlab.training.loop import train
from mnistlab.training.records import Training, TrainingData, TrainingSettings

matplotlib.use("Agg")  # not by MPLBACKEND: notebooks that tests start would inherit it and show no figure

PERMUTATION_SEED = 42


@pytest.fixture(scope="session", autouse=True)
def _outside_the_tree(tmp_path_factory: pytest.TempPathFactory):
    """The whole test run sees the committed versions alone, and writes to folders of its own, unless the caller chose others.

    Else what a run left in the tree would decide whether a test passes.
    """
    makers = {
        "MNISTLAB_REPORTS": lambda: tmp_path_factory.mktemp("reports"),
        "MNISTLAB_DATA": lambda: tmp_path_factory.mktemp("data"),
        "MNISTLAB_MODELS": lambda: committed("models", tmp_path_factory.mktemp("committed")),
    }
    chosen = {name: str(make()) for name, make in makers.items() if name not in os.environ}
    os.environ.update(chosen)
    os.environ.pop("MNISTLAB_FEEDBACK", None)  # nor into a store that people use
    yield
    for name in chosen:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def _close_figures():
    """No figure of one test is open in the next."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def splits() -> Splits:
    """The whole of MNIST, split with seed 0. Shared: do not write into its tensors."""
    return load_mnist()


@pytest.fixture(scope="session")
def small(splits: Splits) -> Splits:
    """1,000 images to train, 500 to validate, 500 to test."""
    return few(splits)


def quick_training(small: Splits, permutation: Permutation | None = None) -> Training:
    """One epoch of the 6,422-parameter net on 1,000 images, on the CPU: under a second, about three in four right."""
    return train(
        networks.build("convnet", seed=0),
        TrainingData(small.train, small.validation, permutation or Permutation.identity()),
        TrainingSettings(epochs=1, batch_size=32),
        device="cpu",
        show_progress=False,
    )


@pytest.fixture(scope="session")
def trained(small: Splits) -> Training:
    """A quick plain training. Shared: copy the model before changing it."""
    return quick_training(small)


@pytest.fixture(scope="session")
def trained_permuted(small: Splits) -> Training:
    """The same on pixels scrambled by ``Permutation.random(42)``."""
    return quick_training(small, Permutation.random(PERMUTATION_SEED))


@pytest.fixture(scope="session")
def _registry_template(
    trained: Training, trained_permuted: Training, small: Splits, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    registry = Registry(tmp_path_factory.mktemp("template") / "models")
    for training in (trained, trained_permuted):
        registry.save(training, small, test=small.test, note="made for a test")
    registry.promote("0001")
    return registry.root


@pytest.fixture
def registry(_registry_template: Path, tmp_path: Path) -> Registry:
    """A registry of one's own: 0001 plain and in use, 0002 permuted."""
    shutil.copytree(_registry_template, tmp_path / "models")
    return Registry(tmp_path / "models")
