"""A row of pictures that plays, and that one can step through, in a notebook and in a page without a kernel.

The pictures are drawn once, by Matplotlib, and stand in the output itself. Where scripts are not allowed the last one is shown.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mnistlab.common.errors import LabError
from mnistlab.common.html import render

SHARP = 1.6  # picture px for each px on the screen: text stays crisp on high-resolution screens, and a film below 1 MB
COLOURS = 64  # of each picture: half the bytes of all colours, and flat areas stay flat
SECONDS = 8.0  # that a film takes from its first picture to its last


@dataclass(frozen=True, eq=False)
class Film:
    """Pictures with a slider, a button that plays them, and a line of text that changes with them.

    Attributes
    ----------
    frames : WebP files, all of one size.
    captions : one for each, plain text.
    name : of the slider, for people who hear the page: "moment of the training".
    description : what is to be seen, for those who cannot.
    """

    frames: tuple[bytes, ...]
    captions: tuple[str, ...]
    name: str
    description: str

    def _repr_html_(self) -> str:
        with Image.open(io.BytesIO(self.frames[-1])) as last:
            width = round(last.width / SHARP)
        sources = ["data:image/webp;base64," + base64.b64encode(frame).decode() for frame in self.frames]
        return render(
            "course/film.html",
            sources=sources,
            captions=self.captions,
            name=self.name,
            description=self.description,
            width=width,
            milliseconds=round(1000 * SECONDS / len(sources)),
        )

    def __repr__(self) -> str:
        return f"Film of {len(self.frames)} pictures: {self.captions[-1]}"


def shoot(
    figure: Figure, update: Callable[[int], object], captions: Sequence[str], *, name: str, description: str
) -> Film:
    """Draw a figure once for each caption.

    Parameters
    ----------
    figure : it is closed in the end, so that a notebook does not show it once more.
    update : called with 0, 1, ... before each picture; it changes what is on the figure.
    name, description : as ``Film`` has them.

    Raises
    ------
    LabError : there is no caption, so nothing to draw.
    """
    if not captions:
        raise LabError("a film needs one caption for each picture, and there is none", code="film")
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(SHARP * figure.dpi)
    frames = []
    for index in range(len(captions)):
        update(index)
        canvas.draw()
        figure.set_layout_engine("none")  # laid out once: what jumps from picture to picture draws the eye
        file = io.BytesIO()
        few = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(COLOURS, dither=Image.Dither.NONE)
        few.convert("RGB").save(file, "WebP", lossless=True, quality=60, method=3)
        frames.append(file.getvalue())
    plt.close(figure)
    return Film(tuple(frames), tuple(captions), name, description)
