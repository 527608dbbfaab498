"""Digits damaged a little, to see who keeps reading: moved, noisy, or partly covered.

All take uint8 images (N, 28, 28), 0 paper and 255 ink, as drawn, and give new ones of the same shape and type.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mnistlab.common.constants import SIDE
from mnistlab.common.errors import LabError


def shift(images: Tensor, pixels: int) -> Tensor:
    """Moved to the right by 0 to 28 pixels; paper follows from the left.

    Raises
    ------
    LabError : ``pixels`` is out of bounds.
    """
    _check("pixels", pixels)
    moved = torch.zeros_like(images)
    moved[:, :, pixels:] = images[:, :, : SIDE - pixels]
    return moved


def add_noise(images: Tensor, size: float, *, seed: int) -> Tensor:
    """With normal noise of standard deviation ``size`` (grey values, 0 or above) on every pixel, cut at 0 and 255.

    The same seed gives the same noise in every size, so that only the size differs.

    Raises
    ------
    LabError : ``size`` is below 0 or not finite.
    """
    if not 0 <= size < float("inf"):
        raise LabError(f"the size of the noise is 0 grey values or more, not {size!r}", code="size")
    static = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return (images + size * static).round_().clamp_(0, 255).to(torch.uint8)


def cover(images: Tensor, side: int, *, seed: int) -> Tensor:
    """With a square of paper, ``side`` x ``side`` pixels (0 to 28), wholly inside each image at a place of its own.

    Raises
    ------
    LabError : ``side`` is out of bounds.
    """
    _check("side", side)
    generator = torch.Generator().manual_seed(seed)
    corner = (torch.rand(2, len(images), 1, generator=generator) * (SIDE - side + 1)).long()
    along = torch.arange(SIDE)
    rows, columns = ((along >= corner) & (along < corner + side)).unbind()  # (N, 28) each
    return images.masked_fill(rows[:, :, None] & columns[:, None, :], 0)


def _check(name: str, value: int) -> None:
    if type(value) is not int or not 0 <= value <= SIDE:
        raise LabError(f"{name} is a whole number from 0 to {SIDE}, not {value!r}", code=name)
