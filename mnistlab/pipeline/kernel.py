"""The kernel of a headless run: ipykernel, under a watch that ends it when the runner is gone.

ipykernel watches its parent too, but only once it is up, and it ends itself alone. This watch starts before the imports
and takes along whatever the cells have started. Run as ``python -m mnistlab.pipeline.kernel -f CONNECTION_FILE``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

PARENT = "JPY_PARENT_PID"  # jupyter_client puts the runner's process id here
INTERVAL = 0.5  # seconds between two looks


def watch(parent: int) -> None:
    """Return when ``parent`` is no longer the parent of this process."""
    while os.getppid() == parent:
        time.sleep(INTERVAL)


def end() -> None:
    """End this process at once, and with it those of its group, if the group is its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Start the watch, then the kernel."""
    if os.name == "posix":  # Windows keeps a dead parent's id; there ipykernel waits on a handle

        def guard() -> None:
            watch(int(os.environ[PARENT]))
            end()

        threading.Thread(target=guard, daemon=True).start()
    # A file beside the notebook must not shadow a library while the kernel loads; IPython adds the folder back.
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
