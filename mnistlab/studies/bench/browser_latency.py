"""How long from the pointer to the ink and to the digit on the page: the pad in a real JupyterLab and a headless Chromium.

The kernel may be far away, behind a link that delays every message, or busy with a cell.

Needs Playwright and a Chromium, which the tests use too; both are looked for only when asked. Whatever is written goes to a
temporary folder, and the server listens on this machine alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_notebook

from mnistlab.common import paths
from mnistlab.common.constants import CANVAS
from mnistlab.common.errors import LabError
from mnistlab.common.progress import HEADLESS
from mnistlab.data.drawings import load_drawings
from mnistlab.studies.bench.latency import Timing
from mnistlab.studies.bench.running_kernel import busy_kernel, points_drawn
from mnistlab.studies.bench.slow_link import slow_link

if TYPE_CHECKING:
    from playwright.sync_api import Page

START_TIMEOUT = 90  # seconds a server may take
DRAWING_RATE = 60  # moves a second of a drawing: a browser joins those that come within one frame
STORM_RATE = 200  # moves a second that must not be lost, more than a page gets on most screens
LOST_AFTER = 10  # seconds until a point that has not arrived is lost
QUIET = 600  # ms without a change of the page, after which all that was under way has arrived
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
# The page notes when the last pointer event came and when the pad last changed, after the frame that shows it; and for every
# event with the button down how long it takes until there is ink where it was.
WATCH = """() => {
  const pad = document.querySelector('.mnistlab-pad'), noted = window.noted = {pointer: 0, shown: 0, ink: []};
  const canvas = document.querySelector('.mnistlab-wet canvas'), context = canvas.getContext('2d');
  const look = (event, tries) => requestAnimationFrame(() => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    const [x, y] = [scale * (event.clientX - box.x), scale * (event.clientY - box.y)];
    if (context.getImageData(x, y, 1, 1).data[3] > 127) noted.ink.push(performance.now() - event.timeStamp);
    else if (tries) look(event, tries - 1);
  });
  for (const kind of ['pointerdown', 'pointermove'])
    window.addEventListener(kind, event => event.isTrusted && event.buttons && look(event, 60), true);
  for (const kind of ['pointerdown', 'pointermove', 'pointerup'])
    window.addEventListener(kind, () => { noted.pointer = performance.now() }, true);
  const seen = () => requestAnimationFrame(() => { noted.shown = performance.now() });
  new MutationObserver(seen).observe(pad, {subtree: true, childList: true, attributes: true, characterData: true});
}"""
SETTLED = f"""() => noted.shown > noted.pointer && performance.now() - Math.max(noted.shown, noted.pointer) > {QUIET}"""
# Straight at the canvas, since a browser would join real moves within one frame into one.
STORM = f"""async seconds => {{
  const canvas = document.querySelector('.mnistlab-wet canvas'), box = canvas.getBoundingClientRect();
  const total = Math.round({STORM_RATE} * seconds);
  const send = (kind, n) => canvas.dispatchEvent(new PointerEvent(kind, {{
    bubbles: true, buttons: 1, isPrimary: true, pointerId: 1,
    clientX: Math.floor(box.x + box.width * 0.1 + Math.abs(3 * n % 400 - 200)),
    clientY: Math.floor(box.y + box.height * (0.1 + 0.8 * n / total)) + 5 * (n % 2)}}));  // no two alike in a row
  const start = performance.now();
  send('pointerdown', 0);
  let sent = 0;
  while (sent < total) {{
    await new Promise(next => setTimeout(next, 1));
    const due = Math.min(total, Math.floor((performance.now() - start) * {STORM_RATE} / 1000));
    while (sent < due) send('pointermove', ++sent);
  }}
  const took = performance.now() - start;
  send('pointerup', total);
  return [total, took];
}}"""


@dataclass(frozen=True, eq=False)
class BrowserLatency:
    """What was seen on the page."""

    answer: Timing  # from the last pointer event of a drawing to the frame that shows the answer to it
    ink: Timing  # from a pointer event to the frame in which there is ink where it was
    sent: int  # points sent at 200 a second
    arrived: int  # points the drawing in the kernel holds
    rate: float  # moves a second that were really sent
    lag: float  # ms from the last of them to the last change of the page

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "answer": self.answer.as_dict(),
            "ink": self.ink.as_dict(),
            "sent": self.sent,
            "arrived": self.arrived,
            "rate": round(self.rate, 1),
            "lag": round(self.lag, 1),
        }

    def lines(self) -> Iterator[str]:
        """The moves in words; the times are in ``answer``."""
        yield f"{self.sent:,} points at {self.rate:.0f} a second: {self.sent - self.arrived:,} lost"
        yield f"the page came to rest {self.lag:.0f} ms after the last of them"


def measure_browser_latency(
    version: str = "current", *, n: int = 50, seconds: float = 30, round_trip: float = 0, busy: bool = False
) -> BrowserLatency:
    """Draw in a browser ``n`` times with the mouse, then for ``seconds`` with 200 moves a second.

    Parameters
    ----------
    round_trip : milliseconds that a message to the kernel and its answer take longer.
    busy : a cell runs in the kernel while the ``n`` drawings are drawn.

    Raises
    ------
    LabError : code ``"browser"``, there is no Playwright or no Chromium; ``"server"``, JupyterLab or its page did not come up.
    """
    folder = tempfile.TemporaryDirectory(prefix="mnistlab-")
    with in_chromium() as page, folder as name, _server(Path(name), version, round_trip) as address:
        _open(page, address)
        runtime = Path(name) / "runtime"
        with busy_kernel(runtime) if busy else nullcontext():
            limit = round_trip + 40 if round_trip else 32
            answer = Timing("last pointer event to digit shown", _draw(page, n), {95: limit})
        ink = Timing("pointer event to ink", np.array(page.evaluate("noted.ink")), {95: 25})
        sent, took = page.evaluate(STORM, seconds)
        lag, arrived = _wait(page), points_drawn(runtime)
        deadline = time.monotonic() + LOST_AFTER
        while arrived <= sent and time.monotonic() < deadline:  # late, or lost: time will tell
            lag, arrived = _wait(page), points_drawn(runtime)
    return BrowserLatency(answer, ink, sent + 1, arrived, 1000 * sent / took, lag)


@contextmanager
def in_chromium() -> Iterator[Page]:
    """A page of 1280 x 900 in a headless Chromium.

    Raises
    ------
    LabError : code ``"browser"``, there is no Playwright or no Chromium; ``"server"``, the page does not respond.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise LabError("Playwright is missing: `pip install playwright`", code="browser") from None
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_chromium(), args=list(ARGUMENTS))
            try:
                yield browser.new_page(viewport={"width": 1280, "height": 900})
            finally:
                browser.close()
    except Error as error:
        raise LabError(
            f"the page did not respond as expected: {str(error).splitlines()[0][:200]}", code="server"
        ) from error


