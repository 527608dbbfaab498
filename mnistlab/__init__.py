"""mnistlab: an interactive lab for handwritten digits.

    from mnistlab import Predictor
    Predictor.load().predict_strokes(strokes)

Everything else is in one of these wings. Each uses only wings above it in this list; docs/architecture.md shows them in a
figure and names their modules.

    common      errors, files, locks, paths, progress, provenance, HTML
    data        MNIST, permutations, strokes, drawings, pictures: anything that becomes 28 x 28 pixels
    evaluation  intervals, metrics, conformal sets, numbers as text
    registry    versions on disk, and which one is in use
    inference   reading digits with a version, and explaining the reading
    training    the networks in PyTorch, and how they learn
    plots       every figure of the sequence
    feedback    consent, corrections, the monitor
    pipeline    notebooks run headless, retraining, gates, learning a hand
    web         the page that reads in a browser, by itself
    pad         the drawing pad
    course      exercises that are checked, films, a kernel to paint
    serve       the HTTP API, and the page in front of it
    studies     self-contained experiments and benchmarks
    cli         the command ``mnistlab``
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; the module typing would double the time that this import takes
if TYPE_CHECKING:
    from mnistlab.inference.predictor import Predictor
    from mnistlab.pad.widget import DigitPad

__all__ = ["DigitPad", "Predictor", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Loaded when asked for: importing the package must not cost the seconds that torch takes.
    if name == "Predictor":
        from mnistlab.inference.predictor import Predictor

        return Predictor
    if name == "DigitPad":
        from mnistlab.pad.widget import DigitPad

        return DigitPad
    raise AttributeError(f"module 'mnistlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})  # so that completion offers what has not been loaded yet
