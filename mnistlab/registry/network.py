"""A trained network run by NumPy alone: what reads a digit needs no PyTorch.

A convolution is one matrix product: every 5 x 5 window of the picture becomes a row, every kernel a column. The rows stand in
the order in which pooling joins them, so that pooling is the larger of four blocks. Channels stand last, as they lie
side by side in memory then. The sums are PyTorch's; they differ in the sixth decimal, as its own do between batch sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import ImageError
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.registry.architecture import KERNEL

Floats = NDArray[np.float32]
BATCH = 50  # images at a time: with 48 kernels their windows take 18 MB


@dataclass(frozen=True)
class Layer:
    """What one layer makes of one image.

    Attributes
    ----------
    name : "input", "convolution 1", "pooling 1", ..., "hidden 1", "logits".
    values : float32; (28, 28) the input, (k, H, W) maps of k kernels, (n,) units. All after the ReLU, but input and logits.
    """

    name: str
    values: Floats


@dataclass(frozen=True, eq=False)
class Network:
    """A network with what images as drawn, uint8 (N, 28, 28), go through before it sees them.

    Attributes
    ----------
    architecture, arguments : a name and sizes that ``architecture.check_arguments`` allows.
    weights : float32 arrays by name, in the shapes of ``architecture.weight_shapes``.
    permutation, normalisation : those of its training.
    """

    architecture: str
    arguments: dict[str, int]
    weights: dict[str, Floats]
    permutation: Permutation
    normalisation: Normalisation

    def logits(self, images: ArrayLike) -> Floats:
        """Float32 (N, 10) for uint8 images (N, 28, 28)."""
        return self.head(self.features(images))

    def probabilities(self, images: ArrayLike) -> Floats:
        """Float32 (N, 10), each row sums to 1."""
        logits = self.logits(images)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def predictions(self, images: ArrayLike) -> NDArray[np.int64]:
        """The digit it reads in each image: int64 (N,)."""
        return self.logits(images).argmax(axis=1)

    def features(self, images: ArrayLike) -> Floats:
        """What its last two layers get of uint8 images (N, 28, 28): float32 (N, F), 0 or above.

        F is 16 times the kernels of a ConvNet: 4 x 4 values of each.

        Raises
        ------
        ImageError : the images have another shape or type.
        """
        pixels = _as_images(images)
        if len(pixels) <= BATCH:
            return self._body(self._prepare(pixels))
        parts = [self._body(self._prepare(pixels[i : i + BATCH])) for i in range(0, len(pixels), BATCH)]
        return np.concatenate(parts)

    def hidden(self, features: Floats) -> Floats:
        """The last hidden layer for features (N, F): float32 (N, n), 0 or above."""
        weight, bias = self._linear[-2]
        return _rectified(features @ weight + bias)

    def head(self, features: Floats) -> Floats:
        """Logits (N, 10) for features (N, F)."""
        weight, bias = self._linear[-1]
        return self.hidden(features) @ weight + bias

    def layers(self, image: ArrayLike) -> list[Layer]:
        """What every layer makes of one image, uint8 (28, 28), from the input to the logits.

        Raises
        ------
        ImageError : the image has another shape or type.
        """
        x = self._prepare(_as_images([image]))
        layers = [Layer("input", x[0])]
        if self._kernels:
            x = x[..., None]
            for number, (kernel, bias) in enumerate(self._kernels, start=1):
                windows = _rectified(_convolve(x, kernel) + bias)  # (2, 2, 1, h, w, k)
                h, w, k = windows.shape[3:]
                full = windows[:, :, 0].transpose(4, 2, 0, 3, 1).reshape(k, 2 * h, 2 * w)
                x = _pool(windows)
                layers += [Layer(f"convolution {number}", full), Layer(f"pooling {number}", x[0].transpose(2, 0, 1))]
            x = x.transpose(0, 3, 1, 2)
        x = x.reshape(1, -1)
        for number, (weight, bias) in enumerate(self._linear[:-1], start=1):
            x = _rectified(x @ weight + bias)
            layers.append(Layer(f"hidden {number}", x[0]))
        weight, bias = self._linear[-1]
        return [*layers, Layer("logits", (x @ weight + bias)[0])]

    def _prepare(self, images: NDArray[np.uint8]) -> Floats:
        """Permuted, then normalised: float32 (N, 28, 28)."""
        return self.normalisation.scale(images if self.permutation.is_identity else self.permutation.apply(images))

    def _body(self, x: Floats) -> Floats:
        """All but the last two layers: (N, 28, 28) -> (N, F)."""
        if not self._kernels:
            weight, bias = self._linear[0]
            return _rectified(x.reshape(len(x), PIXELS) @ weight + bias)
        x = x[..., None]
        for kernel, bias in self._kernels:
            x = _rectified(_pool(_convolve(x, kernel)) + bias)  # the same as pooling last, for a quarter of the work
        n, height, width, channels = x.shape
        return x.transpose(0, 3, 1, 2).reshape(n, channels * height * width)

    @cached_property
    def _kernels(self) -> list[tuple[Floats, Floats]]:
        """Of each convolution the kernels as columns, (25 C, k), rows in the order row, column, channel, and the biases."""
        found = []
        for name, weight in self.weights.items():
            if weight.ndim == 4:
                columns = weight.transpose(2, 3, 1, 0).reshape(-1, len(weight))
                found.append((np.ascontiguousarray(columns), self.weights[name.replace("weight", "bias")]))
        return found

    @cached_property
    def _linear(self) -> list[tuple[Floats, Floats]]:
        """Of each linear layer the weights, (inputs, units), and the biases."""
        return [
            (np.ascontiguousarray(weight.T), self.weights[name.replace("weight", "bias")])
            for name, weight in self.weights.items()
            if weight.ndim == 2
        ]


def _as_images(images: ArrayLike | list[ArrayLike]) -> NDArray[np.uint8]:
    """A batch as uint8 (N, 28, 28), or an ImageError that says what it is instead."""
    try:
        pixels = np.asarray(images)
        came = f"{pixels.dtype} {pixels.shape}"
    except (TypeError, ValueError, RuntimeError):  # tensors on a GPU, ragged lists
        pixels, came = np.zeros(0), type(images).__name__
    if pixels.dtype != np.uint8 or pixels.shape[1:] != (SIDE, SIDE):
        raise ImageError(f"images must be uint8 (N, {SIDE}, {SIDE}), not {came}", code="shape")
    return pixels


def _convolve(x: Floats, kernel: Floats) -> Floats:
    """(N, H, W, C) -> (2, 2, N, h, w, k): the place (2i + a, 2j + b) of the (2h, 2w) maps stands at [a, b, :, i, j]."""
    x = np.ascontiguousarray(x)
    n, height, width, channels = x.shape
    h, w = (height - KERNEL + 1) // 2, (width - KERNEL + 1) // 2
    image, row, column, channel = x.strides
    windows: Floats = np.ndarray(
        (2, 2, n, h, w, KERNEL, KERNEL, channels),
        np.float32,
        x,
        strides=(row, column, image, 2 * row, 2 * column, row, column, channel),
    )
    rows = windows.reshape(4 * n * h * w, len(kernel))  # a copy: from here on all sums run straight through memory
    return (rows @ kernel).reshape(2, 2, n, h, w, kernel.shape[1])


def _pool(windows: Floats) -> Floats:
    """The largest of the four places that are pooled together: (2, 2, ...) -> (...)."""
    upper, lower = windows
    return np.maximum(np.maximum(upper[0], upper[1]), np.maximum(lower[0], lower[1]))


def _rectified(x: Floats) -> Floats:
    return np.maximum(x, 0, out=x)
