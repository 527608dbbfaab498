"""Batch normalisation that stands only while the ConvNet learns, and is folded into its weights afterwards.

The method: Ioffe and Szegedy 2015. Each layer's answers are shifted and scaled to mean 0 and spread 1 over the batch, so no
kernel dies and a high rate does no harm. A shift and a scale can be put into the weights and biases of the layer itself, so
what comes out is the plain network with as many numbers as before.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.training.networks import HIDDEN, ConvNet, layout

MOMENTUM, EPSILON = (
    0.1,
    1e-5,
)  # PyTorch's; share of the newest batch in the running figures, and what keeps from dividing by 0


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
        for number, units in enumerate(self._units()):
            self.register_buffer(f"mean_{number}", torch.zeros(units))
            self.register_buffer(f"variance_{number}", torch.ones(units))

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, 1, 28, 28) -> logits (N, 10)."""
        first, second, hidden, output = _layers(self.net)
        x = functional.max_pool2d(functional.conv2d(x, first.weight), 2)
        x = torch.relu(self._normalise(0, x) + first.bias.view(-1, 1, 1))
        x = functional.max_pool2d(functional.conv2d(x, second.weight), 2)
        x = torch.relu(self._normalise(1, x) + second.bias.view(-1, 1, 1))
        x = torch.relu(self._normalise(2, functional.linear(x.flatten(1), hidden.weight)) + hidden.bias)
        return output(x)

    @torch.no_grad()
    def fold(self) -> ConvNet:
        """A plain ConvNet of its own that answers as this one does in evaluation mode, up to rounding."""
        folded = ConvNet(**self.net.arguments).to(self.mean_0.device)
        folded.load_state_dict(self.net.state_dict())
        for number, layer in enumerate(_layers(folded)[:3]):
            scale = (self._running(number)[1] + EPSILON).rsqrt()
            layer.weight.mul_(scale.view(-1, *[1] * (layer.weight.ndim - 1)))
            layer.bias.sub_(self._running(number)[0] * scale)
        return folded.to(memory_format=layout(folded)).eval()

    def _normalise(self, number: int, x: Tensor) -> Tensor:
        # One image has no spread to go by; it is taken as in evaluation.
        alive = self.training and len(x) > 1
        return functional.batch_norm(x, *self._running(number), training=alive, momentum=MOMENTUM, eps=EPSILON)

    def _running(self, number: int) -> tuple[Tensor, Tensor]:
        return getattr(self, f"mean_{number}"), getattr(self, f"variance_{number}")

    def _units(self) -> tuple[int, int, int]:
        n_kernels = self.net.arguments["n_kernels"]
        return n_kernels, n_kernels, HIDDEN


def _layers(net: ConvNet) -> list[nn.Conv2d | nn.Linear]:
    return [layer for layer in net.net if isinstance(layer, nn.Conv2d | nn.Linear)]
