"""Shift and scale of pixel values, the same in training and reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Normalisation:
    """Grey 0..1 minus ``mean``, divided by ``std``.

    The defaults are the mean and the standard deviation of all pixels of the 60,000 training images, so that what the
    network gets has mean 0 and spread 1: paper is -0.42, full ink 2.82.
    """

    mean: float = 0.1307
    std: float = 0.3081

    @classmethod
    def of(cls, images: NDArray[np.uint8] | Tensor) -> Normalisation:
        """Computed from uint8 images (N, 28, 28), exactly, through their 256-bin histogram."""
        counts = np.bincount(np.asarray(images).ravel(), minlength=256).astype(float)
        grey = np.arange(256) / 255
        mean = (counts * grey).sum() / counts.sum()
        variance = (counts * (grey - mean) ** 2).sum() / counts.sum()
        return cls(float(mean), float(np.sqrt(variance)))

    def apply(self, images: Tensor) -> Tensor:
        """Uint8 tensor (N, 28, 28) -> float32 (N, 1, 28, 28), what a network takes."""
        return images.float().div_(255).sub_(self.mean).div_(self.std).unsqueeze(1)

    def scale(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same of an array, in its own shape: uint8 -> float32."""
        scaled = images.astype(np.float32)
        scaled /= np.float32(255)
        scaled -= np.float32(self.mean)
        scaled /= np.float32(self.std)
        return scaled
