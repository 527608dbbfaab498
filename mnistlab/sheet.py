"""The sheet one draws on: an ipycanvas that takes ink and tells where mouse, pen or finger went.

It remembers nothing: strokes are kept in Python (``strokes.Drawing``), and ``redraw`` shows them. All coordinates are px of
the 280 x 280 canvas. A finger draws as the mouse does; a second one, while the first is down, is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real

import numpy as np
from ipycanvas import Canvas, hold_canvas
from ipywidgets import Layout
from PIL import Image

from mnistlab.strokes import CANVAS

SHARP = 2  # canvas px for each px on the screen: edges stay crisp on high-resolution screens
INK = 0x1A  # grey of the ink


class Sheet(Canvas):
    """A canvas of 280 x 280 px on the screen.

    Parameters
    ----------
    press, move : called with x and y as they came from the browser, in px of the 280 x 280 canvas if they are numbers.
    release : called when the pen is up, or has left the sheet: a button released outside is never heard of.
    """

    def __init__(
        self,
        press: Callable[[object, object], None],
        move: Callable[[object, object], None],
        release: Callable[[], None],
    ) -> None:
        edge = f"{CANVAS}px"  # without a fixed size a box would stretch it
        layout = Layout(width=edge, height=edge, margin="1px 1px 8px")
        super().__init__(width=SHARP * CANVAS, height=SHARP * CANVAS, layout=layout)  # a tooltip breaks its view
        self.add_class("mnistlab-sheet")

        def leave(x: object, y: object) -> None:
            move(_shrink(x), _shrink(y))  # a quick stroke goes on to the edge
            release()

        self.on_mouse_down(lambda x, y: press(_shrink(x), _shrink(y)))
        self.on_mouse_move(lambda x, y: move(_shrink(x), _shrink(y)))
        self.on_mouse_up(lambda x, y: release())
        self.on_mouse_out(leave)
        self.on_touch_start(lambda touches: press(*map(_shrink, touches[0])) if len(touches) == 1 else None)
        self.on_touch_move(lambda touches: move(*map(_shrink, touches[0])) if touches else None)
        self.on_touch_end(lambda touches: release())  # whichever finger was lifted
        self.on_touch_cancel(lambda touches: release())

    def ink(self, points: np.ndarray, pen_width: float) -> None:
        """Add ink along ``points``, float64 (n, 2), with the pen of the last ``redraw``; a single point is a dot."""
        points = SHARP * points
        if len(points) == 1:
            self.fill_circle(*points[0].tolist(), SHARP * pen_width / 2)
        else:
            self.stroke_lines(points)

    def redraw(self, strokes: Sequence[np.ndarray], pen_width: float, picture: np.ndarray | None = None) -> None:
        """Everything again: the ink of a picture, uint8 (H, W), if there is one, then the strokes."""
        pixels = None if picture is None else _fill(picture)
        # A reloaded page does not know which canvas is meant, and ipycanvas names it only when it changes (its issue 322).
        self._canvas_manager._current_canvas = None
        with hold_canvas():  # nothing in here may raise: ipycanvas would hold back every later command
            self.fill_style = self.stroke_style = f"#{INK:02x}{INK:02x}{INK:02x}"
            self.line_cap = self.line_join = "round"
            self.line_width = SHARP * pen_width
            self.clear()
            if pixels is not None:
                self.put_image_data(pixels)
            for stroke in strokes:
                self.ink(stroke[:1], pen_width)
                if len(stroke) > 1:
                    self.ink(stroke, pen_width)


def _shrink(value: object) -> object:
    """Canvas px as drawing px; what is no number is left for the drawing to refuse."""
    return value / SHARP if isinstance(value, Real) else value


def _fill(picture: np.ndarray) -> np.ndarray:
    """Ink as large as the canvas allows, in its middle: uint8 (560, 560, 4), transparent where there is paper."""
    side = SHARP * CANVAS
    ink = Image.fromarray(picture)
    scale = side / max(ink.size)
    ink = ink.resize([max(1, round(scale * edge)) for edge in ink.size])
    left, top = (side - ink.width) // 2, (side - ink.height) // 2
    pixels = np.zeros((side, side, 4), dtype=np.uint8)
    pixels[..., :3] = INK
    pixels[top : top + ink.height, left : left + ink.width, 3] = np.asarray(ink)
    return pixels
