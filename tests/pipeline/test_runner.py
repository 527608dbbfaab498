"""The runner: real kernels on small notebooks made up here, run to their end and cut off in every way."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from made import lives, notebook, noting, processes, wait_for, write
from PIL import Image

from mnistlab.common import paths
from mnistlab.common.errors import RunError
from mnistlab.pipeline import executor, runner
from mnistlab.pipeline import report_folder as folder_module
from mnistlab.pipeline.executor import TimeLimits

ENDS = 10  # seconds a kernel may outlive its runner
COMMAND = (  # as in a terminal: what started the tests may have asked to ignore Ctrl-C
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from mnistlab.cli.main import main; main()"
)
PARAMETERS = """epochs: int = 3  # passes, >= 1
version: str = "latest"  # of the model
rate: float = 0.01"""
FINDS = """import json, os, pathlib, sys
folder = pathlib.Path(os.environ["MNISTLAB_RUN_FOLDER"])
found = dict(epochs=epochs, version=version, rate=rate, python=sys.executable, cwd=os.getcwd(), folder=str(folder),
             headless=os.environ["MNISTLAB_HEADLESS"], models=os.environ["MNISTLAB_MODELS"])
(folder / "01_first.json").write_text(json.dumps({"headlines": [f"{epochs} epochs", "two"], "metrics": found}));"""
PRINTS = """import time
for i in range(3):
    print(f"\\r{i} of 2", end="", flush=True)
    time.sleep(0.3)
