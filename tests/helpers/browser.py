"""A real JupyterLab, a real Voila and a real Chromium, for tests that need them. All they write goes to one temporary folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mnistlab.common import paths
from mnistlab.common.constants import CANVAS
from mnistlab.common.progress import HEADLESS

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
def lab(folder: Path, *, models: Path, theme: str = "JupyterLab Light", **cells: str) -> Iterator[str]:
    """A JupyterLab over a copy of ``05_draw``, in ``folder``; gives the address that opens it.

    ``cells`` are the single code cells of further notebooks by name: ``pads="DigitPad()"`` makes ``pads.ipynb``.
    """
    root = folder / "notebooks"
    root.mkdir(parents=True)
    shutil.copy(paths.ROOT / "notebooks" / "05_draw.ipynb", root)
    for name, source in cells.items():
        (root / f"{name}.ipynb").write_text(json.dumps(_notebook(source)))
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}  # or a question about news covers the page
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
    command = ["jupyterlab", "--no-browser", "--ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={root}"]
    if hasattr(os, "getuid") and os.getuid() == 0:
        command.append("--allow-root")

    def ready() -> str | None:
        for path in (folder / "runtime").glob("jpserver-*.json"):
            with suppress(json.JSONDecodeError):  # half written
                info = json.loads(path.read_text())
                return f"http://127.0.0.1:{info['port']}/lab/tree/05_draw.ipynb?token={info['token']}"
        return None

    with _served(command, folder, models, ready) as address:
        yield address


@contextmanager
def app(folder: Path, *options: str, models: Path) -> Iterator[str]:
    """The drawing pad as ``make app`` serves it; gives its address, with the token."""
    with socket.socket() as probe:  # Voila takes no port 0
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def ready() -> str | None:
        found = re.search(
            r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", (folder / "server.log").read_text(errors="replace")
        )
        return found and found[0]

    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    command = ["mnistlab", "app", "--no-browser", f"--port={port}", *options]
    with _served(command, folder, models, ready, TMPDIR=str(folder / "tmp")) as address:
        yield address


@contextmanager
def _served(
    command: list[str], folder: Path, models: Path, ready: Callable[[], str | None], **variables: str
) -> Iterator[str]:
    """A server that is ended in the end; ``ready`` gives its address, or None as long as it is not up."""
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
        "MNISTLAB_DRAWINGS": str(folder / "drawings"),
        "MNISTLAB_FEEDBACK": str(folder / "feedback.sqlite"),
        "OMP_NUM_THREADS": "1",
        **variables,
    }
    environment.pop(HEADLESS, None)  # here somebody is watching
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START
        while (address := ready()) is None:
            if server.poll() is not None or time.monotonic() > deadline:
                told = (folder / "server.log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{command[0]} did not start:\n{told}")
            time.sleep(0.1)
        yield address
    finally:
        _end(server)


def _notebook(source: str) -> dict:
    cell = {"cell_type": "code", "id": "only", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@contextmanager
def chromium(executable: str) -> Iterator:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(chromium, **options) -> Iterator:
    """A page in a window of 1280 x 900 of its own; ``options`` go to Playwright's new_context."""
    context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(60_000)  # ms; a busy machine takes its time
    try:
        yield context.new_page()
    finally:
        context.close()


def run_all(page, address: str, *, last: str = "05_draw.json", ready: str = ".mnistlab-wet canvas") -> None:
    """Open the notebook, choose Run > Run All Cells, and wait until the last cell has said ``last`` and a pad is ``ready``."""
    page.goto(address)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    wait_for_idle(page)  # asked to run before it has a kernel, JupyterLab opens a dialog
    choose(page, "Run", "Run All Cells")
    if last:  # until then the kernel is busy
        page.locator(".jp-Notebook .jp-CodeCell").last.get_by_text(last).wait_for()
    page.locator(ready).first.wait_for()
    wait_for_idle(page)


def choose(page, *names: str) -> None:
    """Choose an entry of the menus of JupyterLab."""
    for name in names:
        labels = page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel")  # a submenu has no role
        labels.filter(has_text=re.compile(f"^{re.escape(name)}$")).click()


def ask(connection: Path, expression: str) -> str:
    """The value of an expression in a kernel, as its ``repr``."""
    found = run(connection, "", it=expression)["it"]
    return found["data"]["text/plain"] if found["status"] == "ok" else found["evalue"]


def run(connection: Path, code: str, **expressions: str) -> dict:
    """Run code in a kernel, and what the kernel tells of expressions afterwards."""
    from jupyter_client import BlockingKernelClient

    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels()
    try:
        reply = client.execute_interactive(code, user_expressions=expressions, timeout=START, store_history=False)
        return reply["content"]["user_expressions"]
    finally:
        client.stop_channels()


def wait_for_idle(page) -> None:
    """Wait until the status bar says that the kernel has nothing to do."""
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def place(canvas) -> Callable[[float, float], tuple[float, float]]:
    """From px of the 280 x 280 canvas to px of the page, for the locator of a canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    scale = box["width"] / CANVAS
    return lambda x, y: (box["x"] + scale * x, box["y"] + scale * y)


def draw(page, strokes, *, lift: bool = True, canvas=None) -> None:
    """Draw with the mouse: strokes in px of the 280 x 280 canvas. ``lift=False`` leaves the button pressed."""
    at = place(canvas or page.locator(".mnistlab-sheet"))
    for index, stroke in enumerate(strokes):
        page.mouse.move(*at(*stroke[0]))
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*at(*point))
        if lift or index < len(strokes) - 1:
            page.mouse.up()


def touch(page, strokes, *, canvas=None) -> None:
    """Draw with a finger, through the browser's own input."""
    at = place(canvas or page.locator(".mnistlab-sheet"))
    browser = page.context.new_cdp_session(page)

    def send(kind: str, points=()) -> None:
        places = [dict(zip("xy", at(*point), strict=True)) for point in points]
        browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    for stroke in strokes:
        send("touchStart", stroke[:1])
        for point in stroke[1:]:
            send("touchMove", [point])
        send("touchEnd")
    browser.detach()


def _end(server: subprocess.Popen) -> None:
    """In order first, so that it ends its kernels; then by force."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL) if hasattr(os, "killpg") else server.kill()
        server.wait()
