"""Numbers that more than one wing needs, free of any import."""

from __future__ import annotations

SIDE = 28  # pixels along one edge of every image
PIXELS = SIDE * SIDE
CLASSES = 10