def _chromium() -> str:
    chosen = paths.chromium()
    if chosen is None:
        raise LabError(f"no Chromium found: install one, or set {paths.CHROMIUM} to its path", code="browser")
    return chosen


@contextmanager
def _server(folder: Path, version: str, round_trip: float) -> Iterator[str]:
    """A JupyterLab over a notebook with nothing but the pad; gives the address that opens it, by way of a link."""
    _write_notebook(folder, version)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--ServerApp.port=0"]
    command += ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    command += [f"--ServerApp.root_dir={folder / 'notebooks'}"]
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen(command, env=_environment(folder), stdout=log, stderr=log)
        try:
            info = _wait_for(folder / "runtime", server, folder / "server.log")
            with slow_link(info["port"], round_trip) as link:
                yield f"http://127.0.0.1:{link.port}/lab/tree/pad.ipynb?token={info['token']}"
        finally:
            server.terminate()  # it ends its kernels
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _write_notebook(folder: Path, version: str) -> None:
    """The notebook, and settings that keep JupyterLab from opening dialogs."""
    cell = f"from mnistlab import DigitPad\npad = DigitPad(version={version!r})\npad"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = new_notebook(cells=[new_code_cell(cell)], metadata={"kernelspec": kernel})
    (folder / "notebooks").mkdir()
    nbformat.write(notebook, folder / "notebooks" / "pad.ipynb")
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))


def _environment(folder: Path) -> dict[str, str]:
    """That of this process, with all that Jupyter reads or writes in the folder."""
    own = {"RUNTIME": "runtime", "CONFIG": "config", "DATA": "data"}
    return {
        **{name: value for name, value in os.environ.items() if name != HEADLESS},
        **{f"JUPYTER_{name}_DIR": str(folder / where) for name, where in own.items()},
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "MNISTLAB_MODELS": str(paths.models()),
    }


def _wait_for(runtime: Path, server: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            with suppress(json.JSONDecodeError):  # half written
                return json.loads(path.read_text())
        time.sleep(0.1)
    raise LabError(f"JupyterLab did not start: {log.read_text(errors='replace')[-300:]}", code="server")


def _open(page: Page, address: str) -> None:
    """Run the notebook and watch the pad."""
    page.set_default_timeout(1000 * START_TIMEOUT)
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()  # asked to run before, JupyterLab opens a dialog
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".mnistlab-wet canvas").wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.evaluate(WATCH)


def _draw(page: Page, n: int) -> np.ndarray:
    """Draw the stored drawings in turn, as fast as a hand; ms from the last event to the last change of the page: (n,)."""
    stored = list(load_drawings().values())
    sheet = page.locator(".mnistlab-sheet")
    times = []
    for index in range(n):
        sheet.scroll_into_view_if_needed()
        box = sheet.bounding_box()
        assert box is not None  # it was scrolled into view
        for stroke in stored[index % len(stored)].strokes:
            points = np.array([box["x"], box["y"]]) + stroke * box["width"] / CANVAS
            page.mouse.move(*points[0].tolist())
            page.mouse.down()
            started = time.monotonic()
            for number, point in enumerate(points[1:].tolist(), start=1):
                time.sleep(max(0.0, started + number / DRAWING_RATE - time.monotonic()))
                page.mouse.move(*point)
            page.mouse.up()
        times.append(_wait(page))
        page.get_by_role("button", name="Clear").first.click()
        _wait(page)
    return np.array(times)


def _wait(page: Page) -> float:
    """Wait until the page has come to rest; ms from the last pointer event to the last change."""
    page.wait_for_function(SETTLED)
    return float(page.evaluate("() => noted.shown - noted.pointer"))
