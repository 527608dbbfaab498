"""Where the digits of a drawing or a picture lie, as far as boxes tell it: stray marks, lines, pieces in reading order.

Nothing is read here. Pieces that may be two parts of one digit, such as the bar and the stem of an open 4, are left apart, with
the gap between them; whoever reads decides. The limits were chosen on pen strokes of 30 people, writers 1 to 30 of "Pen-Based
Recognition of Handwritten Digits" (Alpaydin and Alimoglu), where of 7,494 digits no two upright parts lie farther apart than 0.13
of the digit's height, and none but stray marks is dropped.

A box is (left, top, right, bottom), x to the right and y down, in whatever unit the drawing has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnistlab.common.constants import CANVAS, PEN_WIDTH

MOST_PIECES = 256  # more are no digits: a text, a hatching, a page of noise
TALL = 0.35  # of the tallest; less is a bar, a dot or a comma, and belongs to what is next to it
# A mark is stray if it lies farther from the digit than this share of the digit's size, the more the larger the mark is itself.
STRAY_SIZE, STRAY_GAP, STRAY_GROWTH = 0.3, 0.12, 1.2
OVERLAP = 0.1  # of the height; what overlaps more from left to right is one digit
# Of the height; two that overlap up to the first, and share the second, may be slanted digits.
CROSSING, ALIKE = 0.3, 0.6
LEVEL = 0.1  # of the lower one's height; pieces that share less of it stand on two lines
STACKED = 0.15  # of the height of both; what stands closer on top of another is one digit with it
BEYOND = PEN_WIDTH / 2  # px; how far outside the canvas a pen still leaves ink on it
UNIT = 0.1  # px; strokes within one px that reach further than this were drawn in a unit square
REACH = 0.6  # of the tallest; a small mark that is farther from a digit belongs to none


class Box(NamedTuple):
    """The sides of what is inside."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def size(self) -> float:
        """Of the longer side."""
        return max(self.width, self.height)


class Piece(NamedTuple):
    """What is one digit, or a part of one."""

    members: tuple[int, ...]  # which strokes, or marks of ink, by their number
    box: Box


def boxes_of(strokes: Sequence[np.ndarray]) -> list[Box]:
    """The box of each stroke, (n, 2) with n >= 1."""
    points, starts = np.concatenate(strokes), np.cumsum([0, *map(len, strokes[:-1])])
    low, high = np.minimum.reduceat(points, starts).tolist(), np.maximum.reduceat(points, starts).tolist()
    return [Box(*first, *last) for first, last in zip(low, high, strict=True)]


