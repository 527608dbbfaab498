"""One fixed reordering of the 784 pixels, the same in training, test, plots and live prediction.

A permutation is an order: pixel ``i`` of the scrambled image is pixel ``order[i]`` of the original. The experiment comes
from the NYU deep-learning course (Canziani, LeCun), where it shows what a ConvNet owes to neighbourhoods.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import PermutationError

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", "Tensor", "NDArray[Any]")


@dataclass(frozen=True, eq=False)
class Permutation:
    """A bijection of 0..783.

    Attributes
    ----------
    order : int64 array (784,); where each pixel of the scrambled image comes from.
    seed : the seed it was drawn with, or None (identity, inverse, composed or loaded).

    Raises
    ------
    PermutationError : ``order`` is not a bijection of 0..783; the message names the first fault.
    """

    order: NDArray[np.int64]
    seed: int | None = None

    def __post_init__(self) -> None:
        try:
            order = np.asarray(self.order)
        except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors on a GPU
            raise PermutationError(f"a permutation holds whole numbers ({error})", code="type") from None
        if order.dtype.kind not in "iu":
            raise PermutationError(f"a permutation holds whole numbers, not {order.dtype}", code="type")
        if order.shape != (PIXELS,):
            raise PermutationError(f"a permutation has shape ({PIXELS},), not {order.shape}", code="shape")
        for position in np.flatnonzero((order < 0) | (order >= PIXELS))[:1]:
            raise PermutationError(
                f"position {position} holds {order[position]}; only 0 to {PIXELS - 1} are pixels", code="range"
            )
        order = order.astype(np.int64)  # a copy, after the bounds: the largest of uint64 would turn negative
        counts = np.bincount(order, minlength=PIXELS)
        for pixel in np.flatnonzero(counts > 1)[:1]:
            first, second = np.flatnonzero(order == pixel)[:2]
            missing = np.flatnonzero(counts == 0)[0]
            raise PermutationError(
                f"pixel {pixel} appears twice, at positions {first} and {second}, and pixel {missing} never; "
                "each must appear once",
                code="not-a-bijection",
            )
        object.__setattr__(self, "order", order)

    @classmethod
    def identity(cls) -> Permutation:
        """The order that changes nothing."""
        return cls(np.arange(PIXELS))

    @classmethod
    def random(cls, seed: int) -> Permutation:
        """One of the 784! orders, each as likely, fixed by ``seed`` (0 to 2**63 - 1)."""
        return cls(_shuffled(PIXELS, seed), seed)

    @classmethod
    def partial(cls, seed: int, share: float) -> Permutation:
        """Scrambles a random ``share`` (0 to 1) of the pixels among themselves and leaves the others where they are.

        Raises
        ------
        PermutationError : ``share`` is not between 0 and 1.
        """
        if not 0 <= share <= 1:
            raise PermutationError(f"share must lie between 0 and 1, not {share}", code="share")
        import torch

        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(PIXELS, generator=generator)[: round(share * PIXELS)].sort().values
        order = torch.arange(PIXELS)
        order[chosen] = chosen[torch.randperm(len(chosen), generator=generator)]
        return cls(order.numpy())

    @classmethod
    def rows(cls, seed: int) -> Permutation:
        """Whole rows change places; pixels side by side stay so."""
        return cls(_grid()[_shuffled(SIDE, seed)].ravel())

    @classmethod
    def columns(cls, seed: int) -> Permutation:
        """Whole columns change places; pixels one above the other stay so."""
        return cls(_grid()[:, _shuffled(SIDE, seed)].ravel())

    @classmethod
    def blocks(cls, seed: int, size: int) -> Permutation:
        """The picture is cut into squares of ``size`` x ``size`` pixels, which change places and stay whole inside.

        ``size`` divides 28: 1 is ``random`` by another name, 28 leaves the picture as it is.

        Raises
        ------
        PermutationError : any other ``size``.
        """
        sizes = [side for side in range(1, SIDE + 1) if SIDE % side == 0]
        if type(size) is not int or size not in sizes:
            raise PermutationError(
                f"a block's side is one of {', '.join(map(str, sizes))} pixels, not {size!r}", code="size"
            )
        n = SIDE // size
        squares = _grid().reshape(n, size, n, size).swapaxes(1, 2).reshape(n * n, size, size)[_shuffled(n * n, seed)]
        return cls(squares.reshape(n, n, size, size).swapaxes(1, 2).ravel())

    @classmethod
    def parse(cls, text: str | int) -> Permutation:
        """``"none"`` or a seed, as notebooks and commands spell it: ``parse("none")``, ``parse("42")``.

        Raises
        ------
        PermutationError : anything else.
        """
        if str(text).strip().lower() == "none":
            return cls.identity()
        try:
            return cls.random(int(str(text)))
        except ValueError:
            raise PermutationError(f'permutation is "none" or a seed such as "42", not {text!r}', code="text") from None

    @cached_property
    def is_identity(self) -> bool:
        """True if it moves no pixel."""
        return bool((self.order == np.arange(PIXELS)).all())

    def inverse(self) -> Permutation:
        """The permutation that undoes this one."""
        return Permutation(np.argsort(self.order))

    def compose(self, first: Permutation) -> Permutation:
        """This one after ``first``: ``a.compose(b).apply(x)`` equals ``a.apply(b.apply(x))``."""
        return Permutation(first.order[self.order])

    def apply(self, images: Array, *, pixels: Literal["last", "first"] = "last") -> Array:
        """Reorder the pixels of a batch; a tensor gives a tensor, a NumPy array an array, of the same shape and type.

        Parameters
        ----------
        images : (..., 28, 28) or (..., 784) with ``pixels="last"``; (28, 28, ...) or (784, ...) with ``pixels="first"``.
        pixels : which axes hold the pixels.

        Raises
        ------
        PermutationError : the pixel axes are neither 784 nor 28 x 28.
        """
        shape = tuple(images.shape)
        if pixels not in ("last", "first"):
            raise PermutationError(f'pixels is "last" or "first", not {pixels!r}', code="axis")
        flat, grid = (shape[-1:], shape[-2:]) if pixels == "last" else (shape[:1], shape[:2])
        if grid == (SIDE, SIDE):
            rest = shape[:-2] if pixels == "last" else shape[2:]
        elif flat == (PIXELS,):
            rest = shape[:-1] if pixels == "last" else shape[1:]
        else:
            raise PermutationError(
                f"the {pixels} axes must be {PIXELS} or {SIDE} x {SIDE}; this batch has shape {shape}", code="shape"
            )
        if pixels == "last":
            return images.reshape(*rest, PIXELS)[..., self.order].reshape(shape)
        return images.reshape(PIXELS, *rest)[self.order].reshape(shape)

    def sha256(self) -> str:
        """Fingerprint of the order as 784 little-endian int64: 64 hexadecimal digits."""
        return hashlib.sha256(self.order.astype("<i8").tobytes()).hexdigest()

    def tolist(self) -> list[int]:
        """The order as 784 plain integers."""
        return self.order.tolist()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Permutation) and bool((self.order == other.order).all())

    def __hash__(self) -> int:
        return hash(self.sha256())

    def __repr__(self) -> str:
        if self.is_identity:
            return "Permutation.identity()"
        return f"Permutation.random({self.seed})" if self.seed is not None else f"Permutation({self.sha256()[:8]}...)"


def _grid() -> NDArray[np.int64]:
    """The 784 pixels where they belong: int64 (28, 28)."""
    return np.arange(PIXELS).reshape(SIDE, SIDE)


def _shuffled(n: int, seed: int) -> NDArray[np.int64]:
    """0 to n - 1 in an order fixed by ``seed``: int64 (n,), by PyTorch's generator, as every stored version has it."""
    if type(seed) is not int or not 0 <= seed < 2**63:  # True is an int as well
        raise PermutationError(f"a seed is a whole number from 0 to 2**63 - 1, not {seed!r}", code="seed")
    import torch

    return torch.randperm(n, generator=torch.Generator().manual_seed(seed)).numpy()
