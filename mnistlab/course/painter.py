"""A kernel to paint, weight by weight, and its map on a digit that one has drawn."""

from __future__ import annotations

import base64
import io
from typing import Any

import ipywidgets as widgets
import numpy as np
from ipycanvas import Canvas, hold_canvas
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mnistlab.common.errors import LabError
from mnistlab.common.html import render
from mnistlab.common.progress import headless
from mnistlab.course.convolution_exercises import as_kernel, correlate
from mnistlab.data.drawings import load_drawings
from mnistlab.data.preprocess import fit
from mnistlab.data.strokes import Drawing, rasterise_standard, to_standard_size
from mnistlab.pad.canvas import InkCanvas
from mnistlab.pad.keyboard import ARROWS
from mnistlab.registry.architecture import KERNEL

Floats = NDArray[np.float64]
CELL = 44  # px of one weight on the screen: large enough for a finger
SHARP = 2  # canvas px for each px on the screen
PEN = 20  # px of the 280 x 280 canvas
FIRST = "four"  # the stored drawing that is shown until somebody draws
COLOURS = {-1: "#0072B2", 0: "#FFFFFF", 1: "#D55E00"}
KEYS = {"+": 1.0, "=": 1.0, "-": -1.0, "0": 0.0}
HELP = "Arrows move, + - 0 paint, Tab leaves."


