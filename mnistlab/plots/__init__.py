"""Every figure of the five notebooks, as a function that draws with Matplotlib; ``plots.name`` reaches them all.

Each function takes ``ax=None`` (or makes a grid of its own) and returns the axes it drew on. Pictures of digits are shown as
ink on paper: 0 is white, 255 black. Two colours carry meaning everywhere: blue is plain or right, orange is permuted or
wrong; colour-blind people can tell them apart (Okabe and Ito 2008).
"""

from __future__ import annotations

from mnistlab.plots.comparison import four_ways, robustness
from mnistlab.plots.drawing import reading, replays, under_way, way_to_the_network
from mnistlab.plots.evaluation import (
    agreement,
    confusion,
    coverage,
    feature_maps,
    kernels,
    mistakes,
    per_class,
    reliability,
)
from mnistlab.plots.explanation import attribution, edit, steps
from mnistlab.plots.explore import (
    accuracies,
    class_shares,
    grey_levels,
    ink_map,
    kinship,
    means_and_spreads,
    readings,
    recall_by_digit,
    strangers,
    templates,
    value_scales,
)
from mnistlab.plots.permutation import (
    correlation_by_distance,
    correlation_maps,
    disorder,
    disorder_curve,
    journeys,
    same_distances,
    same_greys,
    scrambled,
    window_variance,
)
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, RIGHT, THIRD, WRONG, grid, image
from mnistlab.plots.training import kernel_reach, learning_curves, live_curves

__all__ = [
    "NEUTRAL",
    "PERMUTED",
    "PLAIN",
    "RIGHT",
    "THIRD",
    "WRONG",
    "accuracies",
    "agreement",
    "attribution",
    "class_shares",
    "confusion",
    "correlation_by_distance",
    "correlation_maps",
    "coverage",
    "disorder",
    "disorder_curve",
    "edit",
    "feature_maps",
    "four_ways",
    "grey_levels",
    "grid",
    "image",
    "ink_map",
    "journeys",
    "kernel_reach",
    "kernels",
    "kinship",
    "learning_curves",
    "live_curves",
    "means_and_spreads",
    "mistakes",
    "per_class",
    "reading",
    "readings",
    "recall_by_digit",
    "reliability",
    "replays",
    "robustness",
    "same_distances",
    "same_greys",
    "scrambled",
    "steps",
    "strangers",
    "templates",
    "under_way",
    "value_scales",
    "way_to_the_network",
    "window_variance",
]
