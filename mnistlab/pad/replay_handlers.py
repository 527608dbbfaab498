"""What starts and ends a replay on a pad: the drawing again, stroke by stroke, read as if by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnistlab.data.strokes import Drawing
from mnistlab.pad.playback import Moment, Player
from mnistlab.pad.wiring import Part, handler

if TYPE_CHECKING:
    from mnistlab.pad.widget import DigitPad


class ReplayHandlers(Part):
    """The replays of one pad.

    Parameters
    ----------
    pad : whose drawing is drawn again.
    """

    def __init__(self, pad: DigitPad) -> None:
        super().__init__(pad)
        self._player = Player(self.draw, self.stop)
        self._strokes: list[np.ndarray] = []  # all of the drawing that is replayed

    @property
    def is_playing(self) -> bool:
        """A replay is under way."""
        return self._player.is_playing

    @handler
    def play(self) -> None:
        """Draw what is there again, at the speed of a hand; where there is no event loop to wait in, nothing happens."""
        self.stop()
        strokes = self._pad.drawing.strokes
        if strokes and self._player.start(strokes):
            self._strokes = strokes
            self._show(Drawing(), is_playing=True)

    @handler
    def stop(self) -> None:
        """End a replay; the whole drawing is there again."""
        if self._player.stop():
            self._show(Drawing(self._strokes), is_playing=False)

    @handler
    def draw(self, moment: Moment) -> None:
        """Do what the hand did at a moment of the replay."""
        pad = self._pad
        if moment.event == "press":
            pad.view.ink()
            pad.drawing.press(*moment.points[0].tolist())
            pad.view.dot(moment.points[0])
        elif moment.event == "release":
            pad.drawing.release()
        else:
            for point in moment.points.tolist():
                pad.drawing.move(*point)
                pad.view.follow()
                pad.reading.soon()

    def close(self) -> None:
        """Draw no more."""
        self._player.stop()

    def _show(self, drawing: Drawing, *, is_playing: bool) -> None:
        self._pad.document.drawing = drawing
        self._pad.controls.show_replay(is_playing)
        self._pad.change()
