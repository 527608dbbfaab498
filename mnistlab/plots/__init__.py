"""Every figure of the sequence, as a function that draws with Matplotlib; ``plots.name`` reaches them all.

Each function takes ``ax=None`` (or makes a grid of its own) and returns the axes it drew on. Pictures of digits are shown as
ink on paper: 0 is white, 255 black. Two colours carry meaning everywhere: blue is plain or right, orange is permuted or
wrong; colour-blind people can tell them apart (Okabe and Ito 2008).
"""

from __future__ import annotations

from mnistlab.plots.dataset import (
    accuracies,
    class_shares,
    ink_map,
    kinship,
    means_and_spreads,
    predictions,
    recall_by_digit,
    strangers,
    templates,
    value_scales,
)
from mnistlab.plots.drawing import (
    attribution,
    prediction,
    prediction_while_drawn,
    preprocessing,
    replayed_drawings,
)
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
from mnistlab.plots.permutation import (
    correlation_by_distance,
    correlation_maps,
    disorder,
    disorder_curve,
    grey_histograms,
    pairwise_distances,
    pixel_displacements,
    scrambled,
    window_variance,
)
from mnistlab.plots.pictures import NEUTRAL, PERMUTED, PLAIN, RIGHT, THIRD, WRONG, grid, image
from mnistlab.plots.training import four_ways, kernel_reach, learning_curves, live_curves, robustness
