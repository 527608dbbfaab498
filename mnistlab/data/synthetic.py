"""Digits the lab draws itself, in the ways people write them, the ones MNIST lacks included.

MNIST comes from the United States around 1990: it hardly holds a 1 with an upstroke, a crossed 7 or a 9 with a curled tail.
Here each way of writing a digit is a ``Style``: a few control points by our own hand in a unit box, x to the right and y down.
``draw`` bends, slants and jitters a style at random; ``draw_digits`` makes training images of it by the same path that a person's
strokes take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistlab.common.constants import CANVAS, CLASSES, SIDE
from mnistlab.common.errors import LabError
from mnistlab.common.progress import track
from mnistlab.data.preprocess import fit
from mnistlab.data.strokes import DIGIT, rasterise, to_standard_size

if TYPE_CHECKING:
    import torch

    from mnistlab.data.mnist import Digits

PENS = (0.07, 0.17)  # share of the digit's longer side; MNIST's own pens lie within
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Style:
    """One way to write a digit."""

    digit: int  # 0 to 9
    name: str  # what is special about it
    weight: float  # how often it is drawn, against the digit's other styles
    # control points (x, y) in a unit box; a point given twice is a corner, the rest is smooth
    strokes: tuple[Points, ...]


def _ellipse(x: float, y: float, width: float, height: float, start: float, end: float, n: int) -> Points:
    """Points on an ellipse round (x, y), from one angle to another in degrees; 0 is right, 90 is down."""
    angles = np.radians(np.linspace(start, end, n))
    return tuple(zip(x + width / 2 * np.cos(angles), y + height / 2 * np.sin(angles), strict=True))


# fmt: off
STYLES: tuple[Style, ...] = (
    Style(0, "oval", 3, (_ellipse(.5, .5, .68, 1, -90, -460, 16),)),
    Style(0, "clockwise", 1, (_ellipse(.5, .5, .68, 1, -100, 270, 16),)),
    Style(0, "open at the top", 1, (_ellipse(.5, .5, .68, 1, -70, -400, 15),)),
    Style(0, "round", 1, (_ellipse(.5, .5, .96, 1, -90, -455, 16),)),
    Style(0, "slashed", .6, (_ellipse(.5, .5, .72, 1, -90, -455, 16), ((.82, .08), (.5, .5), (.18, .92)))),
    Style(0, "slashed beyond", .5, (_ellipse(.5, .5, .7, .8, -90, -455, 16), ((.94, 0), (.5, .5), (.06, 1)))),
    Style(1, "bar", 1.5, (((.5, 0), (.5, .5), (.5, 1)),)),
    Style(1, "upstroke", 3, (((.12, .38), (.34, .2), (.55, 0), (.55, 0), (.55, .5), (.55, 1)),)),
    Style(1, "long upstroke", 3, (((.02, .55), (.3, .3), (.58, 0), (.58, 0), (.57, .5), (.56, 1)),)),
    Style(1, "bent upstroke", 2, (((.0, .5), (.35, .2), (.62, .02), (.64, .04), (.58, .5), (.5, 1)),)),
    Style(1, "steep upstroke", 1, (((.1, .32), (.35, .14), (.6, 0), (.6, 0), (.5, .5), (.38, 1)),)),
    Style(1, "upstroke from the ground", 2, (((0, 1), (.28, .52), (.56, 0), (.56, 0), (.6, .5), (.66, 1)),)),
    Style(1, "curled upstroke", 1, (((0, .88), (.05, 1), (.3, .7), (.58, .2), (.7, .02), (.62, .0), (.5, .3), (.42, .7),
                                     (.45, .95), (.56, 1)),)),
    Style(1, "short hook", 1.5, (((.32, .18), (.45, .08), (.54, 0), (.54, 0), (.53, .5), (.52, 1)),)),
    Style(1, "upstroke and foot", 1, (((.2, .28), (.4, .13), (.52, 0), (.52, 0), (.52, .5), (.52, 1)),
                                      ((.18, 1), (.5, 1), (.84, 1)))),
    Style(1, "foot in one stroke", .4, (((.25, .25), (.5, 0), (.5, 0), (.5, 1), (.5, 1), (.2, 1), (.8, 1)),)),
    Style(2, "plain", 3, (((.1, .25), (.25, .05), (.55, 0), (.82, .15), (.8, .4), (.5, .72), (.08, 1), (.08, 1),
                           (.5, 1), (.92, 1)),)),
    Style(2, "loop", 2, (((.12, .25), (.3, .04), (.6, .02), (.8, .2), (.7, .5), (.4, .82), (.2, .97), (.1, .88),
                          (.25, .8), (.5, .93), (.75, 1), (.95, .9)),)),
    Style(2, "swan", 1, (((.1, .3), (.3, .05), (.6, .02), (.82, .2), (.72, .5), (.4, .8), (.05, .98), (.35, .9),
                          (.65, 1), (.95, .95)),)),
    Style(2, "angular", .5, (((.1, .08), (.5, .02), (.85, .05), (.85, .05), (.5, .5), (.1, .98), (.1, .98), (.5, .97),
                              (.92, .97)),)),
    Style(3, "round", 3, (((.12, .15), (.4, 0), (.75, .1), (.78, .3), (.45, .46), (.45, .46), (.8, .58), (.85, .82),
                           (.5, 1), (.1, .88)),)),
    Style(3, "flat top", 1, (((.12, .02), (.5, .02), (.85, .02), (.85, .02), (.6, .25), (.42, .42), (.42, .42),
                              (.78, .5), (.86, .78), (.5, 1), (.1, .9)),)),
    Style(3, "soft", 1.5, (((.15, .12), (.5, 0), (.78, .18), (.6, .42), (.4, .47), (.65, .5), (.88, .72), (.55, 1),
                            (.08, .92)),)),
    Style(4, "open", 3, (((.25, 0), (.18, .3), (.1, .6), (.1, .6), (.5, .6), (.9, .58)), ((.72, .2), (.7, .6), (.68, 1)))),
    Style(4, "open, round", 1, (((.15, .02), (.12, .35), (.3, .52), (.6, .5), (.8, .4)), ((.82, .02), (.8, .5), (.78, 1)))),
    Style(4, "closed", 2, (((.62, 0), (.35, .33), (.05, .66), (.05, .66), (.5, .66), (.95, .66)),
                           ((.64, 0), (.64, .5), (.64, 1)))),
    Style(4, "closed, one stroke", 1, (((.66, 1), (.66, .5), (.66, 0), (.66, 0), (.35, .35), (.05, .68), (.05, .68),
                                        (.5, .68), (.95, .68)),)),
    Style(4, "short bar", 1.5, (((.4, 0), (.2, .35), (.06, .64), (.06, .64), (.5, .66), (.95, .64)),
                                ((.6, .4), (.58, .7), (.55, 1)))),
    Style(4, "leaning", 1, (((.5, 0), (.3, .3), (.08, .55), (.08, .55), (.45, .55), (.85, .45)),
                            ((.75, .15), (.6, .55), (.45, 1)))),
    Style(5, "two strokes", 3, (((.25, .02), (.2, .25), (.16, .45), (.16, .45), (.5, .36), (.82, .52), (.8, .82),
                                 (.5, 1), (.12, .92)), ((.25, .02), (.55, .02), (.88, 0)))),
    Style(5, "one stroke", 2, (((.85, .02), (.55, .02), (.25, .03), (.25, .03), (.2, .25), (.16, .44), (.16, .44),
                                (.5, .36), (.84, .55), (.8, .85), (.45, 1), (.1, .9)),)),
    Style(5, "like an S", 1, (((.85, .02), (.5, 0), (.25, .1), (.22, .35), (.5, .45), (.8, .62), (.75, .88), (.4, 1),
                               (.1, .92)),)),
    Style(5, "bar apart", 1, (((.22, .1), (.2, .3), (.18, .48), (.18, .48), (.5, .4), (.8, .58), (.76, .86), (.45, 1),
                               (.12, .95)), ((.2, .06), (.55, .03), (.95, 0)))),
    Style(6, "plain", 3, (((.72, 0), (.4, .2), (.16, .55), (.2, .88), (.5, 1), (.8, .85), (.78, .6), (.5, .5),
                           (.22, .7)),)),
    Style(6, "straight back", 1, (((.5, 0), (.3, .3), (.15, .65), (.28, .95), (.6, 1), (.82, .8), (.65, .6),
                                   (.35, .62), (.18, .75)),)),
    Style(6, "curled", 1, (((.85, .1), (.6, 0), (.3, .15), (.12, .5), (.18, .85), (.5, 1), (.82, .82), (.75, .58),
                            (.45, .52), (.18, .7)),)),
    Style(6, "small loop", 1, (((.7, 0), (.45, .25), (.25, .6), (.25, .85), (.45, 1), (.65, .9), (.6, .7), (.4, .68),
                                (.25, .8)),)),
    Style(7, "plain", 2, (((.08, .03), (.5, .02), (.9, .02), (.9, .02), (.65, .4), (.45, 1)),)),
    Style(7, "crossed", 3, (((.08, .05), (.5, .03), (.9, .02), (.9, .02), (.65, .45), (.42, 1)),
                            ((.2, .5), (.5, .48), (.85, .46)))),
    Style(7, "serif", 1, (((.08, .2), (.1, .03), (.1, .03), (.5, .03), (.9, .02), (.9, .02), (.62, .45), (.45, 1)),)),
    Style(7, "serif, crossed", 1.5, (((.08, .2), (.1, .03), (.1, .03), (.5, .05), (.9, .02), (.9, .02), (.62, .45),
                                      (.42, 1)), ((.22, .52), (.5, .5), (.85, .47)))),
    Style(7, "curved", 1, (((.08, .1), (.3, .02), (.6, .05), (.9, .02), (.9, .02), (.6, .4), (.5, .7), (.48, 1)),)),
    Style(7, "curved, crossed", 1.5, (((.05, .14), (.25, .03), (.6, .07), (.9, .03), (.9, .03), (.62, .42), (.5, .7),
                                       (.45, 1)), ((.25, .55), (.55, .5), (.88, .46)))),
    Style(7, "round, crossed", 1.5, (((.08, .22), (.2, .06), (.5, .02), (.78, .06), (.78, .2), (.6, .5), (.42, 1)),
                                     ((.12, .6), (.5, .57), (.95, .55)))),
    Style(8, "S and back", 3, (((.75, .12), (.5, 0), (.24, .14), (.3, .38), (.6, .52), (.82, .76), (.5, 1), (.2, .8),
                                (.35, .54), (.68, .38), (.78, .16), (.7, .08)),)),
    Style(8, "two circles", 1, (_ellipse(.5, .25, .56, .5, 90, 450, 11), _ellipse(.5, .74, .68, .52, -90, 270, 11))),
    Style(8, "from the middle", 1, (((.5, .48), (.25, .25), (.5, 0), (.75, .22), (.5, .48), (.2, .75), (.5, 1),
                                     (.8, .76), (.5, .5)),)),
    Style(8, "from the top right", 1.5, (((.85, .05), (.55, 0), (.25, .2), (.5, .48), (.8, .75), (.5, 1), (.2, .78),
                                          (.5, .45), (.85, .05)),)),
    Style(8, "small below", 1, (((.8, .1), (.5, 0), (.2, .15), (.4, .45), (.6, .7), (.5, .98), (.35, .85), (.5, .5),
                                 (.85, .1)),)),
    Style(9, "straight tail", 3, (((.78, .1), (.5, 0), (.2, .18), (.25, .42), (.55, .5), (.78, .3), (.8, .08),
                                   (.8, .08), (.78, .5), (.74, 1)),)),
    Style(9, "two strokes", 1, (_ellipse(.48, .26, .64, .52, -20, -380, 11), ((.8, .1), (.78, .5), (.74, 1)))),
    Style(9, "curled tail", 3, (((.8, .12), (.5, 0), (.2, .16), (.24, .42), (.55, .48), (.8, .25), (.82, .1),
                                 (.82, .5), (.76, .85), (.45, 1), (.15, .9)),)),
    Style(9, "hooked tail", 1.5, (((.8, .12), (.5, 0), (.2, .18), (.26, .42), (.55, .48), (.78, .25), (.8, .1),
                                   (.8, .6), (.65, .95), (.35, 1), (.2, .88)),)),
    Style(9, "slanted tail", 2, (((.82, .15), (.55, 0), (.22, .15), (.25, .4), (.55, .45), (.82, .15), (.7, .55),
                                  (.5, 1)),)),
    Style(9, "small head, long tail", 1.5, (((.72, .1), (.5, 0), (.28, .12), (.3, .3), (.55, .34), (.72, .2),
                                             (.74, .06), (.74, .06), (.75, .5), (.72, 1)),)),
    Style(9, "small head, wide curl", 2.5, (((.7, .08), (.5, 0), (.3, .1), (.3, .3), (.5, .36), (.7, .22), (.74, .06),
                                             (.84, .45), (.84, .8), (.5, 1), (.02, .96)),)),
    Style(9, "open head, wide curl", 2, (((.66, .02), (.36, .08), (.26, .28), (.46, .4), (.72, .3), (.76, .12),
                                          (.84, .5), (.78, .86), (.4, 1), (.05, .9)),)),
    Style(9, "tiny head, slanted", 2, (((.8, .08), (.62, 0), (.5, .1), (.58, .2), (.78, .14), (.82, .06), (.82, .06), (.6, .5),
                                        (.2, 1)),)),
    Style(9, "tiny head, curl", 2, (((.72, .08), (.52, .02), (.4, .12), (.5, .24), (.7, .18), (.76, .06), (.8, .4), (.78, .75),
                                     (.5, .97), (.1, .92)),)),
    Style(9, "flat foot", 1.5, (((.75, .1), (.45, 0), (.25, .2), (.4, .42), (.68, .34), (.76, .1), (.82, .5),
                                 (.74, .82), (.5, .96), (.25, .98), (0, .94)),)),
    Style(9, "head from the right", 1, (((.85, .05), (.5, .02), (.2, .12), (.2, .35), (.5, .42), (.75, .3), (.72, .6),
                                         (.6, 1)),)),
)
# fmt: on


def draw(digit: int, rng: np.random.Generator, *, style: str | None = None) -> list[np.ndarray]:
    """Strokes of a digit as somebody might write it: float64 arrays (n, 2), px of a 280 x 280 canvas.

    Parameters
    ----------
    digit : 0 to 9.
    rng : all randomness comes from here.
    style : name of one of the digit's styles; None draws one by its weight.

    Raises
    ------
    LabError : there is no such digit or style.
    """
    styles = [known for known in STYLES if known.digit == digit and style in (None, known.name)]
    if not styles:
        names = ", ".join(known.name for known in STYLES if known.digit == digit)
        raise LabError(f"there is no style {style!r} of {digit!r}; choose from {names or 'none'}", code="style")
    weights = np.array([known.weight for known in styles])
    chosen = styles[rng.choice(len(styles), p=weights / weights.sum())]
    # Width against height as broad as in MNIST; a 1 is narrower.
    return vary(chosen.strokes, rng, aspect=(-0.75, 0.45) if digit == 1 else (-0.25, 0.28))


def vary(
    shapes: Sequence[Points | np.ndarray], rng: np.random.Generator, *, aspect: tuple[float, float] = (-0.25, 0.28)
) -> list[np.ndarray]:
    """A shape as one hand might write it once: control points moved, bent, slanted and turned at random.

    Returns strokes, float64 arrays (n, 2), px of a 280 x 280 canvas.

    Parameters
    ----------
    shapes : control points (x, y) of each stroke in a unit box, as in ``Style``.
    rng : all randomness comes from here.
    aspect : mean and spread of the logarithm of width against height.
    """
    stretch = np.exp(rng.normal(*aspect))
    slant, turn = rng.normal(0.1, 0.22), rng.normal(0, 0.08)
    bend, phase = rng.normal(0, 0.035, (2, 2)), rng.uniform(0, 2 * np.pi, (2, 2))
    strokes = []
    for points in shapes:
        path = _smooth(_jitter(np.array(points), rng, apart=len(shapes) > 1))
        path = path + _wave(path[:, ::-1], bend, phase)
        first, last = int(rng.uniform(0, 0.06) * len(path)), len(path) - int(rng.uniform(0, 0.08) * len(path))
        path = path[first:last] - 0.5
        x, y = stretch * path[:, 0] - slant * path[:, 1], path[:, 1]
        turned = np.stack([np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y], axis=1)
        strokes.append(turned * DIGIT + CANVAS / 2)
    return strokes


def draw_digits(n: int, *, seed: int, show_progress: bool = True) -> Digits:
    """``n`` drawn digits, each class as often as chance gives it, as training images.

    Raises
    ------
    LabError : ``n`` is negative.
    """
    import torch

    from mnistlab.data.mnist import Digits

    if n < 0:
        raise LabError(f"the number of digits to draw is 0 or more, not {n}", code="number")
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, n)
    images = np.zeros((n, SIDE, SIDE), dtype=np.uint8)
    for index, label in enumerate(track(labels, description="drawing digits", show=show_progress)):
        images[index] = training_image(draw(int(label), rng), pen=rng.uniform(*PENS))
    return Digits(torch.from_numpy(images), torch.from_numpy(labels))


def samples(n: int, *, seed: int) -> dict[Style, torch.Tensor]:
    """``n`` pictures of every style, in the order of ``STYLES``: uint8 tensors (n, 28, 28)."""
    import torch

    rng = np.random.default_rng(seed)
    return {
        style: torch.from_numpy(
            np.stack(
                [training_image(draw(style.digit, rng, style=style.name), pen=rng.uniform(*PENS)) for _ in range(n)]
            )
        )
        for style in STYLES
    }


def training_image(strokes: list[np.ndarray], *, pen: float) -> np.ndarray:
    """The training image of a drawing: uint8 (28, 28); ``pen`` is a share of the digit's longer side."""
    standard, width = to_standard_size(strokes, pen=pen)
    return fit(rasterise(standard, pen_width=width))