class KernelPainter(widgets.VBox):
    """A canvas to draw a digit on, 25 weights to paint, and the map that follows.

    Parameters
    ----------
    kernel : to begin with, 5 rows of 5 numbers from -1 to 1.

    Raises
    ------
    LabError : ``kernel`` is none.
    """

    def __init__(self, kernel: ArrayLike) -> None:
        given = as_kernel(kernel)
        if isinstance(given, str):
            raise LabError(given, code="kernel")
        self._kernel, self._place, self._down = given.copy(), (0, 0), False
        self._drawing = Drawing(load_drawings()[FIRST].strokes)
        self.ink = InkCanvas(self._press, self._move, self._release)
        edge = f"{CELL * KERNEL}px"
        side = SHARP * CELL * KERNEL
        self.weights = Canvas(width=side, height=side, layout=widgets.Layout(width=edge, height=edge))
        self.brush = widgets.ToggleButtons(
            options=[("+1", 1.0), ("0", 0.0), ("-1", -1.0)], description="Weight", style={"button_width": "48px"}
        )
        self.digit = widgets.Dropdown(
            options=["your own", *load_drawings()],
            value=FIRST,
            description="Digit",
            style={"description_width": "44px"},
            layout=widgets.Layout(width="280px"),
        )
        self.clear_digit = widgets.Button(description="Clear the digit")
        self.clear_kernel = widgets.Button(description="Clear the kernel")
        self.answer = widgets.HTML()
        self._wire()
        left = widgets.VBox([self.digit, self.ink, self.clear_digit])
        middle = widgets.VBox([self.brush, self.weights, widgets.Label(HELP), self.clear_kernel])
        row = widgets.Layout(flex_flow="row wrap", grid_gap="20px", align_items="flex-start")
        super().__init__([widgets.HBox([left, middle, self.answer], layout=row)])
        self.add_class("mnistlab-painter")
        self.redraw()

    @property
    def kernel(self) -> Floats:
        """The weights as they are painted: float64 (5, 5)."""
        return self._kernel.copy()

    @property
    def picture(self) -> Floats:
        """The digit as a network would get it, ink 0 to 1: float64 (28, 28)."""
        strokes = self._drawing.strokes
        return fit(rasterise_standard(to_standard_size(strokes)[0])) / 255 if strokes else np.zeros((28, 28))

    @property
    def map(self) -> Floats:
        """What the kernel makes of the digit, after the ReLU: float64 (24, 24), 0 or above."""
        return np.maximum(correlate(self.picture, self._kernel), 0)

    def paint(self, row: int, column: int, weight: float) -> None:
        """Give a weight a value and show what follows; a place outside the kernel is passed over."""
        if 0 <= row < KERNEL and 0 <= column < KERNEL:
            self._kernel[row, column] = weight
            self._place = (row, column)
            self.redraw()

    def key(self, key: object, shift: bool = False) -> None:
        """A key pressed on the weights: arrows move the frame, ``+``, ``-`` and ``0`` paint, Tab and Escape lead out.

        Parameters
        ----------
        key : as the browser names it.
        shift : with Tab, back.
        """
        row, column = self._place
        if isinstance(key, str) and key in ARROWS:
            dx, dy = ARROWS[key]
            self._place = ((row + dy) % KERNEL, (column + dx) % KERNEL)
            self._draw_weights()
        elif isinstance(key, str) and key in KEYS:
            self.paint(row, column, KEYS[key])
        elif key in ("Tab", "Escape"):
            (self.brush if shift else self.clear_kernel).focus()

    def redraw(self) -> None:
        """Show the weights, the ink and the map as they are."""
        self._draw_weights()
        self.ink.redraw(self._drawing.strokes, PEN)
        self._show_map()

    def _wire(self) -> None:
        self.weights.on_mouse_down(lambda x, y: self._brush(x, y, start=True))
        self.weights.on_mouse_move(lambda x, y: self._brush(x, y))
        for leave in (self.weights.on_mouse_up, self.weights.on_mouse_out):
            leave(lambda x, y: setattr(self, "_down", False))
        self.weights.on_touch_start(lambda touches: self._brush(*touches[0], start=True) if touches else None)
        self.weights.on_touch_move(lambda touches: self._brush(*touches[0]) if touches else None)
        self.weights.on_key_down(lambda key, shift, *others: self.key(key, shift))
        self.ink.on_key_down(lambda key, shift, *others: self._leave(key, shift))
        self.weights.on_client_ready(self.redraw)
        self.clear_kernel.on_click(lambda button: self._set(np.zeros((KERNEL, KERNEL))))
        self.clear_digit.on_click(lambda button: self._choose("your own"))
        self.digit.observe(lambda change: self._choose(change["new"]), names="value")

    def _leave(self, key: object, shift: bool) -> None:
        """A canvas swallows every key, so those that lead out of it are followed here."""
        if key in ("Tab", "Escape"):
            (self.digit if shift else self.clear_digit).focus()

    def _set(self, kernel: Floats) -> None:
        self._kernel = kernel
        self.redraw()

    def _choose(self, name: str) -> None:
        self._drawing = Drawing(load_drawings()[name].strokes if name != "your own" else [])
        self.digit.value = name
        self.redraw()

    def _brush(self, x: float, y: float, *, start: bool = False) -> None:
        self._down = self._down or start
        if self._down:
            self.paint(int(y // (SHARP * CELL)), int(x // (SHARP * CELL)), self.brush.value)

    def _press(self, x: object, y: object) -> None:
        if self.digit.value != "your own":  # the first stroke of a hand replaces the stored digit
            self._choose("your own")
        self._drawing.press(x, y)
        self._follow()

    def _move(self, x: object, y: object) -> None:
        if self._drawing.move(x, y):
            self._follow()

    def _release(self) -> None:
        self._drawing.release()

    def _follow(self) -> None:
        tail = self._drawing.tail(6)
        if len(tail) == 1:
            self.ink.dot(tail[0], PEN)
        elif len(tail):
            self.ink.follow(tail)
        self._show_map()

    def _draw_weights(self) -> None:
        canvas, cell = self.weights, SHARP * CELL
        with hold_canvas():
            canvas._canvas_manager._current_canvas = None  # as in ``InkCanvas.redraw``
            canvas.clear()
            for (row, column), weight in np.ndenumerate(self._kernel):
                canvas.fill_style = _colour(weight)
                canvas.fill_rect(column * cell, row * cell, cell, cell)
                canvas.stroke_style, canvas.line_width = "#8C8C8C", SHARP
                canvas.stroke_rect(column * cell, row * cell, cell, cell)
                canvas.fill_style = "#000000"
                canvas.font, canvas.text_align, canvas.text_baseline = f"{13 * SHARP}px sans-serif", "center", "middle"
                canvas.fill_text(f"{weight:+g}" if weight else "0", (column + 0.5) * cell, (row + 0.5) * cell)
            row, column = self._place
            canvas.stroke_style, canvas.line_width = "#000000", 3 * SHARP
            canvas.stroke_rect(column * cell + 3, row * cell + 3, cell - 6, cell - 6)

    def _show_map(self) -> None:
        answer = self.map
        file = io.BytesIO()
        Image.fromarray(np.uint8(255 - 255 * answer / max(answer.max(), 1e-9))).save(file, "PNG")
        row, column = np.unravel_index(int(answer.argmax()), answer.shape)
        self.answer.value = render(
            "course/map.html",
            source="data:image/png;base64," + base64.b64encode(file.getvalue()).decode(),
            strongest=float(answer.max()),
            row=int(row),
            column=int(column),
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """The widget; where nobody is watching, a picture of it."""
        if not headless():
            bundle: dict[str, Any] = super()._repr_mimebundle_()
            return bundle
        from mnistlab.plots.convolution import painted

        file = io.BytesIO()
        figure = painted(self.kernel, self.picture, self.map)[0].figure
        figure.savefig(file, format="png", dpi=100)
        _close(figure)
        return {"text/plain": repr(self), "image/png": base64.b64encode(file.getvalue()).decode()}

    def __repr__(self) -> str:
        return f"KernelPainter(strongest answer {self.map.max():.2f})"


def _close(figure: object) -> None:
    import matplotlib.pyplot as plt

    plt.close(figure)  # type: ignore[arg-type]  # shown here, not once more under the cell


def _colour(weight: float) -> str:
    """White at 0, towards orange above it and towards blue below, as in every figure."""
    ends = [int(COLOURS[int(np.sign(weight))][i : i + 2], 16) for i in (1, 3, 5)]
    share = min(abs(weight), 1.0) * 0.75
    return "#" + "".join(f"{round(255 + share * (end - 255)):02x}" for end in ends)
