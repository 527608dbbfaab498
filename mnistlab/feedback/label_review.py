"""Whether what somebody said about drawings can be believed, before a version learns from it.

Anybody can name a 4 a 9. A label is *contradicted* if the version is sure of another digit and gives this one next to nothing.
That happens to honest people: of the first 100 drawings of 30 writers no one had more than one. Somebody who names one
drawing in ten wrong, or takes one digit for another throughout, has many. So a session with more than an honest
hand explains is left out as a whole. Of the others a contradicted drawing is left out, unless the person's other drawings most
like it bear the same label: then it is their way of writing.

What passes is learned, and then the gates ask what became of MNIST and of drawn digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from mnistlab.common.errors import DataError
from mnistlab.evaluation.conformal import nonconformity
from mnistlab.registry.checkpoint import Checkpoint

if TYPE_CHECKING:
    from mnistlab.data.mnist import Digits

CONFIDENT = 0.99  # probability of the digit that was read, from which the version contradicts another label
IMPLAUSIBLE = 0.01  # probability of the label, below which it is contradicted
NEIGHBOURS = 3  # of the session's other drawings; more than half of them must agree
# How many contradicted labels an honest session may have: one, or this share of all its drawings, or this one of those that
# were misread; of 88 honest misreadings 13 were contradicted.
MAX_SHARE_OF_ALL, MAX_SHARE_OF_MISREAD = 0.02, 0.25


@dataclass(frozen=True)
class SessionReview:
    """How the labels of one session fared.

    Attributes
    ----------
    name : of the session.
    drawings, misread, contradicted : how many.
    allowed : contradicted labels that honest mistakes explain.
    """

    name: str
    drawings: int
    misread: int
    contradicted: int
    allowed: int

    @property
    def believed(self) -> bool:
        """Whether anything is learned from it."""
        return self.contradicted <= self.allowed

    def __str__(self) -> str:
        outcome = "believed" if self.believed else "left out"
        return (
            f"{outcome}: of {self.drawings} labels the network is sure that {self.contradicted} are wrong; "
            f"honest mistakes explain {self.allowed}"
        )


@dataclass(frozen=True, eq=False)
class Review:
    """How all labels fared.

    Attributes
    ----------
    kept : bool (N,), what may be learned from.
    sessions : one per session, in order of appearance.
    """

    kept: NDArray[np.bool_]
    sessions: tuple[SessionReview, ...]


def review_labels(base: Checkpoint, digits: Digits, sessions: Sequence[str]) -> Review:
    """Ask a version about the labels that people gave.

    Parameters
    ----------
    base : the version in use, which has not learned from them.
    digits : the drawings with their labels.
    sessions : name of the session of each.

    Raises
    ------
    DataError : not one session for each drawing.
    """
    if len(sessions) != len(digits):
        raise DataError(f"{len(digits)} drawings have a session each, not {len(sessions)}", code="sessions")
    if not len(digits):
        return Review(np.zeros(0, dtype=bool), ())
    features, labels = base.features(digits.images), np.asarray(digits.labels)
    probabilities = np.exp(-nonconformity(base.head(features)))
    of_label = probabilities[np.arange(len(labels)), labels]
    misread, confidence = probabilities.argmax(axis=1) != labels, probabilities.max(axis=1)
    contradicted = misread & (confidence >= CONFIDENT) & (of_label < IMPLAUSIBLE)
    kept, reviews = np.zeros(len(digits), dtype=bool), []
    for name in dict.fromkeys(sessions):
        own = np.array([session == name for session in sessions])
        review = _review_session(name, misread[own], contradicted[own])
        reviews.append(review)
        if review.believed:
            kept[own] = ~contradicted[own] | _supported(features[own], labels[own])
    return Review(kept, tuple(reviews))


def _review_session(name: str, misread: NDArray[np.bool_], contradicted: NDArray[np.bool_]) -> SessionReview:
    n, n_misread = len(misread), int(misread.sum())
    allowed = max(1, math.floor(MAX_SHARE_OF_ALL * n), math.floor(MAX_SHARE_OF_MISREAD * n_misread))
    return SessionReview(name, n, n_misread, int(contradicted.sum()), allowed)


def _supported(features: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether most of a drawing's nearest others bear its label: bool (n,); never with fewer than ``NEIGHBOURS`` others."""
    if len(labels) <= NEIGHBOURS:
        return np.zeros(len(labels), dtype=bool)
    distances = squareform(pdist(features))
    np.fill_diagonal(distances, math.inf)
    nearest = labels[np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]]
    supported: NDArray[np.bool_] = (nearest == labels[:, None]).sum(axis=1) * 2 > NEIGHBOURS
    return supported
