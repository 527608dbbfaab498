import base64
import contextlib
import io
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import animation, bomb, encode, seven, variants
from PIL import Image

from mnistlab.common.errors import ImageError
from mnistlab.data import picture_file
from mnistlab.data.picture_file import read_grey


def test_files_from_a_path(tmp_path):
    path = tmp_path / "7.png"
    path.write_bytes(variants()["L"])
    np.testing.assert_array_equal(read_grey(path), read_grey(str(path)))
    with pytest.raises(ImageError, match=r"missing\.png cannot be read \(No such file or directory\)$"):
        read_grey(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="cannot be read"):
        read_grey(tmp_path)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "unreadable"),
        (b"not a picture", "unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "unreadable"),
        (encode(Image.fromarray(seven()), format="ICO"), "unreadable"),
        (encode(Image.fromarray(seven()), format="PPM"), "unreadable"),  # Pillow would read it; it is not on our list
        (encode(Image.fromarray(seven()))[:-200], "unreadable"),
        (bomb(), "size"),
        (animation(), "frames"),
        (bytes(picture_file.MAX_BYTES + 1), "too-large"),
        (np.zeros((7, 100), np.uint8), "size"),
        (np.zeros((9, 12_001), np.uint8), "size"),
        (np.zeros((28, 28), np.float32), "shape"),
        (np.zeros((28, 28, 2), np.uint8), "shape"),
        (42, "type"),
        (None, "type"),
    ],
)
def test_what_is_no_picture_is_refused(source, code):
    with pytest.raises(ImageError) as caught:
        read_grey(source)
    assert caught.value.code == code


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_gives_a_picture_or_our_error(seed):
    rng = np.random.default_rng(seed)
    file = bytearray(variants()["JPEG" if seed % 2 else "RGBA"])
    for position in rng.integers(0, len(file), 8):
        file[position] = rng.integers(256)
    with contextlib.suppress(ImageError):
        assert read_grey(bytes(file)).dtype == np.uint8


def test_a_picture_of_too_many_pixels_is_refused_though_no_side_is_too_long():
    side = picture_file.SIDES[1]
    assert side**2 > picture_file.MAX_PIXELS
    with pytest.raises(ImageError, match="million px in all are allowed"):
        picture_file.check_size(side, side)


def broken() -> dict[str, Image.Image]:
    """Pictures that Pillow opened and cannot show."""
    noise = np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    closed = Image.open(io.BytesIO(file.getvalue()))
    closed.close()
    return {
        "cut short": Image.open(io.BytesIO(file.getvalue()[:2_000])),
        "closed": closed,
        "without a grey": Image.new("LAB", (60, 60)),
        "premultiplied": Image.new("LA", (60, 60)).convert("La"),
    }


@pytest.mark.parametrize("name", broken())
def test_a_picture_that_pillow_cannot_show_is_one_refusal(name):
    with pytest.raises(ImageError) as caught:
        read_grey(broken()[name])
    assert caught.value.code in ("unreadable", "blank")


@pytest.mark.parametrize("name", ["WEBP", "BMP", "GIF", "TIFF", "PNG", "JPEG"])
def test_the_kinds_on_the_list_are_read(name):
    options = {"lossless": True} if name == "WEBP" else {"quality": 95} if name == "JPEG" else {}
    found = read_grey(encode(Image.fromarray(255 - seven()), format=name, **options)).astype(int)
    assert np.abs(found - (255 - seven())).mean() < 1


def test_of_a_gif_that_moves_the_first_picture_is_read():
    frames = [Image.fromarray(255 - np.roll(seven(), step)) for step in (0, 50)]
    moving = encode(frames[0], format="GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_grey(moving), 255 - seven())


def test_the_second_picture_that_a_phone_puts_into_a_jpeg_is_left_out():
    frames = [Image.fromarray(255 - seven()), Image.fromarray(seven())]
    both = encode(frames[0], format="MPO", save_all=True, append_images=frames[1:], quality=95)
    assert np.abs(read_grey(both).astype(int) - (255 - seven())).mean() < 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "0 bytes"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf\n <html>", "a web page"),
        (b"<svg xmlns=", "an SVG"),
        (b"PK\x03\x04rest", "an archive"),
        (b"\x00\x00\x00\x20ftypavif", "an AVIF"),
        (b"\x00\x00\x00\x20ftypisom", "a video"),
        (b'{"strokes": []}', "JSON"),
        (b"a note", "text, not a picture"),
        (bytes(100), "no picture of a known kind"),
    ],
)
def test_the_message_names_what_came(content, words):
    with pytest.raises(ImageError, match=words):
        read_grey(content)


