"""What the handlers of one server share."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock

from mnistlab.common.errors import LabError
from mnistlab.serve.bounds import Bounds
from mnistlab.serve.configuration import ServeSettings
from mnistlab.serve.limits import Rate, Work
from mnistlab.serve.metrics import Metrics
from mnistlab.serve.rollout import Rollout
from mnistlab.serve.rollout_metrics import RolloutCollector
from mnistlab.serve.tally import Tally
from mnistlab.serve.versions import Versions

THREADS, WAITING = 2, 32  # pictures that are decoded at once, and that wait


class Service:
    """One server's versions, counters and threads.

    Parameters
    ----------
    settings : of the server.

    Raises
    ------
    RegistryError, CheckpointError : no sound version is in use; a candidate or a shadow is not sound, or not there.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.versions = Versions(settings.models)
        bounds = Bounds() if settings.returns else None
        self.rollout = Rollout(self.versions, ab=settings.ab, shadow=settings.shadow, bounds=bounds)
        self.metrics = Metrics()
        self.metrics.registry.register(RolloutCollector(self.rollout))
        self.rate = Rate(settings.rate)
        self.work = Work(THREADS, WAITING)
        self.storing = Work(THREADS, WAITING)  # apart from it: it waits for the disk
        self.tally = Tally(settings.store)
        self.verdicts = Lock()

    def start(self) -> None:
        """Look after the versions from now on."""
        self.rollout.start()

    def close(self) -> None:
        """Begin nothing more, and write what was counted."""
        self.rollout.close()
        self.work.close()
        self.storing.close()
        with suppress(LabError):
            self.tally.write()
