"""Batch normalisation that stands only while the ConvNet learns, and is folded into its weights afterwards.

The method: Ioffe and Szegedy 2015. What each layer gives is shifted and scaled to mean 0 and spread 1 over the batch, so no
kernel dies and a high rate does no harm. A shift and a scale can be put into the weights and biases of the layer itself, so
what comes out is the plain network with as many numbers as before.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from mnistlab.training.networks import HIDDEN, ConvNet, layout

MOMENTUM = 0.1  # share of the newest batch in the running means and variances; PyTorch's default
EPSILON = 1e-5  # added to a variance, which may be 0, before it divides; PyTorch's default


class WithBatchNorm(nn.Module):
    """A ConvNet whose first three layers are normalised over the batch; it learns the same numbers and no more.

    Normalised is what max-pooling leaves, a quarter of the work: the scale is above 0, so pooling does not notice. Each layer's
    bias is added after it, since before it would have no effect.

    Parameters
    ----------
    net : not copied: its weights are the ones that learn.
    """

    def __init__(self, net: ConvNet) -> None:
        super().__init__()
        self.net = net
        n_kernels = net.arguments["n_kernels"]
        for number, units in enumerate((n_kernels, n_kernels, HIDDEN)):
            self.register_buffer(f"mean_{number}", torch.zeros(units))
            self.register_buffer(f"variance_{number}", torch.ones(units))

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, 1, 28, 28) -> logits (N, 10)."""
        w0, b0, w1, b1, w2, b2, w3, b3 = self.net.parameters()
        x = functional.max_pool2d(functional.conv2d(x, w0), 2)  # (N, k, 12, 12)
        x = torch.relu(self._normalise(0, x) + b0.view(-1, 1, 1))
        x = functional.max_pool2d(functional.conv2d(x, w1), 2)  # (N, k, 4, 4)
        x = torch.relu(self._normalise(1, x) + b1.view(-1, 1, 1))
        x = torch.relu(self._normalise(2, functional.linear(x.flatten(1), w2)) + b2)  # (N, 50)
        return functional.linear(x, w3, b3)  # (N, 10)

    @torch.no_grad()
    def fold(self) -> ConvNet:
        """A plain ConvNet of its own that gives what this one gives in evaluation mode, up to rounding."""
        folded = copy.deepcopy(self.net)
        for number, layer in enumerate(folded.layers[:3]):
            # PyTorch's formula for a convolution; it scales the first axis of the weights, and so fits a linear layer too.
            layer.weight, layer.bias = fuse_conv_bn_weights(
                layer.weight, None, *self._running(number), EPSILON, None, layer.bias
            )
        return folded.to(memory_format=layout(folded)).eval()

    def _normalise(self, number: int, x: Tensor) -> Tensor:
        # One image has no spread to go by; it is taken as in evaluation.
        batch_counts = self.training and len(x) > 1
        return functional.batch_norm(x, *self._running(number), training=batch_counts, momentum=MOMENTUM, eps=EPSILON)

    def _running(self, number: int) -> tuple[Tensor, Tensor]:
        """Running mean and variance of a layer's units."""
        return self.get_buffer(f"mean_{number}"), self.get_buffer(f"variance_{number}")
