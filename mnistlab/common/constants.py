"""Numbers that more than one wing needs, free of any import."""

from __future__ import annotations

SIDE = 28  # pixels along one edge of every image
PIXELS = SIDE * SIDE
CLASSES = 10
BOX = 20  # px of the longer side of a digit within the 28 x 28, as MNIST's makers scaled them (LeCun et al. 1998)

CANVAS = 10 * SIDE  # px along one edge of the canvas that is drawn on
PEN_WIDTH = 20  # px of the canvas; two pixels of the 28 x 28, about what MNIST's pens left
PEN_WIDTHS = (4, 60)  # px; narrowest and widest pen

PRESET_NAMES = ("quick", "sprint", "fast", "best")  # of ``training.presets``, for commands that wait without PyTorch

CELL_TIMEOUT, START_TIMEOUT = 900, 60  # seconds a cell of a notebook and the start of its kernel may take
RETRAIN_CELL_TIMEOUT = 3600  # s; the longest cell trains the wide network, a quarter of an hour on two cores
RECIPES, SIZES = ("drawing", "plain"), ("full", "quick")  # of a retraining, in ``pipeline.recipes``
KEEP = 5  # newest versions that pruning leaves, whatever they are
