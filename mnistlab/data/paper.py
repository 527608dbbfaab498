"""Ink of a photographed or scanned picture: its own paper divided out, rulings, rims and specks taken away.

A photograph has no paper of one grey: light falls off, a shadow lies across it, the sheet is lined, a table shows beside it. Here
each pixel is held against the paper around it, which a grey closing finds (Serra 1982): strokes narrower than its window are
filled with the paper beside them, while the edge of a shadow stays where it is. What is darker than that by a share is ink.

Convention: grey is uint8 (H, W) of any picture; ink is uint8 (h, w), 0 paper, 255 the strongest ink, same proportions.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

LONGEST = 640  # px of the longer side that a picture is worked on at; a ballpoint of 0.7 % is still 4 px wide
PAPER = 64  # px of the longer side at which the paper is looked for: grain and thin rules are gone there
WINDOWS = (0.14, 0.5)  # of the shorter side: strokes of a pen, strokes of a marker; wider ones are no strokes
SURE, DOUBTFUL = 0.45, 0.25  # of the strongest ink; a doubtful pixel is ink where it touches a sure one (Canny 1986)
GRAIN = 5.0  # standard deviations of the paper's grain; less is paper
FAINTEST = 0.035  # of the paper's brightness; a pencil leaves 0.15, JPEG's marks 0.02
RULED = 0.15  # share of a row that may be without the rule that runs along it
SPECK = 0.004  # of all ink; a smaller piece is dust


def clear(grey: np.ndarray, *, longest: int = LONGEST) -> np.ndarray:
    """The ink of a picture whose paper is uneven.

    Parameters
    ----------
    grey : uint8 (H, W), dark on bright or bright on dark.
    longest : px; a larger picture is reduced to this on its longer side. The picture is neither turned nor cropped, so
        that a place in the ink times ``H / h`` is the place in the picture.

    Returns
    -------
    uint8 (h, w), 0 paper, 255 the strongest ink; all 0 if nothing stands out.
    """
    small = reduce(grey, longest)
    return strokes(darkness(255 - small if is_inverse(small) else small))


def reduce(grey: np.ndarray, longest: int) -> np.ndarray:
    """The picture with its longer side at most ``longest`` px, by area."""
    scale = longest / max(grey.shape)
    if scale >= 1:
        return grey
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BOX, reducing_gap=2))


def is_inverse(grey: np.ndarray) -> bool:
    """True if the ink is brighter than its paper.

    Ink takes the smaller part of what lies around it, so it is the longer tail of a pixel's difference from its surroundings; the
    two sides of a shadow's edge cancel out. The middle of the picture counts most, where digits stand and tables do not.
    """
    from scipy import ndimage

    thumb = _thumb(grey, 2 * PAPER)
    high = thumb - ndimage.gaussian_filter(thumb, 0.15 * min(thumb.shape))
    rows, columns = (np.sin(np.pi * (np.arange(side) + 0.5) / side) for side in thumb.shape)
    return float((high**3 * rows[:, None] * columns).sum()) > 0


def darkness(grey: np.ndarray) -> np.ndarray:
    """How much darker each pixel is than its paper: float32 (h, w), 0 paper, 1 black.

    Two windows are tried; the wide one, which follows light less well, is taken only where the narrow one leaves ink out.
    """
    narrow, wide = (_against(grey, _paper(grey, share)) for share in WINDOWS)
    ink = wide > 0.5 * max(float(np.quantile(wide, 0.998)), FAINTEST)
    inner = _inner(ink)
    missed = inner & (narrow < 0.5 * wide)
    return wide if missed.sum() > 0.25 * max(1, inner.sum()) else narrow


def strokes(shade: np.ndarray) -> np.ndarray:
    """The ink of a shade: uint8 (h, w). Grain, specks and what hangs on the rim are no ink."""
    from scipy import ndimage

    shade = _without_rules(shade)
    grain = 1.4826 * float(np.median(np.abs(shade - np.median(shade))))
    eight = Image.fromarray(np.clip(np.rint(255 * shade), 0, 255).astype(np.uint8))
    calm = np.asarray(eight.filter(ImageFilter.MedianFilter(3))).astype(np.float32) / 255
    strongest = float(np.quantile(calm, 0.999))
    least = max(FAINTEST, GRAIN * grain, DOUBTFUL * strongest)
    sure = max(least, SURE * strongest)
    if strongest < max(FAINTEST, GRAIN * grain):
        return np.zeros(shade.shape, np.uint8)
    labels, n = ndimage.label(calm > least, np.ones((3, 3)))
    keep = np.zeros(n + 1, bool)
    keep[np.unique(labels[calm > sure])] = True
    keep[0] = False
    keep &= ~_rims(labels, n)
    areas = np.bincount(labels.ravel(), minlength=n + 1) * keep
    keep &= areas > SPECK * areas.sum()
    ink = np.clip((shade - least / 2) / max(strongest - least / 2, 1e-6), 0, 1)
    grown = ndimage.binary_dilation(keep[labels], np.ones((3, 3)))
    return np.rint(255 * np.where(grown, ink, 0)).astype(np.uint8)


def _thumb(grey: np.ndarray, longest: int) -> np.ndarray:
    """The picture at most ``longest`` px long, in fractions: float32."""
    scale = min(1.0, longest / max(grey.shape))
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    return np.asarray(Image.fromarray(grey.astype(np.float32)).resize((width, height), Image.Resampling.BOX))


def _paper(grey: np.ndarray, share: float) -> np.ndarray:
    """The brightness of the paper at each pixel, float32 (h, w)."""
    from scipy import ndimage

    thumb = _thumb(grey, PAPER)
    window = 2 * max(1, round(share * min(thumb.shape) / 2)) + 1
    filled = ndimage.grey_closing(thumb, window)
    filled = ndimage.uniform_filter(filled, 3)
    return np.asarray(Image.fromarray(filled).resize(grey.shape[::-1], Image.Resampling.BICUBIC))


def _against(grey: np.ndarray, paper: np.ndarray) -> np.ndarray:
    """Share of the paper's light that is missing, its median taken as none."""
    missing = 1 - grey.astype(np.float32) / np.maximum(paper, 8)
    return missing - np.median(missing)


def _inner(ink: np.ndarray) -> np.ndarray:
    """The ink that does not hang on the picture's edge."""
    from scipy import ndimage

    labels, n = ndimage.label(ink, np.ones((3, 3)))
    return (~_rims(labels, n))[labels] & ink


def _rims(labels: np.ndarray, n: int) -> np.ndarray:
    """Which pieces hang on the picture's edge: bool (n + 1,)."""
    edge = np.concatenate([labels[:2].ravel(), labels[-2:].ravel(), labels[:, :2].ravel(), labels[:, -2:].ravel()])
    rims = np.zeros(n + 1, bool)
    rims[np.unique(edge)] = True
    rims[0] = False
    return rims


def _without_rules(shade: np.ndarray) -> np.ndarray:
    """Without thin lines that run from edge to edge along rows or columns."""
    for axis in (1, 0):
        rule = np.maximum(np.quantile(shade, RULED, axis=axis, keepdims=True), 0)
        shade = shade - rule
    return shade
