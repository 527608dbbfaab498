"""Pictures that are no digit, drawn by the lab: letters, signs and scribbles.

A network that has only ever seen digits finds one in anything. Shown these as well, and taught to prefer no class for them,
it becomes unsure of what it was not made for, also of shapes that are not among them (outlier exposure: Hendrycks, Mazeika
and Dietterich 2019). Letters that a digit may look like are not drawn: the twins of 0, 1, 2, 5, 6, 8 and 9, such as O, l, Z,
S, b, B and q, and those that hasty hands write as others do a 1, a 4 or a 7, which are ``CLOSE``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistlab.common.constants import CANVAS, SIDE
from mnistlab.common.errors import LabError
from mnistlab.common.progress import track
from mnistlab.data.preprocess import fit
from mnistlab.data.synthetic import PENS, Points, training_image, vary

if TYPE_CHECKING:
    import torch

CLOSE = "HLhnrtu"  # letters near to a digit: not learned, but good to judge by
FACES = (
    *("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Italic"),
    *("STIXGeneral", "STIXGeneralItalic", "cmr10", "cmss10", "cmtt10"),
)

# fmt: off
# Control points (x, y) in a unit box, as in ``synthetic.STYLES``: a point given twice is a corner.
LETTERS: dict[str, tuple[Points, ...]] = {
    "A": (((0, 1), (.25, .5), (.5, 0), (.5, 0), (.75, .5), (1, 1)), ((.18, .62), (.5, .6), (.82, .62))),
    "E": (((.9, 0), (.5, 0), (.1, 0), (.1, 0), (.1, .5), (.1, 1), (.1, 1), (.5, 1), (.9, 1)), ((.1, .5), (.4, .5), (.75, .48))),
    "F": (((.9, 0), (.5, 0), (.1, 0), (.1, 0), (.1, .5), (.1, 1)), ((.1, .48), (.4, .48), (.75, .46))),
    "K": (((.1, 0), (.1, .5), (.1, 1)), ((.9, 0), (.5, .3), (.12, .55), (.12, .55), (.5, .75), (.95, 1))),
    "M": (((.05, 1), (.08, .5), (.1, 0), (.1, 0), (.3, .35), (.5, .7), (.5, .7), (.7, .35), (.9, 0), (.9, 0),
           (.92, .5), (.95, 1)),),
    "N": (((.1, 1), (.1, .5), (.1, 0), (.1, 0), (.5, .5), (.9, 1), (.9, 1), (.9, .5), (.9, 0)),),
    "P": (((.15, 1), (.15, .5), (.15, 0)), ((.15, .04), (.55, 0), (.88, .14), (.85, .38), (.55, .52), (.15, .52))),
    "R": (((.15, 1), (.15, .5), (.15, 0)),
          ((.15, .04), (.55, 0), (.88, .14), (.8, .38), (.5, .5), (.2, .5), (.2, .5), (.5, .72), (.9, 1))),
    "T": (((0, .02), (.5, 0), (1, .02)), ((.5, 0), (.5, .5), (.5, 1))),
    "U": (((.08, 0), (.08, .4), (.12, .8), (.5, 1), (.88, .8), (.92, .4), (.92, 0)),),
    "V": (((0, 0), (.25, .5), (.5, 1), (.5, 1), (.75, .5), (1, 0)),),
    "W": (((0, 0), (.12, .5), (.25, 1), (.25, 1), (.38, .6), (.5, .25), (.5, .25), (.62, .6), (.75, 1), (.75, 1), (.88, .5),
           (1, 0)),),
    "X": (((.05, 0), (.5, .5), (.95, 1)), ((.95, 0), (.5, .5), (.05, 1))),
    "d": (((.72, .5), (.5, .42), (.2, .52), (.12, .75), (.25, .98), (.5, 1), (.75, .85)),
          ((.78, 0), (.78, .5), (.78, .95), (.95, 1))),
    "e": (((.12, .55), (.5, .52), (.88, .48), (.85, .2), (.5, 0), (.15, .2), (.08, .6), (.25, .92), (.6, 1), (.92, .85)),),
    "f": (((.85, .08), (.65, 0), (.48, .12), (.45, .4), (.45, 1)), ((.15, .42), (.45, .4), (.8, .38))),
    "k": (((.15, 0), (.15, .5), (.15, 1)), ((.8, .38), (.45, .58), (.18, .7), (.18, .7), (.5, .82), (.85, 1))),
    "m": (((.04, .1), (.05, .5), (.05, 1)), ((.05, .4), (.2, .08), (.42, .1), (.48, .4), (.48, 1)),
          ((.48, .4), (.65, .08), (.86, .1), (.94, .4), (.95, 1))),
    "p": (((.15, 0), (.15, .5), (.15, 1)), ((.15, .15), (.45, 0), (.82, .08), (.85, .4), (.5, .56), (.15, .46))),
    "v": (((.02, 0), (.2, .4), (.48, 1), (.55, .95), (.75, .5), (.98, 0)),),
    "w": (((0, 0), (.05, .6), (.2, 1), (.38, .85), (.5, .3), (.5, .3), (.55, .7), (.72, 1), (.92, .7), (1, 0)),),
    "x": (((.05, .05), (.35, .3), (.65, .7), (.95, .95)), ((.95, .02), (.6, .35), (.35, .7), (.05, 1))),
}
SIGNS: dict[str, tuple[Points, ...]] = {
    "plus": (((.5, 0), (.5, .5), (.5, 1)), ((0, .5), (.5, .5), (1, .5))),
    "dash": (((0, .5), (.5, .48), (1, .5)),),
    "equals": (((0, .3), (.5, .3), (1, .3)), ((0, .7), (.5, .7), (1, .7))),
    "tick": (((0, .55), (.18, .75), (.35, 1), (.35, 1), (.65, .5), (1, 0)),),
    "triangle": (((.5, 0), (.25, .5), (0, 1), (0, 1), (.5, 1), (1, 1), (1, 1), (.75, .5), (.5, 0)),),
    "square": (((0, 0), (0, .5), (0, 1), (0, 1), (.5, 1), (1, 1), (1, 1), (1, .5), (1, 0), (1, 0), (.5, 0), (0, 0)),),
    "arrow": (((0, .5), (.5, .5), (1, .5)), ((.65, .15), (.82, .32), (1, .5), (1, .5), (.82, .68), (.65, .85))),
    "star": (((.2, 1), (.35, .5), (.5, 0), (.5, 0), (.65, .5), (.8, 1), (.8, 1), (.4, .7), (0, .38), (0, .38), (.5, .38),
              (1, .38), (1, .38), (.6, .7), (.2, 1)),),
    "heart": (((.5, .3), (.35, .02), (.05, .1), (.05, .4), (.5, 1), (.5, 1), (.95, .4), (.95, .1), (.65, .02), (.5, .3)),),
    "hash": (((.35, 0), (.33, .5), (.3, 1)), ((.7, 0), (.68, .5), (.65, 1)), ((0, .33), (.5, .33), (1, .31)),
             ((0, .68), (.5, .68), (1, .66))),
    "face": (((.5, 0), (.1, .2), (.02, .6), (.35, .98), (.75, .95), (1, .55), (.85, .12), (.5, 0)), ((.33, .35), (.33, .42)),
             ((.67, .35), (.67, .42)), ((.28, .65), (.5, .78), (.72, .65))),
    "question": (((.15, .2), (.3, .02), (.65, 0), (.85, .18), (.75, .38), (.52, .5), (.5, .72)), ((.5, .95), (.5, .99))),
}
# fmt: on


def letter(name: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Strokes of a letter or sign as somebody might write it: float64 arrays (n, 2), px of a 280 x 280 canvas.

    Parameters
    ----------
    name : a key of ``LETTERS`` or ``SIGNS``.
    rng : all randomness comes from here.

    Raises
    ------
    LabError : there is no such letter or sign.
    """
    shapes = {**LETTERS, **SIGNS}
    if name not in shapes:
        raise LabError(f"there is no letter or sign {name!r}; choose from {', '.join(shapes)}", code="style")
    return vary(shapes[name], rng)


