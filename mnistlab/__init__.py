"""mnistlab: an interactive lab for handwritten digits.

    from mnistlab import Predictor
    Predictor.load().predict_strokes(strokes)

Everything else is in a module with one job: ``data``, ``permutation``, ``models``, ``training``, ``evaluation``,
``checkpoint``, ``registry``, ``strokes``, ``preprocess``, ``predictor``, ``pad``, ``plots``, ``runs``, ``cli``.
"""

from __future__ import annotations

__all__ = ["DigitPad", "Predictor", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str):
    # Loaded when asked for: importing the package must not cost the seconds that torch takes.
    if name == "Predictor":
        from mnistlab.inference.predictor import Predictor

        return Predictor
    if name == "DigitPad":
        from mnistlab.pad.widget import DigitPad

        return DigitPad
    raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")
