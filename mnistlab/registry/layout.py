"""Names and limits of the files in ``models/``."""

from __future__ import annotations

import re

POINTER, HISTORY = "CURRENT", "HISTORY"
WEIGHTS, MANIFEST = "model.safetensors", "manifest.json"
MAX_WEIGHTS = 16 * 2**20  # bytes; a usual file takes 33 to 400 kB
MAX_MANIFEST = 2**20  # bytes; a usual one takes 15 kB
VERSION = re.compile(r"[0-9]{4,9}")
