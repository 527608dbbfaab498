"""The page that reads by itself, handed out on this machine: for drawing at once, with the core of the package alone."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from mnistlab.common.errors import LabError
from mnistlab.web.export import INDEX

HOST = "127.0.0.1"


def page_server(files: Mapping[str, bytes], port: int) -> ThreadingHTTPServer:
    """A server of these files, and of nothing else, on loopback; ``serve_forever`` starts it.

    Parameters
    ----------
    files : contents by name, with ``index.html`` among them.
    port : 0 takes a free one.

    Raises
    ------
    LabError : the port is taken or not allowed.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = unquote(urlsplit(self.path).path).lstrip("/") or INDEX
            if name not in files:
                self.send_error(404)
                return
            self.send_response(200)
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
            self.send_header("Content-Length", str(len(files[name])))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cache-Control", "no-cache")
            self.end_headers()
            self.wfile.write(files[name])

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: one person draws here, and the terminal is theirs."""

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise LabError(f"port {port} cannot be used: {error.strerror or error}", code="port") from error
