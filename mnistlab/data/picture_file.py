"""Any picture as grey pixels: a file of a few well-known kinds, a Pillow picture, an array or a tensor.

Only formats on a list are opened, never all that Pillow knows; sizes are bounded before anything is decoded; a large
photograph is reduced while it is decoded, so that it takes little memory. One error type leaves this module.
"""

from __future__ import annotations

import base64
import binascii
import io
import os
import warnings
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mnistlab.common.errors import ImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
HEIF = "HEIF"  # with the extra ``heic``
# Of these the first picture is read; in an MPO, which phones write as .jpg, the second is for depth.
FIRST = ("GIF", "MPO")
MAX_BYTES = 24 * 2**20  # a phone's 12 million px take 3 to 6 MiB, its 48 million up to 20
SIDES = (8, 12_000)  # px
MAX_PIXELS = 16_000_000
MAX_JPEG_PIXELS = 64_000_000  # decoded at a half, a quarter or an eighth, unless it is progressive
LARGE = 1_600  # px of the longer side that a JPEG of many pixels keeps at least
DECODED = 4_000_000  # px; a larger JPEG is reduced while it is decoded
ORIENTATION = 0x0112  # of EXIF; 1 is upright
STRIP = 2_000_000  # px that are made grey at once
BRIGHT, BRIGHT_SHARE = 160, 0.95  # greys; if more than this share of what is opaque is brighter, it is white ink
CLEAR = 0.25  # share of a picture of white ink that is transparent at least

# How files begin that people take for a picture; b"?" stands for any byte.
KINDS = (
    (b"%PDF", "a PDF; save its page as a PNG or JPEG"),
    (b"<!DOCTYPE", "a web page, not a picture; save the picture itself"),
    (b"<!doctype", "a web page, not a picture; save the picture itself"),
    (b"<html", "a web page, not a picture; save the picture itself"),
    (b"<HTML", "a web page, not a picture; save the picture itself"),
    (b"<svg", "an SVG drawing; save it as a PNG"),
    (b"<?xml", "XML, perhaps an SVG drawing; save it as a PNG"),
    (b"%!PS", "PostScript; save it as a PNG"),
    (b"8BPS", "a Photoshop file; save it as a PNG"),
    (b"PK\x03\x04", "an archive or an office document; take the picture out of it"),
    (b"\x1f\x8b", "a compressed file; unpack it first"),
    (b"\x00\x00\x01\x00", "an icon; save it as a PNG"),
    (b"????ftypavif", "an AVIF picture; save it as a PNG or JPEG"),
    (b"????ftypavis", "an AVIF picture; save it as a PNG or JPEG"),
    (b"????ftypqt", "a video; take one frame of it as a PNG or JPEG"),
    (b"????ftypmp4", "a video; take one frame of it as a PNG or JPEG"),
    (b"????ftypisom", "a video; take one frame of it as a PNG or JPEG"),
    (b"\x00\x00\x00\x0cJXL", "a JPEG XL picture; save it as a PNG or JPEG"),
    (b"\xff\x0a", "a JPEG XL picture; save it as a PNG or JPEG"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 picture; save it as a PNG or JPEG"),
    (b"{", "text, perhaps JSON, not a picture"),
    (b"[", "text, perhaps JSON, not a picture"),
)
HEICS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
NO_HEIC = (
    "this is a HEIC picture, as iPhones take; install what reads it (pip install 'mnistlab[heic]'), or save it as JPEG"
)


def read_grey(source: object) -> np.ndarray:
    """Grey values of a picture: uint8 (H, W), upright as its EXIF data say, white where it is transparent.

    White ink on a transparent ground is laid on black, since on white nobody would see it. A JPEG of more than 4 million px is
    reduced to a half, a quarter or an eighth, as long as 1,600 px are left of its longer side.

    Parameters
    ----------
    source : path, bytes of a file, an open file, a data URL, a PIL image, an array or a tensor of uint8 or uint16: (H, W), or
        with 1, 3 or 4 channels, first or last.

    Raises
    ------
    ImageError : no picture (code ``"type"``, ``"shape"``, ``"unreadable"``), or one that is not allowed (``"size"``,
        ``"too-large"``, ``"frames"``); the message says what came.
    """
    if isinstance(source, Image.Image):
        picture = source
        check_size(*picture.size)
        try:
            return _flatten(picture)
        except Exception as error:  # closed, cut short, of a kind that has no grey: Pillow raises nearly anything
            raise _broken("picture", error) from error
    if not isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) and not hasattr(source, "read"):
        return _from_array(source)
    return _decode(_content(source))


