"""The kernel of a notebook that somebody else runs: to keep it busy, and to ask it what is on the pad."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_client import BlockingKernelClient

TIMEOUT = 90  # seconds in which it must have answered


@contextmanager
def busy_kernel(runtime: Path) -> Iterator[None]:
    """A cell that computes until the end of this.

    Parameters
    ----------
    runtime : folder in which Jupyter says how to reach the one kernel.
    """
    end = runtime / "end"
    with _client(runtime) as client:
        client.execute(f"import pathlib\nwhile not pathlib.Path({str(end)!r}).exists(): sum(range(10_000))")
        try:
            yield
        finally:
            end.touch()


def points_drawn(runtime: Path) -> int:
    """Points of the drawing on ``pad``."""
    with _client(runtime) as client:
        asked = {"n": "pad.drawing.n_points"}
        reply = client.execute_interactive("", user_expressions=asked, timeout=TIMEOUT, store_history=False)
        return int(reply["content"]["user_expressions"]["n"]["data"]["text/plain"])


@contextmanager
def _client(runtime: Path) -> Iterator[BlockingKernelClient]:
    from jupyter_client import BlockingKernelClient

    client = BlockingKernelClient(connection_file=str(next(runtime.glob("kernel-*.json"))))
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT)
        yield client
    finally:
        client.stop_channels()
