"""Looking at digits without training a network: who stands next to whom, and which pixels vary together.

Images are uint8 (N, 28, 28). A distance is Euclidean over the 784 grey values of 0..1; a correlation is Pearson's, of two
pixels from image to image. Neighbours come from scikit-learn's exhaustive search. No figure is drawn here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mnistlab.common.constants import CLASSES, PIXELS, SIDE
from mnistlab.common.errors import DataError
from mnistlab.data.mnist import Digits
from mnistlab.data.permutation import Permutation
from mnistlab.registry.architecture import KERNEL

CHUNK = 250  # images whose windows are held at once: 14 MB


@dataclass(frozen=True)
class Neighbours:
    """The nearest references of each class to each query."""

    distance: np.ndarray  # float (N, 10, k), nearest first; grey 0..1, from 0 to 28
    index: np.ndarray  # int (N, 10, k), positions among the references
    labels: np.ndarray  # int (N,), what the queries are

    def predictions(self) -> np.ndarray:
        """The class of the nearest reference of all, int (N,): what a nearest-neighbour classifier reads."""
        return self.distance[:, :, 0].argmin(axis=1)

    def own(self) -> tuple[np.ndarray, np.ndarray]:
        """Distance float (N, k) and index int (N, k) of the nearest of the query's own class."""
        rows = np.arange(len(self.labels))
        return self.distance[rows, self.labels], self.index[rows, self.labels]

    def strangers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Class, distance and index, each (N,), of the nearest reference of another class."""
        rows = np.arange(len(self.labels))
        nearest = self.distance[:, :, 0].copy()
        nearest[rows, self.labels] = np.inf
        classes = nearest.argmin(axis=1)
        return classes, nearest[rows, classes], self.index[rows, classes, 0]

    def oddness(self) -> np.ndarray:
        """Mean distance to the k nearest of the own class, over the median of that class: (N,), 1 is usual."""
        mean = self.own()[0].mean(axis=1)
        median = np.array(
            [np.median(mean[self.labels == c]) if (self.labels == c).any() else 1 for c in range(CLASSES)]
        )
        return mean / median[self.labels]

    def kinship(self) -> np.ndarray:
        """Share of the queries of class ``row`` whose nearest stranger is of class ``column``: (10, 10).

        Rows sum to 1 (NaN where there is no query), the diagonal is 0.
        """
        counts = np.zeros((CLASSES, CLASSES))
        np.add.at(counts, (self.labels, self.strangers()[0]), 1)
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN on purpose
            return counts / counts.sum(axis=1, keepdims=True)


def flat(images: Tensor) -> np.ndarray:
    """uint8 (N, 28, 28) -> float32 (N, 784), grey 0..1: the table that scikit-learn takes."""
    return images.reshape(len(images), PIXELS).numpy().astype(np.float32) / 255


def find_neighbours(queries: Digits, references: Digits, *, k: int = 3) -> Neighbours:
    """The ``k`` nearest references of each class to each query, by exhaustive search.

    Raises
    ------
    DataError : a class has fewer than ``k`` references.
    """
    from sklearn.neighbors import NearestNeighbors

    if int(references.counts().min()) < k:
        digit = int(references.counts().argmin())
        raise DataError(
            f"{k} neighbours of each digit are asked for, but there are only {int(references.counts()[digit])} of {digit}",
            code="neighbours",
        )
    table, asked = flat(references.images), flat(queries.images)
    distances, indices = [], []
    for digit in range(CLASSES):
        members = (references.labels == digit).nonzero().flatten().numpy()
        nearest = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(table[members])
        distance, index = nearest.kneighbors(asked)
        distances.append(distance)
        indices.append(members[index])
    return Neighbours(np.stack(distances, axis=1), np.stack(indices, axis=1), queries.labels.numpy())


def pixel_correlation(images: Tensor) -> np.ndarray:
    """How each two pixels vary together from image to image: float (784, 784), -1 to 1, NaN where one never varies."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.corrcoef(flat(images).astype(np.float64), rowvar=False))


def permute_correlation(correlation: np.ndarray, permutation: Permutation) -> np.ndarray:
    """What a correlation (784, 784) becomes when the pixels change places: the same values, elsewhere."""
    return permutation.apply(permutation.apply(correlation), pixels="first")


def mean_correlation_by_distance(correlation: np.ndarray) -> np.ndarray:
    """Mean correlation of two places 1 to 27 pixels apart in a row or column: (27,) from (784, 784); NaN pairs are left out."""
    square = correlation.reshape(SIDE, SIDE, SIDE, SIDE)  # row, column, other row, other column
    means = []
    for apart in range(1, SIDE):
        near, far = np.arange(SIDE - apart), np.arange(apart, SIDE)
        along_rows = square[:, near, :, far].diagonal(axis1=1, axis2=2)
        along_columns = square[near, :, far, :].diagonal(axis1=1, axis2=2)
        known = np.concatenate([along_rows, along_columns], axis=None)
        known = known[np.isfinite(known)]
        means.append(known.mean() if known.size else np.nan)
    return np.array(means)


def best_partners(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels that vary, and for each the other pixel it is most correlated with: two int arrays (n,)."""
    known = np.where(np.isnan(correlation), -np.inf, correlation)
    np.fill_diagonal(known, -np.inf)
    pixels = np.flatnonzero(np.isfinite(known).any(axis=1))
    return pixels, known[pixels].argmax(axis=1)


def explained_variance(images: Tensor) -> np.ndarray:
    """How much of what a window of 5 x 5 pixels shows n numbers can hold at best, all places pooled.

    Returns the cumulative shares of variance of the principal components, float (25,), rising to 1.
    """
    n = KERNEL**2
    total, square, count = torch.zeros(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64), 0
    for batch in images.split(CHUNK):
        windows = torch.nn.functional.unfold(batch[:, None].float() / 255, KERNEL).transpose(1, 2).flatten(0, 1)
        total += windows.sum(dim=0, dtype=torch.float64)
        square += (windows.T @ windows).double()
        count += len(windows)
    mean = total / count
    variances = torch.linalg.eigvalsh(square / count - torch.outer(mean, mean)).flip(0).clamp(min=0)
    return (variances.cumsum(0) / variances.sum()).numpy()
