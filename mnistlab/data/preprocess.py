"""Any picture or drawing, as the 28 x 28 digit that MNIST would have made of it.

``to_ink`` turns a picture into ink (bright) on paper (0): a clean one, as a program draws it, by what its edge shows; a
photograph by the paper around each pixel (``alignment``, ``paper``). ``as_digit`` takes the digit out of it, its pen as wide as
that of redrawn strokes (``pieces``, ``thickness``). ``fit`` does what MNIST's makers describe: scale into a box of 20 x 20, the
shape kept, then move the centre of mass to the centre of 28 x 28 (LeCun et al. 1998). Cropping and scaling work on the full
resolution, so that edges keep their greys.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from mnistlab.common.constants import BOX, SIDE
from mnistlab.common.errors import ImageError
from mnistlab.data import alignment, paper, pieces, thickness
from mnistlab.data.picture_file import read_grey

# Where the centre of mass goes, in pixel indices: the mean of MNIST's 60,000 training images is 14.0, 14.0.
CENTRE = 14.0
LEAST_CONTRAST = 16  # of 255 greys between ink and paper; less is an empty sheet
FULL_INK = 250  # from here on ink is not stretched, so that an MNIST image comes through unchanged
FAINT = 8  # in a large picture, less than an eighth of the strongest ink is none
MOST_INK = 0.45  # share of the picture; more is what lies around a sheet, or a frame
FLAT, FLAT_EDGE = (
    3,
    0.9,
)  # greys by which more than this share of a clean picture's edge differs from its median at most
SMALL_FLAT = 12  # the same in a picture as small as MNIST's, where JPEG's marks reach the edge
NOTHING = 3  # greys; a picture whose pixels differ by less from its edge holds nothing at all
STANDS_OUT = 0.25  # of the paper's light; what is darker by so much is there, even if it is no ink
EMPTY = "the picture is empty: nothing stands out from its paper"
RIM = "there is no digit with paper around it: what stands out lies at the edge of the picture, or is too small"
UNREAD = ("blank", "small", "rim", "blurred")  # codes of pictures that are sound and hold no digit
BLURRED = 0.13  # of the digit's longer side; an edge as wide as the standard pen leaves no stroke
SOFT = "the picture is too blurred to be read"
SMALLEST = 7  # px of the longer side of a digit; strokes of less run into each other


@dataclass(frozen=True)
class Ink:
    """A picture as ink."""

    ink: np.ndarray  # uint8 (H, W), 0 paper, 255 the strongest ink
    inverted: bool  # True if the picture had dark ink on bright paper
    clean: bool = True  # False if it is a photograph or the like, whose paper was divided out
    grey: np.ndarray | None = None  # uint8 (H, W), the picture as the ink lies on it: reduced and straightened


def fit(ink: np.ndarray) -> np.ndarray:
    """Ink of any size as a centred 28 x 28 digit.

    The ink is cropped to its bounds, its longer side scaled to 20 px by area averaging (Lanczos if it has to grow), and
    placed so that its centre of mass lies at (14, 14), rounded to whole pixels, halves up, and never cut off.

    Parameters
    ----------
    ink : uint8 (H, W), 0 paper.

    Returns
    -------
    uint8 (28, 28).

    Raises
    ------
    ImageError : there is no ink (code ``"blank"``), or it is no uint8 (H, W).
    """
    return _boxed(ink[bounds(ink)])


def bounds(ink: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of uint8 (H, W) from the first to the last that hold ink.

    Raises
    ------
    ImageError : as ``fit``.
    """
    if ink.ndim != 2 or ink.dtype != np.uint8:
        raise ImageError(f"ink is uint8 (H, W), not {ink.dtype} {ink.shape}", code="shape")
    if (box := Image.fromarray(ink).getbbox()) is None:
        raise ImageError("there is no ink", code="blank")
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)


def shrink(ink: np.ndarray) -> np.ndarray:
    """The whole picture in MNIST's box: uint8, the longer side 20 px; by area, or Lanczos if it has to grow."""
    scale = BOX / max(ink.shape)
    if scale == 1:
        return ink
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(ink).resize((width, height), how))


def centre(small: np.ndarray) -> tuple[int, int]:
    """Row and column of 28 x 28 at which ``small``, uint8 (<= 28, <= 28), begins when its centre of mass is in the middle."""
    top, left = (_offset(small.sum(axis=axis, dtype=np.int64)) for axis in (1, 0))
    return top, left


def place(small: np.ndarray, at: tuple[int, int]) -> np.ndarray:
    """``small`` on paper, beginning at a row and column: uint8 (28, 28)."""
    canvas = np.zeros((SIDE, SIDE), dtype=np.uint8)
    canvas[at[0] : at[0] + small.shape[0], at[1] : at[1] + small.shape[1]] = small
    return canvas


def to_ink(source: object, *, longest: int = paper.LONGEST) -> Ink:
    """A picture as ink on paper, whatever way round it came.

    A picture whose edge has one grey is clean: that is its paper, the rest is ink, by how far it differs. Any other is a
    photograph: the sheet is cut out and laid straight, its paper divided out, its rules taken away.

    Parameters
    ----------
    source : as ``picture_file.read_grey`` takes it.
    longest : px of the longer side that a photograph is reduced to; a page of many digits needs more.

    Raises
    ------
    ImageError : not a picture, or not an allowed one; code ``"blank"`` or ``"full"`` if it holds no digit on paper.
    """
    grey = read_grey(source)
    return clean_ink(grey) or _photographed(grey, longest)


