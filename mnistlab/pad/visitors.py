"""The kernels of ``mnistlab app``: each visitor has one, and it ends when the visitor leaves.

Voila's page asks for that on its way out, and Voila refuses it, since the page does not send the word that guards against
requests from other pages (``_xsrf``). Without that guard altogether, any page that a visitor has open could make requests in the
visitor's name to every address of the server. Here it is off for this one address, which ends a kernel and does nothing else: to
use it, another page would have to know the kernel's id, 122 random bits that only the visitor's own page holds.
"""

from __future__ import annotations

import time

from jupyter_server.base.handlers import APIHandler
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import authenticated
from traitlets import Dict

LOST = 60.0  # seconds in which a connection that was lost without a word, as on a phone that sleeps, may come back
NEVER = 20.0  # seconds, after all cells have run, in which a page has to connect: it may have been left before it could say so


class VisitorKernels(AsyncMappingKernelManager):
    """Kernels that end without a visitor; for Voila's setting ``multi_kernel_manager_class``.

    Voila asks ``cull_kernel_if_idle`` at every ``cull_interval`` about each kernel that is not kept warm for the next visitor.
    """

    _alone = Dict()  # by kernel: since when, and how long it may be, seconds

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that has been alone too long, or unused for ``cull_idle_timeout``."""
        now = time.monotonic()
        if self._kernel_connections.get(kernel_id):
            self._alone[kernel_id] = (now, LOST)
            await super().cull_kernel_if_idle(kernel_id)
            return
        since, patience = self._alone.setdefault(kernel_id, (now, NEVER))
        if patience == NEVER and getattr(self._kernels[kernel_id], "execution_state", "") in ("starting", "busy"):
            self._alone[kernel_id] = (now, NEVER)  # its page is still being made
        elif now - since > patience:
            await self.end(kernel_id)

    async def end(self, kernel_id: str) -> None:
        """End a kernel at once: it holds nothing that would have to be saved. One that is not there is none to end."""
        self._alone.pop(kernel_id, None)
        if kernel_id in self:
            await self.shutdown_kernel(kernel_id, now=True)


class Goodbye(APIHandler):
    """What a page posts when it is left."""

    def check_xsrf_cookie(self) -> None:
        """Needless here, see above."""

    @authenticated
    async def post(self, kernel_id: str) -> None:
        """End the kernel of the page."""
        kernels: VisitorKernels = self.kernel_manager  # type: ignore[assignment]  # Voila is told to use it
        await kernels.end(kernel_id)
        self.set_status(204)
        self.finish()
