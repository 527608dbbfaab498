"""The servers of the pad: Voila for the pad alone, JupyterLab for the notebooks, each with the settings that keep it quick."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from mnistlab.common import paths
from mnistlab.common.errors import LabError

HOME = Path(str(files("mnistlab.pad") / "app"))  # the notebook of the pad, its template, settings of Voila
LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
ELSEWHERE = ("192.0.2.1", 9)  # no machine (RFC 5737); nothing is sent there


def serve_pad(tell: Callable[[str], None], *, share: bool, port: int, warm: int, browser: bool) -> None:
    """Serve the pad until Ctrl-C.

    Parameters
    ----------
    tell : called with the address, token and all, once it listens.
    share : listen to other machines too.
    port : where; another one near it if that is in use.
    warm : kernels kept ready.
    browser : open the page in one.

    Raises
    ------
    ModuleNotFoundError : there is no Voila.
    """
    from voila.app import Voila

    from mnistlab.pad.guard import guarded
    from mnistlab.pad.visitors import Goodbye

    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(HOME), os.environ.get("JUPYTER_PATH")]))

    token = secrets.token_urlsafe(12)  # 96 bits

    class PadServer(Voila):
        def init_handlers(self) -> list[Any]:
            return [(r"/voila/api/shutdown/([\w-]+)", Goodbye), *guarded(super().init_handlers())]

        def launch_browser(self) -> None:
            """Called when it listens; Voila's own opens the page without the token."""
            tell(f"http://{address_in_network() if share else LOOPBACK}:{self.port}/?token={token}")
            if browser:
                webbrowser.open(f"http://{LOOPBACK}:{self.port}/?token={token}")

    PadServer.launch_instance(
        [
            str(HOME / "draw.ipynb"),
            f"--Voila.config_file_paths={HOME}",
            f"--Voila.ip={EVERYWHERE if share else LOOPBACK}",
            f"--Voila.token={token}",
            f"--port={port}",
            f"--pool_size={warm}",
            f"--preheat_kernel={warm > 0}",
            "--Voila.log_level=ERROR",
        ]
    )


def address_in_network() -> str:
    """The address by which other machines of the network reach this one; its name where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)  # chooses the way, and sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def open_lab(*options: str) -> int:
    """Run JupyterLab on the drawing notebook until it ends; its exit code.

    Raises
    ------
    LabError : the notebooks could not be copied to where one can work in them.
    ModuleNotFoundError : there is no JupyterLab.
    """
    import jupyterlab  # noqa: F401  # that it is there

    folder = paths.own_notebooks()
    command = [sys.executable, "-m", "jupyterlab", "--LabApp.default_url=/lab/tree/05_draw.ipynb"]
    command.append("--ServerApp.kernel_websocket_connection_class=mnistlab.pad.websocket.PromptConnection")
    if hasattr(os, "getuid") and os.getuid() == 0:  # in a container there may be nobody else
        command.append("--allow-root")
    try:
        return subprocess.call([*command, f"--ServerApp.root_dir={folder}", *options])
    except OSError as error:
        raise LabError(f"JupyterLab could not be started: {error}", code="server") from error
