"""The pages beside the drawing page: the description of the API at ``/docs`` and ``/redoc``, and what both of them load.

Swagger UI and Redoc come with the package ``fastapi-offline``, so that nothing is asked of another server.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mnistlab.common.html import render
from mnistlab.common.paths import PACKAGE
from mnistlab.serve.errors import PLAIN, ApiError
from mnistlab.serve.headers import POLICY

OURS = {"docs.js", "redoc.js", "monitoring.js"}
THEIRS = {"swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js"}
# Of the style elements that Redoc makes: an empty one, which a script fills, and one that hides a scroll bar.
REDOC_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
)
# A logo that Redoc would ask of another server: the policy forbids it, and each reader would find an error in the console.
ELSEWHERE, EMPTY = b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:,"
TYPES = {".js": "text/javascript", ".css": "text/css"}


async def docs(request: Request) -> Response:
    """The description of the API, to be tried out."""
    page = render("serve/docs.html", styles=["swagger-ui.css"], scripts=["swagger-ui-bundle.js", "docs.js"])
    return HTMLResponse(page, headers={"content-security-policy": f"{POLICY}; img-src 'self' data:"})


async def redoc(request: Request) -> Response:
    """The description of the API, to be read."""
    page = render("serve/docs.html", styles=[], scripts=["redoc.standalone.js", "redoc.js"])
    policy = f"{POLICY}; style-src 'self' {REDOC_STYLES}; img-src 'self' data:"
    return HTMLResponse(page, headers={"content-security-policy": policy})


async def static(request: Request) -> Response:
    """A file that one of these pages loads."""
    name = request.path_params["name"]
    if name not in OURS | THEIRS:
        code, message = PLAIN[404]
        raise ApiError(message, code=code, status=404)
    return Response(content(name), media_type=TYPES[Path(name).suffix], headers={"cache-control": "max-age=3600"})


@cache
def content(name: str) -> bytes:
    """The bytes of a file of ``OURS`` or ``THEIRS``."""
    if name in OURS:
        return (PACKAGE / "serve" / "static" / name).read_bytes()
    import fastapi_offline

    return (Path(str(fastapi_offline.__file__)).parent / "static" / name).read_bytes().replace(ELSEWHERE, EMPTY)


def with_style(html: str, status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    """A page of the package's own look, whose one style is allowed by its hash."""
    styles = [between.removesuffix("</") for between in html.split("style>")[1::2]]
    hashes = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    policy = f"{POLICY}; style-src 'self' {allowed}"
    return HTMLResponse(html, status, {"content-security-policy": policy, **(headers or {})})


def ask_token(headers: dict[str, str]) -> HTMLResponse:
    """The page for a browser that came without the token: it asks for it, and sends it along."""
    return with_style(render("serve/token.html"), 401, headers)