print()"""
PLOTS = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
SLIDES = "import ipywidgets\nipywidgets.IntSlider()"


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of notebooks, with reports beside it."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("MNISTLAB_NOTEBOOKS", str(tmp_path / "notebooks"))
    monkeypatch.setenv("MNISTLAB_REPORTS", str(tmp_path / "reports"))
    return tmp_path / "notebooks"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> runner.Run:
    """Two notebooks run to their end from a foreign folder, on a machine where "python3" means something else."""
    place = tmp_path_factory.mktemp("complete {name}")  # papermill fills in names in braces
    write(place / "notebooks", "01_first", "# First\n\n[then](02_second.ipynb)", FINDS, PRINTS, parameters=PARAMETERS)
    write(place / "notebooks", "02_second", "# Second", PLOTS, SLIDES, "", parameters="epochs: int = 1")
    foreign = place / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    kernel = {"argv": ["/bin/false", "{connection_file}"], "display_name": "Not this one", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(kernel))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNISTLAB_NOTEBOOKS", str(place / "notebooks"))
        patch.setenv("MNISTLAB_MODELS", "relative")
        patch.setenv("JUPYTER_PATH", str(place / "jupyter"))
        patch.setenv("JUPYTER_DATA_DIR", str(place / "jupyter"))
        patch.setenv("MPLBACKEND", "Agg")
        patch.setenv("OMP_NUM_THREADS", "1")
        (place / "elsewhere").mkdir()
        patch.chdir(place / "elsewhere")
        values = {"version": "0003", "epochs": 7, "02_second.epochs": "2"}
        return runner.run(["../notebooks/01_first.ipynb", "02"], values, folder="../reports", show_progress=False)


def cells(run: runner.Run, name: str) -> list:
    return [
        cell for cell in nbformat.read(run.folder / f"{name}.ipynb", as_version=4).cells if cell.cell_type == "code"
    ]


def found_by_first(run: runner.Run) -> dict:
    return json.loads((run.folder / "01_first.json").read_text())["metrics"]


def test_a_complete_run_has_its_final_name_and_all_its_files(made):
    assert re.fullmatch(r"\d{8}-\d{6}", made.folder.name)
    assert [path.name for path in made.folder.parent.iterdir()] == [made.folder.name]
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "01_first.html",
        "01_first.ipynb",
        "01_first.json",
        "02_second.html",
        "02_second.ipynb",
        "02_second.png",
        "receipt.json",
    ]


def test_parameters_arrive_with_their_types(made):
    found = found_by_first(made)
    assert (found["epochs"], found["version"], found["rate"]) == (7, "0003", 0.01)
    assert 'version = "0003"' in cells(made, "01_first")[1].source
    assert "epochs = 2\n" in cells(made, "02_second")[1].source


def test_the_kernel_is_this_python_in_the_notebooks_folder(made):
    found = found_by_first(made)
    assert found["python"] == sys.executable
    assert found["cwd"] == str(made.folder.parent.parent / "notebooks")
    assert found["headless"] == "1"
    assert found["folder"] == f"{made.folder}.partial"
    assert found["models"] == str(made.folder.parent.parent / "elsewhere" / "relative")


def test_the_copies_are_wholly_executed_and_tidy(made):
    for name in ("01_first", "02_second"):
        counts = [cell.execution_count for cell in cells(made, name) if cell.source]
        assert counts == list(range(1, len(counts) + 1))
        whole = nbformat.read(made.folder / f"{name}.ipynb", as_version=4)
        nbformat.validate(whole)
        assert not {"papermill", "widgets"} & set(whole.metadata)
        assert str(made.folder.parent) not in (made.folder / f"{name}.ipynb").read_text()
    assert [output.text for output in cells(made, "01_first")[3].outputs] == ["2 of 2\n"]
    plot, slider = cells(made, "02_second")[2:4]
    assert "image/png" in plot.outputs[0].data, "a caller's MPLBACKEND must not take the figures away"
    assert set(slider.outputs[0].data) == {"text/plain"}


def test_the_pages_hold_their_pictures_and_lead_to_each_other(made):
    assert 'href="02_second.html"' in (made.folder / "01_first.html").read_text()
    assert 'src="data:image/png;base64,' in (made.folder / "02_second.html").read_text()
    with Image.open(made.folder / "02_second.png") as picture:
        assert max(picture.size) <= 320


def test_a_page_has_a_head_that_says_what_came_of_the_run(made):
    page = (made.folder / "02_second.html").read_text()
    head = page[page.index("<header") : page.index("</header>")]
    assert page.index("<body") < page.index("<header")
    assert "complete" in head
    assert re.search(r"run of \d{4}-\d\d-\d\d \d\d:\d\d UTC", head)
    assert 'href="01_first.html"' in head
    assert "index.html" not in head  # there is none yet


def test_the_receipt_says_what_went_in_and_what_came_out(made):
    receipt = json.loads((made.folder / "receipt.json").read_text())
    assert receipt == made.receipt
    assert receipt["id"] == made.folder.name
    assert set(receipt["files"]) == {p.name for p in made.folder.iterdir()} - {"receipt.json"}
    for name, sha256 in receipt["files"].items():
        assert hashlib.sha256((made.folder / name).read_bytes()).hexdigest() == sha256
    first, second = receipt["notebooks"]
    source = made.folder.parent.parent / "notebooks" / "01_first.ipynb"
    assert first["sha256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert first["parameters"] == {"epochs": 7, "version": "0003", "rate": 0.01}
    assert (first["changed"], second["changed"]) == (["epochs", "version"], ["epochs"])
    headlines = {entry["name"]: entry["headlines"] for entry in made.receipt["notebooks"]}
    assert headlines == {"01_first": ["7 epochs", "two"], "02_second": []}
    assert receipt["environment"]["libraries"]["torch"]


def test_the_notebooks_themselves_stay_as_they_were(made):
    source = nbformat.read(made.folder.parent.parent / "notebooks" / "01_first.ipynb", as_version=4)
    assert all(cell.execution_count is None for cell in source.cells if cell.cell_type == "code")


CUT_OFF = {
    "a failing cell": (
        "raise ValueError('no\\nway')",
        "cell-error",
        "failed in 01_x, cell 2 of 3, with ValueError: no;",
    ),
    "sys.exit": ("import sys; sys.exit()", "incomplete", "01_x is not complete: cell 2 of 3 ended with SystemExit;"),
    "a dead kernel": ("os._exit(3)", "kernel-dead", "stopped in 01_x, cell 2 of 3: the kernel died (exit code 3);"),
    "a killed kernel": (
        "import signal; os.kill(os.getpid(), signal.SIGKILL)",
        "kernel-dead",
        "stopped in 01_x, cell 2 of 3: the kernel died (killed from outside, as systems do when memory runs out);",
    ),
    "a slow cell": (
        "import time; time.sleep(60)",
        "cell-timeout",
        "stopped in 01_x, cell 2 of 3: it took longer than the 5 s a cell may take (--cell-timeout);",
    ),
}


@pytest.mark.parametrize(("source", "code", "sentence"), CUT_OFF.values(), ids=CUT_OFF)
def test_a_cut_off_run_says_where_and_leaves_nothing_behind(folder, tmp_path, capfd, source, code, sentence):
    write(folder, "01_x", noting(tmp_path / "ids"), source, "'never'")
    write(folder, "02_y", "1")
    with pytest.raises(RunError) as caught:
        runner.run(limits=TimeLimits(cell=5 if code == "cell-timeout" else 60), show_progress=False)
    (left,) = (tmp_path / "reports").iterdir()
    assert str(caught.value) == f"{sentence} what was made so far is in {left}"
    assert caught.value.code == code
    assert left.name.endswith(".partial")
    assert not (left / "receipt.json").exists()
    assert not (left / "02_y.ipynb").exists()
    assert sentence[:-1] in (left / "NOT-COMPLETE.txt").read_text()
    code_cells = [c for c in nbformat.read(left / "01_x.ipynb", as_version=4).cells if c.cell_type == "code"]
    assert code_cells[0].execution_count == 1
    assert code_cells[-1].execution_count is None
    ids = processes(tmp_path / "ids")
    wait_for(lambda: not any(lives(process) for process in ids), "the kernel or what it started outlived the run")
    assert capfd.readouterr().err == ""


def test_a_kernel_that_cannot_start_is_told_with_its_own_last_words(folder, monkeypatch):
    write(folder, "01_x", "1")
    broken = [sys.executable, "-c", "raise SystemExit('no such library')"]
    monkeypatch.setattr(executor, "KERNEL", broken)
    with pytest.raises(
        RunError, match=r"stopped at the start of 01_x: the kernel ended before it was ready \(no such library\);"
    ) as caught:
        runner.run(show_progress=False)
    assert caught.value.code == "kernel-start"


def test_a_kernel_that_hangs_at_its_start_is_ended(folder, tmp_path, monkeypatch):
    write(folder, "01_x", "1")
    hanging = f"import os, time; open({str(tmp_path / 'id')!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    monkeypatch.setattr(executor, "KERNEL", [sys.executable, "-c", hanging])
    with pytest.raises(RunError, match="the kernel was not ready within 2 s") as caught:
        runner.run(limits=TimeLimits(start=2), show_progress=False)
    assert "2 seconds" in str(caught.value.__cause__), "it must really have waited no longer"
    assert not lives(int((tmp_path / "id").read_text()))


class Cut:
    """A run under way in a process of its own, in its second cell."""

    def __init__(self, folder: Path) -> None:
        self.reports = folder.parent / "reports"
        write(folder, "01_x", "1", noting(folder / "ids") + "\nimport time\ntime.sleep(300)", "'never'")
        command = [sys.executable, "-c", COMMAND, "run"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.ids = processes(folder / "ids")
        except BaseException:
            self.process.kill()
            raise

    def end(self, number: int) -> tuple[int, str]:
        """Send the signal; the exit code and what was said on stderr."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, "stopped by Ctrl-C in 01_x, cell 2 of 3"),
        (signal.SIGTERM, 143, "stopped by a request to end (SIGTERM) in 01_x, cell 2 of 3"),
    ],
)
def test_a_signal_ends_kernel_and_run_in_order(folder, number, code, words):
    cut = Cut(folder)
    ended, said = cut.end(number)
    (left,) = cut.reports.iterdir()
    assert left.name.endswith(".partial")
    lines = said.splitlines()
    assert lines[0] == "01_x: started, 3 cells"
    assert lines[1].startswith("01_x: cut off after")
    assert lines[2:] == [f"mnistlab: {words}; what was made so far is in {left}"]
    assert ended == code
    assert not any(lives(process) for process in cut.ids)
    assert words in (left / "NOT-COMPLETE.txt").read_text()


