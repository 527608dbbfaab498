"""What a network that learns sees in pictures: its features before the last two layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mnistlab.training.networks import Classifier, TrainableNetwork, to_input


def split_head(model: nn.Module) -> tuple[nn.Sequential, nn.Sequential]:
    """The network before its last two linear layers, and from there on. They share its weights.

    (N, 1, 28, 28) -> features (N, F) -> logits (N, 10); F is 16 times the kernels of a ConvNet.
    """
    if not isinstance(model, TrainableNetwork):
        raise TypeError(f"only a network of the lab has such a head, not a {type(model).__name__}")
    linear = [index for index, layer in enumerate(model.net) if isinstance(layer, nn.Linear)]
    return model.net[: linear[-2]], model.net[linear[-2] :]


@torch.no_grad()
def embed(base: Classifier, images: Tensor, *, batch_size: int = 500) -> Tensor:
    """uint8 (N, 28, 28) as drawn -> float32 (N, F): what ``split_head``'s second part takes."""
    body = split_head(base.model)[0]
    parts = [body(to_input(batch, base.permutation, base.normalisation)) for batch in images.split(batch_size)]
    return torch.cat(parts)


@torch.no_grad()
def log_probabilities(head: nn.Module, features: Tensor) -> Tensor:
    """Log-probabilities (N, 10) of features (N, F)."""
    return head(features).log_softmax(dim=1)
