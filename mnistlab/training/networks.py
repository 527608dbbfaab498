"""The two networks the lab compares, of nearly equal size, and the one way to run them on images.

A network takes float32 (N, 1, 28, 28), permuted and normalised, and gives float32 logits (N, 10). ``to_input`` makes
such a batch from uint8 images, in training, test and live prediction alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.common.constants import CLASSES, PIXELS
from mnistlab.common.errors import CheckpointError
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.registry.architecture import ARCHITECTURES, HIDDEN, KERNEL, check_arguments, count_weights
from mnistlab.registry.network import Network

WIDE = 16  # kernels; from here on a CPU learns faster with the channels of a pixel side by side
FEW = 8  # images; up to here a network of this size is faster without oneDNN


class TrainableNetwork(nn.Module):
    """An architecture that its name and a few whole numbers build again.

    Attributes
    ----------
    name : of the architecture, a key of ``ARCHITECTURES``.
    arguments : all that the class was called with.
    net : the layers, one after another.
    """

    name: ClassVar[Literal["convnet", "fully-connected"]]
    arguments: dict[str, int]
    net: nn.Sequential

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, 1, 28, 28) -> logits (N, 10)."""
        return self.net(x)


class ConvNet(TrainableNetwork):
    """Two 5 x 5 convolutions, each with ReLU and 2 x 2 max-pooling, then two linear layers.

    (N, 1, 28, 28) -> conv (k, 24, 24) -> pool (k, 12, 12) -> conv (k, 8, 8) -> pool (k, 4, 4) -> 16 k -> 50 -> 10.
    With six kernels it has 6,422 parameters. After the NYU deep-learning course (Canziani, LeCun).

    Parameters
    ----------
    input_size : channels of the image; 1, grey.
    n_kernels : kernels k of each convolution, >= 1.
    output_size : classes.

    Attributes
    ----------
    layers : the four of ``net`` that have weights.
    """

    name = "convnet"

    def __init__(self, input_size: int = 1, n_kernels: int = 6, output_size: int = CLASSES) -> None:
        super().__init__()
        sizes = {"input_size": input_size, "n_kernels": n_kernels, "output_size": output_size}
        self.arguments = check_arguments(self.name, sizes)
        self.net = nn.Sequential(
            nn.Conv2d(input_size, n_kernels, KERNEL),  # 28 -> 24
            nn.MaxPool2d(2),  # 24 -> 12
            nn.ReLU(),  # after pooling: the same values for a quarter of the work
            nn.Conv2d(n_kernels, n_kernels, KERNEL),  # 12 -> 8
            nn.MaxPool2d(2),  # 8 -> 4
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(n_kernels * 4 * 4, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, output_size),
        )
        self.layers = tuple(layer for layer in self.net if isinstance(layer, nn.Conv2d | nn.Linear))

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, 1, 28, 28) -> logits (N, 10): ``self.net(x)``, bit for bit.

        Written out, since on one image calling ten modules takes nearly as long as their work.
        """
        first, second, hidden, output = self.layers
        x = torch.max_pool2d(torch.relu(torch.conv2d(x, first.weight, first.bias)), 2)
        x = torch.max_pool2d(torch.relu(torch.conv2d(x, second.weight, second.bias)), 2)
        x = torch.relu(functional.linear(x.flatten(1), hidden.weight, hidden.bias))
        return functional.linear(x, output.weight, output.bias)

    def feature_maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What each convolution gives after its ReLU, before pooling: (N, k, 24, 24) and (N, k, 8, 8)."""
        first = self.net[0](x)
        return first.relu(), self.net[3](self.net[1:3](first)).relu()


class FullyConnected(TrainableNetwork):
    """784 - 8 - 8 - 10 with ReLU: 6,442 parameters that treat every pixel alike, wherever it stands.

    Parameters
    ----------
    input_size : pixels, 784.
    n_hidden : units in each of the two hidden layers, >= 1.
    output_size : classes.
    """

    name = "fully-connected"

    def __init__(self, input_size: int = PIXELS, n_hidden: int = 8, output_size: int = CLASSES) -> None:
        super().__init__()
        sizes = {"input_size": input_size, "n_hidden": n_hidden, "output_size": output_size}
        self.arguments = check_arguments(self.name, sizes)
        self.net = nn.Sequential(
            nn.Flatten(),
            nn.Linear(input_size, n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, output_size),
        )


def build(
    name: str = ConvNet.name,
    *,
    seed: int = 0,
    n_kernels: int | None = None,
    n_hidden: int | None = None,
    input_size: int | None = None,
    output_size: int | None = None,
) -> ConvNet | FullyConnected:
    """A network with fresh weights that ``seed`` fixes; the caller's random state is left as it was.

    Parameters
    ----------
    n_kernels, n_hidden, input_size, output_size : as ``ConvNet`` and ``FullyConnected`` take them; None is their default.

    Raises
    ------
    LabError : as ``check_arguments``.
    """
    sizes = {"n_kernels": n_kernels, "n_hidden": n_hidden, "input_size": input_size, "output_size": output_size}
    arguments = {key: size for key, size in sizes.items() if size is not None}
    classes: dict[str, type[ConvNet | FullyConnected]] = {cls.name: cls for cls in (ConvNet, FullyConnected)}
    if name not in classes or not set(arguments) <= set(ARCHITECTURES[name]):
        check_arguments(name, arguments)  # raises; what is left out has a default
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return classes[name](**arguments)


