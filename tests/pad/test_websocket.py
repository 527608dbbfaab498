import asyncio
import json
import socket
import sys
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect
from traitlets.config import Config
from voila.app import Voila

from mnistlab.common import paths
from mnistlab.pad.websocket import PromptConnection


@pytest.mark.parametrize("kind", [ZMQChannelsWebsocketConnection, PromptConnection])
def test_a_message_to_the_page_does_not_wait_for_the_receipt_of_the_one_before(monkeypatch, kind):
    monkeypatch.setattr(ZMQChannelsWebsocketConnection, "connect", lambda self: "connected to the kernel")
    seen = []

    class Handler(KernelWebsocketHandler):  # without what guards and names a kernel
        get = WebSocketHandler.get

        def prepare(self) -> None:
            pass

        def select_subprotocol(self, subprotocols: list[str]) -> None:
            return None

        def on_close(self) -> None:
            pass

        def open(self) -> None:
            returned = kind(parent=KernelManager(), websocket_handler=self).connect()
            link = self.ws_connection.stream.socket
            seen.append((returned, link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0))

    async def connect() -> None:
        listening, port = bind_unused_port()
        server = HTTPServer(Application([("/", Handler)]))
        server.add_socket(listening)
        client = await websocket_connect(f"ws://127.0.0.1:{port}/")
        client.close()
        await client.read_message()  # None, once both have said goodbye
        server.stop()
        await server.close_all_connections()

    asyncio.run(connect())
    assert seen == [("connected to the kernel", kind is PromptConnection)]


@pytest.mark.parametrize(
    ("app", "settings"),
    [(ServerApp, paths.ROOT / "jupyter" / "server.json"), (Voila, paths.PACKAGE / "pad" / "app" / "voila.json")],
)
def test_jupyterlab_and_voila_are_told_to_use_it(app, settings):
    config = Config(json.loads(settings.read_text()))
    assert app(config=config).kernel_websocket_connection_class is PromptConnection


def test_jupyterlab_still_knows_every_setting_that_the_lab_overrides():
    schemas = Path(sys.prefix) / "share" / "jupyter" / "lab" / "schemas"
    overrides = json.loads((paths.ROOT / "jupyter" / "overrides.json").read_text())
    for plugin, settings in overrides.items():
        package, _, name = plugin.partition(":")
        known = json.loads((schemas / package / f"{name}.json").read_text())["properties"]
        assert set(settings) <= set(known), plugin
    status = json.loads((schemas / "@jupyterlab/notebook-extension" / "tracker.json").read_text())["definitions"]
    assert set(overrides["@jupyterlab/notebook-extension:tracker"]["kernelStatus"]) <= set(
        status["kernelStatusConfig"]["properties"]
    )
