"""A page with a box around each digit and what it was read as, as a picture."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

from mnistlab.common.errors import ImageError
from mnistlab.inference.prediction import Page, PlacedPrediction

SURE, DOUBTFUL, UNREAD = "#0072b2", "#d55e00", "#777777"  # blue and vermilion of Okabe and Ito (2008), and grey
MARGIN = 0.2  # of a digit's height, between it and its box
LEAST = 13  # px of the letters


def page_png(page: Page) -> bytes:
    """The picture of a page as PNG, each digit in its box: blue if it is sure, orange in doubt, grey if it is no digit.

    Raises
    ------
    ImageError : the page was read from strokes, or there was nothing to read.
    """
    if page.picture is None:
        raise ImageError(page.reason or "strokes have no picture to draw boxes on", code="blank")
    picture = Image.fromarray(page.picture).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for reading in page:
        _frame(draw, reading, picture.size)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def page_table(page: Page) -> list[str]:
    """The readings of a page, one a line: line and place, digit, how sure, and the box in px."""
    rows = ["line  place  digit     sure     box (left, top, right, bottom)"]
    for number, line in enumerate(page.lines, start=1):
        for place, reading in enumerate(line, start=1):
            sure = f"{100 * reading.confidence:.1f} %" if reading.digit is not None else "-"
            box = ", ".join(f"{side:.0f}" for side in reading.box)
            rows.append(f"{number:>4}  {place:>5}  {_short(reading):<8}  {sure:>7}  {box}")
    return rows


def _short(reading: PlacedPrediction) -> str:
    return " or ".join(map(str, reading.digits)) or "?"


def _frame(draw: ImageDraw.ImageDraw, reading: PlacedPrediction, size: tuple[int, int]) -> None:
    colour = SURE if len(reading.digits) == 1 else DOUBTFUL if reading.digits else UNREAD
    margin = MARGIN * reading.box.height
    left, top = (max(0.0, side - margin) for side in reading.box[:2])
    right, bottom = (min(most - 1.0, side + margin) for side, most in zip(reading.box[2:], size, strict=True))
    draw.rectangle((left, top, max(left, right), max(top, bottom)), outline=colour, width=2)
    height = max(LEAST, round(0.3 * reading.box.height))
    draw.text((left + 3, max(0.0, top - height - 3)), _short(reading), fill=colour, font=ImageFont.load_default(height))
