"""Figures of the scramble: what it moves, what stays and what goes (notebook 02)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation.formatting import percent
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, SIGNED, grid
from mnistlab.registry.architecture import KERNEL

if TYPE_CHECKING:
    from torch import Tensor

    from mnistlab.data.mnist import Digits

KERNELS = 6  # of the small ConvNet


def scrambled(digits: Digits, permutation: Permutation, *, title: str) -> np.ndarray:
    """Digits above the same digits with their pixels reordered. Returns the axes (2, n)."""
    labels = digits.labels.tolist()
    return grid(
        np.concatenate([digits.images, permutation.apply(digits.images)]),
        titles=[*labels, *(["scrambled"] * len(labels))],
        colors=[PLAIN] * len(labels) + [PERMUTED] * len(labels),
        columns=len(labels),
        suptitle=title,
    )


def pixel_displacements(permutation: Permutation) -> np.ndarray:
    """Every pixel coloured by the place it comes from, before and after. Returns the axes (2,)."""
    rows, columns = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    home = np.stack([0.9 - 0.8 * rows, 0.25 + 0.5 * columns, 0.1 + 0.8 * rows], axis=2)  # a colour for each place
    rows, columns = np.divmod(permutation.order, SIDE)
    here = np.divmod(np.arange(PIXELS), SIDE)
    travelled = np.hypot(rows - here[0], columns - here[1])
    axes = plt.subplots(1, 2, figsize=(6.4, 3.1))[1]
    for ax, colours, name in zip(
        axes, (home, permutation.apply(home, pixels="first")), ("where each pixel starts", "where it ends"), strict=True
    ):
        ax.imshow(colours)
        ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
        ax.set_title(name, fontsize=10)
    stay = int((travelled == 0).sum())
    axes[0].figure.suptitle(f"{stay} of {PIXELS} pixels stay; the mean journey is {travelled.mean():.0f} pixels long")
    axes[0].figure.tight_layout()
    return axes


def disorder(picture: Tensor, seed: int, shares: Sequence[float]) -> np.ndarray:
    """One picture uint8 (28, 28) with a growing share (0 to 1) of its pixels scrambled. Returns the axes (1, n)."""
    return grid(
        np.stack([Permutation.partial(seed, share).apply(picture) for share in shares]),
        titles=[percent(share, 0) for share in shares],
        columns=len(shares),
        suptitle="From order to disorder: share of the pixels that change places",
    )


def disorder_curve(shares: np.ndarray, correlations: np.ndarray) -> Axes:
    """Correlation of neighbours against the share of pixels scrambled, with the curve that counting predicts.

    ``shares`` float (n,), from 0 to 1; ``correlations`` float (n, repeats).
    """
    means = np.asarray(correlations).mean(axis=1)
    ax = plt.subplots(figsize=(6.4, 3.2))[1]
    fine = np.linspace(0, 1, 101)
    ax.plot(
        fine * 100, means[-1] + (means[0] - means[-1]) * (1 - fine) ** 2, color=NEUTRAL, label="(1 - share)²: both stay"
    )
    ax.plot(shares * 100, means, "o", color=PERMUTED, label=f"measured, mean of {correlations.shape[1]} scrambles")
    half = (1 - 0.5**0.5) * 100
    ax.set_title(f"Moving {half:.0f} % of the pixels already costs half of what neighbours share", fontsize=11)
    ax.set(xlabel="pixels that change places (%)", ylabel="correlation of neighbours", ylim=(-0.05, 0.8))
    ax.legend(fontsize=9)
    ax.grid(alpha=0.3)
    return ax


def grey_histograms(before: Tensor, after: Tensor) -> Axes:
    """Grey histograms of uint8 images before and after, one drawn over the other."""
    counts = [np.bincount(images.flatten().numpy(), minlength=256) for images in (before, after)]
    ax = plt.subplots(figsize=(6.4, 2.6))[1]
    for count, name, colour, width in zip(counts, ("plain", "scrambled"), (PLAIN, PERMUTED), (5, 1.5), strict=True):
        ax.step(np.arange(256), count, where="mid", color=colour, linewidth=width, label=name)
    changed = int((counts[0] != counts[1]).sum())
    ax.set_title(f"{changed} of 256 grey values change their count", fontsize=11)
    ax.set(yscale="log", xlabel="grey value (0 paper, 255 full ink)", ylabel="pixels")
    ax.legend(fontsize=9)
    return ax


def pairwise_distances(before: np.ndarray, after: np.ndarray) -> Axes:
    """Distance of each pair of images after against before, both float (n,), in grey 0..1."""
    ax = plt.subplots(figsize=(4, 3.8))[1]
    ax.plot(before, after, ".", color=PERMUTED, markersize=3, alpha=0.4)
    ax.axline((0, 0), slope=1, color=NEUTRAL, linewidth=0.8)
    changed = int((~np.isclose(before, after)).sum())
    ax.set_title(f"{changed:,} of {len(before):,} distances change", fontsize=11)
    limits = (0, float(np.max(before)) * 1.05)
    ax.set(xlabel="distance before (grey 0 to 1)", ylabel="distance after (grey 0 to 1)", xlim=limits, ylim=limits)
    ax.set_aspect("equal")
    return ax


def correlation_maps(correlation: np.ndarray, permutation: Permutation, pixel: tuple[int, int]) -> np.ndarray:
    """How one pixel (row, column) varies with all others, where they stand before and after. Returns the axes (2,).

    ``correlation`` float (784, 784) is that of plain images.
    """
    before = correlation[pixel[0] * SIDE + pixel[1]]
    after = permutation.apply(before)
    there = int(np.flatnonzero(permutation.order == pixel[0] * SIDE + pixel[1])[0])
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.1), layout="constrained")
    for ax, values, place, name in zip(
        axes, (before, after), (pixel, divmod(there, SIDE)), ("plain", "scrambled"), strict=True
    ):
        shown = ax.imshow(values.reshape(SIDE, SIDE), cmap=SIGNED, vmin=-1, vmax=1)
        ax.plot(place[1], place[0], "s", color="black", fillstyle="none", markersize=7)
        ax.set(xlabel="column (pixels)", ylabel="row (pixels)")
        ax.set_title(name, fontsize=10)
    figure.colorbar(shown, ax=axes, label="correlation with the framed pixel")
    figure.suptitle("Pixels near it vary with it; scrambled, they stand anywhere")
    return axes


def correlation_by_distance(plain: np.ndarray, permuted: np.ndarray) -> Axes:
    """Mean correlation of two places against how far apart they stand, both float (n,) for 1 to n pixels."""
    ax = plt.subplots(figsize=(6.4, 3.2))[1]
    apart = np.arange(1, len(plain) + 1)
    ax.plot(apart, plain, "o-", color=PLAIN, markersize=4, label="plain")
    ax.plot(apart, permuted, "D-", color=PERMUTED, markersize=4, label="scrambled")
    ax.axvspan(0.5, KERNEL - 0.5, color=NEUTRAL, alpha=0.15, label=f"within a {KERNEL} x {KERNEL} kernel")
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_title(f"Side by side, the correlation falls from {plain[0]:.2f} to {permuted[0]:.2f}", fontsize=11)
    ax.set(xlabel="distance along a row or column (pixels)", ylabel="correlation", xlim=(0.5, len(plain) + 0.5))
    ax.legend(fontsize=9)
    ax.grid(alpha=0.3)
    return ax


def window_variance(plain: np.ndarray, permuted: np.ndarray) -> Axes:
    """How much of a window n numbers can hold at best: cumulative shares float (25,) of plain and permuted pixels."""
    ax = plt.subplots(figsize=(6.4, 3.2))[1]
    numbers = np.arange(1, len(plain) + 1)
    ax.plot(numbers, plain * 100, "o-", color=PLAIN, markersize=4, label="plain")
    ax.plot(numbers, permuted * 100, "D-", color=PERMUTED, markersize=4, label="scrambled")
    ax.axvline(KERNELS, color=NEUTRAL, linestyle=":", label=f"{KERNELS} kernels")
    held = plain[KERNELS - 1] * 100, permuted[KERNELS - 1] * 100
    ax.set_title(f"{KERNELS} numbers hold {held[0]:.0f} % of a window; scrambled, {held[1]:.0f} %", fontsize=11)
    ax.set(xlabel="numbers kept of a window's 25 pixels", ylabel="variance held (%)", ylim=(0, 103))
    ax.legend(fontsize=9, loc="lower right")
    ax.grid(alpha=0.3)
    return ax
