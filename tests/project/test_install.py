"""The wheel, installed into a fresh environment in another folder: what it can do, what it says it cannot, where it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from mnistlab.common import paths
from mnistlab.common.errors import RunError
from mnistlab.data.drawings import load_drawings
from mnistlab.data.strokes import rasterise
from mnistlab.pipeline.runner import run

ROOT = Path(__file__).resolve().parents[2]


def tracked_tree(target: Path) -> Path:
    """A copy of what is committed, so that no version that a run left is packed."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes((ROOT / name).read_bytes())
    return target


class Installed:
    """An environment with the wheel's core alone, a home of its own, and a folder to stand in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.bin = folder / "environment" / "bin"
        self.home.mkdir()
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        source = tracked_tree(folder / "source")
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder / "wheels", source], check=True)
        (self.wheel,) = (folder / "wheels").glob("*.whl")
        subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
        pip[0] = str(self.bin / "python")
        subprocess.run([*pip, "install", "--constraint", ROOT / "constraints.txt", self.wheel], check=True)

    def run(self, *command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=self.home,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
        return done

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MNISTLAB", "PYTHON", "XDG"))}
        return {**kept, "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}

    def files(self) -> set[str]:
        """Of the installed package."""
        (package,) = (self.folder / "environment").glob("lib/python*/site-packages/mnistlab")
        return {str(path.relative_to(package)) for path in package.rglob("*") if path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"))


def test_the_core_reads_a_digit_and_writes_only_into_the_users_folder(installed):
    before = installed.files()
    assert "installed/models/CURRENT" in before
    picture = installed.home / "eight.png"
    Image.fromarray(255 - rasterise(load_drawings()["eight"].strokes)).save(picture)
    (read,) = json.loads(installed.run("mnistlab", "predict", "--json", "eight.png").stdout)
    assert (read["digit"], read["version"]) == (8, (ROOT / "models" / "CURRENT").read_text().strip())
    listed = installed.run("python", "-m", "mnistlab", "models", "list").stdout
    assert all(name in listed for name in ("0001", "0005"))
    installed.run("mnistlab", "models", "promote", "0003", "--unjudged")
    assert "0003" in installed.run("mnistlab", "predict", "--json", "eight.png").stdout
    assert installed.files() - {name for name in before} == set()
    assert any(path.name == "CURRENT" for path in installed.home.rglob("*"))


def test_where_the_users_folder_cannot_be_written_it_still_reads(installed):
    environment = {**installed.environment(), "XDG_DATA_HOME": "/proc/nowhere"}
    code = "from mnistlab import Predictor; print(Predictor.load().version)"
    command = [installed.bin / "python", "-c", code]
    done = subprocess.run(command, cwd=installed.home, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, (ROOT / "models" / "CURRENT").read_text().strip()), done.stderr


def test_the_core_brings_neither_pytorch_nor_jupyter(installed):
    found = installed.run("python", "-m", "pip", "list", "--format", "json").stdout
    names = {entry["name"].lower() for entry in json.loads(found)}
    assert names & {"torch", "jupyterlab", "scikit-learn", "matplotlib", "fastapi"} == set()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("retrain",), "pip install 'mnistlab[train]'"),
        (("run",), "pip install 'mnistlab[lab]'"),
        (("serve", "--port", "0"), "pip install 'mnistlab[serve]'"),
        (("export", "onnx", "0001", "a.onnx"), "pip install 'mnistlab[onnx]'"),
    ],
)
def test_what_needs_more_says_how_to_get_it(installed, command, words):
    done = installed.run("mnistlab", *command, code=1)
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_notebooks_are_copied_out_and_nothing_is_overwritten(installed):
    assert "notebooks in mine" in installed.run("mnistlab", "notebooks", "mine").stdout
    assert (installed.home / "mine" / "05_draw.ipynb").is_file()
    assert (installed.home / "mine" / "studies").is_dir()
    assert "is not empty" in installed.run("mnistlab", "notebooks", "mine", code=2).stderr


def test_notebooks_of_the_package_are_not_replaced(monkeypatch, tmp_path):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(paths, "INSTALLED", tmp_path)
    monkeypatch.delenv("MNISTLAB_NOTEBOOKS", raising=False)
    with pytest.raises(RunError, match="those of an installed package stay as they are"):
        run(["02"], update=True)


def test_draw_hands_out_the_page_on_loopback(installed):
    command = [installed.bin / "mnistlab", "draw", "--no-browser"]
    process = subprocess.Popen(
        command, cwd=installed.home, env=installed.environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        address = process.stdout.readline().split()[2]
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address) as page:
            assert b"<html" in page.read()
            assert page.headers["X-Content-Type-Options"] == "nosniff"
        with urllib.request.urlopen(f"{address}net.js") as script:
            assert "javascript" in script.headers["Content-Type"]
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}../pyproject.toml")
    finally:
        process.terminate()
        process.wait(10)


def test_extras_hold_what_their_names_say():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert any(line.startswith("torch>") for line in extras["train"])
    assert "mnistlab[lab]" in extras["train"]
    (together,) = extras["all"]
    assert set(together.removeprefix("mnistlab[").removesuffix("]").split(",")) == set(extras) - {
        "all",
        "lab",
        "test",
        "mutants",
    }
