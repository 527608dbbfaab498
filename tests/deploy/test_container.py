"""The serving image, built and run without a daemon: small, confined, and no request is lost when it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import DEPLOY, tool
from made import ROOT, lives, wait_for

TOOLS = ("buildah", "podman", "crun", "debootstrap", "unshare")
MOST = 250  # MB that the image may add to its base
SEVEN = json.dumps({"strokes": [[[40, 60], [110, 60], [70, 170]]]}).encode()


def missing() -> str | None:
    """Why no image can be built here; None if one can."""
    lacking = [name for name in TOOLS if not tool(name)]
    if lacking:
        return f"building an image needs {', '.join(lacking)} (apt-get install buildah podman crun debootstrap)"
    if os.getuid() != 0:
        return "building an image without a daemon needs root here (sudo make container-test)"
    with tempfile.TemporaryDirectory() as folder:
        mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", folder]
        if subprocess.run(mount, capture_output=True).returncode:
            return "mounts and namespaces are not permitted here"
    return None


def test_the_linter_of_dockerfiles_finds_nothing_and_would_find_something(tmp_path):
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "Dockerfile"
    broken.write_text("FROM debian\nRUN apt-get install curl\n")
    assert subprocess.run([hadolint, broken], capture_output=True).returncode == 1


def test_each_image_is_confined_labelled_pinned_and_has_its_volumes():
    text = (DEPLOY / "Dockerfile").read_text()
    stages = {part.split("\n")[0].rpartition(" AS ")[2]: part for part in text.split("\nFROM ")[1:]}
    assert set(stages) == {"build", "serve", "train"}
    for stage in stages.values():
        assert stage.startswith("${BASE}${BASE_DIGEST:+@${BASE_DIGEST}} AS ")
    for name in ("serve", "train"):
        assert "USER 10001:10001" in stages[name]
        assert 'VOLUME ["/models", "/store"]' in stages[name]
        assert "org.opencontainers.image.revision" in stages[name]
        assert "HEALTHCHECK" in stages[name]
    assert "curl" not in text
    for extra in ("[train", "torch", "[all"):
        assert extra not in stages["build"] + stages["serve"]
    assert "[serve,postgres]" in stages["build"]


def test_only_what_an_image_is_made_of_is_sent_to_the_builder():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set(
        re.findall(r"^COPY (?:--chown=\S+ )?((?!--from)[^\n]+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    )
    assert {name for line in copied for name in line.split()} == {
        name for name in kept if not name.startswith("models/")
    }
    for name in kept:
        assert (ROOT / name).exists()


# --- built and run ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built() -> Iterator[dict[str, str]]:
    """The environment in which deploy/container finds the image mnistlab:test."""
    if reason := missing():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="mnistlab-containers-"))
    try:
        (folder / "token").write_text("a-token-of-the-container-test\n")
        wheels = folder / "wheels"
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", wheels]
        subprocess.run([*command, "-c", "constraints.txt", ".[serve,postgres]"], cwd=ROOT, check=True)
        subprocess.run([*command, "hatchling>=1.25"], cwd=ROOT, check=True)
        environment = {
            **os.environ,
            "CONTAINERS": str(folder),
            "WHEELS": str(wheels),
            "TOKEN_FILE": str(folder / "token"),
        }
        base = container(environment, "base")
        if base.returncode:
            pytest.skip(f"debootstrap found no base: {base.stderr[-300:]}")
        done = container(environment, "build", "test")
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        yield environment
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def container(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess:
    return subprocess.run([DEPLOY / "container", *words], env=environment, capture_output=True, text=True)


def test_the_image_is_small(built):
    assert int(container(built, "size", "test").stdout) <= MOST


def test_it_serves_confined_and_loses_no_request_when_it_is_stopped(built, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    log = tmp_path / "container.log"
    with log.open("wb") as file:
        process = subprocess.Popen([DEPLOY / "container", "run", "test", port], env=built, stdout=file, stderr=file)
    try:
        address = f"http://127.0.0.1:{port}"
        smoke = [sys.executable, DEPLOY / "smoke", address, "--wait", "300", "--token-file", built["TOKEN_FILE"]]
        done = subprocess.run(smoke, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + log.read_text()
        inside = int(container(built, "process", port).stdout)
        confined(Path(f"/proc/{inside}/status").read_text())
        mounts = Path(f"/proc/{inside}/mountinfo").read_text()
        (root,) = [line.split()[5] for line in mounts.splitlines() if line.split()[4] == "/"]
        assert root.split(",")[0] == "ro"
        begun = [half_asked(int(port)) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: is_refused(int(port)), "it still takes requests")
        assert [rest_asked(each) for each in begun] == [7, 7, 7]
        wait_for(lambda: not lives(inside), "the server did not end within 5 s", seconds=5)
        # podman removes the container; told to end meanwhile, it would leave its watcher behind.
        process.wait(timeout=120)
    finally:
        process.terminate()
        process.wait(timeout=120)


def confined(status: str) -> None:
    """Neither root nor with any capability, and with no way to gain one."""
    found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert found["Uid"].split() == ["10001"] * 4
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0
    assert found["NoNewPrivs"] == "1"


def half_asked(port: int) -> socket.socket:
    """A connection on which a request has begun."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    head = "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    connection.sendall(f"{head}Content-Length: {len(SEVEN)}\r\n\r\n".encode() + SEVEN[:10])
    return connection


def rest_asked(connection: socket.socket) -> int:
    """The digit that is read once the request is complete."""
    with connection, connection.makefile("rb") as answer:
        connection.sendall(SEVEN[10:])
        return json.loads(answer.read().partition(b"\r\n\r\n")[2])["digit"]


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False
