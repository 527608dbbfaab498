"""What the server of ``mnistlab app`` refuses, beyond what Voila does: odd paths, the files of a folder, links of other pages.

Voila takes a path apart by its slashes and answers some odd ones with a fault, or with 403 where a file is and 404 where none is.
Here, all that is not plainly a file of the page is not there. Voila takes a link from any page that knows the token; here, a link
is for the page that came from this server.
"""

from __future__ import annotations

from typing import Any

from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler
from voila.static_file_handler import AllowListFileHandler, MultiStaticFileHandler, TemplateStaticFileHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler


def is_plain(path: str) -> bool:
    """Whether every part of a decoded path is a name: no way up, nothing empty, nothing that another system reads as either."""
    return not any(part in ("", ".", "..") or {"\\", "\0", ":"} & set(part) for part in path.split("/"))


class PageFiles(MultiStaticFileHandler):
    """Scripts and styles of the page."""

    def parse_url_path(self, url_path: str) -> str:
        """The path of a file, which may lie in any of the folders."""
        if not is_plain(url_path):
            raise HTTPError(404)
        return str(super().parse_url_path(url_path))


class TemplateFiles(TemplateStaticFileHandler):
    """Scripts and styles of a template: ``NAME/static/FILE``, and nothing else that lies beside them."""

    def parse_url_path(self, url_path: str) -> str:
        """The path of a file in the folder ``static`` of a template."""
        if not is_plain(url_path) or url_path.split("/")[1:2] != ["static"] or url_path.count("/") < 2:
            raise HTTPError(404)
        return str(super().parse_url_path(url_path))


class NotebookFiles(AllowListFileHandler):
    """Pictures beside the notebook, for those that show some. This one shows none."""

    def parse_url_path(self, url_path: str) -> str:
        """There is no such file."""
        raise HTTPError(404)


class OwnLink(VoilaKernelWebsocketHandler):
    """The link between a page and its kernel."""

    def check_origin(self, origin: str | None = None) -> bool:
        """Whether the page came from this server; with the token, too. A program names no origin, and a browser always does."""
        origin = origin or self.request.headers.get("Origin")
        return origin is None or WebSocketHandler.check_origin(self, origin)


OURS = {
    MultiStaticFileHandler: PageFiles,
    TemplateStaticFileHandler: TemplateFiles,
    AllowListFileHandler: NotebookFiles,
    VoilaKernelWebsocketHandler: OwnLink,
}


def guarded(rules: list[Any]) -> list[Any]:
    """Voila's rules (address, handler, perhaps options) with the handlers from here in the place of its own."""
    return [(address, OURS.get(handler, handler), *options) for address, handler, *options in rules]
