"""The page of the server: ``GET /``, and the files that it asks for."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mnistlab.common.errors import LabError
from mnistlab.registry.registry import Registry
from mnistlab.serve.errors import PLAIN, ApiError
from mnistlab.web import page

if TYPE_CHECKING:
    from mnistlab.serve.service import Service

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


async def index(request: Request) -> Response:
    """The page, which draws and asks this server to read."""
    service: Service = request.app.state.service
    versions, share = service.versions, service.rollout.share
    read = (versions.current.version, *([share.version] if share else []))
    made = partial(_html, versions.root, read, tuple(versions.names()))
    return HTMLResponse(await service.work.run(service.settings.read_seconds, made))


async def asset(request: Request) -> Response:
    """A file of the page."""
    name = request.path_params["name"]
    try:
        return Response(page.asset(name), media_type=TYPES[name.rpartition(".")[2]])
    except LabError:
        code, message = PLAIN[404]
        raise ApiError(message, code=code, status=404) from None


@lru_cache(maxsize=4)
def _html(models: Path, read: tuple[str, ...], names: tuple[str, ...]) -> str:
    """Versions never change, so the page does not until there is another one."""
    return page.served_html(Registry(models), *read)
