"""What is known of a version from labelled digits, to judge drawings by that nobody labelled.

How many of them are read right is estimated from the confidences, after an isotonic regression on the validation digits.
Whether a drawing is out of distribution is decided by the cosine distance of its features from those of training digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from mnistlab.data.mnist import Splits
from mnistlab.evaluation.intervals import CONFIDENCE, Accuracy
from mnistlab.inference import embedding
from mnistlab.registry.checkpoint import Checkpoint

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
    learned: torch.Tensor
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

        head, truth = embedding.split_head(checkpoint.model)[1], splits.validation.labels
        embedded = embedding.embed(checkpoint, splits.validation.images)
        confidence, predictions = embedding.log_probabilities(head, embedded).double().exp().max(dim=1)
        regression = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        regression.fit(confidence.numpy(), (predictions == truth).numpy())
        training = embedding.embed(checkpoint, splits.train.sample(n, seed=seed).images)
        learned = _directions(_last_hidden(checkpoint, training))
        nearest = torch.cdist(_directions(_last_hidden(checkpoint, embedded)), learned).amin(dim=1)
        limit = float(nearest.quantile(IN_DISTRIBUTION))
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

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the network sees in pictures, uint8 (N, 28, 28): its last hidden layer, (N, F)."""
        return _last_hidden(self.checkpoint, embedding.embed(self.checkpoint, torch.from_numpy(images))).numpy()

    def out_of_distribution(self, features: NDArray[np.float32]) -> Accuracy | None:
        """How many lie farther from what it learned than 99 % of the validation digits do; None of none."""
        if not len(features):
            return None
        nearest = torch.cdist(_directions(torch.from_numpy(features)), self.learned).amin(dim=1)
        return Accuracy(int((nearest > self.limit).sum()), len(features))


@torch.no_grad()
def _last_hidden(checkpoint: Checkpoint, embedded: torch.Tensor) -> torch.Tensor:
    """(N, E) as ``embed`` gives them -> (N, F)."""
    return embedding.split_head(checkpoint.model)[1][:2](embedded)


def _directions(features: torch.Tensor) -> torch.Tensor:
    """Rows of length 1. A scribble excites little, so by its length it would lie in the midst of all digits."""
    return torch.nn.functional.normalize(features, dim=1)
