"""What was read: counted in the store, many readings at a time, and the last hundred in memory, without anything drawn."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mnistlab.feedback.records import Use
from mnistlab.feedback.store import Store

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction

LAST = 100  # readings that are told one by one
WAITING = 20_000  # readings that wait for a store that cannot be written; the earliest of more are not counted
STORE_SECONDS = 10.0  # that the store may take to answer
STORE_WAIT = 5.0  # seconds for another writer of the store


@dataclass(frozen=True)
class Answered:
    """A reading as it is told to those who have the token: no drawing, and nobody's name.

    Attributes
    ----------
    id : of the answer.
    digit : 0 to 9, or None.
    confidence : 0 to 1.
    milliseconds : it took.
    version : that read.
    """

    id: str
    digit: int | None
    confidence: float
    milliseconds: float
    version: str


class Tally:
    """Readings on their way to the store.

    Parameters
    ----------
    url : of the store; None is the lab's own. It is opened when it is first needed, and again until it can be.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._last: OrderedDict[str, Answered] = OrderedDict()
        self._waiting: OrderedDict[str, tuple[str, float]] = OrderedDict()  # version and ms by the id of the answer
        self._leaving = self._waiting.copy()  # those that are being written
        self._lock, self._writing = threading.Lock(), threading.Lock()

    @cached_property
    def store(self) -> Store:
        """The store of feedback.

        Raises
        ------
        FeedbackError : it cannot be opened; asked again, it is tried again.
        """
        return Store(self._url, wait=STORE_WAIT)

    def add(self, answer_id: str, prediction: Prediction) -> None:
        """Count a reading soon; one more under the same id, of a drawing that has grown, is the same reading."""
        spent, version = prediction.milliseconds, prediction.version
        with self._lock:
            self._last[answer_id] = Answered(answer_id, prediction.digit, prediction.confidence, spent, version)
            self._last.move_to_end(answer_id)
            self._waiting[answer_id] = version, spent
            _trim(self._last, LAST)
            _trim(self._waiting, WAITING)

    def last(self) -> list[Answered]:
        """The last readings, the latest first."""
        with self._lock:
            return list(reversed(self._last.values()))

    def find(self, answer_id: str) -> Answered | None:
        """A reading, if it is among the last."""
        with self._lock:
            return self._last.get(answer_id)

    def known(self, answer_id: str) -> Use | None:
        """The reading of an answer that any server on this store has given, with what was said of it; None if there is none.

        Raises
        ------
        FeedbackError : the store cannot be asked.
        """
        with self._lock:
            waiting = self._waiting.get(answer_id) or self._leaving.get(answer_id)
        said = self.store.use(answer_id)
        return said if said is not None or waiting is None else _use(answer_id, *waiting)

    def write(self) -> None:
        """Count what waits in the store. If that fails, it goes on waiting.

        Raises
        ------
        FeedbackError : the store cannot be written.
        """
        with self._writing:  # two at once would leave one another's readings nowhere
            with self._lock:
                self._leaving, self._waiting = self._waiting, OrderedDict()
            try:
                if self._leaving:
                    self.store.count_all([_use(answer_id, *reading) for answer_id, reading in self._leaving.items()])
            except Exception:
                with self._lock:
                    self._waiting = self._leaving | self._waiting
                    _trim(self._waiting, WAITING)
                raise
            finally:
                self._leaving = OrderedDict()


def _trim(readings: OrderedDict[str, Any], most: int) -> None:
    """Forget the earliest of more than so many."""
    while len(readings) > most:
        readings.popitem(last=False)


def _use(answer_id: str, version: str, milliseconds: float) -> Use:
    return Use(version=version, milliseconds=milliseconds, key=answer_id)
