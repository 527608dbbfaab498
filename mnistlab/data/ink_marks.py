"""Marks of a picture's ink: what hangs together, with a box each, so that several digits can be told apart.

A mark's box is drawn in by half a pen on each side, so that it is that of a stroke's middle and the limits of ``segments``, made
for strokes, hold for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.constants import SIDE
from mnistlab.data import pieces, preprocess, thickness
from mnistlab.data.preprocess import Ink
from mnistlab.data.segments import Box

INKED = 40  # of 255; less is the soft edge of a stroke
SPECK = 0.02  # of the largest mark's ink; less is dust
WIDE = 1.25  # widths of a digit for its height; a wider picture of one mark may hold two that touch


@dataclass(frozen=True)
class Marks:
    """The marks of a picture."""

    ink: NDArray[np.uint8]  # (H, W)
    labels: NDArray[np.int32]  # (H, W), 0 paper, k + 1 the k-th mark
    boxes: list[Box]  # of each mark, px
    pen: float  # px

    def image(self, members: Sequence[int]) -> NDArray[np.uint8]:
        """Some of the marks as a digit, with the pen of a redrawn stroke: uint8 (28, 28)."""
        from scipy import ndimage

        box = self.boxes_of(members)
        labels, ink = self.labels[box], self.ink[box]
        kept = np.isin(labels, [member + 1 for member in members])
        grown = ndimage.binary_dilation(kept, np.ones((3, 3)), iterations=2) & (kept | (labels == 0))
        alone = np.where(grown, ink, 0)
        alone = alone[preprocess.bounds(alone)]
        thin = thickness.share(alone) < thickness.THIN
        return preprocess.fit(thickness.standard(alone) if thin else alone)

    def boxes_of(self, members: Sequence[int]) -> tuple[slice, slice]:
        """Rows and columns of some of the marks, with a margin for soft edges."""
        inset = self.pen / 2 + 3
        boxes = [self.boxes[member] for member in members]
        top, left = (max(0, int(min(box[side] for box in boxes) - inset)) for side in (1, 0))
        bottom, right = (int(max(box[side] for box in boxes) + inset) + 1 for side in (3, 2))
        return slice(top, bottom), slice(left, right)


def find_marks(found: Ink) -> Marks | None:
    """The marks of a picture; None if it holds one digit, as far as can be told without looking for them.

    Pictures as small as MNIST's are one digit, and so is a clean picture without a gap that is no wider than a digit.
    """
    if max(found.ink.shape) <= 2 * SIDE:
        return None
    whole = found.ink[preprocess.bounds(found.ink)]
    if found.clean and whole.shape[1] <= WIDE * whole.shape[0] and preprocess.is_plain(whole):
        return None
    from scipy import ndimage

    labels, n = ndimage.label(found.ink > INKED, np.ones((3, 3)))
    if n < 2:
        return None
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    places = ndimage.find_objects(labels)
    keep = ~pieces.boxes(labels, places)
    keep &= areas >= SPECK * areas[keep].max(initial=0)
    numbers = np.concatenate([[0], np.where(keep, keep.cumsum(), 0)]).astype(np.int32)
    pen = thickness.share(whole) * max(whole.shape)
    boxes = [_inset(rows, columns, pen / 2) for (rows, columns), kept in zip(places, keep, strict=True) if kept]
    return Marks(found.ink, numbers[labels], boxes, pen) if len(boxes) > 1 else None


def _inset(rows: slice, columns: slice, by: float) -> Box:
    """The box of a mark, drawn in."""
    sides = []
    for part in (columns, rows):
        middle = (part.start + part.stop) / 2
        half = max(0.0, (part.stop - part.start) / 2 - by)
        sides.append((middle - half, middle + half))
    (left, right), (top, bottom) = sides
    return Box(left, top, right, bottom)
