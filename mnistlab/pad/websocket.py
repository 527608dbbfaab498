"""The link between the page and the kernel, without the server's habit of holding small messages back.

Jupyter's server lets TCP wait for the receipt of one small packet before it sends the next (Nagle's algorithm, RFC 896), and a
page that has nothing to send takes up to 40 ms over its receipts (delayed acknowledgement, RFC 1122, 4.2.3.2). The kernel's
answer to the last move of a pen is such a packet. `make setup` has JupyterLab use this class, and pad/app has Voila do so.
"""

from __future__ import annotations

import asyncio

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A connection that sends every message at once; for the setting ``kernel_websocket_connection_class``."""

    def connect(self) -> asyncio.Future[None] | None:  # type: ignore[override]  # so does the class it extends
        """Turn the waiting off, then connect to the kernel as usual."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
