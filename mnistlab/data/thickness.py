"""The pen of a picture brought to that of a redrawn stroke, whatever wrote it: a hard pencil, a ballpoint, a marker.

A drawing's strokes are drawn anew at one width (``strokes.PEN_SHARE``). A picture has no strokes, so its ink is grown or thinned
by its distance from the edge of the ink (Danielsson 1980) until a stroke is as wide.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from mnistlab.data.strokes import DIGIT, PEN_SHARE

THIN = 0.08  # of the digit's longer side; from here on strokes are read as well as those of the standard pen
HOLE = 0.4  # pens; a gap in the ink narrower than this is a fault of pen or paper
HALF = 110  # of 255; from here on a pixel is ink, a little before the middle, since blur takes from thin strokes
MARGIN = 16  # px around the digit


def share(ink: np.ndarray) -> float:
    """Width of the pen as a share of the longer side of the digit, ink included: 0 to 1.

    Ink and the length of its edge tell it, without looking for a stroke: a line of width w and length l has w l of ink and an
    edge of 2 l, which as it lies at any angle has 4 / pi of its length along rows and columns.

    Parameters
    ----------
    ink : uint8 (h, w), cropped to the digit.
    """
    wide = ink.astype(np.int16)
    inner = int(np.abs(wide[1:] - wide[:-1]).sum()) + int(np.abs(wide[:, 1:] - wide[:, :-1]).sum())
    rim = sum(int(side.sum()) for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1]))
    return 8 / np.pi * int(ink.sum()) / max(1, inner + rim) / max(ink.shape)


def standard(ink: np.ndarray) -> np.ndarray:
    """The digit at the size and with the pen of a redrawn stroke.

    Parameters
    ----------
    ink : uint8 (h, w), cropped to the digit, 0 paper.

    Returns
    -------
    uint8 (H, W), its longer side about 200 px, the pen 24 px wide.
    """
    from scipy import ndimage

    pen = PEN_SHARE * DIGIT
    wide = width(_enlarged(ink, DIGIT))
    if wide > pen:
        return ink
    size = DIGIT * (DIGIT - pen) / (DIGIT - wide)
    solid = _without_holes(_enlarged(ink, size), (HOLE * pen) ** 2)
    outside = ndimage.distance_transform_edt(~solid)
    reach = (pen - wide * size / DIGIT) / 2
    return np.rint(255 * np.clip(reach + 1 - outside, 0, 1)).astype(np.uint8)


def width(solid: np.ndarray) -> float:
    """Of the strokes of bool (h, w), in px: four times the mean distance from their edge."""
    from scipy import ndimage

    return float(4 * (ndimage.distance_transform_edt(solid)[solid] - 0.5).mean()) if solid.any() else 0.0


def _enlarged(ink: np.ndarray, size: float) -> np.ndarray:
    """Where the ink is, with its longer side ``size`` px and a margin: bool."""
    scale = size / max(ink.shape)
    height, wide = (max(1, round((side + 2) * scale)) for side in ink.shape)
    framed = Image.fromarray(np.pad(ink, 1)).resize((wide, height), Image.Resampling.BICUBIC, reducing_gap=2)
    return np.pad(np.asarray(framed) > HALF, MARGIN)


def _without_holes(solid: np.ndarray, least: float) -> np.ndarray:
    """Gaps of fewer than ``least`` px filled."""
    from scipy import ndimage

    labels, n = ndimage.label(~solid)
    small = np.bincount(labels.ravel(), minlength=n + 1) < least
    small[0] = False
    return solid | small[labels]