def check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    """Refuse what is too large, or too small to hold a digit.

    Raises
    ------
    ImageError : code ``"size"``.
    """
    if not (SIDES[0] <= width <= SIDES[1] and SIDES[0] <= height <= SIDES[1]) or width * height > most:
        raise ImageError(
            f"the picture has {width} x {height} px; sides of {SIDES[0]} to {SIDES[1]:,} px and "
            f"{most // 10**6} million px in all are allowed",
            code="size",
        )


def _from_array(source: object) -> np.ndarray:
    """Grey values of an array, a tensor, or nested lists of whole numbers."""
    if not hasattr(source, "__array__"):
        raise ImageError(
            f"a picture is a path, bytes, a file, a PIL image or an array, not {type(source).__name__}", code="type"
        )
    try:
        array = np.asarray(source)
    except Exception as error:  # a tensor on a GPU, or one that wants its gradient: each library raises its own
        raise ImageError(f"this {type(source).__name__} is no array: {str(error)[:100]}", code="shape") from error
    pixels = array
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4) and pixels.shape[0] in (1, 3, 4):
        pixels = np.moveaxis(pixels, 0, 2)  # channels first, as in PyTorch
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    allowed = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype == np.uint16 and allowed:
        pixels = _eight_bits(pixels)
    if pixels.dtype != np.uint8 or not allowed:
        raise ImageError(
            f"an array must be uint8 (H, W), (H, W, 3) or (H, W, 4), not {array.dtype} {array.shape}", code="shape"
        )
    check_size(pixels.shape[1], pixels.shape[0])
    return pixels if pixels.ndim == 2 else _flatten(Image.fromarray(np.ascontiguousarray(pixels)))


def _content(source: object) -> bytes:
    """The bytes of a file, at most ``MAX_BYTES``."""
    if isinstance(source, str) and source[:5].lower() == "data:":
        content = _from_url(source)
    elif isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
    else:
        name = named(source)
        try:
            content = source.read(MAX_BYTES + 1) if hasattr(source, "read") else _from_path(source)  # type: ignore[arg-type]
        except ImageError:
            raise
        except Exception as error:  # an open file may be anything that has a method of this name
            reason = getattr(error, "strerror", None) or error
            raise ImageError(f"{name} cannot be read ({str(reason)[:100]})", code="unreadable") from error
        if not isinstance(content, bytes | bytearray):
            raise ImageError(f"{name} gives {type(content).__name__}, not bytes; open it with 'rb'", code="type")
    if len(content) > MAX_BYTES:
        raise ImageError(f"the file is larger than {MAX_BYTES // 2**20} MiB", code="too-large")
    return bytes(content)


def named(source: object) -> str:
    """What to call it in a message, at most 200 characters."""
    if hasattr(source, "read"):
        return "the file"
    name = os.fspath(source) if isinstance(source, os.PathLike) else str(source)
    name = os.fsdecode(name) if isinstance(name, bytes) else name
    return name if len(name) <= 200 else f"{name[:100]}... ({len(name):,} characters)"


def _from_path(source: str | os.PathLike[str]) -> bytes:
    if isinstance(source, str) and source[:8].lower().startswith(("http://", "https://")):
        raise ImageError(f"{named(source)} is an address; save the picture, and give its path", code="type")
    if Path(source).is_dir():
        raise ImageError(f"{named(source)} cannot be read (it is a folder)", code="unreadable")
    with Path(source).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _from_url(url: str) -> bytes:
    """What a data URL holds (RFC 2397); its text is never part of a message."""
    head, comma, body = url.partition(",")
    if not comma:
        raise ImageError(f"this data URL of {len(url):,} characters has no comma, so no content", code="unreadable")
    if len(body) > 4 * MAX_BYTES:
        raise ImageError(f"the file is larger than {MAX_BYTES // 2**20} MiB", code="too-large")
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(unquote_to_bytes(body))
    except (binascii.Error, ValueError):
        raise ImageError(f"this data URL of {len(url):,} characters is no base64", code="unreadable") from None


