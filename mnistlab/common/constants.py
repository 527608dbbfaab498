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
