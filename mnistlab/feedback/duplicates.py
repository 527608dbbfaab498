"""Which drawings differ: what was sent twice, or hardly moved, counts once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from mnistlab.common.constants import PIXELS

# Drawings to learn a hand from: each digit three times. Of 150 sessions of so many, a tenth of them labelled wrong, the review of
# labels by version 0004 refused 146; of 20 it refused 130, and of ten none.
MIN_DRAWINGS = 30
# Relative distance below which two pictures are the same drawing, sent twice or hardly moved. Of 3,000 drawings of 30 writers
# the nearest other one of the same writer lies closer in about 1 in 1,000.
TWIN = 0.15


def without_near_duplicates(images: ArrayLike | Sequence[ArrayLike]) -> list[int]:
    """Which pictures to keep so that near-duplicates count once: the last of each, since people correct themselves.

    Parameters
    ----------
    images : uint8 (N, 28, 28), in the order they were drawn.

    Returns
    -------
    indices, ascending.
    """
    pixels = np.asarray(images, dtype=np.float64).reshape(-1, PIXELS)
    lengths = np.maximum(np.linalg.norm(pixels, axis=1), 1.0)
    kept: list[int] = []
    for index in reversed(range(len(pixels))):
        others = pixels[kept]
        distances = np.linalg.norm(others - pixels[index], axis=1) / np.maximum(lengths[kept], lengths[index])
        if (distances >= TWIN).all():
            kept.append(index)
    return kept[::-1]
