"""The one way from a drawing, a picture or MNIST images to a prediction, for widget, command and tests alike.

reader = Predictor.load()
reader.predict_strokes(strokes).digit
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mnistlab.common.constants import CLASSES, PEN_WIDTH, SIDE
from mnistlab.common.errors import CheckpointError, ImageError
from mnistlab.data import preprocess
from mnistlab.data.permutation import Permutation
from mnistlab.data.strokes import as_strokes, check_pen, is_dot, rasterise_standard, to_standard_size
from mnistlab.evaluation import conformal
from mnistlab.registry.checkpoint import Checkpoint
from mnistlab.registry.registry import Registry

NO_DIGIT = "it does not look like a digit"


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network read.

    Attributes
    ----------
    digit : 0 to 9, or None if there was nothing to read, or nothing like a digit; ``reason`` then says why.
    probabilities : float64 (10,), sum 1; all 0.1 if there was nothing to read.
    image : uint8 (28, 28), ink bright, what the network saw, before its permutation.
    milliseconds : from the call to the answer.
    version : of the model.
    reason : why there is no digit, in plain words; empty if there is one.
    digits : what it may be, the likeliest first: ``(4,)``, or ``(4, 9)`` for a doubtful one. Never without ``digit``, and
        empty without one.
    level : share of MNIST-like digits for which ``digits`` holds the true one, 0.995; None if the version promises nothing.
    """

    digit: int | None
    probabilities: np.ndarray
    image: np.ndarray
    milliseconds: float
    version: str
    reason: str = ""
    digits: tuple[int, ...] = ()
    level: float | None = None

    @property
    def confidence(self) -> float:
        """Probability of the digit, 0 to 1; 0 if there is none."""
        return 0.0 if self.digit is None else float(self.probabilities[self.digit])

    def __str__(self) -> str:
        if self.digit is None:
            return f"no digit: {self.reason}"
        others = f" or {' or '.join(map(str, self.digits[1:]))}" if len(self.digits) > 1 else ""
        return f"{self.digit} ({100 * self.confidence:.1f} %){others}"


class Predictor:
    """A network ready to read.

    Parameters
    ----------
    checkpoint : a network that passed its checks; ``Predictor.load`` gets one from ``models/``.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    @classmethod
    def load(cls, version: str = "current", *, models: Path | str | None = None) -> Predictor:
        """The version in use, or another one.

        Parameters
        ----------
        version : ``"current"``, ``"latest"`` or a name such as ``"0003"``.
        models : folder of the versions; None is that of the lab.

        Raises
        ------
        RegistryError, CheckpointError : there is no such version; it is not sound.
        """
        return cls(Registry(models).load(version))

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.checkpoint.manifest.version

    @property
    def permutation(self) -> Permutation:
        """What the network's images go through; apply it to ``Prediction.image`` to see what it really gets."""
        return self.checkpoint.permutation

    def scrambled(self, prediction: Prediction) -> np.ndarray | None:
        """What the network really got of ``prediction.image``, uint8 (28, 28); None if it reads plain pixels."""
        return None if self.permutation.is_identity else self.permutation.apply(prediction.image)

    def predict_strokes(self, strokes: Iterable[ArrayLike], pen_width: float = PEN_WIDTH) -> Prediction:
        """Read a drawing.

        The strokes are drawn anew at the thickness that suits the digit's size, so neither the pen nor the size nor the
        place a person chose changes the reading.

        Parameters
        ----------
        strokes : list of (n, 2) arrays, px of a 280 x 280 canvas, y down.
        pen_width : px, 4 to 60; of the pen they were drawn with. A drawing no longer than half of it is a dot.

        Raises
        ------
        StrokesError : strokes or pen are not as above.
        CheckpointError : the network gives no finite numbers for this drawing (``"finite"``); so do the others below.
        """
        started = time.perf_counter()
        strokes, pen = as_strokes(strokes), check_pen(pen_width)
        if not strokes:
            return self._nothing("the canvas is empty", started)
        if is_dot(strokes, pen):
            return self._nothing("that is only a dot", started)
        standard, _ = to_standard_size(strokes)
        return self._read(preprocess.fit(rasterise_standard(standard)), started)

    def predict_image(self, image: object) -> Prediction:
        """Read a picture: path, bytes of a PNG or JPEG, PIL image, or uint8 array (H, W), (H, W, 3) or (H, W, 4).

        Raises
        ------
        ImageError : it is no picture, or not an allowed one. A blank or nearly full one is no error: it has no digit.
        """
        started = time.perf_counter()
        try:
            return self._read(preprocess.fit(preprocess.to_ink(image).ink), started)
        except ImageError as error:
            if error.code not in ("blank", "full"):
                raise
            return self._nothing(str(error), started)

    def predict_digit(self, image: ArrayLike) -> Prediction:
        """Read one digit that is already 28 x 28, ink bright, centred as MNIST's: uint8 (28, 28), taken as it is.

        Raises
        ------
        ImageError : the image has another shape or type.
        """
        started = time.perf_counter()
        try:
            pixels = np.asarray(image)
        except (TypeError, ValueError, RuntimeError):  # tensors on a GPU, ragged lists
            pixels = np.zeros(0)
        if pixels.dtype != np.uint8 or pixels.shape != (SIDE, SIDE):
            raise ImageError(
                f"an image must be uint8 ({SIDE}, {SIDE}), not {pixels.dtype} {pixels.shape}", code="shape"
            )
        if not pixels.any():
            return self._nothing("the picture is empty", started)
        return self._read(pixels, started)

    def predict_digits(self, images: ArrayLike) -> np.ndarray:
        """Probabilities of digits that are already 28 x 28, ink bright, centred as MNIST's.

        Parameters
        ----------
        images : uint8 (N, 28, 28), array or tensor.

        Returns
        -------
        float32 (N, 10), each row sums to 1.

        Raises
        ------
        ImageError : the images have another shape or type.
        """
        return self.checkpoint.probabilities(images)

    def _read(self, image: np.ndarray, started: float) -> Prediction:
        logits = self.checkpoint.logits(image[None])
        if not np.isfinite(logits).all():
            raise CheckpointError(f"version {self.version} gives no finite numbers for this picture", code="finite")
        scores = conformal.nonconformity(logits)[0]
        probabilities = np.exp(-scores)
        ranked = scores.argsort(kind="stable").tolist()
        digits: tuple[int, ...] = (ranked[0],)
        reason, level = "", None
        if calibration := self.checkpoint.calibration:  # its ``sets`` and ``is_digit``, of one drawing
            level, limit = conformal.LEVEL, calibration.thresholds[conformal.LEVEL]
            digits = tuple(digit for digit in ranked if scores[digit] <= limit) or digits
            if probabilities[ranked[0]] < calibration.confidence:
                digits, reason = (), NO_DIGIT
        elapsed = 1000 * (time.perf_counter() - started)
        digit = digits[0] if digits else None
        return Prediction(digit, probabilities, image, elapsed, self.version, reason, digits, level)

    def _nothing(self, reason: str, started: float) -> Prediction:
        return Prediction(
            None,
            np.full(CLASSES, 1 / CLASSES),
            np.zeros((SIDE, SIDE), dtype=np.uint8),
            1000 * (time.perf_counter() - started),
            self.version,
            reason,
        )