def count_parameters(model: nn.Module) -> int:
    """How many numbers the network learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def convnet_parameters(n_kernels: int = 6, input_size: int = 1, output_size: int = CLASSES) -> int:
    """The same of a ConvNet that is not built.

    Raises
    ------
    LabError : as ``check_arguments``.
    """
    return count_weights(ConvNet.name, {"input_size": input_size, "n_kernels": n_kernels, "output_size": output_size})


def layout(model: nn.Module) -> torch.memory_format:
    """The order in memory in which a CPU trains ``model`` fastest; the sums are the same.

    With 48 kernels channels last takes a quarter less time, with six (half a vector register) a sixth more.
    """
    wide = isinstance(model, ConvNet) and model.arguments["n_kernels"] >= WIDE
    return torch.channels_last if wide else torch.contiguous_format


def to_input(images: Tensor, permutation: Permutation, normalisation: Normalisation) -> Tensor:
    """uint8 (N, 28, 28) as drawn -> float32 (N, 1, 28, 28) as the network takes it: permuted, then normalised."""
    return normalisation.apply(images if permutation.is_identity else permutation.apply(images))


@torch.inference_mode()
def logits(
    model: nn.Module,
    images: Tensor,
    *,
    permutation: Permutation | None = None,
    normalisation: Normalisation | None = None,
    batch_size: int = 1_000,
) -> Tensor:
    """What the network gives for uint8 images (N, 28, 28): float32 (N, 10) on the CPU.

    Parameters
    ----------
    permutation : the one the network was trained with; None is the identity.
    normalisation : likewise; None is MNIST's.
    batch_size : images at a time; it bounds the memory and changes nothing else.
    """
    permutation, normalisation = permutation or Permutation.identity(), normalisation or Normalisation()
    device = next(model.parameters()).device
    if model.training:  # asked first: telling all layers takes a tenth of the time that one image does
        model.eval()
    with _plain_convolution() if len(images) <= FEW else nullcontext():
        batches = images.split(batch_size) if len(images) > batch_size else [images]
        parts = [model(to_input(batch.to(device), permutation, normalisation)) for batch in batches]
    return (torch.cat(parts) if len(parts) > 1 else parts[0]).float().cpu()


@contextmanager
def _plain_convolution() -> Iterator[None]:
    """Without oneDNN, whose preparations take longer than the convolution of a few images: half the time for one of them.

    Logits differ in the sixth decimal, as they do between batches of different sizes.
    """
    before = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]  # a property; `flags` takes five times as long
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = before


@dataclass(frozen=True)
class Classifier:
    """A network with what images as drawn, uint8 (N, 28, 28), go through before it sees them.

    Attributes
    ----------
    model : on the CPU, in evaluation mode.
    permutation, normalisation : those of its training.
    """

    model: nn.Module
    permutation: Permutation
    normalisation: Normalisation

    @classmethod
    def of(cls, network: Network) -> Classifier:
        """A stored network as PyTorch runs and trains it."""
        model = build(network.architecture, **network.arguments)
        model.load_state_dict({name: torch.tensor(weight) for name, weight in network.weights.items()}, strict=True)
        return Classifier(model.eval(), network.permutation, network.normalisation)

    def network(self) -> Network:
        """The same network without PyTorch, its weights copied.

        Raises
        ------
        CheckpointError : the model is none of the lab's.
        """
        if not isinstance(self.model, TrainableNetwork):
            name = type(self.model).__name__
            raise CheckpointError(f"a {name} cannot be kept, only a network of the lab", code="manifest")
        weights = {name: tensor.detach().numpy().copy() for name, tensor in self.model.state_dict().items()}
        return Network(self.model.name, self.model.arguments, weights, self.permutation, self.normalisation)

    def logits(self, images: Tensor) -> Tensor:
        """float32 (N, 10)."""
        return logits(self.model, images, permutation=self.permutation, normalisation=self.normalisation)

    def probabilities(self, images: Tensor) -> Tensor:
        """float32 (N, 10), each row sums to 1."""
        return self.logits(images).softmax(dim=1)

    def predictions(self, images: Tensor) -> NDArray[np.int64]:
        """The digit it reads in each image: int64 (N,)."""
        return self.logits(images).argmax(dim=1).numpy()


def best_device() -> str:
    """``"cuda"``, ``"mps"`` or ``"cpu"``: the fastest one this machine has."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


@contextmanager
def one_thread() -> Iterator[None]:
    """A single image is too little work to share: a second thread only adds waiting when the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
