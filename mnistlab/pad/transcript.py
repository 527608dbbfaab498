"""Several digits drawn one after another, and the reading as text that can be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistlab.pad.prediction_html import as_text
from mnistlab.pad.wiring import Part, handler

if TYPE_CHECKING:
    from mnistlab.pad.widget import DigitPad

UNREAD = "?"  # stands for what was no digit


class Transcript(Part):
    """What was read on one pad, digit by digit.

    Attributes
    ----------
    digits : of the drawings before the one on the canvas, each a text of one character.
    """

    def __init__(self, pad: DigitPad) -> None:
        super().__init__(pad)
        self.digits: list[str] = []

    @property
    def text(self) -> str:
        """All digits so far, ``"735"``; of a single drawing all that it may be, ``"4 or 9"``."""
        if not self.digits:
            return as_text(self._pad.prediction)
        return "".join([*self.digits, self._now()])

    def _now(self) -> str:
        """The likeliest digit on the canvas, or several; empty if there is none."""
        reading = self._pad.prediction
        return as_text(reading) if reading.parts else "" if reading.digit is None else str(reading.digit)

    @handler
    def next_digit(self) -> None:
        """Keep the answer, and have an empty canvas for another digit."""
        pad = self._pad
        if not pad.document.is_empty:
            self.digits.append(self._now() or UNREAD)
        pad.clear()

    @handler
    def start_again(self) -> None:
        """Forget the digits before the one on the canvas."""
        self.digits.clear()
        self._pad.view.show()
