"""What a ConvNet has learned to look for, and whether it has any order in space.

Pictures, kernels and feature maps all come as (..., H, W).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import LabError
from mnistlab.evaluation.metrics import log_odds
from mnistlab.registry.architecture import KERNEL
from mnistlab.training.networks import ConvNet

# Receptive fields: pixels along one edge that a value of the first, of the second feature maps sees.
FIELDS = (KERNEL, 2 * (KERNEL - 1) + KERNEL + 1)


def first_kernels(model: ConvNet) -> np.ndarray:
    """The first layer's weights as pictures: float32 (n_kernels, 5, 5)."""
    return model.get_parameter("net.0.weight").detach().cpu().numpy()[:, 0]


@torch.inference_mode()
def maps(model: ConvNet, given: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Both layers' feature maps of a prepared batch (N, 1, 28, 28): float32 (N, k, 24, 24) and (N, k, 8, 8), 0 or above."""
    first, second = model.feature_maps(given)
    return first.cpu().numpy(), second.cpu().numpy()


@torch.inference_mode()
def strongest(model: ConvNet, given: Tensor, *, layer: int, n: int = 8, batch_size: int = 1_000) -> Tensor:
    """Where each feature map of a layer is largest, once in each of ``n`` pictures, the strongest first: int64 (k, n, 3).

    Parameters
    ----------
    given : prepared batch (N, 1, 28, 28).
    layer : 0 or 1, the first convolution or the second.
    n : 1 to N.

    Returns
    -------
    For each map and place the picture, the row and the column of the upper left pixel of what the value sees:
    ``FIELDS[layer]`` pixels along each edge.

    Raises
    ------
    LabError : there is no such layer, or ``n`` is not between 1 and N.
    """
    if layer not in (0, 1):
        raise LabError(f"a layer with maps is 0 or 1, not {layer!r}", code="layer")
    if not 1 <= n <= len(given):
        raise LabError(f"of {len(given):,} pictures 1 to {len(given):,} can be the strongest, not {n}", code="n")
    maxima = [model.feature_maps(batch)[layer].flatten(2).max(dim=2) for batch in given.split(batch_size)]
    values, places = (torch.cat(parts).T.cpu() for parts in zip(*maxima, strict=True))  # (k, N) each
    pictures = values.topk(n).indices
    places, side = places.gather(1, pictures), SIDE - KERNEL + 1
    if layer == 0:
        return torch.stack([pictures, places // side, places % side], dim=-1)
    side = side // 2 - KERNEL + 1  # a step on the second maps is two pixels, since the first are pooled by twos
    return torch.stack([pictures, 2 * (places // side), 2 * (places % side)], dim=-1)


def patches(pictures: Tensor, places: Tensor, side: int) -> Tensor:
    """What stands at places (..., 3), as ``strongest`` gives them, in pictures (N, H, W): (..., side, side)."""
    flat = [pictures[i, row : row + side, column : column + side] for i, row, column in places.reshape(-1, 3).tolist()]
    return torch.stack(flat).reshape(*places.shape[:-1], side, side)


@torch.inference_mode()
def summaries(model: ConvNet, given: Tensor, *, batch_size: int = 1_000) -> Tensor:
    """What the last layer gets to see of a prepared batch (N, 1, 28, 28): float32 (N, 50), 0 or above, on the CPU."""
    model.eval()
    return torch.cat([model.net[:-1](batch) for batch in given.split(batch_size)]).float().cpu()


def nearest(asked: Tensor, known: Tensor, n: int = 5) -> Tensor:
    """Which rows of ``known`` (M, d) lie nearest to each row of ``asked`` (N, d), by Euclid, nearest first: int64 (N, n).

    Raises
    ------
    LabError : ``n`` is not between 1 and M.
    """
    if not 1 <= n <= len(known):
        raise LabError(f"of {len(known):,} pictures 1 to {len(known):,} can be nearest, not {n}", code="n")
    return torch.cdist(asked, known).topk(n, largest=False).indices


def typical(logits: Tensor, labels: Tensor, digit: int, n: int = 10) -> Tensor:
    """Of the pictures of a digit, those whose logit (N, 10) is furthest above all others, the furthest first: int64 (n,)."""
    of_it = (labels == digit).nonzero().flatten()
    others = logits[of_it].clone()
    others[:, digit] = -torch.inf
    ahead = logits[of_it, digit] - others.max(dim=1).values
    return of_it[ahead.argsort(descending=True, stable=True)[:n]]


@torch.inference_mode()
def occlusion(read: Callable[[Tensor], Tensor], picture: Tensor, digit: int, *, side: int = 5) -> np.ndarray:
    """How much the log-odds of a digit fall when a square of paper covers each pixel: float64 (28, 28), > 0 if it spoke for it.

    Parameters
    ----------
    read : logits (N, 10) of uint8 images (N, 28, 28).
    picture : uint8 (28, 28).
    side : of the square, pixels, odd; it is cut at the picture's edge. After Zeiler and Fergus (2014).

    Raises
    ------
    LabError : ``side`` is even or below 1.
    """
    if side < 1 or side % 2 == 0:
        raise LabError(f"the side of the square is odd and above 0, not {side}", code="side")
    rows = torch.arange(SIDE)
    near = (rows[:, None] - rows).abs() <= side // 2
    covered = (near[:, None, :, None] & near[None, :, None, :]).view(PIXELS, SIDE, SIDE)
    images = torch.cat([picture[None], picture.masked_fill(covered, 0)])
    odds = log_odds(read(images).double().numpy(), digit)
    return (odds[0] - odds[1:]).reshape(SIDE, SIDE)


def neighbour_correlation(pictures: Tensor | np.ndarray) -> float:
    """Correlation (-1 to 1) of values that touch, side by side or one above the other, over all pictures (..., H, W).

    Raises
    ------
    LabError : there are no neighbours, or all values are equal, so that nothing can vary together.
    """
    values = np.asarray(pictures, dtype=np.float64)
    if values.ndim < 2 or min(values.shape[-2:]) < 2 or not values.size:
        raise LabError(f"pictures (..., H, W) of at least 2 x 2 have neighbours, not {values.shape}", code="shape")
    first = np.concatenate([values[..., :, :-1].ravel(), values[..., :-1, :].ravel()])
    second = np.concatenate([values[..., :, 1:].ravel(), values[..., 1:, :].ravel()])
    if first.std() == 0 or second.std() == 0:
        raise LabError("all values are equal, so neighbours have no correlation", code="constant")
    return float(np.corrcoef(first, second)[0, 1])
