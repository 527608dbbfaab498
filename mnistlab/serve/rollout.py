"""Which version reads a request, and what follows from how it went.

Most are read by the version in use. A candidate may get a share of them, always of the same people (A/B); another version may
read everything aside (``shadow``). A candidate that crosses a bound of ``bounds`` loses its share; so does a version that came
into use while the server runs, to the one before it. Each happens once, and is told.
"""

from __future__ import annotations

import logging
from collections import deque
from statistics import median
from threading import Event, Thread
from time import monotonic
from typing import Any

from mnistlab.data.drawings import load_drawings
from mnistlab.inference.predictor import Prediction, Predictor
from mnistlab.serve.bounds import Bounds, Breach, Tallies
from mnistlab.serve.shadow import Shadow
from mnistlab.serve.share import Share
from mnistlab.serve.versions import Incident, Versions

EVERY = 1.0  # seconds between two looks at CURRENT and at the bounds
INCIDENTS = 20  # that are remembered
log = logging.getLogger(__name__)


class Rollout:
    """The versions at work. Methods may be called from any thread.

    Parameters
    ----------
    versions : to read with.
    ab : a version that reads a share; None is none.
    shadow : name of a version that reads aside; None is none.
    bounds : for automatic returns; None is never to return.

    Attributes
    ----------
    returns : automatic returns, and shares that were ended.
    incidents : what happened, the newest last.

    Raises
    ------
    RegistryError, CheckpointError : one of the versions does not exist; it is not sound.
    """

    def __init__(
        self, versions: Versions, *, ab: Share | None = None, shadow: str | None = None, bounds: Bounds | None = None
    ) -> None:
        self.versions = versions
        self.returns = 0
        self.incidents: deque[Incident] = deque(maxlen=INCIDENTS)
        self._ab = (ab, versions.get(ab.version)) if ab else None
        self.shadow = Shadow(versions.get(shadow)) if shadow else None
        self._bounds = bounds
        self._tallies = Tallies(bounds) if bounds else None
        self._new_since: float | None = None  # when the version in use came into use, as long as it is watched
        self._stop = Event()
        self._thread: Thread | None = None
        self._watch()

    @property
    def share(self) -> Share | None:
        """What the candidate reads; None without one, or once its share has ended."""
        ab = self._ab  # once: it may end meanwhile
        return ab[0] if ab else None

    def start(self) -> None:
        """Look every second, in a thread, until ``close``."""
        if self.shadow:
            self.shadow.start()
        self._thread = Thread(target=self._run, name="versions", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the threads."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        if self.shadow:
            self.shadow.close()

    # --- a request ----------------------------------------------------------------------------------------------------

    def reader(self, key: str) -> Predictor:
        """The version that reads a request; it keeps it to its end, whatever comes into use meanwhile.

        Parameters
        ----------
        key : what the client names itself by, so that it stays with one version, or else the id of the request.
        """
        ab = self._ab  # once: it may end meanwhile
        return ab[1] if ab and ab[0].takes(key) else self.versions.current

    def answered(self, reader: Predictor, prediction: Prediction) -> None:
        """A version has read a request that named none."""
        if self._tallies:
            self._tallies.read(reader.version, prediction.milliseconds)
        if self.shadow:
            self.shadow.offer(reader, prediction)

    def failed(self, reader: Predictor) -> None:
        """A version ended in an error of the program, not in a refusal of what was sent."""
        if self._tallies:
            self._tallies.read(reader.version, 0.0, failed=True)

    def told(self, version: str, *, wrong: bool) -> None:
        """A person's verdict on what a version read here; one for each reading is for the caller to see to."""
        if self._tallies:
            self._tallies.told(version, wrong=wrong)

    # --- looking after it ---------------------------------------------------------------------------------------------

    def tend(self) -> None:
        """Swap the version in use if another is named, and send away what has crossed a bound. It may load a version."""
        fault = self.versions.fault
        if self.versions.look():
            self._new_since = monotonic() if self.versions.previous else None
            if self._tallies and self.versions.previous:
                self._tallies.restart(self.versions.current.version)
            self._watch()
        elif self.versions.fault and self.versions.fault is not fault:
            self.incidents.append(self.versions.fault)
        if self._tallies and self._bounds:
            self._end_share(self._tallies)
            self._return(self._tallies, self._bounds)

    def info(self) -> dict[str, Any]:
        """What there is to know of the versions at work, as plain values for JSON."""
        share, fault = self.share, self.versions.fault
        return {
            "loaded": self.versions.loaded(),
            "fault": fault.as_dict() if fault else None,
            "ab": {"version": share.version, "share": share.share} if share else None,
            "shadow": self.shadow.figures().as_dict() if self.shadow else None,
            "incidents": [incident.as_dict() for incident in self.incidents.copy()],
        }

    def _end_share(self, tallies: Tallies) -> None:
        share, in_use = self.share, self.versions.current.version
        if share and share.version != in_use and (breach := tallies.breach(share.version, in_use)):
            self._ab = None
            self._tell(breach, share.version, f"it no longer reads {100 * share.share:g} % of the requests")
            self._watch()

    def _return(self, tallies: Tallies, bounds: Bounds) -> None:
        new, before = self.versions.current, self.versions.previous
        if self._new_since is None or before is None:
            return
        if monotonic() - self._new_since > bounds.probation:
            self._new_since = None
            return
        breach = tallies.breach(new.version, before.version)
        if breach and (breach.fault != "slow" or _is_slower(new, before)):
            self._new_since = None
            self._tell(breach, new.version, self.versions.back())
            self._watch()

    def _tell(self, breach: Breach, version: str, consequence: str) -> None:
        self.returns += 1
        incident = Incident(breach.fault, f"{breach.message}; {consequence}", version)
        self.incidents.append(incident)
        log.error("version %s had to go: %s", version, incident.message)

    def _watch(self) -> None:
        if self._tallies:
            candidate = [self.share.version] if self.share else []
            before = [self.versions.previous.version] if self.versions.previous else []
            self._tallies.watch(self.versions.current.version, *candidate, *before)

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            try:
                self.tend()
            except Exception:  # an error must not end the looking
                log.exception("the versions could not be looked after")


def _is_slower(new: Predictor, before: Predictor) -> bool:
    """Whether a version is at least twice as slow now as the one before, one after the other: else the machine is busy."""
    drawing = next(iter(load_drawings().values()))
    times: list[list[float]] = [[], []]
    for _ in range(9):
        for reader, found in zip((new, before), times, strict=True):
            found.append(reader.predict_strokes(drawing.strokes, drawing.pen_width).milliseconds)
    return median(times[0]) > 2 * median(times[1])
