"""A version in the shadow of the one that answers: it reads the same digits aside, and only measures.

Digits wait in a short queue in memory and are read by a thread of its own, so no request waits for them; when the queue is full
they are passed over and counted. No digit outlives its reading.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import asdict, dataclass
from queue import Full, Queue
from threading import Lock, Thread
from time import perf_counter

import numpy as np

from mnistlab.evaluation.intervals import wilson
from mnistlab.inference.predictor import Prediction, Predictor

WAITING = 64  # digits in the queue; 50 kB
TIMED = 1000  # of the newest readings, for percentiles
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShadowFigures:
    """What a shadow has measured since the server runs.

    Attributes
    ----------
    version : in the shadow.
    n, agreed : digits both versions have read, and those of which they said the same digit, or both that it is none.
    low, high : of the share agreed, its Wilson 95 % interval, 0 to 1; 0 and 1 as long as n is 0.
    passed_over, failed : digits that were not read because the queue was full; readings that ended in an error.
    milliseconds, milliseconds_in_use : p50 and p95 of one reading by each version, here, in turn, of the newest thousand.
    """

    version: str
    n: int
    agreed: int
    low: float
    high: float
    passed_over: int
    failed: int
    milliseconds: tuple[float, float]
    milliseconds_in_use: tuple[float, float]

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self)


class Shadow:
    """Reads aside what another version reads.

    Parameters
    ----------
    reader : the version in the shadow.
    waiting : digits that may wait.
    """

    def __init__(self, reader: Predictor, *, waiting: int = WAITING) -> None:
        self.reader = reader
        self._queue: Queue[tuple[Predictor, Prediction] | None] = Queue(waiting)
        self._lock = Lock()
        self._thread: Thread | None = None
        self._n = self._agreed = self._passed_over = self._failed = 0
        self._times: deque[tuple[float, float]] = deque(maxlen=TIMED)

    def offer(self, reader: Predictor, prediction: Prediction) -> None:
        """Hand over what a version has just read; it returns at once. Nothing is measured by what held no ink, or by itself."""
        if reader.version == self.reader.version or not prediction.image.any():
            return
        try:
            self._queue.put_nowait((reader, prediction))
        except Full:
            with self._lock:
                self._passed_over += 1

    def start(self) -> None:
        """Read what is handed over from now on."""
        self._thread = Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, after what is waiting."""
        if self._thread:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def figures(self) -> ShadowFigures:
        """What has been measured so far."""
        with self._lock:
            n, agreed, times = self._n, self._agreed, np.array(self._times).reshape(-1, 2)
            counts = (self._passed_over, self._failed)
        low, high = wilson(agreed, n) if n else (0.0, 1.0)
        spread = np.percentile(times, (50, 95), axis=0) if len(times) else np.zeros((2, 2))
        shadow, in_use = ((round(float(p50), 3), round(float(p95), 3)) for p50, p95 in spread.T)
        return ShadowFigures(self.reader.version, n, agreed, low, high, *counts, shadow, in_use)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                self._measure(*item)
            except Exception:  # whatever it is, the next digit may be read
                log.exception("version %s failed in the shadow", self.reader.version)
                with self._lock:
                    self._failed += 1

    def _measure(self, reader: Predictor, prediction: Prediction) -> None:
        """Both read the same 28 x 28 here: how it came about takes as long for every version.

        They take turns in who is first, since the second finds the processor's cache warm.
        """
        spent, said = {}, {}
        for each in (self.reader, reader) if self._n % 2 else (reader, self.reader):
            started = perf_counter()
            said[each.version] = each.predict_digit(prediction.image).digit
            spent[each.version] = 1000 * (perf_counter() - started)
        with self._lock:
            self._n += 1
            self._agreed += said[self.reader.version] == prediction.digit
            self._times.append((spent[self.reader.version], spent[reader.version]))
