"""Pictures for tests: a 7 in every encoding, and files that are no picture."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from mnistlab.data.strokes import rasterise


def seven() -> np.ndarray:
    """Ink of a 7, small and off centre, on a 280 x 280 canvas."""
    return rasterise([np.array([[40.0, 60], [110, 60], [70, 170]])], pen_width=14)


def encode(picture: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **{"format": "PNG", **options})
    return buffer.getvalue()


def variants() -> dict[str, object]:
    """The same 7, black on white, in every encoding a person might send."""
    grey = Image.fromarray(255 - seven())
    alpha = Image.fromarray(seven())
    ink_on_nothing = Image.merge("LA", (Image.new("L", grey.size, 0), alpha))
    sixteen = Image.fromarray((255 - seven()).astype(np.uint16) * 257)
    return {
        "L": encode(grey),
        "1": encode(grey.convert("1")),
        "P": encode(grey.convert("P")),
        "RGB": encode(grey.convert("RGB")),
        "LA": encode(ink_on_nothing),
        "RGBA": encode(ink_on_nothing.convert("RGBA")),
        "16 bit": encode(sixteen),
        "white on black": encode(Image.fromarray(seven())),
        "JPEG": encode(grey, format="JPEG", quality=95),
        "CMYK": encode(grey.convert("CMYK"), format="JPEG", quality=95),
        "PIL": grey,
        "array": np.asarray(grey),
        "array RGB": np.asarray(grey.convert("RGB")),
        "array RGBA": np.asarray(ink_on_nothing.convert("RGBA")),
        "faint": encode(grey.point(lambda value: 200 + value // 8)),
    }


def bomb() -> bytes:
    """A small PNG that claims 13,000 x 13,000 px."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 13_000, 13_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


def animation() -> bytes:
    frames = [Image.fromarray(np.roll(seven(), step)) for step in (0, 50)]
    return encode(frames[0], save_all=True, append_images=frames[1:])
