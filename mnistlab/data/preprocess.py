"""Any picture or drawing, as the 28 x 28 digit that MNIST would have made of it.

Two steps. ``to_ink`` turns a picture file into ink (bright) on paper (0). ``fit`` does what MNIST's makers describe: scale
into a box of 20 x 20 keeping the shape, then move the centre of mass to the centre of 28 x 28 (LeCun et al. 1998). Cropping
and scaling work on the full resolution, so that edges keep their greys.
"""

from __future__ import annotations

import io
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mnistlab.common.constants import BOX, SIDE
from mnistlab.common.errors import ImageError

# Where the centre of mass goes, in pixel indices: the mean of MNIST's 60,000 training images is 14.0, 14.0.
CENTRE = 14.0
FORMATS = ("PNG", "JPEG")
MAX_BYTES = 5 * 2**20
SIDES = (8, 6_000)  # px
MAX_PIXELS = 16_000_000
LEAST_CONTRAST = 16  # of 255 greys between ink and paper; less is an empty sheet
FULL_INK = 250  # from here on ink is not stretched, so that an MNIST image comes through unchanged
FAINT = 8  # in a large picture, less than an eighth of the strongest ink is none
MOST_INK = 0.75  # share of the picture; more is no digit on paper


@dataclass(frozen=True)
class Ink:
    """A picture as ink."""

    ink: np.ndarray  # uint8 (H, W), 0 paper, 255 the strongest ink
    inverted: bool  # True if the picture had dark ink on bright paper


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
    small = shrink(ink[bounds(ink)])
    return place(small, centre(small))


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


def to_ink(source: object) -> Ink:
    """A picture as ink on paper, whatever way round it came.

    A PNG or JPEG is turned as its EXIF data say, laid on white where it is transparent, and made grey. What its edge
    shows most is taken for paper; the rest is ink, by how far it differs.

    Parameters
    ----------
    source : path, bytes of a file, PIL image, or uint8 array (H, W), (H, W, 3) or (H, W, 4).

    Raises
    ------
    ImageError : not a picture, or not an allowed one; code ``"blank"`` or ``"full"`` if it holds no digit on paper.
    """
    return _separate(_grey(source))


def _offset(profile: np.ndarray) -> int:
    """Where to put the first of ``profile``'s lines so that its centre of mass lies at the centre."""
    centre = int(profile @ np.arange(len(profile))) / max(1, int(profile.sum()))
    return min(max(math.floor(CENTRE - centre + 0.5), 0), SIDE - len(profile))


def _grey(source: object) -> np.ndarray:
    """Grey values (H, W), uint8, of any allowed source."""
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8 or not (source.ndim == 2 or (source.ndim == 3 and source.shape[2] in (3, 4))):
            raise ImageError(
                f"an array must be uint8 (H, W), (H, W, 3) or (H, W, 4), not {source.dtype} {source.shape}",
                code="shape",
            )
        _check_size(source.shape[1], source.shape[0])
        source = Image.fromarray(source)
    if isinstance(source, Image.Image):
        _check_size(*source.size)
        try:
            return _flatten(source)
        except Exception as error:  # closed, cut short, of a kind that has no grey: Pillow raises nearly anything
            raise ImageError(
                f"this picture cannot be read ({type(error).__name__}: {str(error)[:100]})", code="unreadable"
            ) from error
    content = _content(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                _check_size(*picture.size)
                if (frames := getattr(picture, "n_frames", 1)) > 1:
                    raise ImageError(f"the picture has {frames} frames; only one is allowed", code="frames")
                return _flatten(picture)
    except ImageError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"the picture is far too large: {error}", code="size") from error
    except UnidentifiedImageError:  # its own words name an address in memory
        raise ImageError("this is neither a PNG nor a JPEG", code="unreadable") from None
    except Exception as error:  # decoders of broken files raise nearly anything; one error type leaves this module
        raise ImageError(
            f"this PNG or JPEG cannot be read ({type(error).__name__}: {str(error)[:100]})", code="unreadable"
        ) from error


def _content(source: object) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
    elif isinstance(source, str | os.PathLike):
        try:
            with Path(source).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ImageError(f"{source} cannot be read ({reason})", code="unreadable") from error
    else:
        raise ImageError(
            f"a picture is a path, bytes, a PIL image or an array, not {type(source).__name__}", code="type"
        )
    if len(content) > MAX_BYTES:
        raise ImageError(f"the file is larger than {MAX_BYTES // 2**20} MiB", code="too-large")
    return content


def _check_size(width: int, height: int) -> None:
    if not (SIDES[0] <= width <= SIDES[1] and SIDES[0] <= height <= SIDES[1]) or width * height > MAX_PIXELS:
        raise ImageError(
            f"the picture has {width} x {height} px; sides of {SIDES[0]} to {SIDES[1]:,} px and "
            f"{MAX_PIXELS // 10**6} million px in all are allowed",
            code="size",
        )


def _flatten(picture: Image.Image) -> np.ndarray:
    """Upright, opaque, grey, 8 bits."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):  # convert("L") would clip, not scale
        values = np.asarray(picture, dtype=np.float64)
        if picture.mode.startswith("I"):
            values = values / 257  # 65,535 -> 255
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return np.asarray(picture.convert("RGB").convert("L") if picture.mode == "CMYK" else picture.convert("L"))


def _separate(grey: np.ndarray) -> Ink:
    """Paper is what the edge shows most; ink is how far a pixel differs from it, towards the side that differs most."""
    edge = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]).astype(np.int16)
    paper = int(np.median(edge))
    darker, brighter = paper - int(grey.min()), int(grey.max()) - paper
    inverted = darker > brighter
    ink = (paper - grey.astype(np.int16)) if inverted else (grey.astype(np.int16) - paper)
    strongest = max(darker, brighter)
    # Half the edge differs from its median by less than a sixth of this: what lies below is grain of the paper, not ink.
    grain = 6 * int(np.median(np.abs(edge - paper)))
    if min(grey.shape) > 2 * SIDE:  # a large picture has sharp strokes, and JPEG's faint marks beside them
        grain = max(grain, strongest // FAINT)
    if strongest < max(LEAST_CONTRAST, 2 * grain):
        raise ImageError("the picture is empty: nothing stands out from its paper", code="blank")
    ink = np.where(ink > grain, ink, 0)
    if strongest < FULL_INK:
        ink = np.rint(ink * (255 / strongest))
    ink = np.clip(ink, 0, 255).astype(np.uint8)
    if (ink > 127).mean() > MOST_INK:
        raise ImageError("the picture is nearly all ink; a digit on paper is needed", code="full")
    return Ink(ink, inverted)
