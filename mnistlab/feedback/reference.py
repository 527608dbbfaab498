"""What is known of a version from digits whose truth is known, to hold drawings against that nobody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats

from mnistlab.data.mnist import Splits
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.inference import embedding
from mnistlab.registry.checkpoint import Checkpoint

IN_DISTRIBUTION = 0.99  # share of validation digits that lie nearer to what a version learned than a strange drawing


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
    """What is known of a version from digits whose truth is known.

    Attributes
    ----------
    confidence, right : float (K,), ascending: how sure it was, and which share of such digits it read right.
    learned : float (R, F), directions of what it sees in digits like those it learned from.
    limit : distance to the nearest of them, within which 99 % of the validation digits lie.
    base : the version.
    """

    confidence: np.ndarray
    right: np.ndarray
    learned: torch.Tensor
    limit: float
    base: Checkpoint

    @classmethod
    def of(cls, base: Checkpoint, splits: Splits, *, n: int = 2_000, seed: int = 0) -> Reference:
        """From validation digits, and ``n`` training digits to be near to.

        Raises
        ------
        DataError : there are fewer than ``n`` training digits.
        """
        from sklearn.isotonic import IsotonicRegression

        head, truth = embedding.split_head(base.model)[1], splits.validation.labels
        features = embedding.embed(base, splits.validation.images)
        sure, read = embedding.log_probabilities(head, features).double().exp().max(dim=1)
        fit = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(sure.numpy(), (read == truth).numpy())
        learned = _directions(_hidden(base, embedding.embed(base, splits.train.sample(n, seed=seed).images)))
        nearest = torch.cdist(_directions(_hidden(base, features)), learned).amin(dim=1)
        steps = (fit.X_thresholds_, fit.y_thresholds_)
        return cls(*steps, learned, float(nearest.quantile(IN_DISTRIBUTION)), base)

    def estimate_accuracy(self, confidences: Sequence[float]) -> EstimatedAccuracy | None:
        """Share of drawings that are read right, from how sure the network was of each; None without any.

        Each drawing is right with the share that validation digits of this confidence were; the interval is that of a sum of
        such draws (normal), and says nothing of drawings that are unlike the validation digits.
        """
        if not len(confidences):
            return None
        p = np.interp(np.asarray(confidences, dtype=float), self.confidence, self.right)
        half = float(stats.norm.ppf(0.975)) * float(np.sqrt((p * (1 - p)).sum())) / len(p)
        value = float(p.mean())
        return EstimatedAccuracy(value, max(0.0, value - half), min(1.0, value + half), len(p))

    def features(self, images: np.ndarray) -> np.ndarray:
        """What the network sees in pictures, uint8 (N, 28, 28): its last hidden layer, float (N, F)."""
        return _hidden(self.base, embedding.embed(self.base, torch.from_numpy(images))).numpy()

    def out_of_distribution(self, features: np.ndarray) -> Accuracy | None:
        """How many lie farther from what it learned than 99 % of the validation digits do; None of none."""
        if not len(features):
            return None
        nearest = torch.cdist(_directions(torch.from_numpy(features)), self.learned).amin(dim=1)
        return Accuracy(int((nearest > self.limit).sum()), len(features))


def _hidden(base: Checkpoint, features: torch.Tensor) -> torch.Tensor:
    """(N, F) behind the convolutions -> (N, H): the last hidden layer."""
    with torch.no_grad():
        return embedding.split_head(base.model)[1][:2](features)


def _directions(seen: torch.Tensor) -> torch.Tensor:
    """Rows of length 1. A scribble excites little, so by its length it would lie in the midst of all digits."""
    return torch.nn.functional.normalize(seen, dim=1)
