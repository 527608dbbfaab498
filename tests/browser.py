"""A real JupyterLab and a real Chromium, for tests that need both. Everything they write goes to one temporary folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnistlab import paths
from mnistlab.progress import HEADLESS

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HELP = "no Chromium found: `apt-get install chromium`, or name one in the variable MNISTLAB_CHROMIUM"
ARGUMENTS = (
    "--no-sandbox",  # a container has no user namespaces for it
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START = 90  # seconds a server may take on a busy machine


def find_chromium() -> str | None:
    """Path of a browser, or None."""
    if chosen := os.environ.get("MNISTLAB_CHROMIUM"):
        return chosen
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def lab(folder: Path, *, models: Path, theme: str = "JupyterLab Light") -> Iterator[str]:
    """A JupyterLab over a copy of the notebooks, in ``folder``; gives the address that opens ``05_draw``."""
    root = folder / "notebooks"
    root.mkdir(parents=True)
    shutil.copy(paths.ROOT / "notebooks" / "05_draw.ipynb", root)
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}  # or a question about news covers the page
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    environment = {
        **os.environ,
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        "MNISTLAB_MODELS": str(models),
        "MNISTLAB_REPORTS": str(folder / "reports"),
        "OMP_NUM_THREADS": "1",
    }
    environment.pop(HEADLESS, None)  # here somebody is watching
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--ServerApp.port=0"]
    if hasattr(os, "getuid") and os.getuid() == 0:
        command.append("--allow-root")
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen(
            [*command, f"--ServerApp.root_dir={root}"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        info = _wait_for_server(folder / "runtime", server, folder / "server.log")
        yield f"http://127.0.0.1:{info['port']}/lab/tree/05_draw.ipynb?token={info['token']}"
    finally:
        _end(server)


@contextmanager
def chromium(executable: str, **context_options) -> Iterator:
    """A page in a headless browser with a window of 1280 x 900; ``context_options`` go to Playwright's new_context."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context_options})
        context.set_default_timeout(60_000)  # ms; a busy machine takes its time
        try:
            yield context.new_page()
        finally:
            browser.close()


def run_all(page, address: str) -> None:
    """Open the notebook, choose Run > Run All Cells, and wait until the last cell has run and the pad is there."""
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    wait_for_idle(page)  # asked to run before it has a kernel, JupyterLab opens a dialog
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".jp-Notebook .jp-CodeCell").last.get_by_text(
        "05_draw.json"
    ).wait_for()  # until then the kernel is busy
    page.locator(".mnistlab-sheet").wait_for()
    wait_for_idle(page)


def wait_for_idle(page) -> None:
    """Wait until the status bar says that the kernel has nothing to do."""
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def draw(page, strokes, *, lift: bool = True) -> None:
    """Draw with the mouse: strokes in px of the 280 x 280 canvas. ``lift=False`` leaves the button pressed."""
    sheet = page.locator(".mnistlab-sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    scale = box["width"] / 280
    for index, stroke in enumerate(strokes):
        points = [(box["x"] + scale * x, box["y"] + scale * y) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        if lift or index < len(strokes) - 1:
            page.mouse.up()


def _wait_for_server(runtime: Path, server: subprocess.Popen, log: Path) -> dict:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        for path in runtime.glob("jpserver-*.json"):
            try:
                return json.loads(path.read_text())
            except json.JSONDecodeError:  # half written
                continue
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _end(server: subprocess.Popen) -> None:
    """In order first, so that it ends its kernels; then by force."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL) if hasattr(os, "killpg") else server.kill()
        server.wait()
