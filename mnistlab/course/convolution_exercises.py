"""The exercises of notebook 02a: kernels that a reader paints, and a convolution that a reader changes.

Pictures are float64 (28, 28), ink from 0 to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mnistlab.common.constants import SIDE
from mnistlab.course.exercise import Exercise
from mnistlab.registry.architecture import KERNEL

Floats = NDArray[np.float64]
TIMES = 2.0  # how many times as strong an answer must be to stand out
GAP = slice(12, 15)  # rows without ink
LAYERS = 7  # of 5 x 5 kernels until one value sees 28 pixels: 1 + 4 n >= 28


def correlate(picture: Floats, kernel: Floats, stride: int = 1) -> Floats:
    """The map of one kernel (k, k) on a picture (H, W), without bias: as ``nn.Conv2d`` computes it."""
    windows = sliding_window_view(picture, kernel.shape)[::stride, ::stride]
    return np.einsum("ijuv,uv->ij", windows, kernel)


def line(*, upright: bool, gap: slice | None = None) -> Floats:
    """A straight line three pixels wide through the middle, perhaps with a gap."""
    picture = np.zeros((SIDE, SIDE))
    picture[4:-4, 13:16] = 1.0
    if gap:
        picture[gap] = 0.0
    return picture if upright else picture.T


def as_kernel(answer: object) -> Floats | str:
    """The answer as a kernel, or a sentence on why it is none."""
    try:
        kernel = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        return f"A kernel is {KERNEL} rows of {KERNEL} numbers; this is a {type(answer).__name__} that holds something else."
    if kernel.shape != (KERNEL, KERNEL) or not np.isfinite(kernel).all():
        return f"A kernel is {KERNEL} rows of {KERNEL} finite numbers; this has the shape {kernel.shape}."
    return kernel


def _vertical_fault(answer: object) -> str | None:
    kernel = as_kernel(answer)
    if isinstance(kernel, str):
        return kernel
    upright, flat = (correlate(line(upright=way), kernel).max() for way in (True, False))
    if upright <= 0:
        return f"On an upright line its strongest answer is {upright:.2f}: after the ReLU nothing is left of it."
    if upright < TIMES * flat:
        return (
            f"On an upright line it answers {upright:.2f}, on a level one {flat:.2f}; make the first twice the second."
        )
    return None


def _gap_fault(answer: object) -> str | None:
    kernel = as_kernel(answer)
    if isinstance(kernel, str):
        return kernel
    whole, broken = correlate(line(upright=True), kernel), correlate(line(upright=True, gap=GAP), kernel)
    row, column = np.unravel_index(broken.argmax(), broken.shape)
    middle = int(row) + KERNEL // 2, int(column) + KERNEL // 2
    if broken.max() <= 0:
        return f"On the broken line its strongest answer is {broken.max():.2f}: after the ReLU nothing is left of it."
    if not (GAP.start - 1 <= middle[0] <= GAP.stop and 12 <= middle[1] <= 16):
        return (
            f"Its strongest answer on the broken line stands at row {middle[0]}, column {middle[1]}; "
            f"the gap is in rows {GAP.start} to {GAP.stop - 1}, columns 13 to 15."
        )
    inside = whole[4 : -4 - KERNEL + 1].max()  # away from the two ends of the line, which are gaps of a kind
    if broken.max() < TIMES * inside:
        return f"At the gap it answers {broken.max():.2f}, on the unbroken line {inside:.2f}; make the first twice the second."
    return None


def _empty_fault(answer: object) -> str | None:
    kernel = as_kernel(answer)
    if isinstance(kernel, str):
        return kernel
    if not kernel.any():
        return (
            "All 25 weights are 0, and a kernel that does nothing is no answer; find one that looks and says nothing."
        )
    generator = np.random.default_rng(0)
    pictures = [generator.random((SIDE, SIDE)) * (generator.random((SIDE, SIDE)) < share) for share in (0.02, 0.2, 1.0)]
    left = max(correlate(picture, kernel).max() for picture in pictures)
    return f"There is a picture on which {left:.2f} is left after the ReLU." if left > 1e-9 else None


def _stride_fault(answer: object) -> str | None:
    if not callable(answer):
        return f"The answer is a function convolve(image, kernel), not a {type(answer).__name__}."
    generator = np.random.default_rng(0)
    picture, kernel = generator.random((SIDE, SIDE)), generator.normal(size=(KERNEL, KERNEL))
    wanted = correlate(picture, kernel, stride=2)
    try:
        found = np.asarray(answer(picture, kernel), dtype=np.float64)
    except Exception as error:  # whatever a reader's code may raise
        return f"It stops with {type(error).__name__}: {error}."
    if found.shape != wanted.shape:
        return f"A 28 x 28 picture gives a map {found.shape}; with windows two pixels apart it is {wanted.shape}."
    if not np.allclose(found, wanted):
        return f"The map has the right shape, but values differ by up to {np.abs(found - wanted).max():.2f}."
    return None


def _layers_fault(answer: object) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, int):
        return f"The answer is a whole number of layers, not {answer!r}."
    sees = 1 + (KERNEL - 1) * answer
    if answer == LAYERS:
        return None
    if answer < LAYERS:
        return f"With {answer} layers one value sees {sees} pixels along an edge; the picture has {SIDE}."
    return f"{answer} layers see {sees} pixels along an edge; fewer are enough for {SIDE}."


EXERCISES = {
    "02a.1": Exercise(
        task="Paint a kernel that finds upright strokes: on an upright line it answers twice as strongly as on a level one.",
        hint="Ink should count for you in a column, and against you to the left and right of it.",
        fault=_vertical_fault,
        praise="It answers upright lines and passes over level ones. A trained network has kernels like it.",
    ),
    "02a.2": Exercise(
        task="Paint a kernel that finds a gap: on an upright line with three rows missing it answers most strongly there.",
        hint="What is above and below a gap, and what is in it? Give the first two weights above 0 and the last weights below.",
        fault=_gap_fault,
        praise="Ink above, ink below, none between. So a kernel can see what is missing, as in a 4 that is open at the top.",
    ),
    "02a.3": Exercise(
        task="Paint a kernel that is not empty, and whose map is empty after the ReLU whatever the picture.",
        hint="Ink is never below 0. Which sums can then never rise above 0?",
        fault=_empty_fault,
        praise="With no weight above 0 no sum can be, and the ReLU takes all of it. Such a unit is called dead: it cannot learn.",
    ),
    "02a.4": Exercise(
        task="Change convolve so that the window moves two pixels at a time (a stride of 2), and pass the function.",
        hint="The map has half as many rows. Which pixel does its row i start at?",
        fault=_stride_fault,
        praise="A stride of 2 asks a quarter of the places: it makes maps smaller as pooling does, but keeps no maximum.",
    ),
    "02a.5": Exercise(
        task="How many layers of 5 x 5 kernels, without pooling, until one value can see all 28 pixels along an edge?",
        hint="Each layer adds two pixels on either side of what the layer before it saw.",
        fault=_layers_fault,
        praise="1 + 4 x 7 = 29. With pooling, the lab's network sees 14 pixels after two layers: pooling widens its sight.",
    ),
}
