"""When a version must go: how many of its readings failed, were slow or were called wrong, held against stated bounds.

A share lies beyond its bound when the whole of its Wilson interval does, so that a few unlucky readings decide nothing. It must
also lie above that of the version it would give way to: what both suffer from is no fault of the new one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from mnistlab.evaluation.intervals import wilson

Fault = Literal["failed", "slow", "wrong"]
SAID: dict[Fault, str] = {"failed": "readings failed", "slow": "readings were slow", "wrong": "verdicts were wrong"}


@dataclass(frozen=True)
class Bound:
    """What a share may be.

    Attributes
    ----------
    share : 0 to 1; above it a version must go.
    least : readings, or verdicts of people, before it is looked at.
    """

    share: float
    least: int


@dataclass(frozen=True)
class Bounds:
    """All that decides when a version must go, in one place.

    Attributes
    ----------
    failed : readings that ended in an error of the program, never in a refusal of what was sent. A sound version has none;
        1 % leaves room for a machine without memory. When all fail, 20 are enough.
    slow : readings that took longer than ``milliseconds``: more than 5 % of them means that the 95th percentile is longer.
    wrong : verdicts of people. Of hands never seen, 2 to 5 % of the digits are misread, and those who were misread are more
        likely to say so.
    milliseconds : of one reading; 50 times what the network for drawing takes at the 95th percentile on one core, so that
        no busy machine comes near it, and half of what a person notices.
    confidence : of the intervals. A share is looked at when its n has doubled, then once in half a window: at 99 %, a version
        just at its bound is wrongly sent away in one of 200 looks, and one at half of it in none.
    window : readings, or verdicts, that count; at that many the old ones begin to weigh half, so that a fault that comes
        with time is seen.
    probation : seconds for which a version is watched after it came into use: a day, to see all who use it once.
    """

    failed: Bound = Bound(0.01, 20)
    slow: Bound = Bound(0.05, 100)
    wrong: Bound = Bound(0.20, 50)
    milliseconds: float = 50.0
    confidence: float = 0.99
    window: int = 1000
    probation: float = 24 * 3600.0


@dataclass(frozen=True)
class Breach:
    """A share beyond its bound.

    Attributes
    ----------
    fault : which one.
    message : how many there were and how many there may be, as a sentence for people without its full stop.
    """

    fault: Fault
    message: str


@dataclass
class Count:
    """How often something was the case, of late.

    Attributes
    ----------
    bound : what its share may be.
    window : beyond so many, those before weigh half.
    hits, n : of the readings that count.
    total : of all readings.
    next : the total at which it is looked at again.
    """

    bound: Bound
    window: int
    hits: int = 0
    n: int = 0
    total: int = 0
    next: int = field(init=False)

    def __post_init__(self) -> None:
        self.next = self.bound.least

    def add(self, hit: bool) -> None:
        """One more."""
        if self.n >= self.window:
            self.hits, self.n = self.hits // 2, self.n // 2
        self.hits, self.n, self.total = self.hits + hit, self.n + 1, self.total + 1

    def look(self) -> bool:
        """Whether it is time to look; the next time is when as many more have come, at most half a window."""
        if self.total < self.next:
            return False
        self.next = self.total + min(self.n, self.window // 2)
        return True

    def interval(self, confidence: float) -> tuple[float, float]:
        """Bounds of the share, 0 to 1; 0 and 0 as long as there are too few to say anything."""
        return wilson(self.hits, self.n, confidence) if self.n >= self.bound.least else (0.0, 0.0)


class Tallies:
    """Counts what becomes of the readings of each version that is watched or compared with. Safe to call from any thread.

    Parameters
    ----------
    bounds : what decides.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._lock = Lock()
        self._counts: dict[str, dict[Fault, Count]] = {}

    def watch(self, *versions: str) -> None:
        """Count for these versions, and forget all others. Those that are counted already go on."""
        with self._lock:
            self._counts = {name: self._counts.get(name) or self._none() for name in versions}

    def restart(self, version: str) -> None:
        """Count a version from the beginning."""
        with self._lock:
            self._counts[version] = self._none()

    def read(self, version: str, milliseconds: float, *, failed: bool = False) -> None:
        """A reading that took so long, or failed. Of a version that is not watched, it is nothing."""
        with self._lock:
            if counts := self._counts.get(version):
                counts["failed"].add(failed)
                if not failed:
                    counts["slow"].add(milliseconds > self.bounds.milliseconds)

    def told(self, version: str, *, wrong: bool) -> None:
        """A person's verdict on a reading."""
        with self._lock:
            if counts := self._counts.get(version):
                counts["wrong"].add(wrong)

    def breach(self, version: str, against: str | None = None) -> Breach | None:
        """What makes a version go now, or None; most of the time nothing is due to be looked at.

        Parameters
        ----------
        against : the version that would read instead; one with few readings yet is no measure.
        """
        with self._lock:
            others = self._counts.get(against or "", {})
            for fault, count in self._counts.get(version, {}).items():
                if not count.look():
                    continue
                low, high = count.interval(self.bounds.confidence)
                other = others[fault].interval(self.bounds.confidence)[1] if fault in others else 0.0
                if low > max(count.bound.share, other):
                    return Breach(fault, self._message(fault, count, low, high))
        return None

    def _none(self) -> dict[Fault, Count]:
        bounds = self.bounds
        return {
            "failed": Count(bounds.failed, bounds.window),
            "slow": Count(bounds.slow, bounds.window),
            "wrong": Count(bounds.wrong, bounds.window),
        }

    def _message(self, fault: Fault, count: Count, low: float, high: float) -> str:
        slow = f" (longer than {self.bounds.milliseconds:g} ms)" if fault == "slow" else ""
        return (
            f"{count.hits} of {count.n} {SAID[fault]}{slow}: {100 * low:.0f} to {100 * high:.0f} % with "
            f"{100 * self.bounds.confidence:.0f} % confidence, at most {100 * count.bound.share:.0f} % are allowed"
        )
