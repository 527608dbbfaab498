"""What a ConvNet has learned to look for, and whether it has any order in space.

Pictures, kernels and feature maps all come as (..., H, W).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mnistlab.errors import LabError
from mnistlab.models import ConvNet


def first_kernels(model: ConvNet) -> np.ndarray:
    """The first layer's weights as pictures: float32 (n_kernels, 5, 5)."""
    return model.net[0].weight.detach().cpu().numpy()[:, 0]


@torch.inference_mode()
def maps(model: ConvNet, given: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Both layers' answers to a prepared batch (N, 1, 28, 28): float32 (N, k, 24, 24) and (N, k, 8, 8), 0 or above."""
    first, second = model.feature_maps(given)
    return first.cpu().numpy(), second.cpu().numpy()


def neighbour_correlation(pictures: Tensor | np.ndarray) -> float:
    """Correlation (-1 to 1) of values that touch, side by side or one above the other, over all pictures (..., H, W).

    Raises
    ------
    LabError : there are no neighbours, or all values are equal, so that nothing can vary together.
    """
    values = np.asarray(pictures, dtype=np.float64)
    if values.ndim < 2 or min(values.shape[-2:]) < 2 or not values.size:
        raise LabError(f"pictures (..., H, W) of at least 2 x 2 have neighbours, not {values.shape}", code="shape")
    one = np.concatenate([values[..., :, :-1].ravel(), values[..., :-1, :].ravel()])
    other = np.concatenate([values[..., :, 1:].ravel(), values[..., 1:, :].ravel()])
    if one.std() == 0 or other.std() == 0:
        raise LabError("all values are equal, so neighbours have no correlation", code="constant")
    return float(np.corrcoef(one, other)[0, 1])
