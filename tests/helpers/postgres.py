"""A PostgreSQL server of one's own for the length of a test run: on loopback, in a temporary folder, with nothing kept."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HELP = "no PostgreSQL server found: `apt-get install postgresql`"
START = 90  # seconds a server may take on a busy machine


def find() -> Path | None:
    """Folder of ``initdb`` and ``postgres``, or None. Debian keeps them out of the path."""
    on_path = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = [Path(on_path)] if on_path else debian[-1:]
    return found[0].parent if found else None


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """A running server; gives the URL of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="mnistlab-postgres-"))
    who = _unprivileged()
    if who:
        os.chown(folder, who["user"], who["group"])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "cwd": folder, **who}
    initdb = [programs / "initdb", "-D", folder / "data", "-U", "lab", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    try:
        subprocess.run(initdb, check=True, stderr=subprocess.PIPE, **quiet)
        with open(folder / "server.log", "wb") as log:
            process = subprocess.Popen([programs / "postgres", "-D", folder / "data", *options], stderr=log, **quiet)
        try:
            _wait(process, port, folder / "server.log")
            yield f"postgresql://lab@127.0.0.1:{port}/postgres"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> dict[str, int]:
    """Whom to run it as: root may not, and anybody else as themselves."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid}
    raise RuntimeError("PostgreSQL does not run as root, and there is no user nobody")


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')[-2000:]}")
        with suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=port, user="lab", dbname="postgres", connect_timeout=5).close()
            return
        time.sleep(0.1)
