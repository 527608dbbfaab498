"""The one way from a drawing, a picture or MNIST images to a prediction, for widget, command and tests alike.

reader = Predictor.load()
reader.predict_strokes(strokes).digit
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from mnistlab.common.constants import CANVAS, CLASSES, PEN_WIDTH, SIDE
from mnistlab.common.errors import CheckpointError, ImageError
from mnistlab.data import preprocess, segments
from mnistlab.data.ink_marks import find_marks
from mnistlab.data.permutation import Permutation
from mnistlab.data.segments import Box
from mnistlab.data.strokes import (
    DOT,
    Canvas,
    as_strokes,
    canvas_side,
    check_pen,
    rasterise_standard,
    to_standard_size,
)
from mnistlab.evaluation import conformal
from mnistlab.inference import page
from mnistlab.inference.prediction import Page
from mnistlab.inference.prediction import Prediction as Prediction  # others import it from here
from mnistlab.registry.checkpoint import Checkpoint
from mnistlab.registry.registry import Registry

PAGE = 1_600  # px of the longer side of a photographed page; a digit of a thousandth of it can still be read
NO_DIGIT = "it does not look like a digit"


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

    def predict_strokes(
        self, strokes: Iterable[ArrayLike], pen_width: float = PEN_WIDTH, canvas: Canvas | None = None
    ) -> Prediction:
        """Read a drawing of one digit.

        The strokes are drawn anew at the thickness that suits the digit's size, so neither the pen nor the size nor the
        place a person chose changes the reading. A stray mark far from the digit is left out, and ``note`` says so. Of several
        digits, ``parts`` has each, and ``digit`` is None.

        Parameters
        ----------
        strokes : list of (n, 2) arrays, px of a 280 x 280 canvas, y down.
        pen_width : px, 4 to 60, as on a canvas of 280 px; of the pen they were drawn with. A drawing no longer than half of it
            is a dot.
        canvas : how large the canvas is, in the unit of the points: the length of its side, or (width, height). What lies
            beyond it is pulled to its edge, since nobody saw it. None: 280 px, and a drawing that does not fit has no digit.

        Raises
        ------
        StrokesError : strokes, pen or canvas are not as above.
        CheckpointError : the network gives no finite numbers for this drawing (``"finite"``); so do the others below.
        """
        started = time.perf_counter()
        drawn, fault = _drawn(strokes, pen_width, canvas)
        if fault:
            return self._nothing(fault, started)
        if len(drawn.strokes) == 1:
            standard, _ = to_standard_size(drawn.strokes)
            return self._read(preprocess.fit(rasterise_standard(standard)), started)
        return page.predict(self, page.stroke_layout(drawn), started)

    def predict_strokes_page(
        self, strokes: Iterable[ArrayLike], pen_width: float = PEN_WIDTH, canvas: Canvas | None = None
    ) -> Page:
        """Read a drawing of any number of digits, each by itself, in reading order; the rest as ``predict_strokes``."""
        started = time.perf_counter()
        drawn, fault = _drawn(strokes, pen_width, canvas)
        if fault:
            return Page((), 1000 * (time.perf_counter() - started), self.version, fault)
        return page.read(self, page.stroke_layout(drawn), started)

    def predict_image(self, image: object) -> Prediction:
        """Read a picture, a photograph or a drawing: path, bytes, open file, data URL, PIL image, uint8 array or tensor.

        PNG, JPEG, WEBP, BMP, GIF (its first picture) and TIFF are read, and HEIC with the extra ``heic``.

        Raises
        ------
        ImageError : it is no picture, or not an allowed one. A blank one is no error: it has no digit.
        """
        started = time.perf_counter()
        try:
            found = preprocess.to_ink(image)
            if marks := find_marks(found):
                together = page.read(self, page.marks_layout(marks), started)
                if sum(part.digit is not None for part in together) > 1:
                    return page.several(together, preprocess.fit(found.ink))
            return self._read(preprocess.as_digit(found), started)
        except ImageError as error:
            if error.code not in preprocess.UNREAD:
                raise
            return self._nothing(str(error), started)

    def predict_page(self, image: object) -> Page:
        """Read a picture of any number of digits, each by itself, in reading order: as ``predict_image`` takes it.

        The boxes are px of the picture as it is read: turned upright, its sheet cut out and laid straight, and reduced to
        1,600 px if it is a photograph.

        Raises
        ------
        ImageError : as ``predict_image``. A blank picture is no error: its page is empty, with a reason.
        """
        started = time.perf_counter()
        try:
            found = preprocess.to_ink(image, longest=PAGE)
            if marks := find_marks(found):
                return replace(page.read(self, page.marks_layout(marks), started), picture=_shown(found))
            single = preprocess.as_digit(found)
        except ImageError as error:
            if error.code not in preprocess.UNREAD:
                raise
            return Page((), 1000 * (time.perf_counter() - started), self.version, str(error))
        rows, columns = preprocess.bounds(found.ink)
        box = Box(columns.start, rows.start, columns.stop, rows.stop)
        return replace(page.of_one(self.judge(single[None], started)[0], box), picture=_shown(found))

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

    def judge(self, images: np.ndarray, started: float) -> list[Prediction]:
        """What each of several images is: uint8 (N, 28, 28); ``started`` by ``time.perf_counter``.

        Raises
        ------
        CheckpointError : as ``predict_strokes``.
        """
        logits = self.checkpoint.logits(images)
        if not np.isfinite(logits).all():
            raise CheckpointError(f"version {self.version} gives no finite numbers for this picture", code="finite")
        calibration = self.checkpoint.calibration
        found = []
        for image, scores in zip(images, conformal.nonconformity(logits), strict=True):
            probabilities = np.exp(-scores)
            ranked = scores.argsort(kind="stable").tolist()
            digits: tuple[int, ...] = (ranked[0],)
            reason, level = "", None
            if calibration:  # its ``sets`` and ``is_digit``, of one drawing
                level, limit = conformal.LEVEL, calibration.thresholds[conformal.LEVEL]
                digits = tuple(digit for digit in ranked if scores[digit] <= limit) or digits
                if probabilities[ranked[0]] < calibration.confidence:
                    digits, reason = (), NO_DIGIT
            elapsed = 1000 * (time.perf_counter() - started)
            digit = digits[0] if digits else None
            sure = (calibration.certainty(scores) if calibration else conformal.certainty(scores)) if digits else None
            found.append(
                Prediction(digit, probabilities, image, elapsed, self.version, reason, digits, level, certainty=sure)
            )
        return found

    def _read(self, image: np.ndarray, started: float) -> Prediction:
        return self.judge(image[None], started)[0]

    def _nothing(self, reason: str, started: float) -> Prediction:
        return Prediction(
            None,
            np.full(CLASSES, 1 / CLASSES),
            np.zeros((SIDE, SIDE), dtype=np.uint8),
            1000 * (time.perf_counter() - started),
            self.version,
            reason,
        )


def _shown(found: preprocess.Ink) -> np.ndarray:
    """The picture that a page's boxes lie on, its ink dark: uint8 (H, W)."""
    if found.grey is None:
        return np.subtract(255, found.ink, dtype=np.uint8)
    return found.grey if found.inverted else np.subtract(255, found.grey, dtype=np.uint8)


def _drawn(strokes: Iterable[ArrayLike], pen_width: float, canvas: Canvas | None) -> tuple[page.Drawn, str]:
    """Strokes in px of the 280 x 280 canvas, and why there is nothing to read in them, or ""."""
    drawn, pen = as_strokes(strokes), check_pen(pen_width)
    unit = 1.0 if canvas is None else canvas_side(canvas) / CANVAS
    if not drawn:
        return page.Drawn([], []), "the canvas is empty"
    if unit != 1:
        drawn = [stroke / unit for stroke in drawn]
    boxes = segments.boxes_of(drawn)
    whole = segments.around(boxes)
    if canvas is None and (fault := segments.misplaced(whole)):
        return page.Drawn([], []), fault
    return page.Drawn(drawn, boxes, unit), "that is only a dot" if whole.size <= DOT * pen else ""
