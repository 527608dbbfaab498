"""Digits: MNIST and its permutation, what is drawn or photographed, and how any of it becomes 28 x 28 pixels.

    from mnistlab.data import load_mnist
    digits = load_mnist()  # .train, .validation, .test, each with images and labels

What notebooks need most is handed on from ``mnist`` and ``constants`` when it is asked for: strokes need no PyTorch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistlab.common.constants import CLASSES, PIXELS, SIDE

if TYPE_CHECKING:
    from mnistlab.data.mnist import Digits, Splits, check_seed, load, load_mnist
    from mnistlab.data.normalisation import Normalisation

__all__ = ["CLASSES", "PIXELS", "SIDE", "Digits", "Normalisation", "Splits", "check_seed", "load", "load_mnist"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'mnistlab.data' has no attribute {name!r}")
    from mnistlab.data import mnist, normalisation

    return getattr(normalisation if name == "Normalisation" else mnist, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})  # so that completion offers what has not been loaded yet