def heic() -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    pillow_heif.register_heif_opener()
    return encode(Image.fromarray(255 - seven()).convert("RGB"), format="HEIF", quality=90)


def test_a_heic_is_read_with_the_extra_and_named_without_it(monkeypatch):
    content = heic()
    assert np.abs(read_grey(content).astype(int) - (255 - seven())).mean() < 4
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"a HEIC picture.*mnistlab\[heic\]"):
        read_grey(content)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_sixteen_bits_may_hold_fewer(bits):
    values = np.round((255 - seven()) / 255.0 * (2**bits - 1)).astype(np.uint16)
    for source in (values, encode(Image.fromarray(values)), Image.fromarray(values)):
        assert np.abs(read_grey(source).astype(int) - (255 - seven())).max() <= 1


def test_white_ink_on_nothing_is_seen():
    ink = np.dstack([np.full((280, 280, 3), 255, np.uint8), seven()])
    assert read_grey(encode(Image.fromarray(ink)))[100, 75:110].max() > 200
    assert read_grey(encode(Image.fromarray(ink)))[0, 0] == 0
    assert read_grey(ink // np.uint8([2, 2, 2, 1]) * np.uint8([0, 0, 0, 1]))[0, 0] == 255


class Tensor:
    """What a library gives that is no array and can become one."""

    def __init__(self, values: np.ndarray, *, on_gpu: bool = False) -> None:
        self.values, self.on_gpu = values, on_gpu

    def __array__(self, dtype=None, copy=None):
        if self.on_gpu:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        return self.values


def test_files_tensors_and_data_urls_are_read():
    expected, content = 255 - seven(), variants()["L"]
    colour = np.repeat(expected[None], 3, axis=0)
    url = "data:image/png;base64," + base64.b64encode(content).decode()
    for source in (io.BytesIO(content), url, memoryview(content), Tensor(expected), Tensor(colour), expected[None]):
        np.testing.assert_array_equal(read_grey(source), expected)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Tensor(seven(), on_gpu=True), "is no array: can't convert cuda"),
        (io.StringIO("text"), "open it with 'rb'"),
        ("https://example.org/7.png", "is an address"),
        ("data:image/png;base64,AAA" + 50_000 * "A", "no base64"),
        ("data:image/png", "no comma"),
        ("data:text/plain,hello%20there", "text, not a picture"),
        (10_000 * "x", "cannot be read"),
        ("a\0b", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_shortly(source, words):
    with pytest.raises(ImageError, match=words) as caught:
        read_grey(source)
    assert len(str(caught.value)) < 400


def test_an_array_that_may_not_be_written_to_is_read_in_silence():
    grey = 255 - seven()
    grey.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_grey(grey).shape == read_grey(np.dstack([grey] * 3)).shape


def large(width: int, height: int, **options) -> bytes:
    return encode(Image.fromarray(255 - seven()).resize((width, height)), format="JPEG", **options)


def test_a_photograph_of_48_million_px_is_reduced_while_it_is_decoded():
    grey = read_grey(large(8064, 6048))
    assert picture_file.LARGE <= max(grey.shape) < 2 * picture_file.LARGE
    with pytest.raises(ImageError, match="16 million px"):  # all of a progressive one is held while it is decoded
        read_grey(large(5000, 4000, progressive=True))


def test_a_large_picture_with_transparent_parts_is_made_grey_in_strips():
    small = Image.fromarray(np.dstack([np.zeros((280, 280, 3), np.uint8), seven()]))
    big = small.resize((1960, 1960), Image.Resampling.NEAREST)
    assert big.width * big.height > picture_file.STRIP
    np.testing.assert_array_equal(read_grey(big), np.kron(255 - seven(), np.ones((7, 7), np.uint8)))