def scribble(rng: np.random.Generator) -> list[np.ndarray]:
    """One of four: a tangle, a zigzag, a spiral, or several short strokes; strokes as in ``letter``.

    None is narrow: with a thick pen it would be a 1.
    """
    return vary(_scribble(rng), rng, aspect=(0.0, 0.15))


def _scribble(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    kind = rng.integers(4)
    if kind == 0:
        return (rng.uniform(0, 1, (rng.integers(8, 22), 2)),)
    if kind == 1:
        n = int(rng.integers(5, 14))
        return (np.stack([np.linspace(0, 1, n), np.arange(n) % 2 + rng.normal(0, 0.08, n)], axis=1),)
    if kind == 2:
        turns = rng.uniform(2, 4.5)
        angle = np.linspace(0, 2 * np.pi * turns, int(12 * turns)) * rng.choice([-1, 1]) + rng.uniform(0, 2 * np.pi)
        radius = 0.5 * np.linspace(rng.uniform(0, 0.15), 1, len(angle))
        return (0.5 + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1),)
    starts = rng.uniform(0, 1, (rng.integers(4, 9), 1, 2))
    return tuple(starts + np.cumsum(rng.normal(0, 0.16, (len(starts), 3, 2)), axis=1))


def draw_outliers(
    n: int, *, seed: int, letters: tuple[str, ...] = tuple(LETTERS), show_progress: bool = True
) -> torch.Tensor:
    """``n`` pictures that are no digit, half of them letters, the rest signs and scribbles: uint8 (n, 28, 28).

    Parameters
    ----------
    letters : keys of ``LETTERS`` to draw; a study leaves some out to see whether they are refused unseen.

    Raises
    ------
    LabError : ``n`` is negative, or a letter is not there.
    """
    import torch

    if n < 0:
        raise LabError(f"the number of pictures to draw is 0 or more, not {n}", code="number")
    rng = np.random.default_rng(seed)
    pictures = np.zeros((n, SIDE, SIDE), dtype=np.uint8)
    for index in track(range(n), description="drawing outliers", show=show_progress):
        kind = rng.uniform()
        if kind < 0.5:
            strokes = letter(letters[rng.integers(len(letters))], rng)
        elif kind < 0.7:
            strokes = letter(list(SIGNS)[rng.integers(len(SIGNS))], rng)
        else:
            strokes = scribble(rng)
        pictures[index] = training_image(strokes, pen=rng.uniform(*PENS))
    return torch.from_numpy(pictures)


def printed(letters: str = "".join(LETTERS) + CLOSE) -> torch.Tensor:
    """Letters in the ten typefaces that come with Matplotlib: uint8 (N, 28, 28). To judge by, never to learn from.

    Raises
    ------
    LabError : there is no letter.
    """
    import matplotlib
    import torch

    if not letters:
        raise LabError("printed needs at least one letter", code="number")
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    pictures = []
    for face in FACES:
        font = ImageFont.truetype(folder / f"{face}.ttf", CANVAS * 3 // 4)
        for name in letters:
            page = Image.new("L", (2 * CANVAS, 2 * CANVAS))
            ImageDraw.Draw(page).text((CANVAS, CANVAS), name, fill=255, font=font, anchor="mm")
            pictures.append(fit(np.asarray(page)))
    return torch.from_numpy(np.stack(pictures))
