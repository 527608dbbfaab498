"""Judging a network honestly: every accuracy carries how many images it stands on, and its interval.

Works on probabilities (N, 10) and labels (N,), whoever made them. Intervals are Wilson's (1927), the comparison of two
networks on the same images is McNemar's exact test (1947), both as SciPy computes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import LabError
from mnistlab.evaluation.intervals import Accuracy

BINS = 15  # of the reliability curve; Guo et al. 2017


@dataclass(frozen=True)
class Reliability:
    """Does 90 % sure mean right nine times in ten?"""

    confidence: np.ndarray  # (15,) mean confidence of each bin of confidence; NaN where it is empty
    accuracy: np.ndarray  # (15,) share right of each bin; NaN where it is empty
    count: np.ndarray  # (15,) images in each bin
    ece: float  # expected calibration error, 0 to 1: the gap between the two, weighted by count


@dataclass(frozen=True)
class Evaluation:
    """What a network got right, and what it took for what."""

    accuracy: Accuracy  # overall, with its interval
    precision: np.ndarray  # (10,) share of the predictions of d that are right; NaN where it is never predicted
    recall: np.ndarray  # (10,) share of the images of d that are found; NaN where there is none
    support: np.ndarray  # int (10,) images of each digit
    confusion: np.ndarray  # int (10, 10), row true digit, column predicted digit
    reliability: Reliability  # whether the confidences mean what they say
    predicted: np.ndarray  # int (N,) digits
    confidence: np.ndarray  # float (N,) probability of the predicted digit
    correct: np.ndarray  # bool (N,)
    mistakes: np.ndarray  # int indices of the wrong predictions, the most confident first

    def recall_of(self, digit: int) -> Accuracy:
        """Share of the images of one digit (0 to 9) that were read right, with its interval.

        Raises
        ------
        LabError : there is no image of this digit.
        """
        return Accuracy(int(self.confusion[digit, digit]), int(self.support[digit]))

    def confusions(self) -> list[tuple[int, int, int]]:
        """(true, predicted, count) of every kind of mistake made, the most frequent first."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-wrong, axis=None, kind="stable")
        pairs = [(int(i) // CLASSES, int(i) % CLASSES) for i in order]
        return [(true, predicted, int(wrong[true, predicted])) for true, predicted in pairs if wrong[true, predicted]]

    def as_dict(self) -> dict[str, object]:
        """Plain numbers, for a JSON file."""
        return {
            "accuracy": self.accuracy.as_dict(),
            "precision": [None if np.isnan(p) else float(p) for p in self.precision],
            "recall": [None if np.isnan(r) else float(r) for r in self.recall],
            "support": self.support.tolist(),
            "confusion": self.confusion.tolist(),
            "ece": self.reliability.ece,
        }


def evaluate(probabilities: ArrayLike, labels: ArrayLike) -> Evaluation:
    """Judge probabilities (N, 10) against labels (N,).

    Raises
    ------
    LabError : shapes do not fit, there is no image, a label is no digit, or a probability is not finite or not within
        0 to 1 (logits, for example).
    """
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if labels.ndim != 1 or probabilities.shape != (labels.size, CLASSES) or not labels.size:
        raise LabError(
            f"evaluation takes probabilities (N, {CLASSES}) and labels (N,) with N >= 1, "
            f"not {probabilities.shape} and {labels.shape}",
            code="shape",
        )
    if not np.isfinite(probabilities).all():
        raise LabError("a probability is not a finite number", code="finite")
    if probabilities.min() < 0 or probabilities.max() > 1 + 1e-6:  # float32 may round a certain one up
        came = f"{probabilities.min():.3g} to {probabilities.max():.3g}"
        raise LabError(f"probabilities lie in 0 to 1; these go from {came}: logits need a softmax first", code="range")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= CLASSES:
        raise LabError(
            f"labels are whole numbers from 0 to {CLASSES - 1}; these are {labels.dtype}, {labels.min()} to {labels.max()}",
            code="labels",
        )
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    correct = predicted == labels
    confusion = np.zeros((CLASSES, CLASSES), dtype=int)
    np.add.at(confusion, (labels, predicted), 1)
    wrong = np.flatnonzero(~correct)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN on purpose: nothing is known of such a digit
        precision = np.diag(confusion) / confusion.sum(axis=0)
        recall = np.diag(confusion) / confusion.sum(axis=1)
    return Evaluation(
        accuracy=Accuracy.of(correct),
        precision=precision,
        recall=recall,
        support=confusion.sum(axis=1),
        confusion=confusion,
        reliability=reliability_curve(confidence, correct),
        predicted=predicted,
        confidence=confidence,
        correct=correct,
        mistakes=wrong[np.argsort(-confidence[wrong], kind="stable")],
    )


def reliability_curve(confidence: np.ndarray, correct: np.ndarray, *, bins: int = BINS) -> Reliability:
    """Reliability curve over equal bins of confidence; (N,) floats in 0..1 and (N,) booleans."""
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)
    count = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(which, weights=confidence, minlength=bins) / count
        share_right = np.bincount(which, weights=correct, minlength=bins) / count
    gaps = np.abs(mean_confidence - share_right)
    return Reliability(mean_confidence, share_right, count, float(np.nansum(gaps * count) / max(1, count.sum())))


def log_odds(logits: np.ndarray, digit: int) -> np.ndarray:
    """log(p / (1 - p)) of a digit from logits (N, 10), finite however sure the network is: float64 (N,)."""
    others = np.delete(logits.astype(np.float64), digit, axis=1)
    most = others.max(axis=1)
    return logits[:, digit] - most - np.log(np.exp(others - most[:, None]).sum(axis=1))
