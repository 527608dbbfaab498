"""What stands before every request: its id, who may ask, how often, and what is noted of it."""

from __future__ import annotations

import hmac
import time
import uuid
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnistlab.serve.errors import ApiError, as_api_error, error_response
from mnistlab.serve.headers import ENCODED
from mnistlab.serve.limits import InFlight, Place, busy
from mnistlab.serve.logs import log_request, log_traceback
from mnistlab.serve.pages import ask_token

if TYPE_CHECKING:
    from mnistlab.serve.service import Service

# What asks no token anywhere: nothing in it is about anybody.
OPEN = {"/", "/health", "/ready", "/docs", "/redoc", "/openapi.json"}
ASSETS = ("/assets/", "/static/")
MONITORING = "/monitoring"
# What asks one even on this machine, by method; other methods of these are as all else.
PRIVATE = {
    ("GET", path)
    for path in (
        "/api/v1/feedback",
        "/api/v1/statistics",
        "/api/statistics",
        "/api/v1/recent-predictions",
        "/api/recent-predictions",
        MONITORING,
    )
}
HEALTH = "/health"  # never turned away
READY = "/ready"  # turned away by the rate alone: it asks the store
LOCAL = {"localhost", "127.0.0.1", "[::1]"}


class Guard:
    """ASGI middleware that lets a request through or answers it by itself.

    Parameters
    ----------
    app : what comes after it.
    service : whose settings it keeps.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        self._authorization = b"bearer " + service.settings.token.encode()
        self._loopback = service.settings.is_loopback
        self._load = InFlight(service.settings.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; whatever it raises is answered and noted here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        state = scope.setdefault("state", {})
        state["id"] = uuid.uuid4().hex
        status, place = 0, Place(self._load)

        async def receive_guarded() -> Message:
            place.leave()  # the next bytes may take as long as the client likes
            message = await receive()
            place.take()
            place.hold(len(message.get("body", b"")))
            return message

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                place.leave()  # the work is done
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                message["headers"] += [pair for pair in ENCODED if pair[0] not in own]
                message["headers"].append((b"x-request-id", state["id"].encode()))
            await send(message)

        place.take()
        try:
            self._check(scope)
            await self._app(scope, receive_guarded, send_guarded)
        except Exception as error:
            refused = as_api_error(error)
            if refused.status == 500:
                log_traceback(error, state["id"])
            if not status:  # else the answer is half sent, and the server closes the connection
                await self._refuse(refused, scope)(scope, receive, send_guarded)
            else:
                raise
        finally:
            place.end()
            route = getattr(scope.get("route"), "path", "unknown")
            seconds = time.perf_counter() - started
            self._service.metrics.count(scope["method"], route, status, seconds)
            log_request(scope["method"], route, status, seconds, state)

    def _refuse(self, error: ApiError, scope: Scope) -> Response:
        self._service.metrics.count_refusal(error.code)
        if (
            error.code == "token"
            and scope["path"] == MONITORING
            and "text/html" in Headers(scope=scope).get("accept", "")
        ):
            return ask_token(error.headers)
        return error_response(error, scope["state"]["id"])

    def _check(self, scope: Scope) -> None:
        path, headers = scope["path"], Headers(scope=scope)
        if self._loopback and _name(headers.get("host", "")) not in LOCAL:
            raise ApiError(
                f"the header Host must name this machine ({', '.join(sorted(LOCAL))})", code="host", status=400
            )
        if path == HEALTH:
            return
        self._service.rate.check(scope["client"][0] if scope.get("client") else "")
        if self._asks_token(scope["method"], path) and not self._has_token(headers):
            raise ApiError(
                "this needs the server's token, in the header Authorization: Bearer TOKEN",
                code="token",
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        if path != READY and self._load.is_full:
            raise busy()

    def _asks_token(self, method: str, path: str) -> bool:
        if self._loopback:
            return ("GET" if method == "HEAD" else method, path) in PRIVATE
        return path not in OPEN and not path.startswith(ASSETS)

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, word = headers.get("authorization", "").partition(" ")
        came = f"{scheme.lower()} {word.strip()}".encode()
        return hmac.compare_digest(came, self._authorization)


def _name(host: str) -> str:
    """A Host header without its port."""
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