def _jitter(points: np.ndarray, rng: np.random.Generator, *, apart: bool) -> np.ndarray:
    """Control points moved a little, corners kept; a stroke that is not the only one moves as a whole as well."""
    moved = rng.normal(0, 0.035, points.shape)
    for index in range(1, len(points)):
        if (points[index] == points[index - 1]).all():
            moved[index] = moved[index - 1]
    return points + moved + (rng.normal(0, 0.028, 2) if apart else 0)


def _wave(along: np.ndarray, bend: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Half a wave and a whole one across the digit, so that no two are bent alike: (n, 2) -> (n, 2)."""
    angles = 2 * np.pi * along[:, :, None] * np.array([0.5, 1.0]) + phase
    return (bend * np.sin(angles)).sum(axis=2)


def _smooth(points: np.ndarray, steps: int = 6) -> np.ndarray:
    """A Catmull-Rom curve through the points (Catmull and Rom 1974), broken where a point stands twice."""
    corners = [index for index in range(1, len(points)) if (points[index] == points[index - 1]).all()]
    return np.concatenate([_curve(part, steps) for part in np.split(points, corners)])


def _curve(p: np.ndarray, steps: int) -> np.ndarray:
    if len(p) < 3:
        return p
    ends = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    a, b, c, d = (ends[i : len(ends) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    curve = (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
    return np.concatenate([curve.reshape(-1, 2), p[-1:]])