def around(boxes: Sequence[Box]) -> Box:
    """The box around boxes, at least one."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return Box(min(left), min(top), max(right), max(bottom))


def join(*pieces: Piece) -> Piece:
    """Pieces as one; its members are in the order of their numbers, as they were drawn."""
    members = sorted(member for piece in pieces for member in piece.members)
    return Piece(tuple(members), around([piece.box for piece in pieces]))


def gap(a: Box, b: Box) -> float:
    """How far ``b`` begins to the right of the end of ``a``, as a share of the height of both; negative if they overlap."""
    return (b.left - a.right) / max(max(a.bottom, b.bottom) - min(a.top, b.top), 1e-9)


def shared_height(a: Box, b: Box) -> float:
    """The share of the height of both that each of them has: 1 for two that stand side by side and are equally tall."""
    both = max(a.bottom, b.bottom) - min(a.top, b.top)
    return (min(a.bottom, b.bottom) - max(a.top, b.top)) / max(both, 1e-9)


def misplaced(box: Box) -> str:
    """Why points, with this box around them, cannot be px of our canvas; "" if they can.

    A pen may go a little beyond the edge.
    """
    least, most = min(box.left, box.top), max(box.right, box.bottom)
    if least < -BEYOND or most > CANVAS + BEYOND:
        far = least if least < -BEYOND else most
        return f"a point lies at {far:g} px, outside the canvas of {CANVAS}; say how large the canvas is (canvas=)"
    if least >= -1 and most <= 1 and box.size > UNIT:
        return "all points lie within 1 px; say how large the canvas is (canvas=1 for a unit square)"
    return ""


def strays(boxes: Sequence[Box]) -> list[int]:
    """Numbers of the marks that are far from the rest and much smaller: a tap, a touch of the palm, a fly on the paper.

    What lies close to a digit stays, however small: a crossbar, a flag, the dot that ends a stroke.
    """
    if len(boxes) < 2:
        return []
    limit = STRAY_SIZE * max(box.size for box in boxes)
    if not limit:
        return []  # dots alone: none is small beside another
    large = [box for box in boxes if box.size > limit]
    found = []
    for number, box in enumerate(boxes):
        if box.size <= limit:
            far, size = min((_distance(box, other), other.size) for other in large)
            if far > STRAY_GAP * size + STRAY_GROWTH * box.size:
                found.append(number)
    return found


def lines(boxes: Sequence[Box]) -> list[list[Piece]]:
    """Boxes as lines of pieces, in reading order: from the top, each line from the left.

    Pieces that overlap from left to right are one; small marks go with what is next to them. More than ``MOST_PIECES`` boxes are
    one piece.
    """
    if len(boxes) < 2 or len(boxes) > MOST_PIECES:
        return [[Piece(tuple(range(len(boxes))), around(boxes))]]
    tallest = max(box.height for box in boxes)
    tall: list[Piece] = []
    small: list[Piece] = []
    for number, box in enumerate(boxes):
        (tall if box.height >= TALL * tallest else small).append(Piece((number,), box))
    pieces = _with_marks(_united(tall), small, REACH * tallest)
    if len(pieces) == 1:
        return [pieces]
    return [sorted(line, key=lambda piece: piece.box.left + piece.box.right) for line in _in_lines(pieces)]


def _distance(a: Box, b: Box) -> float:
    """The gap between two boxes, 0 if they meet."""
    across = max(a.left - b.right, b.left - a.right, 0.0)
    down = max(a.top - b.bottom, b.top - a.bottom, 0.0)
    return math.sqrt(across * across + down * down) if across and down else max(across, down)


def _belong(a: Box, b: Box) -> bool:
    """Two tall boxes of one digit: they overlap from left to right, and neither stands clear on top of the other."""
    first, second = (a, b) if a.left + a.right <= b.left + b.right else (b, a)
    if gap(first, second) >= -OVERLAP or _slanted(first, second):
        return False
    both = max(a.bottom, b.bottom) - min(a.top, b.top)
    return max(a.top - b.bottom, b.top - a.bottom) < STACKED * both


def _slanted(left: Box, right: Box) -> bool:
    """Two that stand side by side although their boxes overlap, as slanted digits do: neither lies within the other."""
    overlap = left.right - right.left
    level = gap(left, right) >= -CROSSING and shared_height(left, right) >= ALIKE
    return level and overlap <= min(left.width, right.width) / 2


def _united(pieces: list[Piece]) -> list[Piece]:
    """Pieces, those of one digit put together."""
    done = pieces[:1]
    for piece in pieces[1:]:
        while parts := [other for other in done if _belong(piece.box, other.box)]:
            done = [other for other in done if other not in parts]
            piece = join(piece, *parts)
        done.append(piece)
    return done


def _with_marks(tall: list[Piece], small: list[Piece], reach: float) -> list[Piece]:
    """Each small mark put to the nearest tall piece; one that is near to none stands by itself."""
    pieces = list(tall)
    for mark in small:
        far, nearest = min((_distance(mark.box, piece.box), number) for number, piece in enumerate(tall))
        if far <= reach:
            pieces[nearest] = join(pieces[nearest], mark)
        else:
            pieces.append(mark)
    return pieces


def _in_lines(pieces: list[Piece]) -> list[list[Piece]]:
    """Pieces by the line they stand on, the uppermost first. A line may rise or fall: each piece is held against its last one."""
    found: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.box.left):
        levels = [_level(piece.box, line[-1].box) for line in found]
        best = max(range(len(found)), key=levels.__getitem__, default=0)
        if found and levels[best] >= LEVEL:
            found[best].append(piece)
        else:
            found.append([piece])
    return sorted(found, key=lambda line: sum(piece.box.top + piece.box.bottom for piece in line) / len(line))


def _level(a: Box, b: Box) -> float:
    """The share of the lower one's height at which the other stands too."""
    return (min(a.bottom, b.bottom) - max(a.top, b.top)) / max(min(a.height, b.height), 1e-9)
