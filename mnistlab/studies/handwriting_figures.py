"""Figures of the study of handwriting: styles and what closes the gap."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from mnistlab.data.synthetic import Style
from mnistlab.evaluation.formatting import percent
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.plots.pictures import PLAIN, RIGHT, WRONG, grid


def styles(pictures: Mapping[Style, Tensor], *, columns: int = 11) -> np.ndarray:
    """One picture (28, 28) of each style under its digit and name. Returns the axes (rows, columns)."""
    titles = [f"{style.digit}: {_two_lines(style.name)}" for style in pictures]
    axes = grid(
        np.stack([np.asarray(p[0]) for p in pictures.values()]),
        titles=titles,
        columns=columns,
        suptitle=f"{len(pictures)} ways to write ten digits",
    )
    for ax in axes.flat:
        ax.title.set_fontsize(7)
    axes[0, 0].figure.set_size_inches(columns * 0.95, len(axes) * 1.3)
    axes[0, 0].figure.tight_layout()
    return axes


def style_accuracies(read: Mapping[str, Mapping[Style, Accuracy]], *, worst: int = 14, ax: Axes | None = None) -> Axes:
    """The styles the first network reads worst, with how each network reads them (Wilson 95 %).

    Parameters
    ----------
    read : for each network its accuracy on every style; two networks at most.
    """
    first = next(iter(read.values()))
    chosen = sorted(first, key=lambda style: first[style].value)[:worst]
    ax = ax or plt.subplots(figsize=(7, 0.32 * len(chosen) + 1))[1]
    for shift, (color, (name, values)) in enumerate(zip((WRONG, RIGHT), read.items(), strict=False)):
        found = [values[style] for style in chosen]
        places = np.arange(len(chosen)) + 0.18 * (2 * shift - 1) * (len(read) > 1)
        errors = [[100 * (a.value - a.low) for a in found], [100 * (a.high - a.value) for a in found]]
        ax.errorbar([100 * a.value for a in found], places, xerr=errors, fmt="o", color=color, capsize=2, label=name)
    ax.set_yticks(range(len(chosen)), [f"{style.digit}, {style.name}" for style in chosen])
    ax.invert_yaxis()
    ax.set_xlim(-2, 102)
    ax.set_xlabel("read right, % of drawn digits")
    lowest = chosen[0]
    ax.set_title(
        f"{next(iter(read))} reads a {lowest.digit} ({lowest.name}) right {percent(first[lowest].value, 0)} of the time"
    )
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower left", bbox_to_anchor=(1, 0), frameon=False)
    return ax


def errors_by_recipe(figures: Mapping[str, Mapping[str, Accuracy]]) -> np.ndarray:
    """Share of errors (%, Wilson 95 %) of each recipe on each set of digits, one panel a set. Returns the axes.

    Parameters
    ----------
    figures : by recipe, then by set.
    """
    sets = list(next(iter(figures.values())))
    figure, axes = plt.subplots(1, len(sets), figsize=(4.2 * len(sets), 2.6), squeeze=False, sharey=True)
    for ax, name in zip(axes[0], sets, strict=True):
        found = [by_set[name] for by_set in figures.values()]
        wrong = [100 * (1 - a.value) for a in found]
        errors = [[100 * (a.high - a.value) for a in found], [100 * (a.value - a.low) for a in found]]
        ax.barh(range(len(found)), wrong, xerr=errors, color=PLAIN, height=0.6, capsize=2)
        ax.set_yticks(range(len(found)), list(figures))
        ax.set_xlabel(f"wrong, % of {found[0].n:,}")
        ax.set_title(f"{name}: {wrong[0]:.1f} % wrong at first, {wrong[-1]:.1f} % at last", fontsize=9)
    axes[0, 0].invert_yaxis()
    figure.tight_layout()
    return axes


def refusals(refused: Mapping[str, Mapping[str, Accuracy]], *, ax: Axes | None = None) -> Axes:
    """Share of pictures that each network calls no digit (%, Wilson 95 %), by kind of picture.

    Parameters
    ----------
    refused : for each network the share of every kind; two networks at most.
    """
    kinds = list(next(iter(refused.values())))
    ax = ax or plt.subplots(figsize=(7, 0.5 * len(kinds) + 1.1))[1]
    for shift, (color, (name, shares)) in enumerate(zip((WRONG, RIGHT), refused.items(), strict=False)):
        found = [shares[kind] for kind in kinds]
        places = np.arange(len(kinds)) + 0.18 * (2 * shift - 1) * (len(refused) > 1)
        errors = [[100 * (a.value - a.low) for a in found], [100 * (a.high - a.value) for a in found]]
        ax.errorbar([100 * a.value for a in found], places, xerr=errors, fmt="o", color=color, capsize=2, label=name)
    ax.set_yticks(range(len(kinds)), [f"{kind}\n(n = {found[row].n:,})" for row, kind in enumerate(kinds)], fontsize=9)
    ax.invert_yaxis()
    ax.set_xlim(-2, 102)
    ax.set_xlabel("called no digit, %")
    name, shares = list(refused.items())[-1]
    ax.set_title(f"{name} calls {percent(shares[kinds[0]].value, 0)} of the {kinds[0]} no digit", fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower left", bbox_to_anchor=(1, 0), frameon=False)
    return ax


def _two_lines(text: str) -> str:
    """Broken at the space nearest to the middle, if it is long."""
    if len(text) < 10 or " " not in text:
        return text
    middle = min((i for i, c in enumerate(text) if c == " "), key=lambda i: abs(i - len(text) / 2))
    return text[:middle] + "\n" + text[middle + 1 :]
