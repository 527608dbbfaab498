"""What stands before every request: its id, who may ask, how often, and what is noted of it."""

from __future__ import annotations

import hmac
import time
import uuid
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnistlab.serve.errors import ApiError, as_api_error, error_response
from mnistlab.serve.limits import busy
from mnistlab.serve.logs import log_request, log_traceback

if TYPE_CHECKING:
    from mnistlab.serve.service import Service

# What asks no token anywhere: nothing in it is about anybody.
OPEN = {"/", "/health", "/ready", "/docs", "/redoc", "/openapi.json"}
ASSETS = "/assets/"
# What asks one even on this machine, by method; other methods of these are as all else.
PRIVATE = {
    ("GET", path)
    for path in (
        "/api/v1/feedback",
        "/api/v1/statistics",
        "/api/statistics",
        "/api/v1/recent-predictions",
        "/api/recent-predictions",
        "/monitoring",
    )
}
UNLIMITED = {"/health", "/ready"}  # they never wait, however much there is to do
LOCAL = {"localhost", "127.0.0.1", "[::1]"}
POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
ENCODED = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


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
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; whatever it raises is answered and noted here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        state = scope.setdefault("state", {})
        state["id"] = uuid.uuid4().hex
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                message["headers"] += [pair for pair in ENCODED if pair[0] not in own]
                message["headers"].append((b"x-request-id", state["id"].encode()))
            await send(message)

        self._in_flight += 1
        try:
            self._check(scope)
            await self._app(scope, receive, send_guarded)
        except Exception as error:
            refused = as_api_error(error)
            if refused.status == 500:
                log_traceback(error, state["id"])
            if not status:  # else the answer is half sent, and the server closes the connection
                await error_response(refused, state["id"])(scope, receive, send_guarded)
            else:
                raise
        finally:
            self._in_flight -= 1
            route = getattr(scope.get("route"), "path", "unknown")
            seconds = time.perf_counter() - started
            self._service.metrics.count(scope["method"], route, status, seconds)
            log_request(scope["method"], route, status, seconds, state)

    def _check(self, scope: Scope) -> None:
        path, headers = scope["path"], Headers(scope=scope)
        if self._loopback and _name(headers.get("host", "")) not in LOCAL:
            raise ApiError(
                f"the header Host must name this machine ({', '.join(sorted(LOCAL))})", code="host", status=400
            )
        if path in UNLIMITED:
            return
        self._service.rate.check(scope["client"][0] if scope.get("client") else "")
        if self._asks_token(scope["method"], path) and not self._has_token(headers):
            raise ApiError(
                "this needs the server's token, in the header Authorization: Bearer TOKEN",
                code="token",
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        if self._in_flight > self._service.settings.in_flight:
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
