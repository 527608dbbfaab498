"""Figures of how a network learns: probabilities, the price of surprise, steps downhill (notebook 02b)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistlab.common.constants import CLASSES
from mnistlab.plots.convolution import WIDTH, signed_image
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, SIGNED, open_frame


def probabilities(logits: Mapping[str, np.ndarray], *, title: str = "") -> np.ndarray:
    """Ten logits above the ten probabilities that softmax makes of them, one column a name. Returns the axes (2, n)."""
    figure, axes = plt.subplots(2, len(logits), figsize=(WIDTH, 3.4), sharex=True, sharey="row", layout="constrained")
    axes = axes.reshape(2, -1)
    for column, (name, z) in enumerate(logits.items()):
        chances = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        best = int(np.argmax(z))
        colours = [PLAIN if digit == best else NEUTRAL for digit in range(CLASSES)]
        axes[0, column].bar(range(CLASSES), z, color=colours)
        axes[0, column].axhline(0, color="black", linewidth=0.6)
        axes[0, column].set_title(name, fontsize=10)
        axes[1, column].bar(range(CLASSES), 100 * chances, color=colours)
        axes[1, column].text(
            best, 100 * chances[best], f"{100 * chances[best]:.0f} %", ha="center", va="bottom", fontsize=9
        )
        axes[1, column].set(xticks=range(CLASSES), ylim=(0, 115), xlabel="digit")
    axes[0, 0].set_ylabel("logit")
    low, high = axes[0, 0].get_ylim()
    axes[0, 0].set_ylim(
        min(low, -3), max(high, 3)
    )  # equal logits, as when all sliders stand at 0, have no scale of their own
    axes[1, 0].set_ylabel("probability (%)")
    for ax in axes.flat:
        open_frame(ax)
    figure.suptitle(title, fontsize=11)
    return axes


def surprise(marked: Mapping[str, float]) -> Axes:
    """The cross-entropy of one image against the probability of its true digit, some probabilities marked by name."""
    ax = plt.subplots(figsize=(WIDTH, 3), layout="constrained")[1]
    p = np.linspace(0.005, 1, 400)
    ax.plot(100 * p, -np.log(p), color=PLAIN)
    for name, at in marked.items():
        ax.plot(100 * at, -np.log(at), "o", color=PERMUTED)
        ax.annotate(name, (100 * at, -np.log(at)), xytext=(8, 6), textcoords="offset points", fontsize=9)
    ax.set(xlabel="probability given to the true digit (%)", ylabel="loss (nats)", xlim=(0, 112), ylim=(0, 5.5))
    ax.set_xticks(range(0, 101, 20))
    ax.set_title("To be sure and wrong costs most; to be sure and right costs nothing", fontsize=11)
    open_frame(ax)
    return ax


def step_sizes(rates: Sequence[float], losses: Sequence[float], *, start: float, steps: int) -> Axes:
    """Loss after some steps downhill against the length of the steps, with the loss before the first."""
    ax = plt.subplots(figsize=(WIDTH, 3), layout="constrained")[1]
    ax.plot(rates, losses, "o-", color=PLAIN)
    ax.axhline(start, color=NEUTRAL, linestyle=":", label="before the first step")
    best = rates[int(np.argmin(losses))]
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss (nats)", ylim=(0, 1.05 * max(*losses, start)))
    ax.set_title(f"After {steps} steps: {best:g} is best here, less is slow, more overshoots", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    open_frame(ax)
    return ax


def loss_and_rate(losses: Sequence[float], rates: Sequence[float]) -> np.ndarray:
    """Loss of each batch and the learning rate of each step, one above the other. Returns the axes (2,)."""
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 3.6), sharex=True, layout="constrained", height_ratios=(2, 1))
    steps = range(1, len(losses) + 1)
    axes[0].plot(steps, losses, color=PLAIN)
    axes[0].axhline(np.log(CLASSES), color=NEUTRAL, linestyle=":", label="guessing blindly, ln 10")
    axes[0].legend(frameon=False, fontsize=9)
    axes[0].set(ylabel="loss (nats)", ylim=(0, None))
    axes[1].plot(steps, rates, color=PERMUTED)
    axes[1].set(ylabel="learning rate", xlabel="step (batch)", ylim=(0, None))
    for ax in axes:
        open_frame(ax)
    figure.suptitle(
        f"In {len(losses)} steps the loss falls from {losses[0]:.2f} to {np.mean(losses[-5:]):.2f} nats", fontsize=11
    )
    return axes


def moments(
    kernels: np.ndarray, maps: np.ndarray, chances: np.ndarray, losses: Sequence[float], steps: Sequence[int]
) -> tuple[Figure, Callable[[int], None]]:
    """A training at some of its moments: the figure, and what draws its n-th state.

    Parameters
    ----------
    kernels, maps, chances : float (n, 6, 5, 5), (n, 6, 24, 24), (n, 10): at each moment the first kernels, their maps of one
        digit, and what the network says of it.
    losses : of each step of the whole training, nats.
    steps : how many were made by each moment, (n,).
    """
    figure = plt.figure(figsize=(WIDTH, 4.2), layout="constrained")
    above, below = np.asarray(figure.subfigures(2, 1, height_ratios=(2, 1.2)))
    top, high = 0.8 * np.abs(kernels).max(), 0.8 * maps.max()
    pictures = []
    grid = above.subplots(2, kernels.shape[1])
    for row, name, values, look in (
        (grid[0], "kernel", kernels[0], {"cmap": SIGNED, "vmin": -top, "vmax": top}),
        (grid[1], "map", maps[0], {"cmap": "gray_r", "vmin": 0, "vmax": high}),
    ):
        for number, (ax, value) in enumerate(zip(row, values, strict=True), start=1):
            pictures.append(ax.imshow(value, interpolation="nearest", **look))
            ax.set(xticks=[], yticks=[])
            ax.set_title(f"{name} {number}", fontsize=9)
    curve, bars = below.subplots(1, 2)
    curve.plot(range(1, len(losses) + 1), losses, color=PLAIN, linewidth=1)
    curve.set(xlabel="step", ylabel="loss (nats)", ylim=(0, None))
    here = curve.axvline(0, color=PERMUTED, linewidth=2)
    drawn = bars.bar(range(CLASSES), 100 * chances[0], color=NEUTRAL)
    bars.set(xticks=range(CLASSES), ylim=(0, 105), xlabel="it says (%)")
    for ax in (curve, bars):
        open_frame(ax)

    def update(index: int) -> None:
        for picture, values in zip(pictures, [*kernels[index], *maps[index]], strict=True):
            picture.set_data(values)
        here.set_xdata([steps[index]] * 2)
        for digit, bar in enumerate(drawn):
            bar.set_height(100 * chances[index, digit])
            bar.set_color(PLAIN if digit == chances[index].argmax() else NEUTRAL)

    return figure, update


def kernels_at(kernels: Mapping[str, np.ndarray], *, title: str) -> np.ndarray:
    """First kernels (6, 5, 5) at several moments, a row for each name, all on one scale. Returns the axes (rows, 6)."""
    figure, axes = plt.subplots(len(kernels), 6, figsize=(WIDTH, 1.05 * len(kernels) + 0.5), layout="constrained")
    top = max(float(np.abs(values).max()) for values in kernels.values())
    for row, (name, values) in zip(axes, kernels.items(), strict=True):
        for ax, kernel in zip(row, values, strict=True):
            signed_image(ax, kernel, top=top)
        row[0].set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
    figure.suptitle(title, fontsize=11)
    return axes


def overfitting(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str) -> np.ndarray:
    """Training and validation loss by epoch, nats, a panel for each name. Returns the axes (n,)."""
    figure, axes = plt.subplots(1, len(curves), figsize=(WIDTH, 3), sharey=True, layout="constrained")
    for ax, (name, (training, validation)) in zip(axes, curves.items(), strict=True):
        epochs = range(1, len(training) + 1)
        ax.plot(epochs, training, color=NEUTRAL, label="training")
        ax.plot(epochs, validation, color=PLAIN, label="validation")
        ax.set(xlabel="epoch", ylim=(0, 2.4))
        ax.set_title(name, fontsize=10)
        open_frame(ax)
    axes[0].set_ylabel("loss (nats)")
    axes[0].legend(frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return axes
