"""Whether what somebody said about drawings can be believed, before a version learns from it.

Anybody can name a 4 a 9. A label is *contradicted* if the version is sure of another digit and gives this one next to nothing,
and *doubted* if it reads another digit without being so sure. Both happen to honest people: of 236 times 75 drawings of 30
writers none had more than one contradicted, and none more than two doubted labels that stand alone. A doubted label *stands
alone* unless the person's three drawings most like it all bear it: then it is their way of writing. Somebody who names one
drawing in ten wrong has many contradicted ones, and who chooses drawings the network is unsure of has many that stand alone.
So a session with more than an honest hand explains is left out as a whole, and all of them if together they have more than
honest people would. Of the others a contradicted drawing is left out, unless most of the drawings like it bear the same label.

What passes is learned, and then the gates ask what became of MNIST and of drawn digits. ``mnistlab benchmark poison`` measures
what wrong labels get through, and what they do.
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
NEIGHBOURS = 3  # of the session's other drawings, the most like one
# Labels that an honest session may have: contradicted, doubted and standing alone, and misread in all; a share of its drawings,
# or that many if it has few. Misread drawings raise none of the others.
CONTRADICTED, MIN_CONTRADICTED = 0.04, 2
ALONE, MIN_ALONE = 0.04, 3
MISREAD, MIN_MISREAD = 0.25, 4
# Doubted ones that stand alone, of all sessions together. A network that learned from MNIST alone has 5 in 68 drawings of the
# lab's own in four sessions; three in each of ten sessions of 30 are one in ten.
ALONE_IN_ALL, MIN_ALONE_IN_ALL = 0.08, 6


@dataclass(frozen=True)
class SessionReview:
    """How the labels of one session fared.

    Attributes
    ----------
    name : of the session.
    drawings, misread, contradicted, alone : how many; ``alone`` are doubted and stand alone.
    """

    name: str
    drawings: int
    misread: int
    contradicted: int
    alone: int

    @property
    def allowed(self) -> int:
        """Contradicted labels that honest mistakes explain."""
        return _allowed(self.drawings, CONTRADICTED, MIN_CONTRADICTED)

    @property
    def believed(self) -> bool:
        """Whether anything is learned from it."""
        return (
            self.contradicted <= self.allowed
            and self.alone <= _allowed(self.drawings, ALONE, MIN_ALONE)
            and self.misread <= _allowed(self.drawings, MISREAD, MIN_MISREAD)
        )

    def __str__(self) -> str:
        outcome = "believed" if self.believed else "left out"
        return (
            f"{outcome}: of {self.drawings} labels the network is sure that {self.contradicted} are wrong; "
            f"honest mistakes explain {self.allowed}. It reads {self.misread} otherwise, at most "
            f"{_allowed(self.drawings, MISREAD, MIN_MISREAD)}, and {self.alone} of them stand alone, at most "
            f"{_allowed(self.drawings, ALONE, MIN_ALONE)}"
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

    @property
    def together(self) -> str:
        """Why none of them is learned from, though each could be believed; empty if that is not so."""
        believed = [session for session in self.sessions if session.believed]
        alone, allowed = _alone_in_all(believed)
        if alone <= allowed:
            return ""
        return (
            f"in {len(believed)} sessions together {alone} doubted labels stand alone; honest people explain {allowed}"
        )


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
        like = _like(features[own], labels[own])
        alone = misread[own] & ~contradicted[own] & (like < NEIGHBOURS)
        counts = [int(flags.sum()) for flags in (own, misread[own], contradicted[own], alone)]
        review = SessionReview(name, *counts)
        reviews.append(review)
        if review.believed:
            kept[own] = ~contradicted[own] | (like * 2 > NEIGHBOURS)
    found = Review(kept, tuple(reviews))
    return Review(np.zeros_like(kept), found.sessions) if found.together else found


def _allowed(n: int, share: float, least: int) -> int:
    return max(least, math.floor(share * n))


def _alone_in_all(sessions: Sequence[SessionReview]) -> tuple[int, int]:
    """Doubted labels that stand alone in some sessions together, and how many honest people explain."""
    drawings = sum(session.drawings for session in sessions)
    return sum(session.alone for session in sessions), _allowed(drawings, ALONE_IN_ALL, MIN_ALONE_IN_ALL)


def _like(features: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of a drawing's nearest others bear its label: int (n,), 0 to ``NEIGHBOURS``; 0 with fewer others than that."""
    if len(labels) <= NEIGHBOURS:
        return np.zeros(len(labels), dtype=np.int64)
    distances = squareform(pdist(features))
    np.fill_diagonal(distances, math.inf)
    nearest = labels[np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]]
    same: NDArray[np.int64] = (nearest == labels[:, None]).sum(axis=1)
    return same