@pytest.mark.skipif(os.name != "posix", reason="kill -9 as on POSIX")
def test_after_kill_9_the_kernel_ends_by_itself_with_what_it_started(folder):
    cut = Cut(folder)
    ended, _ = cut.end(signal.SIGKILL)
    assert ended == -signal.SIGKILL
    wait_for(lambda: not any(lives(process) for process in cut.ids), "kernel or its child outlived the runner", ENDS)
    (left,) = cut.reports.iterdir()
    assert left.name.endswith(".partial")
    assert f"process {cut.process.pid}" in (left / "NOT-COMPLETE.txt").read_text()
    assert not (left / "receipt.json").exists()


ORPHAN = """
import ctypes, os, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # orphans come to this process, as under systemd, and not to process 1
start = "import os, subprocess, sys; os.environ['JPY_PARENT_PID'] = str(os.getpid()); subprocess.Popen(" \
    "[sys.executable, '-m', 'mnistlab.pipeline.kernel', '-f', sys.argv[1]], start_new_session=True, stderr=subprocess.DEVNULL)"
subprocess.run([sys.executable, "-c", start, sys.argv[1]])
end = time.monotonic() + 10
while time.monotonic() < end:
    if os.waitpid(-1, os.WNOHANG)[0]:
        sys.exit(0)
    time.sleep(0.1)
os.kill(int(open(f"/proc/self/task/{os.getpid()}/children").read()), 9)
sys.exit("the kernel went on without its runner")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux to play the part of systemd")
def test_a_kernel_whose_runner_dies_while_it_starts_ends_too(tmp_path):
    ended = subprocess.run([sys.executable, "-c", ORPHAN, str(tmp_path / "c.json")], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_refused_run_leaves_no_folder(folder, tmp_path):
    write(folder, "01_x", "1", parameters="epochs: int = 3")
    with pytest.raises(RunError, match="did you mean 'epochs'") as caught:
        runner.run(parameters={"epcohs": "2"})
    assert caught.value.code == "unknown-parameter"
    with pytest.raises(RunError, match="epochs takes int, not 'two'; for example epochs=3"):
        runner.run(parameters={"epochs": "two"})
    with pytest.raises(RunError, match="cell timeout is a whole number of seconds, 1 or more, not 0"):
        runner.run(limits=TimeLimits(cell=0))
    with pytest.raises(RunError, match="--update keeps the notebooks' own parameters"):
        runner.run(parameters={"epochs": 2}, update=True)
    assert not (tmp_path / "reports").exists()


def test_update_puts_the_executed_copy_in_place(folder, tmp_path):
    path = write(folder, "01_x", "# X", "print(6 * epochs)", parameters="epochs: int = 7")
    content = nbformat.read(path, as_version=4)
    content.cells.insert(1, nbformat.v4.new_code_cell("epochs = 1", metadata={"tags": ["injected-parameters"]}))
    nbformat.write(content, path)
    done = runner.run(update=True, show_progress=False)
    assert path.read_bytes() == (done.folder / "01_x.ipynb").read_bytes()
    updated = nbformat.read(path, as_version=4)
    assert [cell.get("execution_count") for cell in updated.cells] == [1, None, 2]
    assert updated.cells[2].outputs[0].text == "42\n"
    assert updated.cells[0].id == content.cells[0].id
    assert updated.metadata.kernelspec.name == "python3"


def test_update_keeps_a_notebook_that_was_edited_meanwhile(folder):
    path = folder / "01_x.ipynb"
    write(folder, "01_x", f"open({str(path)!r}, 'a').write(' ')")
    with pytest.raises(RunError, match=r"01_x.ipynb was changed while it ran and is left as it is") as caught:
        runner.run(update=True, show_progress=False)
    assert caught.value.code == "changed"
    assert '"execution_count": null' in path.read_text()


def test_notebooks_are_found_by_number_name_and_path(folder, monkeypatch):
    for name in ("02_b", "01_a", "03_c"):
        write(folder, name, "1")
    write(folder / "studies", "unscramble", "1")
    write(folder / ".ipynb_checkpoints", "01_a-checkpoint", "1")
    outside = write(folder.parent, "mine", "1")
    assert [found.name for found in runner.find()] == ["01_a", "02_b", "03_c"]
    assert [found.name for found in runner.find(["03", "01_a", "02_b.ipynb"])] == ["03_c", "01_a", "02_b"]
    assert runner.find(["studies/unscramble"])[0].path == runner.find(["unscramble"])[0].path
    assert runner.find([outside])[0].path == outside
    monkeypatch.chdir(folder)
    assert runner.find(["../mine.ipynb"])[0].path == outside


def test_a_notebook_that_is_not_there_is_refused_with_the_nearest(folder):
    for name in ("01_explore", "03_train"):
        write(folder, name, "1")
    write(folder / "studies", "03_other", "1")
    for name, words in {
        "03_trian": "there is no notebook '03_trian'; did you mean '03_train'? "
        "Choose from 01_explore, 03_train, studies/03_other",
        "09": "there is no notebook '09'; choose from 01_explore",
        "03": "'03' could be any of 03_train, 03_other; give the whole name",
    }.items():
        with pytest.raises(RunError) as caught:
            runner.find([name])
        assert str(caught.value).startswith(words)
        assert caught.value.code == "unknown-notebook"
    with pytest.raises(RunError, match="01_explore is named twice"):
        runner.find(["01", "01_explore"])


def test_a_folder_without_notebooks_is_refused(folder):
    with pytest.raises(RunError, match="there are no notebooks in"):
        runner.find()


def test_what_is_no_python_notebook_is_refused(folder):
    (folder / "01_x.ipynb").write_text("{}")
    (folder / "02_x.ipynb").write_bytes(b"\xff\xfe")
    nbformat.write(
        notebook("1", metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}),
        folder / "03_r.ipynb",
    )
    for name, words in {
        "01": "01_x.ipynb cannot be read",
        "02": "02_x.ipynb cannot be read",
        "03": "written in R",
    }.items():
        with pytest.raises(RunError, match=words) as caught:
            runner.find([name])
        assert caught.value.code == "unreadable"


def test_two_runs_in_one_second_get_two_folders(tmp_path, monkeypatch):
    class Clock(folder_module.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 21, 3, 45, 0, tzinfo=tz)

    monkeypatch.setattr(folder_module, "datetime", Clock)
    (tmp_path / "20261121-034500").mkdir()  # a complete one
    names = [folder_module._new(tmp_path).name for _ in range(2)]
    assert names == ["20261121-034500-2.partial", "20261121-034500-3.partial"]


def test_a_place_that_cannot_be_written_is_told(folder, tmp_path):
    write(folder, "01_x", "1")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match=r"no report can be written in .*file") as caught:
        runner.run(folder=tmp_path / "file")
    assert caught.value.code == "write"


def test_the_labs_own_notebooks_are_the_default(monkeypatch):
    monkeypatch.delenv("MNISTLAB_NOTEBOOKS", raising=False)
    numbers = [found.name.partition("_")[0] for found in runner.find()]
    assert numbers == ["01", "02", "02a", "02b", "03", "04", "05"]
    assert all(found.path.parent == paths.ROOT / "notebooks" for found in runner.find())
