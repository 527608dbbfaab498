"""Which networks there are, within which bounds, and the shapes of their weights: what loading a saved one relies on.

``convnet``          two 5 x 5 convolutions of k kernels, each pooled 2 x 2 and rectified, then 16 k -> 50 -> 10
``fully-connected``  784 -> n -> n -> 10, rectified between

Names of weights are those that the layers have in ``training.networks``, and so in every stored version.
"""

from __future__ import annotations

from math import prod

from mnistlab.common.constants import PIXELS
from mnistlab.common.errors import LabError

KERNEL = 5  # pixels along one edge of a convolution kernel
HIDDEN = 50  # units of a ConvNet between the features and the classes
POOLED = 4  # pixels along one edge of what its second pooling leaves of 28
OUTPUTS = range(2, 101)  # classes
# What may be built, and within which bounds.
ARCHITECTURES: dict[str, dict[str, range]] = {
    "convnet": {"input_size": range(1, 2), "n_kernels": range(1, 257), "output_size": OUTPUTS},
    "fully-connected": {"input_size": range(PIXELS, PIXELS + 1), "n_hidden": range(1, 4097), "output_size": OUTPUTS},
}


def check_arguments(name: str, arguments: dict[str, int]) -> dict[str, int]:
    """The arguments of an architecture, unchanged, if each is a whole number within its bounds.

    Raises
    ------
    LabError : unknown architecture, missing or extra arguments, or a value out of bounds.
    """
    if name not in ARCHITECTURES:
        raise LabError(
            f"there is no architecture {name!r}; choose from {', '.join(ARCHITECTURES)}", code="architecture"
        )
    bounds = ARCHITECTURES[name]
    if set(arguments) != set(bounds):
        raise LabError(
            f"{name} takes {', '.join(bounds)}, not {', '.join(arguments) or 'nothing'}", code="architecture"
        )
    for key, allowed in bounds.items():
        if type(arguments[key]) is not int or arguments[key] not in allowed:
            raise LabError(
                f"{key} of {name} is a whole number from {allowed[0]} to {allowed[-1]}, not {arguments[key]!r}",
                code="architecture",
            )
    return dict(arguments)


def weight_shapes(name: str, arguments: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight, float32 all of them, from the first layer to the last.

    Raises
    ------
    LabError : as ``check_arguments``.
    """
    sizes = check_arguments(name, arguments)
    if name == "convnet":
        k = sizes["n_kernels"]
        layers = {
            "net.0": (k, sizes["input_size"], KERNEL, KERNEL),
            "net.3": (k, k, KERNEL, KERNEL),
            "net.7": (HIDDEN, k * POOLED**2),
            "net.9": (sizes["output_size"], HIDDEN),
        }
    else:
        n = sizes["n_hidden"]
        layers = {"net.1": (n, sizes["input_size"]), "net.3": (n, n), "net.5": (sizes["output_size"], n)}
    return {f"{layer}.{part}": shape for layer, full in layers.items() for part, shape in _parts(full)}


def count_weights(name: str, arguments: dict[str, int]) -> int:
    """How many numbers the network learns.

    Raises
    ------
    LabError : as ``check_arguments``.
    """
    return sum(map(prod, weight_shapes(name, arguments).values()))


def _parts(shape: tuple[int, ...]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return ("weight", shape), ("bias", shape[:1])
