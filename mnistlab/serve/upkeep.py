"""What a server does by the clock: it writes what was counted, erases what has been kept long enough, and measures itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mnistlab.common.errors import LabError
from mnistlab.serve.tally import STORE_SECONDS

if TYPE_CHECKING:
    from mnistlab.serve.service import Service

WRITE = 2.0  # s between two writes of what was counted
PURGE = 86_400.0  # s between two looks for what has been kept long enough
DRIFT = 3_600.0  # s between two looks at whether people draw differently
DAYS = 7.0  # that are compared with the time before, as in ``mnistlab monitor``
log = logging.getLogger(__name__)


class Upkeep:
    """The clock of one server.

    Parameters
    ----------
    service : that is looked after.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def run(self) -> None:
        """Without end."""
        purged = time.monotonic()  # the store does it by itself when it is opened
        compared = -DRIFT
        while True:
            await asyncio.sleep(WRITE)
            answers = await self._in_store(self._write)
            self._service.metrics.store_answers.set(answers)
            now = time.monotonic()
            if answers and now - purged > PURGE and await self._in_store(lambda: self._service.tally.store.purge()):
                purged = now
            if answers and now - compared > DRIFT:
                await self._in_store(self._compare)
                compared = now

    async def _in_store(self, act: Callable[[], object]) -> bool:
        """Whether it could be done."""
        try:
            await self._service.storing.run(STORE_SECONDS, act)
        except LabError:  # /ready tells it
            return False
        except Exception:  # an error must not end the clock
            log.exception("the store could not be looked after")
            return False
        return True

    def _write(self) -> None:
        self._service.tally.write()
        self._service.tally.store.answers()

    def _compare(self) -> None:
        """Whether people draw differently than before, of those who agreed to have their drawings looked at."""
        uses = self._service.tally.store.uses(consented=True)
        if not uses:
            return
        from mnistlab.feedback.report import make_report  # it needs SciPy, which takes its time and 60 MB

        report = make_report(uses, version=self._service.versions.current.version, days=DAYS)
        self._service.metrics.drift.set(min((finding.p_value for finding in report.findings), default=1.0))
