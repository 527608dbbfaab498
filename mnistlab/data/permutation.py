"""One fixed reordering of the 784 pixels, the same in training, test, plots and live prediction.

A permutation is an order: pixel ``i`` of the scrambled image is pixel ``order[i]`` of the original. The experiment comes
from the NYU deep-learning course (Canziani, LeCun), where it shows what a ConvNet owes to neighbourhoods.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import PermutationError

Array = TypeVar("Array", Tensor, np.ndarray)


@dataclass(frozen=True, eq=False)
class Permutation:
    """A bijection of 0..783.

    Attributes
    ----------
    order : int64 tensor (784,); where each pixel of the scrambled image comes from.
    seed : the seed it was drawn with, or None (identity, inverse, composed or loaded).

    Raises
    ------
    PermutationError : ``order`` is not a bijection of 0..783; the message names the first fault.
    """

    order: Tensor
    seed: int | None = None

    def __post_init__(self) -> None:
        try:
            order = torch.as_tensor(self.order)
        except (TypeError, ValueError, RuntimeError) as error:
            raise PermutationError(f"a permutation holds whole numbers ({error})", code="type") from None
        if order.is_floating_point() or order.is_complex() or order.dtype == torch.bool:
            raise PermutationError(f"a permutation holds whole numbers, not {order.dtype}", code="type")
        if order.shape != (PIXELS,):
            raise PermutationError(f"a permutation has shape ({PIXELS},), not {tuple(order.shape)}", code="shape")
        order = order.to("cpu", torch.int64).clone()
        for position in ((order < 0) | (order >= PIXELS)).nonzero()[:1].flatten().tolist():
            raise PermutationError(
                f"position {position} holds {int(order[position])}; only 0 to {PIXELS - 1} are pixels", code="range"
            )
        counts = torch.bincount(order, minlength=PIXELS)
        for pixel in (counts > 1).nonzero()[:1].flatten().tolist():
            first, second = (order == pixel).nonzero().flatten().tolist()[:2]
            missing = int((counts == 0).nonzero()[0])
            raise PermutationError(
                f"pixel {pixel} appears twice, at positions {first} and {second}, and pixel {missing} never; "
                "each must appear once",
                code="not-a-bijection",
            )
        object.__setattr__(self, "order", order)

    @classmethod
    def identity(cls) -> Permutation:
        """The order that changes nothing."""
        return cls(torch.arange(PIXELS))

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
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(PIXELS, generator=generator)[: round(share * PIXELS)].sort().values
        order = torch.arange(PIXELS)
        order[chosen] = chosen[torch.randperm(len(chosen), generator=generator)]
        return cls(order)

    @classmethod
    def rows(cls, seed: int) -> Permutation:
        """Whole rows change places; pixels side by side stay so."""
        return cls(_grid()[_shuffled(SIDE, seed)].flatten())

    @classmethod
    def columns(cls, seed: int) -> Permutation:
        """Whole columns change places; pixels one above the other stay so."""
        return cls(_grid()[:, _shuffled(SIDE, seed)].flatten())

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
        squares = _grid().view(n, size, n, size).transpose(1, 2).reshape(n * n, size, size)[_shuffled(n * n, seed)]
        return cls(squares.view(n, n, size, size).transpose(1, 2).flatten())

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
        return bool((self.order == torch.arange(PIXELS)).all())

    def inverse(self) -> Permutation:
        """The permutation that undoes this one."""
        return Permutation(torch.argsort(self.order))

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
        # mypy checks this once for each type that an Array may be
        order = self.order.numpy() if isinstance(images, np.ndarray) else self.order.to(images.device)  # type: ignore[redundant-expr]
        if pixels == "last":
            return images.reshape(*rest, PIXELS)[..., order].reshape(shape)
        return images.reshape(PIXELS, *rest)[order].reshape(shape)

    def sha256(self) -> str:
        """Fingerprint of the order as 784 little-endian int64: 64 hexadecimal digits."""
        return hashlib.sha256(self.order.numpy().astype("<i8").tobytes()).hexdigest()

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


def _grid() -> Tensor:
    """The 784 pixels where they belong: int64 (28, 28)."""
    return torch.arange(PIXELS).view(SIDE, SIDE)


def _shuffled(n: int, seed: int) -> Tensor:
    """0 to n - 1 in an order fixed by ``seed``: int64 (n,)."""
    if type(seed) is not int or not 0 <= seed < 2**63:  # True is an int as well
        raise PermutationError(f"a seed is a whole number from 0 to 2**63 - 1, not {seed!r}", code="seed")
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))
