"""The page as files, in a real browser: the engine reads as Python does, alone, sends nothing, and proves itself first."""

from __future__ import annotations

import base64
import contextlib
import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import browser
import page_vectors
import pytest
from made import page_levels
from playwright.sync_api import expect

from mnistlab.registry.registry import Registry
from mnistlab.web.export import CONTENTS, INDEX, contents, page_files
from mnistlab.web.folder import write_files

pytestmark = pytest.mark.browser

DRAWINGS, WHYS = 2_000, 50
# What the engine of the open page makes of the drawings: how far its pixels, logits and answers are from Python's.
COMPARE = """async vectors => {
  const {drawings, whys} = JSON.parse(vectors);
  const {parts, net, why} = mnistlab;
  const {versions, current} = JSON.parse(document.getElementById('data').textContent);
  const network = await net.load(versions[current]);
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const most = (some, others) => some.length === others.length
    ? some.reduce((worst, value, k) => Math.max(worst, Math.abs(value - others[k])), 0) : Infinity;
  const last = steps => { for (;;) { const {done, value} = steps.next(); if (done) return value; } };
  const said = ({digit, digits, reason, strays, parts}) =>
    JSON.stringify([digit, digits, reason, strays, parts.map(({digit, digits, line}) => [digit, digits, line])]);
  const read = drawings.map(drawing => {
    const {name, strokes, pen, image, logs} = drawing, found = last(parts.read(network, strokes, pen));
    const levels = found.image && image ? most([...found.image], bytes(image)) : found.image || image ? 255 : 0;
    const same = said(found) === said(drawing);
    return {name, levels, apart: same ? most(found.probabilities.map(Math.log), logs) : 0, same};
  });
  const explained = whys.map(({strokes, pen, digit, pieces, weights}) => {
    const value = last(why.attribute(network, strokes, pen));
    return value.digit === digit && value.pieces.length === pieces.length ? most(value.weights, weights) : Infinity;
  });
  return {read, explained};
}"""
ONE = [[(150, 40), (148, 240)]]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return page_files(Registry())


@pytest.fixture
def folder(files, tmp_path: Path) -> Path:
    write_files(tmp_path / "page", files)
    return tmp_path / "page"


@pytest.fixture
def page(chromium):
    """A window of its own; ``asked`` are the requests it makes, ``told`` errors and what its policy forbade."""
    with browser.tab(chromium) as page:
        page.asked, page.told = [], []
        page.context.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.told.append(str(error)))
        page.on("console", lambda said: page.told.append(said.text) if said.type in ("error", "warning") else None)
        page.add_init_script(
            "addEventListener('securitypolicyviolation', event => console.error(`forbidden: ${event.violatedDirective}`))"
        )
        yield page


def data_of(index: Path) -> dict:
    """Of the version that reads."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', index.read_text())[1])
    return data["versions"][data["current"]]


def open_page(page, address: str) -> None:
    page.goto(address)
    page.locator("#reading:not([aria-busy])").wait_for()


def test_two_thousand_drawings_are_read_as_python_reads_them(page, folder):
    vectors = page_vectors.readings(drawings=DRAWINGS, whys=WHYS)
    open_page(page, (folder / INDEX).as_uri())
    found = page.evaluate(COMPARE, json.dumps(vectors))
    read = found["read"]
    assert len(read) == len(vectors["drawings"]) > DRAWINGS
    assert [each["name"] for each in read if each["levels"] > page_levels()] == []
    assert [each["name"] for each in read if not each["apart"] < 0.02] == []
    differing = [each["name"] for each in read if not each["same"]]
    assert len(differing) <= 0.0005 * len(read), differing
    assert len(found["explained"]) == WHYS
    assert max(found["explained"]) < 0.05
    assert page.told == []


def test_a_page_on_a_stick_reads_without_a_network_and_asks_for_nothing(page, folder):
    page.context.set_offline(True)
    open_page(page, (folder / INDEX).as_uri())
    assert all(address.startswith(folder.as_uri()) for address in page.asked)
    page.asked.clear()
    browser.draw(page, ONE, canvas=page.locator("#canvas"))
    page.locator("#digit", has_text="1").wait_for()
    page.locator("#why").click()
    page.locator("#legend").wait_for()
    page.locator("#scramble").click()
    page.locator("#twin-digit-1").filter(has_text=re.compile(r"\d")).wait_for()
    assert page.asked == []
    assert page.told == []
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_a_page_whose_weights_are_damaged_reads_nothing_and_says_so(page, folder):
    index = folder / INDEX
    weights = data_of(index)["weights"]
    raw = bytearray(base64.b64decode(weights))
    raw[len(raw) // 2] ^= 1
    index.write_text(index.read_text().replace(weights, base64.b64encode(raw).decode()))
    open_page(page, index.as_uri())
    page.get_by_role("alert").filter(has_text="failed its own test").wait_for()
    assert "SHA-256" in page.get_by_role("alert").inner_text()
    browser.draw(page, ONE, canvas=page.locator("#canvas"))
    page.wait_for_timeout(300)
    assert not re.search(r"\d", page.locator("#digit").inner_text())


def test_a_page_whose_weights_were_changed_with_their_hash_fails_its_self_test(page, folder):
    index = folder / INDEX
    mean = data_of(index)["normalisation"]["mean"]
    index.write_text(index.read_text().replace(f'"mean": {mean}', '"mean": 0.5'))
    open_page(page, index.as_uri())
    page.get_by_role("alert").filter(has_text="stored images get other answers").wait_for()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args) -> None:
        """Nothing."""


@contextlib.contextmanager
def hosted(folder: Path, port: int = 0) -> Iterator[int]:
    """The files on a plain web host of this machine; gives its port."""
    handler = functools.partial(_Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_after_one_load_from_a_web_host_the_page_opens_without_it_and_offers_a_newer_one(page, folder, files):
    with hosted(folder) as port:
        address = f"http://127.0.0.1:{port}/"
        open_page(page, address)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.asked.clear()
    open_page(page, address)  # the host is gone
    browser.draw(page, ONE, canvas=page.locator("#canvas"))
    page.locator("#digit", has_text="1").wait_for()
    assert page.locator("#renewal").is_hidden()

    newer = {**files, "text.en.js": files["text.en.js"].replace(b"Draw a digit", b"Draw any digit")}
    write_files(folder, {**newer, CONTENTS: contents(newer)})
    with hosted(folder, port):
        open_page(page, address)  # still the old one, which notices
        assert "Draw any" not in page.title()
        page.get_by_role("button", name="Reload").click()
        expect(page).to_have_title("Draw any digit")
        page.locator("#reading:not([aria-busy])").wait_for()
        assert page.locator("#renewal").is_hidden()
        assert len(page.evaluate("caches.keys()")) == 1
    assert page.told == []
