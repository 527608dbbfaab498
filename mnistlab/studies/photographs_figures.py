"""Figures of the study of photographs: the steps as pictures, and what each of them brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.data import alignment, paper, pieces, preprocess, thickness
from mnistlab.data.picture_file import read_grey
from mnistlab.evaluation.formatting import percent
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.plots.pictures import error_bars

STEPS = ("photograph", "sheet, laid straight", "darker than its paper", "ink", "digit, standard pen", "28 x 28")


def overview(shown: Mapping[str, bytes], *, columns: int = 7) -> np.ndarray:
    """Pictures under their names. Returns the axes (rows, columns)."""
    rows = -(-len(shown) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(1.6 * columns, 1.9 * rows), squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, (name, picture) in zip(axes.flat, shown.items(), strict=False):
        ax.imshow(read_grey(picture), cmap="gray", vmin=0, vmax=255)
        ax.set_title(name, fontsize=8)
    return axes


def steps(shown: Mapping[str, bytes]) -> np.ndarray:
    """Each picture on its way to 28 x 28, one row a picture. Returns the axes (pictures, steps)."""
    _, axes = plt.subplots(len(shown), len(STEPS), figsize=(1.75 * len(STEPS), 1.85 * len(shown)), squeeze=False)
    for row, (name, picture) in zip(axes, shown.items(), strict=True):
        for ax, stage in zip(row, _stages(picture), strict=True):
            ax.imshow(stage, cmap="gray")
            ax.set_xticks([])
            ax.set_yticks([])
        row[0].set_ylabel(name, fontsize=8)
    for ax, title in zip(axes[0], STEPS, strict=True):
        ax.set_title(title, fontsize=9)
    return axes


def shares(found: Mapping[str, Accuracy], *, title: str, ax: Axes | None = None) -> Axes:
    """How many were read right by each way or of each kind, %, with Wilson 95 %."""
    ax = ax or plt.subplots(figsize=(7, 0.27 * len(found) + 0.9))[1]
    value, reach = error_bars(list(found.values()))
    ax.errorbar(value, range(len(found)), xerr=reach, fmt="o", capsize=2, markersize=4)
    ax.set_yticks(range(len(found)), list(found))
    ax.invert_yaxis()
    ax.set_xlim(-2, 102)
    ax.set_xlabel("read right, % (Wilson 95 %)")
    ax.set_title(title)
    return ax


def brought(found: Mapping[str, Accuracy]) -> str:
    """What each step brought, as lines of Markdown."""
    names = list(found)
    lines = [f"- {names[0]}: {percent(found[names[0]].value, 0)} read right"]
    for before, name in pairwise(names):
        points = 100 * (found[name].value - found[before].value)
        lines.append(f"- {name}: {percent(found[name].value, 0)} ({points:+.0f} points)")
    return "\n".join(lines)


def _stages(picture: bytes) -> Sequence[np.ndarray]:
    """The picture after each of ``STEPS``."""
    grey = read_grey(picture)
    straight = alignment.straighten(grey)
    inverse = paper.is_inverse(straight)
    shade = paper.darkness(255 - straight if inverse else straight)
    if angle := alignment.turn(shade):
        shade, straight = alignment.turned(shade, angle), alignment.turned(straight, angle)
    ink = paper.strokes(shade)
    digit = thickness.standard(pieces.digit(ink))
    return [grey, straight, -shade, ink, digit, preprocess.fit(digit)]
