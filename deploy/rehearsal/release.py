"""A release that may be faulty, for rehearsals: the real service, behind something that spoils it.

python release.py NAME PORT SPOIL

NAME is ``dies``, ``never-ready``, ``misreads``, ``turns-bad`` or ``hangs``, or else the release is a good one. The last two are
good until the file SPOIL is there.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mnistlab.serve.app import create_app
from mnistlab.serve.configuration import ServeSettings
from mnistlab.serve.logs import set_up_logs


class Spoiled:
    """ASGI middleware that makes an app as faulty as its name says."""

    def __init__(self, app: ASGIApp, name: str, spoil: Path) -> None:
        self.app, self.name, self.spoil = app, name, spoil

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self.name == "never-ready" and scope["path"] == "/ready":
            await answer(send, 503, b'{"code": "unavailable", "message": "not yet"}')
        elif self.name == "misreads" and scope["path"].endswith("/predict"):
            await answer(send, 200, b'{"digit": 3}')
        elif self.name == "turns-bad" and self.spoil.exists():
            await answer(send, 500, b'{"code": "internal", "message": "it turned bad"}')
        elif self.name == "hangs" and self.spoil.exists():
            await asyncio.sleep(3600)
        else:
            await self.app(scope, receive, send)


async def answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    name, port, spoil = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if name == "dies":
        sys.exit("this release cannot start")
    set_up_logs()
    app = Spoiled(create_app(ServeSettings(rate=None)), name, spoil)
    # The same as in mnistlab/cli/serve.py, as far as it concerns a switch.
    uvicorn.run(app, port=port, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=10)


if __name__ == "__main__":
    main()