def _decode(content: bytes) -> np.ndarray:
    if not content:
        raise ImageError("the file is empty: it has 0 bytes", code="unreadable")
    formats: tuple[str, ...] = FORMATS
    if content[4:8] == b"ftyp" and content[8:12] in HEICS:
        formats = _with_heic()
    name = "picture"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF data; they are no fault of whoever reads
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=formats) as picture:
                name = str(picture.format)
                _check_file(picture)
                return _flatten(picture)
    except ImageError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ImageError(f"the picture is far too large: {error}", code="size") from error
    except UnidentifiedImageError:  # its own words name an address in memory
        raise ImageError(_what_came(content), code="unreadable") from None
    except Exception as error:  # decoders of broken files raise nearly anything
        raise _broken(name, error) from error


def _check_file(picture: Image.Image) -> None:
    """Its size and its frames, before it is decoded; a large JPEG will be decoded smaller."""
    jpeg = picture.format in ("JPEG", "MPO") and not picture.info.get("progressive")
    check_size(*picture.size, most=MAX_JPEG_PIXELS if jpeg else MAX_PIXELS)
    if (frames := getattr(picture, "n_frames", 1)) > 1 and picture.format not in FIRST:
        raise ImageError(f"the picture has {frames} frames; only one is allowed", code="frames")
    if picture.format in ("JPEG", "MPO") and picture.width * picture.height > DECODED:
        scale = LARGE / max(picture.size)
        picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))


def _with_heic() -> tuple[str, ...]:
    try:
        import pillow_heif
    except ImportError:
        raise ImageError(NO_HEIC, code="unreadable") from None
    pillow_heif.register_heif_opener(thumbnails=False)
    return (HEIF,)


def _what_came(content: bytes) -> str:
    """What a file is that is no picture of the list, and what to do."""
    begin = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, name in KINDS:
        start = content if magic.startswith(b"?") else begin
        if all(want in (b"?"[0], came) for want, came in zip(magic, start, strict=False)) and len(start) >= len(magic):
            return f"this is {name}"
    if content[:256].isascii() and b"\x00" not in content[:256]:
        return "this is text, not a picture; PNG, JPEG, WEBP, BMP, GIF and TIFF are read"
    return "this is no picture of a known kind; PNG, JPEG, WEBP, BMP, GIF and TIFF are read"


def _broken(name: str, error: Exception) -> ImageError:
    return ImageError(f"this {name} cannot be read ({type(error).__name__}: {str(error)[:100]})", code="unreadable")


def _flatten(picture: Image.Image) -> np.ndarray:
    """Upright, opaque, grey, 8 bits; made strip by strip, since a colour takes four times as much memory."""
    picture.load()
    if picture.getexif().get(ORIENTATION, 1) != 1:  # or it would be copied for nothing
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):  # convert("L") would clip, not scale
        return _eight_bits(np.asarray(picture))
    ground = _ground(picture) if picture.has_transparency_data else None
    if picture.width * picture.height <= STRIP:
        return np.asarray(_opaque(picture, ground))
    grey = np.empty(picture.size[::-1], np.uint8)
    rows = max(1, STRIP // picture.width)
    for top in range(0, picture.height, rows):
        part = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        grey[top : top + rows] = _opaque(part, ground)
    return grey


def _opaque(picture: Image.Image, ground: str | None) -> Image.Image:
    """In greys, on white or black."""
    if ground:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, ground), picture)
    return picture.convert("RGB").convert("L") if picture.mode == "CMYK" else picture.convert("L")


def _ground(picture: Image.Image) -> str:
    """What a picture with transparent parts is laid on: white, or black if its ink is white."""
    small = picture.copy() if max(picture.size) <= 512 else picture.resize((256, 256), Image.Resampling.NEAREST)
    values = np.asarray(small.convert("LA"))
    opaque = values[values[..., 1] > 127, 0]
    clear = (values[..., 1] < 128).mean()
    return "black" if len(opaque) and clear > CLEAR and (opaque > BRIGHT).mean() > BRIGHT_SHARE else "white"


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """Whole numbers of 8, 10, 12 or 16 bits, or fractions, as uint8: which they are, the largest says."""
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0)
        scale = 255.0 if 0 < values.max() <= 1 else 1.0
    else:
        most = int(values.max())
        scale = next((255 / full for full in (255, 1023, 4095) if most <= full), 255 / 65535)
    eight = np.empty(values.shape, np.uint8)
    for row in range(len(values)):  # one row at a time, since fractions take eight times as much memory
        eight[row] = np.clip(np.rint(values[row] * scale), 0, 255)
    return eight
