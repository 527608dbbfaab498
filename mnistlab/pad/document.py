"""What is on the canvas: a drawing or a picture, the pen, and what it was meant to be. Pure state, with no widget in it.

Mouse and keyboard share it. The keyboard's pen stands at ``cursor`` and is put down and lifted there; while it is down, a
mouse that passes over the canvas leaves no ink. Coordinates are px of the 280 x 280 canvas, y down.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnistlab.common.constants import CANVAS, CLASSES, PEN_WIDTH
from mnistlab.common.errors import ImageError, StrokesError
from mnistlab.data import drawings, preprocess
from mnistlab.data.drawings import MAX_BYTES, StoredDrawing, drawing_from_json, drawing_from_png
from mnistlab.data.strokes import Drawing, check_pen

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction, Predictor

PNG = b"\x89PNG\r\n\x1a\n"  # the first bytes of every such file


MOST_UNDONE = 100  # changes that can be taken back


class Content(NamedTuple):
    """What was on the canvas at one time."""

    strokes: list[np.ndarray]  # float64 (n, 2)
    picture: bytes | None
    true_digit: int | None


class Document:
    """A canvas to draw on, as a hand, a keyboard or a file fills it.

    Parameters
    ----------
    pen_width : px of the canvas, 4 to 60.

    Raises
    ------
    StrokesError : the pen is no number from 4 to 60.
    """

    def __init__(self, pen_width: float = PEN_WIDTH) -> None:
        self.pen_width = check_pen(pen_width)  # px
        self.drawing = Drawing()  # the strokes; empty under a picture
        self.picture: bytes | None = None  # content of a picture file that is read in place of a drawing, or None
        self.true_digit: int | None = None  # what it was meant to be, 0 to 9; None if nobody said
        # where the keyboard's pen stands, px; None while the keyboard is not used
        self.cursor: tuple[float, float] | None = None
        self._by_key = False  # the open stroke is the keyboard's
        self.is_back = False  # what is there was brought back by Undo or Redo
        self._before: list[Content] = []  # what Undo brings back, the newest last
        self._after: list[Content] = []  # what Redo brings back

    @property
    def is_empty(self) -> bool:
        """Neither a stroke nor a picture."""
        return self.picture is None and len(self.drawing) == 0

    @property
    def pen_is_down(self) -> bool:
        """A stroke is under way, whoever draws it."""
        return self.drawing.is_open

    @property
    def can_undo(self) -> bool:
        """There is a change that can be taken back."""
        return bool(self._before) or not self.is_empty

    @property
    def can_redo(self) -> bool:
        """Something was taken back, and nothing has come in its place."""
        return bool(self._after)

    def press(self, x: object, y: object) -> bool:
        """Put the hand's pen down; True if it left ink. It takes the place of a picture, and of the keyboard's pen."""
        self.cursor, self._by_key = None, False
        return self._press(x, y)

    def move(self, x: object, y: object) -> bool:
        """Move the hand's pen; True if it left ink."""
        return not self._by_key and self.drawing.move(x, y)

    def release(self) -> bool:
        """Lift the hand's pen; True if it was down."""
        return not self._by_key and self.drawing.release()

    def step(self, dx: float, dy: float) -> bool:
        """Move the keyboard's pen by so many px, as far as the canvas goes; True if it left ink."""
        x, y = self._cursor()
        self.cursor = (min(max(x + dx, 0.0), CANVAS), min(max(y + dy, 0.0), CANVAS))
        return self._by_key and self.drawing.move(*self.cursor)

    def toggle_pen(self) -> bool:
        """Put the keyboard's pen down or lift it; True if it is down now."""
        self.cursor = self._cursor()
        if self._by_key and self.drawing.release():
            self._by_key = False
        else:
            self._by_key = self._press(*self.cursor)
        return self._by_key

    def undo(self) -> None:
        """Take back the last change: a stroke, a picture, or that all was cleared."""
        if not self._before and not self.is_empty:  # it was put here whole, by a program
            self._before.append(Content([] if self.picture else self.drawing.strokes[:-1], None, None))
        if self._before:
            self._turn(self._before, self._after)

    def redo(self) -> None:
        """Bring back what was taken back last."""
        if self._after:
            self._turn(self._after, self._before)

    def clear(self) -> None:
        """An empty canvas."""
        if not self.is_empty:
            self._remember()
        self.picture, self.true_digit, self._by_key = None, None, False
        self.drawing.clear()

    def mark(self, digit: int) -> None:
        """Say what it was meant to be; the same digit again takes that back.

        Raises
        ------
        StrokesError : no digit from 0 to 9, or the canvas is empty.
        """
        if isinstance(digit, bool) or digit not in range(CLASSES):
            raise StrokesError(f"a drawing is meant to be a digit from 0 to 9, not {digit!r}", code="digit")
        if self.is_empty:
            raise StrokesError("there is nothing on the canvas to correct", code="empty")
        self.true_digit = None if self.true_digit == digit else int(digit)

    def load(self, content: bytes) -> None:
        """A file in place of what is there: a drawing of ours, JSON or PNG, with its strokes; any other PNG or JPEG as it is.

        Raises
        ------
        ImageError, StrokesError : it is neither; the canvas stays as it was.
        """
        content = bytes(content)
        stored = _stored(content)
        if stored is None:
            _check_picture(content)
            self.clear()
            self._remember()
            self.picture = content
        else:
            self.show(stored)

    def show(self, stored: StoredDrawing) -> None:
        """A drawing in place of what is there, with its pen and with what it was meant to be."""
        drawing = Drawing(stored.strokes)  # may raise; nothing is lost then
        self.clear()
        self._remember()
        self.drawing = drawing
        self.pen_width = check_pen(stored.pen_width)
        self.true_digit = stored.digit if len(drawing) else None

    def as_text(self) -> str:
        """The drawing as JSON that ``load`` reads; "" if there is none."""
        if not len(self.drawing):
            return ""
        return drawings.drawing_to_json(self.drawing.strokes, pen_width=self.pen_width, digit=self.true_digit)

    def read(self, predictor: Predictor) -> Prediction:
        """What a network makes of it."""
        if self.picture is not None:
            return predictor.predict_image(self.picture)
        return predictor.predict_strokes(self.drawing.strokes, self.pen_width, CANVAS)

    def picture_ink(self) -> np.ndarray | None:
        """The ink of the picture, uint8 (H, W); None without a picture, or for one that is blank or all ink."""
        if self.picture is not None:
            with suppress(ImageError):  # there is nothing to show, and the reading says why
                return preprocess.to_ink(self.picture).ink
        return None

    def _press(self, x: object, y: object) -> bool:
        """Begin a stroke, whoever draws it."""
        now = self._now()
        self.picture = None
        inked = self.drawing.press(x, y)
        if inked:
            self._remember(now)
        return inked

    def _now(self) -> Content:
        return Content(self.drawing.strokes, self.picture, self.true_digit)

    def _remember(self, now: Content | None = None) -> None:
        """Something else comes: what is there can be brought back, what was taken back cannot."""
        self._before = [*self._before[1 - MOST_UNDONE :], self._now() if now is None else now]
        self._after.clear()
        self.is_back = False

    def _turn(self, from_here: list[Content], to_there: list[Content]) -> None:
        to_there.append(self._now())
        moment, self._by_key, self.is_back = from_here.pop(), False, True
        self.drawing, self.picture = Drawing(moment.strokes), moment.picture
        if self.is_empty:
            self.true_digit = None
        elif self.true_digit is None:
            self.true_digit = moment.true_digit

    def _cursor(self) -> tuple[float, float]:
        return (CANVAS / 2, CANVAS / 2) if self.cursor is None else self.cursor


def _stored(content: bytes) -> StoredDrawing | None:
    """The drawing inside a file of ours, or None for what may be a picture."""
    if content.lstrip()[:1] == b"{":
        return drawing_from_json(content)
    return drawing_from_png(content) if content.startswith(PNG) and len(content) <= MAX_BYTES else None


def _check_picture(content: bytes) -> None:
    try:
        preprocess.to_ink(content)
    except ImageError as error:
        if error.code not in preprocess.UNREAD:  # these are read, as no digit
            raise
