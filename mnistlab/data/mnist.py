"""Handwritten digits as tensors, split so that the test set takes no part in any choice.

Convention: images are uint8, (N, 28, 28), 0 is paper and 255 is ink; labels are int64, (N,), 0 to 9.

MNIST ships in ``mnistlab/data/idx`` (LeCun, Cortes and Burges, CC BY-SA 3.0), so nothing is downloaded. Sets of the same
shape come through torchvision into ``data/`` when first asked for.
"""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from numbers import Integral
from pathlib import Path
from typing import SupportsIndex

import numpy as np
import torch
from torch import Tensor

from mnistlab.common import paths
from mnistlab.common.constants import CLASSES, SIDE
from mnistlab.common.errors import DataError

VALIDATION_SIZE = 5_000  # of the 60,000 training images; the usual share, which leaves 55,000

# SHA-256 of the unpacked files; their MD5 sums are those LeCun's page and torchvision give.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

# torchvision class and arguments of each set that is downloaded on demand.
DOWNLOADS = {
    "fashion-mnist": ("FashionMNIST", {}, {}),
    "kmnist": ("KMNIST", {}, {}),
    # QMNIST's first 10,000 test digits are MNIST's; the 50,000 others were never published before 2019.
    "qmnist": ("QMNIST", {"what": "train"}, {"what": "test50k"}),
    "emnist-digits": ("EMNIST", {"split": "digits"}, {"split": "digits"}),
}
NAMES = ("mnist", *DOWNLOADS)


