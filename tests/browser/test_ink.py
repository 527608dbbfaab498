"""Ink in the page while the kernel is busy, restarted or cut off. One JupyterLab, behind a link that can be cut."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import browser
import pytest

from mnistlab.common import paths
from mnistlab.data.drawings import load_drawings
from mnistlab.studies.bench import browser_latency
from mnistlab.studies.bench.slow_link import slow_link

pytestmark = pytest.mark.browser

LONG = 60  # seconds after which something never comes
SEVEN = load_drawings()["seven"]
PAD = "from mnistlab import DigitPad\npad = DigitPad()\npad"
# As in a place that shows no widgets but those it knows.
BARE = "from mnistlab.pad.wet_ink import WetInk\nWetInk._esm = 'throw new Error()'\n" + PAD
DARK = """name => {
  const canvas = document.querySelector(name);
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 3 && value > 127).length;
}"""
WIDTH = "name => document.querySelector(name).width"
WET, DRY = ".mnistlab-wet canvas", ".mnistlab-sheet"
WAITING = "waiting for the kernel"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ink")


@pytest.fixture(scope="module")
def lab(folder):
    """The address of a notebook by its name, and the link through which a page reaches it."""
    with browser.lab(folder, models=paths.models(), pad=PAD, bare=BARE) as address:
        port = int(re.search(r":(\d+)/", address)[1])
        with slow_link(port) as link:
            token = address.partition("?")[2]
            yield (lambda name: f"http://127.0.0.1:{link.port}/doc/tree/{name}.ipynb?{token}"), link


@pytest.fixture(scope="module")
def page(chromium, lab):
    address, _ = lab
    with browser.tab(chromium) as page:
        browser.run_all(page, address("pad"), last="")
        yield page


@pytest.fixture(scope="module")
def kernel(page, folder: Path) -> Path:
    (connection,) = (folder / "runtime").glob("kernel-*.json")
    return connection


@pytest.fixture
def pad(page, kernel):
    browser.ask(kernel, "pad.clear()")
    page.get_by_text("draw a digit", exact=True).wait_for()
    page.wait_for_function(f"() => ({DARK})('{WET}') + ({DARK})('{DRY}') === 0")
    return page


@contextmanager
def busy(kernel: Path, folder: Path):
    """A cell that holds the kernel, and the pad in whichever thread."""
    end = folder / "end"
    code = f"import pathlib, time\nend = pathlib.Path({str(end)!r})\nwith pad.lock:\n    while not end.exists(): time.sleep(0.01)"
    holding = threading.Thread(target=browser.run, args=(kernel, code))
    holding.start()
    try:
        yield
    finally:
        end.touch()
        holding.join(LONG)
        end.unlink()


def n_points(kernel: Path) -> int:
    return int(browser.ask(kernel, "pad.drawing.n_points"))


def test_what_is_drawn_while_the_kernel_is_busy_is_seen_at_once_and_read_afterwards(pad, kernel, folder):
    with busy(kernel, folder):
        pad.get_by_text("Python 3 (ipykernel) | Busy").wait_for()
        browser.draw(pad, SEVEN.strokes)
        ink = pad.evaluate(DARK, WET)
        assert ink > 10_000
        assert pad.evaluate(DARK, DRY) == 0
        pad.get_by_text(WAITING).wait_for()
    pad.locator(".mnistlab-digit", has_text=re.compile("^7$")).wait_for()
    pad.get_by_text(WAITING).wait_for(state="hidden")
    pad.wait_for_function(f"() => ({DARK})('{WET}') === 0")  # the ink of the kernel has taken its place
    scale = pad.evaluate(WIDTH, DRY) / pad.evaluate(WIDTH, WET)  # the wet one has the px of the screen
    assert pad.evaluate(DARK, DRY) == pytest.approx(ink * scale**2, rel=0.02)
    assert browser.ask(kernel, "len(pad.drawing)") == "1"


def test_clear_and_undo_take_back_what_was_drawn_before_them_and_no_more(pad, kernel, folder):
    with busy(kernel, folder):
        for x, button in ((60, "Clear"), (120, None), (180, "Undo"), (240, None)):
            browser.draw(pad, [[(x, 60), (x, 200)]])
            if button:
                pad.locator(".mnistlab-pad").get_by_role("button", name=button).click()
    pad.wait_for_function(f"() => ({DARK})('{DRY}') > 0 && ({DARK})('{WET}') === 0")
    assert browser.ask(kernel, "[round(stroke[0, 0]) for stroke in pad.drawing.strokes]") == "[120, 240]"


def test_a_cut_connection_loses_no_point(pad, kernel, lab):
    _, link = lab
    pad.locator(WET).hover()
    for seconds, act in ((0.7, link.cut), (1.3, link.mend)):
        threading.Timer(seconds, act).start()
    sent, _ = pad.evaluate(browser_latency.STORM, 2)
    deadline = time.monotonic() + LONG
    while n_points(kernel) < sent + 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert n_points(kernel) == sent + 1
    pad.get_by_text(WAITING).wait_for(state="hidden")
    assert browser.ask(kernel, "len(pad.drawing), pad.drawing.is_open") == "(1, False)"


def test_the_right_button_draws_nothing(pad, kernel):
    at = browser.place(pad.locator(WET))
    pad.mouse.move(*at(60, 60))
    pad.mouse.down(button="right")
    pad.mouse.move(*at(200, 200))
    pad.mouse.up(button="right")
    pad.keyboard.press("Escape")  # JupyterLab's menu
    assert pad.evaluate(DARK, WET) == 0
    assert n_points(kernel) == 0


def test_no_key_on_the_sheet_is_one_of_jupyterlab(pad, kernel):
    cells = pad.locator(".jp-Cell").count()
    pad.locator(WET).focus()
    for key in ("a", "b", "d", "d", "x", "Enter", "Space", "ArrowDown", "ArrowDown", "Space"):
        pad.keyboard.press(key)
    pad.get_by_text("draw a digit", exact=True).wait_for(state="hidden")
    assert pad.locator(".jp-Cell").count() == cells
    assert n_points(kernel) == 3
    pad.keyboard.press("Tab")  # past the canvas below
    assert pad.evaluate("document.activeElement.textContent.trim()") == "Undo"


def test_without_the_script_of_the_page_the_canvas_takes_the_pointer_by_itself(chromium, lab):
    address, _ = lab
    with browser.tab(chromium) as page:
        browser.run_all(page, address("bare"), last="", ready=".mnistlab-sheet")
        assert page.locator(WET).count() == 0
        browser.draw(page, SEVEN.strokes)
        page.locator(".mnistlab-digit", has_text=re.compile("^7$")).wait_for()
