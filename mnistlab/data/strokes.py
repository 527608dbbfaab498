"""A drawing as pen strokes, kept in Python: it can be replayed, undone, stored and tested without a browser.

Convention: a stroke is a float64 array (n, 2) of x, y in px of a 280 x 280 canvas, y down; a drawing is a list of them.
Ink comes from Pillow: uint8 (280, 280), 0 paper, 255 ink.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from mnistlab.common.constants import BOX, CANVAS, PEN_WIDTH, PEN_WIDTHS
from mnistlab.common.errors import StrokesError

MAX_POINTS = 20_000  # in one drawing; a minute of scribbling at 300 points a second
MANY_POINTS = 2_000  # from here on ink is drawn in another way, whose time does not grow with the points
DIGIT = 10 * BOX  # px of the longer side of a digit redrawn for reading: ten for each pixel of MNIST's box of 20
# Pen of a redrawn digit, as a share of its longer side: 2.4 px in the box of 20, as MNIST's pens. Replayed strokes are read
# equally well from 0.08 to 0.14.
PEN_SHARE = 0.12
DOT = 0.5  # pen widths; a drawing that reaches no further than this is a dot
CANVASES = (0.001, 1_000_000)  # length of a side, in whatever unit
REACH = 4 * CANVAS  # px; how far outside the canvas a point may lie before it is pulled back

Canvas = float | Sequence[float]  # the length of a side, or width and height


class Drawing:
    """What a hand has drawn so far, as events bring it. Nothing that comes from outside makes it raise.

    Points that are no finite numbers are left out; a second press ends the stroke that was open; a move or a release
    without a press does nothing. Beyond ``MAX_POINTS`` the drawing takes no more ink until something is undone.
    """

    def __init__(self, strokes: Iterable[ArrayLike] = ()) -> None:
        self._strokes: list[list[tuple[float, float]]] = [
            [tuple(point) for point in stroke.tolist()] for stroke in as_strokes(strokes)
        ]
        self._open = False

    @property
    def strokes(self) -> list[np.ndarray]:
        """All strokes, the open one included: float64 arrays (n, 2), n >= 1."""
        return [np.array(stroke, dtype=np.float64) for stroke in self._strokes]

    @property
    def is_open(self) -> bool:
        """True while the pen is down."""
        return self._open

    @property
    def n_points(self) -> int:
        """Points in all strokes."""
        return sum(len(stroke) for stroke in self._strokes)

    def tail(self, n: int = 2) -> np.ndarray:
        """The last ``n`` points of the last stroke, or as many as it has: float64 (m, 2). Cheap, however long the drawing."""
        return np.array(self._strokes[-1][-n:] if self._strokes else [], dtype=np.float64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._strokes)

    def press(self, x: object, y: object) -> bool:
        """Put the pen down; True if it left ink."""
        self.release()
        if (point := _point(x, y)) is None or self.n_points >= MAX_POINTS:
            return False
        self._strokes.append([point])
        self._open = True
        return True

    def move(self, x: object, y: object) -> bool:
        """Move the pen; True if it left ink, which it does only while it is down."""
        if not self._open or (point := _point(x, y)) is None:
            return False
        if point == self._strokes[-1][-1] or self.n_points >= MAX_POINTS:
            return False
        self._strokes[-1].append(point)
        return True

    def release(self) -> bool:
        """Lift the pen; True if it was down."""
        was_open, self._open = self._open, False
        return was_open

    def undo(self) -> bool:
        """Take back the last stroke; True if there was one."""
        self._open = False
        return bool(self._strokes) and bool(self._strokes.pop())

    def clear(self) -> None:
        """An empty canvas."""
        self._strokes, self._open = [], False


def as_strokes(strokes: Iterable[ArrayLike]) -> list[np.ndarray]:
    """Any list of lists of points as float64 arrays (n, 2); strokes without a point are left out.

    Raises
    ------
    StrokesError : a stroke is not (n, 2) finite numbers, or there are more than 20,000 points or strokes.
    """
    if isinstance(strokes, str | bytes) or not isinstance(strokes, Iterable):
        raise StrokesError(f"a drawing is a list of strokes, not {type(strokes).__name__}", code="type")
    arrays: list[np.ndarray] = []
    points = 0
    for number, stroke in enumerate(strokes):
        if number >= MAX_POINTS:  # or a stream of empty strokes would be read for ever
            raise StrokesError(f"the drawing has more than {MAX_POINTS:,} strokes", code="too-many")
        try:
            array = np.asarray(stroke, dtype=np.float64)
        except (TypeError, ValueError, OverflowError):
            raise StrokesError(f"stroke {number} is not a list of x, y pairs of numbers", code="type") from None
        if array.size == 0:
            continue
        if array.ndim != 2 or array.shape[1] != 2:
            raise StrokesError(f"stroke {number} has shape {array.shape}; it must be (n, 2)", code="shape")
        if not np.isfinite(array).all():
            raise StrokesError(f"stroke {number} holds a number that is not finite", code="finite")
        points += len(array)
        if points > MAX_POINTS:
            raise StrokesError(f"the drawing has more than {MAX_POINTS:,} points", code="too-many")
        arrays.append(array)
    return arrays


def canvas_side(canvas: Canvas) -> float:
    """The longer side of a canvas, in the unit of the points drawn on it.

    Parameters
    ----------
    canvas : the length of its side, or (width, height).

    Raises
    ------
    StrokesError : it is neither, or not from 0.001 to 1,000,000.
    """
    sides = list(canvas) if isinstance(canvas, Sequence) and not isinstance(canvas, str) else [canvas]
    lengths = list(map(_number, sides))
    if len(lengths) not in (1, 2) or not all(CANVASES[0] <= length <= CANVASES[1] for length in lengths):
        raise StrokesError(
            f"canvas is the length of a side, or (width, height), from {CANVASES[0]:g} to {CANVASES[1]:,}; not {canvas!r:.60}",
            code="canvas",
        )
    return max(lengths)


def rasterise(strokes: Sequence[np.ndarray], *, pen_width: float = PEN_WIDTH) -> np.ndarray:
    """Ink of a drawing: uint8 (280, 280), 0 paper, 255 ink; round ends and joins.

    Parameters
    ----------
    strokes : as ``as_strokes`` gives them.
    pen_width : px, 4 to 60.

    Raises
    ------
    StrokesError : the pen is no number from 4 to 60.
    """
    return _draw([np.clip(stroke, -REACH, CANVAS + REACH) for stroke in strokes], check_pen(pen_width) / 2)


def to_standard_size(strokes: Sequence[np.ndarray], *, pen: float = PEN_SHARE) -> tuple[list[np.ndarray], float]:
    """The drawing as large and as thick as any other: its ink 200 px long, in the middle of the canvas.

    What lies outside the canvas is pulled to its edge first, since nobody saw it.

    Parameters
    ----------
    strokes : as ``as_strokes`` gives them, at least one.
    pen : width of the pen as a share of the digit's longer side, ink included.

    Returns
    -------
    the strokes, and the width in px of the pen to draw them with.
    """
    points = np.clip(np.concatenate(strokes), 0, CANVAS)
    low, high = points.min(axis=0), points.max(axis=0)
    width = pen * DIGIT
    scale = (DIGIT - width) / max(float((high - low).max()), 1.0)
    points = (points - (low + high) / 2) * scale + CANVAS / 2
    return np.split(points, np.cumsum([len(stroke) for stroke in strokes[:-1]])), width


def rasterise_standard(strokes: Sequence[np.ndarray]) -> np.ndarray:
    """Ink of a drawing as it is read: uint8 (280, 280), 0 paper, 255 ink.

    Points are whole px: what lies beyond the point is cut off (floor). With whole points and a pen of 24 px Pillow draws in whole
    numbers alone, so that another program can draw the same, byte for byte; ``ink.js`` of the web page does.

    Parameters
    ----------
    strokes : at their standard size, as ``to_standard_size`` gives them.
    """
    return _draw([np.floor(stroke) for stroke in strokes], PEN_SHARE * DIGIT / 2)


def is_dot(strokes: Sequence[np.ndarray], pen_width: float) -> bool:
    """True if the points of all strokes, at least one, lie within half a pen of each other, across and down."""
    return bool(np.ptp(np.concatenate(strokes), axis=0).max() <= DOT * pen_width)


def check_pen(pen_width: object) -> float:
    """The width of a pen in px, if it is a number from 4 to 60.

    Raises
    ------
    StrokesError : it is not.
    """
    if isinstance(pen_width, bool) or not isinstance(pen_width, Real):
        raise StrokesError(f"pen_width is a number of px, not {pen_width!r}", code="pen")
    width = _number(pen_width)
    if not PEN_WIDTHS[0] <= width <= PEN_WIDTHS[1]:  # NaN fails here too
        raise StrokesError(
            f"pen_width lies between {PEN_WIDTHS[0]} and {PEN_WIDTHS[1]} px, not {pen_width}", code="pen"
        )
    return width


def _draw(lines: Sequence[np.ndarray], radius: float) -> np.ndarray:
    """The ink of lines within reach of the canvas: uint8 (280, 280)."""
    if sum(map(len, lines)) > MANY_POINTS:
        return _rasterise_many(lines, radius)
    ink = Image.new("L", (CANVAS, CANVAS), 0)
    draw = ImageDraw.Draw(ink)
    for line in lines:
        if len(line) > 1:
            draw.line(line.ravel().tolist(), fill=255, width=round(2 * radius))
        for box in np.hstack([line - radius, line + radius]).tolist():  # Pillow's own round joins leave cracks
            draw.ellipse(box, fill=255)
    return np.asarray(ink)


def _point(x: object, y: object) -> tuple[float, float] | None:
    """A point within reach of the canvas, or None if one of the two is no finite number."""
    across, down = _number(x), _number(y)
    if not (math.isfinite(across) and math.isfinite(down)):
        return None
    return (min(max(across, -REACH), CANVAS + REACH), min(max(down, -REACH), CANVAS + REACH))


def _number(value: object) -> float:
    """A real number as a float; NaN for anything else, a truth value and a number too large for a float among them."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _rasterise_many(lines: Sequence[np.ndarray], radius: float) -> np.ndarray:
    """The same for any number of points in about the same time: thin lines, then all that lies within the pen's reach.

    Edges may differ by a pixel from those that Pillow draws.
    """
    from scipy.ndimage import distance_transform_edt  # seldom needed

    margin = math.ceil(radius)  # a line beside the canvas reaches into it
    paper = Image.new("L", (CANVAS + 2 * margin, CANVAS + 2 * margin), 255)
    draw = ImageDraw.Draw(paper)
    for line in lines:
        draw.line((line + margin).ravel().tolist(), fill=0)
        draw.point((line[:1] + margin).ravel().tolist(), fill=0)  # a line of one point leaves nothing
    near = distance_transform_edt(np.asarray(paper)) <= radius
    inside = slice(margin, margin + CANVAS)
    return np.where(near[inside, inside], 255, 0).astype(np.uint8)