@dataclass(frozen=True)
class Digits:
    """Images with their labels.

    Attributes
    ----------
    images : uint8 tensor (N, 28, 28), 0 paper to 255 ink.
    labels : int64 tensor (N,), 0 to 9.

    Raises
    ------
    DataError : shapes, types, lengths or label range do not fit.
    """

    images: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 3 or self.images.shape[1:] != (SIDE, SIDE):
            came = f"{str(self.images.dtype).removeprefix('torch.')} {tuple(self.images.shape)}"
            raise DataError(f"images must be uint8 (N, {SIDE}, {SIDE}), not {came}", code="images")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            came = f"{str(self.labels.dtype).removeprefix('torch.')} {tuple(self.labels.shape)}"
            raise DataError(f"labels must be int64 ({len(self.images)},), one per image, not {came}", code="labels")
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < CLASSES:
            came = f"{int(self.labels.min())} to {int(self.labels.max())}"
            raise DataError(f"labels must lie in 0 to {CLASSES - 1}; these go from {came}", code="labels")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: SupportsIndex | slice | Sequence[int] | Tensor | np.ndarray) -> Digits:
        """The digits at a whole number, a slice, a list, an index tensor (n,) or a mask (N,).

        Always a ``Digits``, never a bare image: ``digits[3]`` holds one image.

        Raises
        ------
        IndexError : a position that is not there, or a mask of another length.
        """
        if isinstance(index, SupportsIndex) and not isinstance(index, Tensor | np.ndarray):
            index = [int(index)]
        return Digits(self.images[index], self.labels[index])

    def __repr__(self) -> str:
        return f"Digits({len(self):,} images of {SIDE} x {SIDE})"

    def counts(self) -> Tensor:
        """How many images each class has: int64 (10,)."""
        return torch.bincount(self.labels, minlength=CLASSES)

    def sample(self, n: int, *, seed: int) -> Digits:
        """``n`` digits drawn without replacement, in an order that ``seed`` fixes.

        Raises
        ------
        DataError : ``n`` is not between 1 and the number of images, or there is no such seed.
        """
        check_seed(seed)
        if not 1 <= n <= len(self):
            raise DataError(f"cannot draw {n} of {len(self):,} digits; 1 to {len(self):,} is allowed", code="sample")
        return self[torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))[:n]]

    def sha256(self) -> str:
        """Fingerprint of images and labels, in this order: 64 hexadecimal digits."""
        digest = hashlib.sha256(self.images.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Splits:
    """A data set in three parts that share no image: learn from ``train``, choose with ``validation``, judge with ``test``."""

    train: Digits
    validation: Digits
    test: Digits
    name: str = "mnist"
    seed: int = 0

    def shared(self) -> dict[str, int]:
        """How many validation and test images also stand among the training images, pixel for pixel."""
        learned = {image.tobytes() for image in self.train.images.numpy()}
        parts = {"validation": self.validation, "test": self.test}
        return {name: sum(image.tobytes() in learned for image in part.images.numpy()) for name, part in parts.items()}

    def __repr__(self) -> str:
        return f"Splits({self.name}: train {len(self.train):,}, validation {len(self.validation):,}, test {len(self.test):,})"


def load_mnist(seed: int = 0) -> Splits:
    """MNIST from the package: 55,000 train, 5,000 validation, 10,000 test.

    Parameters
    ----------
    seed : fixes which 5,000 of the 60,000 training images validate; every class keeps its share.

    Raises
    ------
    DataError : a file is missing or its SHA-256 is not the known one; the seed is no whole number from 0 to 2**32 - 1.
    """
    training = Digits(_read("train-images-idx3-ubyte"), _read("train-labels-idx1-ubyte"))
    test = Digits(_read("t10k-images-idx3-ubyte"), _read("t10k-labels-idx1-ubyte"))
    return _split("mnist", training, test, seed)


def load(name: str = "mnist", *, seed: int = 0) -> Splits:
    """A data set by name, downloaded into ``data/`` on first use unless it is MNIST.

    Parameters
    ----------
    name : one of ``NAMES``: mnist, fashion-mnist, kmnist, qmnist, emnist-digits.
    seed : as in ``load_mnist``; validation is always 5,000 images of the training part.

    Raises
    ------
    DataError : unknown name, no network, or damaged files.
    """
    if name == "mnist":
        return load_mnist(seed)
    if name not in DOWNLOADS:
        raise DataError(f"there is no data set {name!r}; choose from {', '.join(NAMES)}", code="name")
    training, test = (_download(name, train) for train in (True, False))
    return _split(name, training, test, seed)


def _read(name: str) -> Tensor:
    """One IDX file of the package, unpacked, checked and read by torchvision."""
    from torchvision.datasets.mnist import read_image_file, read_label_file  # slow to import; drawing needs none of it

    try:
        unpacked = gzip.decompress((files("mnistlab.data") / "idx" / f"{name}.gz").read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"MNIST's {name}.gz cannot be read ({error}); reinstall mnistlab", code="unreadable") from error
    if (digest := hashlib.sha256(unpacked).hexdigest()) != MNIST_SHA256[name]:
        raise DataError(
            f"MNIST's {name} is damaged: SHA-256 {digest[:12]}..., expected {MNIST_SHA256[name][:12]}...; reinstall mnistlab",
            code="sha256",
        )
    with tempfile.TemporaryDirectory() as folder:  # the reader takes a path to an unpacked file
        path = Path(folder) / name
        path.write_bytes(unpacked)
        return (read_image_file if "images" in name else read_label_file)(str(path))


def _download(name: str, train: bool) -> Digits:
    """One part of a set that torchvision knows, from ``data/`` or, the first time, from the network."""
    from torchvision import datasets

    class_name, for_training, for_test = DOWNLOADS[name]
    folder = paths.downloads()
    try:
        dataset = getattr(datasets, class_name)(
            root=folder, train=train, download=True, **(for_training if train else for_test)
        )
    except Exception as error:  # torchvision has no error of its own, and a damaged file raises anything
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{name} could be neither downloaded to {folder} nor read from there ({why}). It needs a network once; "
            f"if {folder / class_name} is damaged, delete it. MNIST itself ships with the lab and needs none.",
            code="download",
        ) from error
    images, labels = dataset.data, dataset.targets
    if name == "emnist-digits":
        images = images.transpose(1, 2)  # EMNIST stores its images with rows and columns exchanged
    if name == "qmnist":
        labels = labels[:, 0]  # the other columns say who wrote it, and where
    return Digits(images.contiguous(), labels.long())


def check_seed(seed: int) -> None:
    """Refuse what is no seed for all that is random in a notebook.

    Raises
    ------
    DataError : it is no whole number from 0 to 2**32 - 1, which scikit-learn allows.
    """
    if not isinstance(seed, Integral) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise DataError(f"seed is a whole number from 0 to {2**32 - 1:,}, not {seed!r}", code="seed")


def _split(name: str, training: Digits, test: Digits, seed: int) -> Splits:
    """Set ``VALIDATION_SIZE`` training images aside, each class by its share, in an order that ``seed`` fixes."""
    from sklearn.model_selection import train_test_split

    check_seed(seed)
    if len(training) <= VALIDATION_SIZE:
        raise DataError(
            f"{name} has {len(training):,} training images; more than {VALIDATION_SIZE:,} are needed to set some aside",
            code="too-small",
        )
    kept, aside = train_test_split(
        torch.arange(len(training)).numpy(),
        test_size=VALIDATION_SIZE,
        random_state=seed,
        stratify=training.labels.numpy(),
    )
    return Splits(training[torch.from_numpy(kept)], training[torch.from_numpy(aside)], test, name, seed)
