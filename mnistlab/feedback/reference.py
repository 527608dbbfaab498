"""What is known of a version from labelled digits, to judge drawings by that nobody labelled.

How many of them are read right is estimated from the confidences, after an isotonic regression on the validation digits.
Whether a drawing is out of distribution is decided by the cosine distance of its features from those of training digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.spatial.distance import cdist

from mnistlab.evaluation.conformal import nonconformity
from mnistlab.evaluation.intervals import CONFIDENCE, Accuracy
from mnistlab.registry.checkpoint import Checkpoint

if TYPE_CHECKING:
    from mnistlab.data.mnist import Splits

IN_DISTRIBUTION = 0.99  # share of the validation digits that count as like what a version learned from


@dataclass(frozen=True)
class EstimatedAccuracy:
    """Accuracy estimated without labels, 0 to 1, with a 95 % interval for the share right of these n drawings."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}], n = {self.n:,}"


@dataclass(frozen=True, eq=False)
class Reference:
    """What is known of a version from labelled digits.

    Attributes
    ----------
    confidence, right : float (K,), ascending: confidence of validation digits, and which share of such digits is read right.
    learned : float (R, F), unit vectors: features of digits it learned from.
    limit : distance to the nearest of them, within which 99 % of the validation digits lie.
    checkpoint : the version.
    """

    confidence: NDArray[np.float64]
    right: NDArray[np.float64]
    learned: NDArray[np.float32]
    limit: float
    checkpoint: Checkpoint

    @classmethod
    def of(cls, checkpoint: Checkpoint, splits: Splits, *, n: int = 2_000, seed: int = 0) -> Reference:
        """From validation digits, and ``n`` training digits to be near to.

        Raises
        ------
        DataError : there are fewer than ``n`` training digits.
        """
        from sklearn.isotonic import IsotonicRegression

        features = checkpoint.features(splits.validation.images)
        scores = nonconformity(checkpoint.head(features))
        right = scores.argmin(axis=1) == np.asarray(splits.validation.labels)
        regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        regression.fit(np.exp(-scores.min(axis=1)), right)
        training = checkpoint.features(splits.train.sample(n, seed=seed).images)
        learned = _directions(checkpoint.hidden(training))
        limit = float(np.quantile(_nearest(_directions(checkpoint.hidden(features)), learned), IN_DISTRIBUTION))
        return cls(regression.X_thresholds_, regression.y_thresholds_, learned, limit, checkpoint)

    def estimate_accuracy(self, confidences: Sequence[float] | NDArray[np.floating]) -> EstimatedAccuracy | None:
        """Share of drawings that are read right, from the confidence of each, 0 to 1; None without any.

        Each drawing is right with the share that validation digits of this confidence were; the interval is that of a sum of
        such draws (normal), and says nothing of drawings that are unlike the validation digits.
        """
        if not len(confidences):
            return None
        p = np.interp(np.asarray(confidences, dtype=float), self.confidence, self.right)
        half = float(stats.norm.ppf((1 + CONFIDENCE) / 2)) * float(np.sqrt((p * (1 - p)).sum())) / len(p)
        value = float(p.mean())
        return EstimatedAccuracy(value, max(0.0, value - half), min(1.0, value + half), len(p))

    def features(self, images: ArrayLike) -> NDArray[np.float32]:
        """What the network sees in pictures, uint8 (N, 28, 28): its last hidden layer, (N, F)."""
        return self.checkpoint.hidden(self.checkpoint.features(images))

    def out_of_distribution(self, features: NDArray[np.float32]) -> Accuracy | None:
        """How many lie farther from what it learned than 99 % of the validation digits do; None of none."""
        if not len(features):
            return None
        nearest = _nearest(_directions(features), self.learned)
        return Accuracy(int((nearest > self.limit).sum()), len(features))


def _nearest(asked: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distance of each row of (N, F) to the nearest row of (R, F): (N,)."""
    distances: NDArray[np.float64] = cdist(asked, known).min(axis=1)
    return distances


def _directions(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1. A scribble excites little, so by its length it would lie in the midst of all digits."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
