"""Figures of the study of handwriting: styles and what closes the gap."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from mnistlab.data.synthetic import Style
from mnistlab.evaluation.formatting import percent
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.plots.pictures import PLAIN, RIGHT, WRONG, error_bars, grid


def styles(pictures: Mapping[Style, Tensor], *, columns: int = 11) -> np.ndarray:
    """One picture (28, 28) of each style under its digit and name. Returns the axes (rows, columns)."""
    titles = [f"{style.digit}: {textwrap.fill(style.name, 14)}" for style in pictures]
    axes = grid(
        np.stack([np.asarray(p[0]) for p in pictures.values()]),
        titles=titles,
        columns=columns,
        suptitle=f"{len(pictures)} ways to write ten digits",
    )
    for ax in axes.flat:
        ax.title.set_fontsize(7)
    return axes


def style_accuracies(
    accuracies: Mapping[str, Mapping[Style, Accuracy]], *, worst: int = 14, ax: Axes | None = None
) -> Axes:
    """The styles the first network reads worst, with how each network reads them (Wilson 95 %).

    ``accuracies`` holds for each network, two at most, its accuracy on every style.
    """
    name, first = next(iter(accuracies.items()))
    chosen = sorted(first, key=lambda style: first[style].value)[:worst]
    ax = ax or plt.subplots(figsize=(7, 0.32 * len(chosen) + 1))[1]
    _dots_by_network(ax, {network: [shares[style] for style in chosen] for network, shares in accuracies.items()})
    ax.set_yticks(range(len(chosen)), [f"{style.digit}, {style.name}" for style in chosen])
    ax.set_xlabel("read right, % of drawn digits")
    worst_share = percent(first[chosen[0]].value, 0)
    ax.set_title(f"{name} reads a {chosen[0].digit} ({chosen[0].name}) right {worst_share} of the time")
    return ax


def errors_by_recipe(accuracies: Mapping[str, Mapping[str, Accuracy]]) -> np.ndarray:
    """Share of errors (%, Wilson 95 %) of each recipe on each set of digits, one panel a set. Returns the axes.

    ``accuracies`` is by recipe, then by set.
    """
    sets = list(next(iter(accuracies.values())))
    figure, axes = plt.subplots(1, len(sets), figsize=(4.2 * len(sets), 2.6), squeeze=False, sharey=True)
    for ax, name in zip(axes[0], sets, strict=True):
        errors = [Accuracy(a.n - a.correct, a.n) for a in (by_set[name] for by_set in accuracies.values())]
        wrong, reach = error_bars(errors)
        ax.barh(range(len(errors)), wrong, xerr=reach, color=PLAIN, height=0.6, capsize=2)
        ax.set_yticks(range(len(errors)), list(accuracies))
        ax.set_xlabel(f"wrong, % of {errors[0].n:,}")
        ax.set_title(f"{name}: {wrong[0]:.1f} % wrong at first, {wrong[-1]:.1f} % at last", fontsize=9)
    axes[0, 0].invert_yaxis()
    figure.tight_layout()
    return axes


def refusals(refused: Mapping[str, Mapping[str, Accuracy]], *, ax: Axes | None = None) -> Axes:
    """Share of pictures that each network calls no digit (%, Wilson 95 %), by kind of picture.

    ``refused`` holds for each network, two at most, the share of every kind.
    """
    name, last = list(refused.items())[-1]
    ax = ax or plt.subplots(figsize=(7, 0.5 * len(last) + 1.1))[1]
    _dots_by_network(ax, {network: [shares[kind] for kind in last] for network, shares in refused.items()})
    ax.set_yticks(range(len(last)), [f"{kind}\n(n = {share.n:,})" for kind, share in last.items()], fontsize=9)
    ax.set_xlabel("called no digit, %")
    kind = next(iter(last))
    ax.set_title(f"{name} calls {percent(last[kind].value, 0)} of the {kind} no digit", fontsize=10)
    return ax


def _dots_by_network(ax: Axes, shares: Mapping[str, Sequence[Accuracy]]) -> None:
    """One or two networks as dots with error bars, a row a share; the second network a little below the first."""
    for shift, (color, (network, row)) in enumerate(zip((WRONG, RIGHT), shares.items(), strict=False)):
        values, reach = error_bars(row)
        places = np.arange(len(row)) + 0.18 * (2 * shift - 1) * (len(shares) > 1)
        ax.errorbar(values, places, xerr=reach, fmt="o", color=color, capsize=2, label=network)
    ax.invert_yaxis()
    ax.set_xlim(-2, 102)
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower left", bbox_to_anchor=(1, 0), frameon=False)
