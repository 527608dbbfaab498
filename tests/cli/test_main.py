"""The command: what it prints and how it ends. What a signal does to it is in ``test_runs``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from click.testing import CliRunner, Result
from made import write
from PIL import Image

from mnistlab import __version__
from mnistlab.cli import doctor, main, models
from mnistlab.cli.doctor import FAULT, OK, WARNING, CheckResult
from mnistlab.common import constants, locks
from mnistlab.common.errors import RunError
from mnistlab.data.drawings import load_drawings
from mnistlab.data.strokes import rasterise
from mnistlab.registry.registry import Registry

COMMAND = [sys.executable, "-m", "mnistlab"]
SETTINGS = 'epochs: int = 3  # passes, >= 1\nversion: str = "latest"'


@pytest.fixture(autouse=True)
def _own_folders(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("models", "notebooks", "reports"):
        monkeypatch.setenv(f"MNISTLAB_{name.upper()}", str(tmp_path / name))
    (tmp_path / "notebooks").mkdir()


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    return tmp_path / "notebooks"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main.main, arguments)


def test_help_and_version_come_without_loading_pytorch():
    program = "import sys\nfrom mnistlab.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass\n"
    program += "print({'torch', 'matplotlib', 'papermill', 'jupyter_client'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.endswith("set()\n")
    for name in ("run", "models", "predict", "doctor"):
        assert f"  {name} " in printed
    assert __version__ in call("--version").output


def test_a_complete_run_is_summed_up_on_stdout_and_followed_on_stderr(notebooks: Path, tmp_path: Path):
    headlines = (
        "from mnistlab.pipeline.results import write_results\n"
        'write_results("01_first", {}, headlines=[f"{epochs} epochs of {version}"]);'
    )
    write(notebooks, "01_first", headlines, parameters=SETTINGS)
    done = subprocess.run(
        [*COMMAND, "run", "-p", "version=0003", "-p", "epochs=2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert lines[1].startswith("Complete: 1 notebook in ")
    assert lines[3].startswith("  01_first  ")
    assert lines[3].endswith("(epochs = 2, version = 0003)")
    assert lines[4] == "    2 epochs of 0003"
    (folder,) = (tmp_path / "reports").iterdir()
    assert lines[6] == f"Reports: reports/{folder.name}"
    assert [line.partition(":")[2].split()[0] for line in done.stderr.splitlines()] == ["started,", "done"]
    assert "\r" not in done.stderr


def test_a_failing_cell_is_one_sentence_and_its_traceback_is_for_those_who_ask(notebooks: Path):
    write(notebooks, "01_first", "def inner():\n    raise ValueError('no such digit')", "inner()")
    result = call("run", "--quiet", "--verbose")
    assert result.exit_code == 1
    *trace, sentence = result.stderr.strip().splitlines()
    assert sentence.startswith(
        "mnistlab: failed in 01_first, cell 2 of 2, with ValueError: no such digit; what was made"
    )
    assert any("inner()" in line for line in trace)
    assert result.stdout == ""


def test_the_traceback_is_not_shown_unasked(monkeypatch: pytest.MonkeyPatch):
    def fail(*_, **__):
        raise RunError("failed in 01_first", code="cell-error") from ValueError("a long story")

    monkeypatch.setattr("mnistlab.pipeline.runner.run", fail)
    result = call("run")
    assert (result.exit_code, result.stderr) == (1, "mnistlab: failed in 01_first\n")
    assert "a long story" in call("run", "--verbose").stderr


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("mnistlab.pipeline.runner.run", fail)
    assert isinstance(call("run").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "-p", "epcohs=2"], "did you mean 'epochs'?"),
        (["run", "-p", "epochs=two"], "parameter epochs takes int, not 'two'; for example epochs=3"),
        (["run", "-p", "epochs"], "NAME=VALUE, not 'epochs'"),
        (["run", "-p", "=2"], "NAME=VALUE, not '=2'"),
        (["run", "-p", "epochs=1", "-p", "epochs=2"], "epochs is given twice, as '1' and '2'"),
        (["run", "-p", "epochs=1", "--update"], "--update keeps the notebooks' own parameters"),
        (["run", "03_trian"], "there is no notebook '03_trian'"),
        (["run", "--cell-timeout", "0"], "0 is not in the range"),
        (["models", "show", "0009"], "there is no version '0009'"),
        (["models", "promote", "0009"], "there is no version '0009'"),
        (["models", "verify", "0009"], "there is no version '0009'"),
        (["predict"], "Missing argument"),
        (["feedback", "erase"], "name what to erase in one way"),
        (["predict", "x.png", "--version", "0009"], "there is no version '0009'"),
    ],
)
def test_what_cannot_be_done_is_refused_with_exit_code_2(notebooks: Path, tmp_path: Path, arguments, sentence):
    write(notebooks, "03_train", "1 / 0", parameters=SETTINGS)
    result = call(*arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not (tmp_path / "reports").exists()


def test_notebooks_and_their_parameters_are_listed_without_running(notebooks: Path, tmp_path: Path):
    write(notebooks, "03_train", "1 / 0", parameters=SETTINGS)
    lines = call("run", "--list").stdout.splitlines()
    assert lines == ["03_train", "  epochs: int = 3  # passes, >= 1", "  version: str = 'latest'"]
    assert not (tmp_path / "reports").exists()


def test_versions_are_listed_with_what_they_are_and_how_good(registry: Registry):
    header, plain, permuted = call("models", "list").stdout.splitlines()
    assert header.split() == ["version", "name", "made", "parameters", "accuracy", "[95", "%]"]
    assert plain.startswith("* 0001  ")
    assert permuted.startswith("  0002  ")
    assert re.search(r"  small +\d{4}-\d\d-\d\d \d\d:\d\d  6,422 ", plain)
    assert re.search(r"  small, scrambled +\d{4}-.*  6,422 ", permuted)
    assert f"of {registry.manifest('0001').metrics['test'].n:,} test images" in plain
    assert "[" in plain


def test_a_list_survives_a_damaged_version_and_an_empty_folder(registry: Registry, tmp_path: Path, monkeypatch):
    (registry.root / "0001" / "manifest.json").write_text("{")
    lines = call("models", "list").stdout.splitlines()
    assert "fault: " in lines[1]
    assert "small, scrambled" in lines[2]
    monkeypatch.setenv("MNISTLAB_MODELS", str(tmp_path / "none"))
    assert "mnistlab run 03_train" in call("models", "list").stdout
    assert call("models", "verify").exit_code == 0


def test_a_version_is_shown_as_card_and_as_json(registry: Registry):
    assert "0001" in call("models", "show").stdout
    assert "0002" in call("models", "show", "0002").stdout
    shown = json.loads(call("models", "show", "latest", "--json").stdout)
    assert shown["version"] == "0002"
    assert shown["parameters"] == 6422
    assert "probe" not in shown


def test_versions_are_verified_and_a_fault_is_told(registry: Registry):
    result = call("models", "verify")
    assert (result.exit_code, result.stdout) == (0, "0001  ok\n0002  ok\n")
    path = registry.root / "0002" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    result = call("models", "verify")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "0001  ok"
    assert result.stdout.splitlines()[1].startswith("0002  fault  ")
    assert call("models", "verify", "0001").exit_code == 0


def test_a_version_is_put_into_use_if_it_is_sound(registry: Registry):
    done = call("models", "promote", "0002", "--unjudged")
    assert done.stdout == "Version 0002 is in use; it was 0001.\n"
    assert "NO GATE WAS ASKED" in done.stderr
    done = call("models", "promote", "0002")
    assert (done.stdout, done.stderr) == ("Version 0002 is in use.\n", "")
    (registry.root / "0001" / "model.safetensors").write_bytes(b"x")
    assert call("models", "promote", "0001", "--unjudged").exit_code == 1
    assert registry.current() == "0002"


def test_by_hand_too_a_version_that_reads_badly_is_not_put_into_use(registry: Registry):
    done = call("models", "promote", "0002")
    assert done.exit_code == 3
    assert "gates are closed" in done.stderr
    assert "  digits: below 95 %" in done.stderr
    assert "--unjudged" in done.stderr
    assert registry.current() == "0001"


def test_where_the_gates_cannot_be_asked_that_is_said(registry: Registry, monkeypatch):
    monkeypatch.setattr(models, "_refusals", MagicMock(side_effect=ModuleNotFoundError("scipy")))
    done = call("models", "promote", "0002")
    assert (done.exit_code, registry.current()) == (0, "0002")
    assert "NO GATE WAS ASKED" in done.stderr


def test_a_name_with_an_escape_sequence_does_not_reach_the_terminal(registry: Registry):
    path = registry.root / "0001" / "manifest.json"
    for name in ("\x1b[2Jmnist", "mnist\x9b31m", "mnist\u202egnp"):
        manifest = json.loads(path.read_text())
        manifest["data"]["name"] = name
        path.write_text(json.dumps(manifest))
        for arguments in (("show", "0001"), ("show", "0001", "--json"), ("verify",), ("list",), ("promote", name)):
            done = call("models", *arguments)
            assert not {"\x1b[2J", "\x9b", "\u202e"} & {
                part for part in ("\x1b[2J", "\x9b", "\u202e") if part in done.output
            }


def test_a_version_is_rolled_back_and_then_there_is_nothing_before_it(registry: Registry):
    call("models", "promote", "0002", "--unjudged")
    assert call("models", "rollback").stdout == "Version 0001 is in use again; it was 0002.\n"
    result = call("models", "rollback")
    assert (result.exit_code, registry.current()) == (1, "0001")
    assert result.stderr.startswith("mnistlab: no version is recorded as in use before 0001; ")


def test_who_comes_second_is_told_to_try_again_later(registry: Registry, monkeypatch):
    monkeypatch.setattr(locks, "WAIT", 0.1)
    with locks.hold(registry.root / locks.REGISTRY, "a test"):
        result = call("models", "promote", "0002", "--unjudged")
    assert result.exit_code == 75
    assert "is already under way, by process" in result.stderr


def test_old_versions_are_removed_when_asked_twice(registry: Registry):
    for _ in range(3):
        registry.adopt(registry.root / "0002")
    assert call("models", "prune", "--keep", "1", "--dry-run").stdout == "Would remove 0002, 0003, 0004.\n"
    assert call("models", "prune").stdout == "Removed nothing.\n"
    assert call("models", "prune", "--keep", "1").stdout == "Removed 0002, 0003, 0004.\n"
    assert registry.versions() == ["0001", "0005"]
    assert call("models", "prune", "--keep", "0").exit_code == 2


def test_two_versions_are_compared_on_the_same_images(registry: Registry):
    lines = call("models", "compare", "current", "0002").stdout.splitlines()
    assert lines[0].startswith("0001  ")
    assert lines[1].endswith("n = 5,000 validation images")
    assert lines[2].startswith("Of 5,000 images, 0001 alone reads ")
    found = json.loads(call("models", "compare", "0001", "0002", "--json").stdout)
    counts = [found["accuracy"][name]["correct"] for name in ("0001", "0002")]
    assert counts[0] - counts[1] == found["paired"]["only_first"] - found["paired"]["only_second"]


@pytest.fixture
def pictures(small, tmp_path: Path) -> tuple[str, str, str]:
    """A digit, an empty page and something that is no picture."""
    digit, blank, text = (str(tmp_path / name) for name in ("digit.png", "blank.png", "text.png"))
    Image.fromarray(255 - np.asarray(small.test.images[0])).resize((112, 112)).save(digit)
    Image.new("L", (100, 100), 255).save(blank)
    Path(text).write_text("no picture")
    return digit, blank, text


def test_pictures_are_read_one_a_line_and_a_bad_one_stops_no_other(pictures):
    digit, blank, text = pictures
    result = call("predict", text, digit, blank, "no-such-file.png")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 2
    assert result.stdout.startswith(f"{digit}: ")
    assert " %)" in result.stdout.splitlines()[0]
    assert result.stdout.splitlines()[1].startswith(f"{blank}: no digit: ")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == [text, "no-such-file.png"]
    assert call("predict", digit).exit_code == 0


@pytest.mark.parametrize("options", [[], ["--page"]])
@pytest.mark.parametrize("file", ["nope.png", "folder/nope.png", "-".join(map(str, range(80)))])
def test_a_line_about_a_picture_that_is_not_read_has_its_name_once(file, options):
    line = call("predict", *options, file).stderr
    assert line == f"{file}: cannot be read (No such file or directory)\n"


def test_readings_as_json_hold_everything(pictures):
    digit, blank, text = pictures
    result = call("predict", "--json", "--version", "0002", *pictures)
    assert result.exit_code == 1
    first, second, third = json.loads(result.stdout)
    assert (first["file"], first["version"]) == (digit, "0002")
    assert len(first["probabilities"]) == 10
    assert first["probabilities"][first["digit"]] == first["confidence"] == max(first["probabilities"])
    assert (second["file"], second["digit"], second["probabilities"]) == (blank, None, None)
    assert second["reason"]
    assert third["file"] == text
    assert third["error"]
    assert third["code"]


@pytest.mark.parametrize(("state", "exit_code"), [(WARNING, 0), (FAULT, 1)])
def test_the_doctor_shows_findings_with_remedies_and_fails_on_a_fault(monkeypatch, state: str, exit_code: int):
    results = [CheckResult("python", OK, "3.11"), CheckResult("browser", state, "none", "install one")]
    monkeypatch.setattr(doctor, "run_checks", lambda: iter(results))
    result = call("doctor")
    assert result.exit_code == exit_code
    assert result.stdout.splitlines() == [
        "ok      python     3.11",
        f"{state:<8}browser    none",
        f"{'':<19}-> install one",
    ]


def test_the_choices_of_a_retraining_are_those_of_its_recipes():
    from mnistlab.pipeline import recipes  # the command has its own list, so that --help need not wait for papermill

    assert list(constants.RECIPES) == list(recipes.RECIPES)
    assert all(set(constants.SIZES) == set(recipe.sizes) for recipe in recipes.RECIPES.values())


def test_the_command_is_installed_under_its_name():
    beside = Path(sys.executable).with_name("mnistlab")
    assert os.access(beside, os.X_OK), "install the package: make setup"


def test_the_race_is_run_by_a_command(monkeypatch, small):
    monkeypatch.setattr("mnistlab.data.mnist.load_mnist", lambda: small)
    arguments = ["benchmark", "train", "--laps", "1", "--epochs", "1", "--most-epochs", "1", "--device", "cpu"]
    table = call(*arguments)
    assert table.exit_code == 0
    assert "times faster" in table.stdout
    asked = call(*arguments, "--json")
    assert len(json.loads(asked.stdout)["laps"]) == 1


def test_predict_reads_the_pictures_of_a_folder_and_of_standard_input(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    empty = call("predict", str(folder))
    assert (empty.exit_code, "there is no picture in the folder" in empty.stderr) == (2, True)
    picture = Image.fromarray(255 - rasterise(load_drawings()["eight"].strokes))
    for name in ("b.png", "a.WEBP", "notes.txt"):
        picture.save(folder / name, "WEBP" if name.endswith("WEBP") else "PNG", lossless=True)
    listed = call("predict", str(folder)).stdout.splitlines()
    assert [line.split(":")[0].rpartition("/")[2] for line in listed] == ["a.WEBP", "b.png"]
    piped = CliRunner().invoke(main.main, ["predict", "-"], input=(folder / "b.png").read_bytes())
    assert piped.stdout.startswith("-: 8 (")