def clean_ink(grey: np.ndarray) -> Ink | None:
    """The ink of a clean picture, uint8 (H, W), as a program draws it; None if it is none, but a photograph or the like.

    A clean picture has an edge of one grey, which is its paper, and less ink than paper. The web page's script for paper
    does the same.

    Raises
    ------
    ImageError : all of it has one grey (``"blank"``).
    """
    edge = _edge(grey)
    ground = int(np.median(edge))
    away = np.abs(edge - ground)
    if (away <= (FLAT if min(grey.shape) > 2 * SIDE else SMALL_FLAT)).mean() <= FLAT_EDGE:
        return None
    darker, brighter = ground - int(grey.min()), int(grey.max()) - ground
    strongest = max(darker, brighter)
    if strongest < NOTHING:
        raise ImageError(EMPTY, code="blank")
    grain = 6 * int(np.median(away))  # half the edge differs from its median by less than a sixth of this
    if min(grey.shape) > 2 * SIDE:  # a large picture has sharp strokes, and JPEG's faint marks beside them
        grain = max(grain, strongest // FAINT)
    if strongest < max(LEAST_CONTRAST, 2 * grain):
        return None
    ink = _strengths(ground, strongest, grain, inverted=darker > brighter).take(grey)
    return Ink(ink, darker > brighter, grey=grey) if np.count_nonzero(ink > 127) < MOST_INK * ink.size else None


def as_digit(found: Ink) -> np.ndarray:
    """The one digit of a picture's ink: uint8 (28, 28).

    A clean picture of one piece, and not too thin a pen, is taken as it is. Of any other, specks and a form's box are dropped,
    and the pen is brought to the width that strokes are drawn with.

    Raises
    ------
    ImageError : there is none (``"blank"``), or it is too small (``"small"``) or too blurred (``"blurred"``) to be read.
    """
    if found.clean:
        whole = found.ink[bounds(found.ink)]
        if min(found.ink.shape) <= 2 * SIDE or is_plain(whole):
            return _boxed(whole)
    if is_blurred(found):
        raise ImageError(SOFT, code="blurred")
    digit = pieces.digit(found.ink)
    if not digit.any():
        raise ImageError(EMPTY, code="blank")
    if max(digit.shape) < SMALLEST:
        raise ImageError(
            f"the digit is too small: {max(digit.shape)} px high; from about 15 px on it can be read", code="small"
        )
    return fit(thickness.standard(digit))


def is_blurred(found: Ink) -> bool:
    """Whether the edges of a photograph's ink are so soft that its strokes run into each other."""
    if found.grey is None:
        return False
    seen = found.grey[bounds(found.ink)].astype(np.int16)
    if min(seen.shape) < 2:
        return False
    contrast = np.quantile(seen, 0.95) - np.quantile(seen, 0.05)
    steepest = max(np.quantile(np.abs(np.diff(seen, axis=axis)), 0.99) for axis in (0, 1))
    return bool(contrast > BLURRED * max(seen.shape) * max(steepest, 1))


def is_plain(digit: np.ndarray) -> bool:
    """Whether ink, uint8 (h, w) cropped to it, is one sharp digit of no thin pen, judged without a look at its pieces.

    Rows or columns without ink are the gap beside a second piece. A small picture, as MNIST's are, need not be asked.
    """
    whole = digit.any(axis=1).all() and digit.any(axis=0).all()
    return bool(whole) and thickness.share(digit) >= thickness.THIN and _is_sharp(digit)


def _is_sharp(digit: np.ndarray) -> bool:
    """Whether the ink somewhere rises from none to full within the width of a stroke; the middle of it is enough to look at."""
    middle = digit[digit.shape[0] // 2].astype(np.int16)
    return int(np.abs(np.diff(middle, prepend=0, append=0)).max()) * BLURRED * max(digit.shape) >= 255


def _boxed(digit: np.ndarray) -> np.ndarray:
    """Ink that is cropped to its bounds as 28 x 28."""
    small = shrink(digit)
    return place(small, centre(small))


def _offset(profile: np.ndarray) -> int:
    """Where to put the first of ``profile``'s lines so that its centre of mass lies at the centre."""
    centre = int(profile @ np.arange(len(profile))) / max(1, int(profile.sum()))
    return min(max(math.floor(CENTRE - centre + 0.5), 0), SIDE - len(profile))


def _photographed(grey: np.ndarray, longest: int) -> Ink:
    """Ink of what has no one paper."""
    grey = paper.reduce(alignment.straighten(paper.reduce(grey, 2 * longest)), longest)
    inverse = paper.is_inverse(grey)
    shade = paper.darkness(255 - grey if inverse else grey)
    if angle := alignment.turn(shade):
        shade, grey = alignment.turned(shade, angle), alignment.turned(grey, angle)
    ink = paper.strokes(shade)
    if not ink.any():
        raise ImageError(
            RIM if shade.max() > STANDS_OUT else EMPTY, code="rim" if shade.max() > STANDS_OUT else "blank"
        )
    return Ink(ink, not inverse, False, grey)


def _edge(grey: np.ndarray) -> np.ndarray:
    """The pixels along the four edges, each once: int16."""
    return np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]).astype(np.int16)


def _strengths(ground: int, strongest: int, grain: int, *, inverted: bool) -> np.ndarray:
    """How much ink each grey is: uint8 (256,), by how far it differs from the paper's."""
    away = np.arange(256) - ground
    ink = -away if inverted else away
    stretch = 255 / strongest if strongest < FULL_INK else 1.0
    return np.clip(np.rint(np.where(ink > grain, ink, 0) * stretch), 0, 255).astype(np.uint8)
