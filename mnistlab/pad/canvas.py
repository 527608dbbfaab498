"""The canvas one draws on: an ipycanvas that takes ink and tells where mouse, pen or finger went, and which key was pressed.

It remembers nothing: strokes are kept in Python (``document.Document``), and ``redraw`` shows them. All coordinates are px of
the 280 x 280 canvas. A finger draws as the mouse does; a second one, while the first is down, is passed over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from numbers import Real

import numpy as np
from ipycanvas import Canvas, hold_canvas
from ipywidgets import Layout
from PIL import Image

from mnistlab.common.constants import CANVAS
from mnistlab.data import polyline
from mnistlab.pad import heatmap

SHARP = 2  # canvas px for each px on the screen: edges stay crisp on high-resolution screens
INK = 0x1A  # grey of the ink
REACH = 4  # points before the new ones that their curve depends on
ARM = 9  # px; half the width of the keyboard's cross
CROSS = "#0072B2"
HALO = "#FFFFFF"
_MANAGER = threading.RLock()  # all canvases send through one manager, which remembers whose commands come


class InkCanvas(Canvas):
    """A canvas of 280 x 280 px on the screen.

    Parameters
    ----------
    press, move : called with x and y as they came from the browser, in px of the 280 x 280 canvas if they are numbers.
    release : called when the pen is up, or has left the canvas: a button released outside is never heard of.
    """

    def __init__(
        self,
        press: Callable[[object, object], None],
        move: Callable[[object, object], None],
        release: Callable[[], None],
    ) -> None:
        edge = f"{CANVAS}px"  # without a fixed size a box would stretch it
        layout = Layout(width=edge, height=edge, margin="0")
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

    def dot(self, point: np.ndarray, pen_width: float) -> None:
        """Put the pen of the last ``redraw`` down at ``point``, float64 (2,)."""
        with _MANAGER:
            self.fill_circle(*(SHARP * point).tolist(), SHARP * pen_width / 2)

    def follow(self, tail: np.ndarray, new: int = 1) -> None:
        """Draw on to the last points of a stroke.

        Parameters
        ----------
        tail : the last ``new`` points and the ``REACH`` before them, or as many as there are, float64 (n, 2). The stretch
            before the new ones is drawn once more: which way its curve runs is known only now.
        """
        curve = SHARP * polyline.ink(tail, first=max(0, len(tail) - new - 2))
        with _MANAGER:
            self.stroke_lines(curve)

    def redraw(
        self,
        strokes: Sequence[np.ndarray],
        pen_width: float,
        *,
        picture: np.ndarray | None = None,
        shades: tuple[np.ndarray, np.ndarray] | None = None,
        cursor: tuple[float, float] | None = None,
        pen_is_down: bool = False,
    ) -> None:
        """Everything again: the ink of a picture, then the strokes, then the keyboard's cross.

        Parameters
        ----------
        strokes : float64 arrays (n, 2).
        picture : ink, uint8 (H, W), or None.
        shades : short lines over the strokes and their colours, as ``heatmap.shade`` gives them; the ink below, and what is
            drawn next, is grey then. None leaves it dark.
        cursor : where the keyboard's pen stands, px, or None.
        pen_is_down : whether it leaves ink.
        """
        pixels = None if picture is None else _fill(picture)
        curves = [polyline.ink(stroke) for stroke in strokes]
        ink = f"#{INK:02x}{INK:02x}{INK:02x}" if shades is None else "#{:02x}{:02x}{:02x}".format(*heatmap.NEUTRAL)
        with _MANAGER, hold_canvas():  # nothing in here may raise: ipycanvas would hold back every later command
            # A reloaded page does not know which canvas is meant, and ipycanvas names it only when it changes (its issue 322).
            self._canvas_manager._current_canvas = None
            self._pen(ink, pen_width)
            self.clear()
            if pixels is not None:
                self.put_image_data(pixels)
            for curve in curves:
                self.dot(curve[0], pen_width)
                if len(curve) > 1:
                    self.stroke_lines(SHARP * curve)
            if shades is not None and len(shades[0]):
                self.stroke_styled_line_segments(SHARP * shades[0], shades[1])
            if cursor is not None:
                self._cross(cursor, pen_width, pen_is_down)
                self._pen(ink, pen_width)

    def _pen(self, colour: str, width: float) -> None:
        self.fill_style = self.stroke_style = colour
        self.line_cap = self.line_join = "round"
        self.line_width = SHARP * width

    def _cross(self, cursor: tuple[float, float], pen_width: float, down: bool) -> None:
        """A cross with a light rim, so that it shows on ink too; in a ring as wide as the pen while that is up."""
        x, y = (SHARP * value for value in cursor)
        arm = SHARP * ARM
        for colour, width in ((HALO, 3.5), (CROSS, 1.5)):
            self._pen(colour, width)
            self.stroke_line(x - arm, y, x + arm, y)
            self.stroke_line(x, y - arm, x, y + arm)
            if not down:
                self.stroke_circle(x, y, SHARP * pen_width / 2)


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
