"""A correction for tests, with whatever a test wants otherwise."""

from __future__ import annotations

import numpy as np

from mnistlab.feedback import consent, records
from mnistlab.feedback.records import Correction

LINE = [[(100.25, 40), (120, 120.5), (140, 240)]]


def make(**fields) -> Correction:
    values = {
        "strokes": LINE,
        "pen_width": 20,
        "image": np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28),
        "predicted": 1,
        "probabilities": np.eye(10)[1] * 0.91 + 0.009,
        "milliseconds": 1.5,
        "version": "0003",
        "digit": 7,
        "session": "mine",
        "consent": consent.VERSION,
        "consented_at": records.now(),
    }
    return Correction(**values | fields)
