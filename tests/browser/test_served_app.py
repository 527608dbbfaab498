"""What ``mnistlab app`` hands out and to whom, asked of the real server: no browser would send most of this."""

from __future__ import annotations

import base64
import http.client
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import browser
import pytest

from mnistlab.common import paths
from mnistlab.pad.server import HOME

ROUTES = ("templates/pad/static", "templates/pad", "templates", "static", "files", "labextensions", "api/themes")


class Visitor(NamedTuple):
    """The page of one, the id of its kernel, and what its browser keeps."""

    page: str
    kernel: str
    cookie: str


class Server:
    """``mnistlab app``, asked over one connection."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.port, self.token = parts.port, parts.query
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def ask(self, target: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        """The answer to what is sent as it is: a browser would tidy the address first."""
        self.connection.putrequest("GET", target)
        for name, value in headers.items():
            self.connection.putheader(name.replace("_", "-"), value)
        self.connection.endheaders()
        answer = self.connection.getresponse()
        if answer.status == 101:
            self.connection.close()
            return 101, answer.headers, b""
        return answer.status, answer.headers, answer.read()

    def visit(self) -> Visitor:
        """Open the page; its kernel ends after a while, since no link is kept."""
        status, headers, page = self.ask(f"/?{self.token}")
        assert status == 200
        cookie = "; ".join(line.partition(";")[0] for line in headers.get_all("Set-Cookie"))
        kernel = re.search(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", page.decode())[0]
        return Visitor(page.decode(), kernel, cookie)

    def link(self, address: str, *, token: bool, cookie: str | None, origin: str | None) -> int:
        """The status with which a link to the kernel is answered; 101 opens it."""
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
        headers["Sec_WebSocket_Key"] = base64.b64encode(secrets.token_bytes(16)).decode()
        if cookie:
            headers["Cookie"] = cookie
        if origin is not None:
            headers["Origin"] = origin
        return self.ask(f"{address}?{self.token}" if token else address, **headers)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with browser.app(tmp_path_factory.mktemp("app"), models=paths.ROOT / "models") as address:
        server = Server(address)
        yield server
        server.connection.close()


def beside_the_page() -> list[Path]:
    """Files of the folders of templates and settings, but for the styles and scripts that are for everybody."""
    shared = Path(sys.prefix) / "share" / "jupyter"
    folders = [HOME, *(shared / app / "templates" for app in ("voila", "nbconvert"))]
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in files if "static" not in path.parts and path.stat().st_size]


def forms(route: str, path: Path) -> Iterator[str]:
    """Addresses by which a file might be asked for under a route."""
    name, whole = path.name, path.as_posix()
    inner = whole.partition("/templates/")[2] or name
    ups = ["../", "../" * 4, "../" * 12]
    for part in (
        name,
        inner,
        f"/{whole}",
        f"static/{inner}",
        *(f"{up}{p}" for up in ups for p in (name, inner, whole[1:])),
    ):
        yield f"/voila/{route}/{part}"
        yield f"/voila/{route}/{quote(part, safe='').replace('.', '%2e')}"
    yield f"/voila/{route}/..\\{name}"
    yield f"/{inner}"
    yield f"/{name}"


@pytest.mark.parametrize("route", ROUTES)
def test_no_file_of_the_folders_of_templates_and_settings_is_served(server, route):
    chosen = [path for path in beside_the_page() if path.is_relative_to(HOME) or path.name == "conf.json"][:6]
    assert {path.name for path in chosen} >= {"draw.ipynb", "voila.json", "conf.json", "index.html.j2"}
    for path in chosen:
        for target in forms(route, path):
            for query in ("", f"?{server.token}"):
                status, _, body = server.ask(target + query)
                assert status in (302, 403, 404), (status, target)
                assert path.read_bytes()[:200] not in body, target


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_does_not_tell_whether_a_file_is_on_this_machine(server, route):
    for up in ("/", "../" * 12, "%2f", "%2e%2e/" * 12):
        there, absent = (server.ask(f"/voila/{route}/{up}{path}")[0] for path in ("etc/passwd", "etc/no-such-file"))
        assert there == absent == 404


def test_what_the_page_needs_is_served(server):
    needed = re.findall(r'(?:src|href)="(/voila/[^"]+)"', server.visit().page)
    assert len(needed) > 3
    assert [target for target in needed if server.ask(target)[0] != 200] == []


@pytest.mark.parametrize("route", ["/api/kernels/{}/channels", "/voila/query/{}"])
@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize("cookie", [True, False])
def test_a_link_from_a_page_of_another_server_is_refused(server, route, token, cookie):
    visitor, here = server.visit(), f"127.0.0.1:{server.port}"
    address, kept = route.format(visitor.kernel), visitor.cookie if cookie else None
    foreign = (
        "http://other.example",
        "null",
        "http://127.0.0.1:1",
        "http://localhost",
        f"http://{here}.example",
        "file://",
    )
    for origin in (*foreign, f"http://{here}@other.example", ""):
        assert server.link(address, token=token, cookie=kept, origin=origin) in (302, 403), origin


def test_a_link_from_the_page_itself_and_from_a_program_with_the_token_is_taken(server):
    visitor = server.visit()
    address = f"/api/kernels/{visitor.kernel}/channels"
    for origin in (f"http://127.0.0.1:{server.port}", None):
        assert server.link(address, token=False, cookie=visitor.cookie, origin=origin) == 101
        assert server.link(address, token=True, cookie=None, origin=origin) == 101
        assert server.link(address, token=False, cookie=None, origin=origin) == 403
