"""What the handlers of one server share."""

from __future__ import annotations

from mnistlab.serve.configuration import ServeSettings
from mnistlab.serve.limits import Rate, Work
from mnistlab.serve.metrics import Metrics
from mnistlab.serve.versions import Versions

THREADS, WAITING = 2, 32  # pictures that are decoded at once, and that wait


class Service:
    """One server's versions, counters and threads.

    Parameters
    ----------
    settings : of the server.

    Raises
    ------
    RegistryError, CheckpointError : no sound version is in use.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.versions = Versions(settings.models)
        self.metrics = Metrics()
        self.rate = Rate(settings.rate)
        self.work = Work(THREADS, WAITING)

    def close(self) -> None:
        """Begin nothing more."""
        self.work.close()
