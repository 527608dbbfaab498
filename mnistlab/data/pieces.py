"""Which pieces of ink are the digit: no specks, no form's box around it, nothing that hangs on the picture's edge."""

from __future__ import annotations

import numpy as np
from PIL import Image

SPECK = 0.04  # of all ink; a smaller piece is dust or a tap
BOXED = 0.3  # a digit takes at least this share of the sides of the box around it


def digit(ink: np.ndarray) -> np.ndarray:
    """Ink of the digit alone, cropped to it: uint8; of size 0 if there is none."""
    from scipy import ndimage

    labels, n = ndimage.label(ink > 40, np.ones((3, 3)))
    if not n:
        return ink[:0, :0]
    places = ndimage.find_objects(labels)
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    keep = ~boxes(labels, places)
    keep &= areas >= SPECK * areas[keep].sum()
    kept = np.concatenate([[False], keep])[labels]
    kept = ndimage.binary_dilation(kept, np.ones((3, 3)), iterations=2) & ~(~kept & (labels > 0))
    alone = np.where(kept, ink, 0)
    if (box := Image.fromarray(alone).getbbox()) is None:
        return ink[:0, :0]
    return alone[box[1] : box[3], box[0] : box[2]]


def boxes(labels: np.ndarray, places: list[tuple[slice, slice]]) -> np.ndarray:
    """Which pieces have another in their hole that is no speck: bool (n,)."""
    from scipy import ndimage

    found = np.zeros(len(places), bool)
    sides = [max(place[0].stop - place[0].start, place[1].stop - place[1].start) for place in places]
    for index in np.argsort(sides)[::-1][:3]:
        place = places[index]
        own = labels[place] == index + 1
        hole = ndimage.binary_fill_holes(own) & ~own
        inner = np.unique(labels[place][hole])
        found[index] = any(sides[other - 1] > BOXED * sides[index] for other in inner if other)
    return found
