"""A whole ``mnistlab retrain`` interrupted at each of its stages, for real: signals, kills, twenty at once.

The run is a real process with real kernels; only training and judging are made quick, and at the stage in question it pauses, so
that the signal meets it there. ``make faults`` sends each of three signals at every stage.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import retraining
from made import lives, noting, processes, wait_for

from mnistlab.common import locks
from mnistlab.pipeline import history_page
from mnistlab.registry.registry import Registry

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")

EVERY = int(os.environ.get("FAULT_KILLS", "0")) >= 100
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# Stage: where the process pauses, as module and function; those in notebooks pause by themselves.
STAGES = {
    "loading": None,
    "checking": ("mnistlab.pipeline.retrain", "check_data"),
    "training": None,
    "judging": None,
    "gates": ("mnistlab.pipeline.gates", "decide"),
    "taking over": ("mnistlab.registry.packing", "renamed"),
    "promoting": ("mnistlab.registry.promotions", "Promotions.put"),
    "receipt": ("mnistlab.pipeline.report_folder", "_receipt"),
    "page": ("mnistlab.pipeline.history_page", "rebuild"),
}
FINISHED = ("taking over", "promoting", "receipt")  # from here on a request to end waits for the end, a second away
FEW = [("training", signal.SIGTERM), ("promoting", signal.SIGKILL)]  # among the ordinary tests; each takes seconds
PROGRAM = """
import importlib, pathlib, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from mnistlab.cli.main import main

stage, module, name, seconds = sys.argv[1:]

def pause():
    pathlib.Path(stage).touch()
    time.sleep(float(seconds))

def wrap():
    *way, last = name.split(".")
    place = importlib.import_module(module)
    for step in way:
        place = getattr(place, step)
    call = getattr(place, last)

    def paused(*arguments, **options):
        pause()
        return call(*arguments, **options)

    setattr(place, last, paused)

import mnistlab.common.locks
hold = mnistlab.common.locks.retraining
from contextlib import contextmanager

@contextmanager
def held(models):
    with hold(models):
        if stage.endswith("loading"):
            pause()
        import retraining  # not before: those that are turned away need none of it

        retraining.quicken()
        if module:
            wrap()
        yield

mnistlab.common.locks.retraining = held
main(["retrain", "--recipe", "plain", "--quiet"])
"""


@pytest.fixture
def place(registry: Registry, tmp_path: Path) -> Path:
    """A lab in which a retraining takes seconds: its candidate is as good as 0001, which is in use."""
    retraining.lab(tmp_path, retraining.renumber(registry.root / "0001", tmp_path / "made" / "0003"))
    return tmp_path


def start(place: Path, stage: str = "none", seconds: float = 0) -> subprocess.Popen:
    """A retraining that pauses at a stage, and says so by a file of that name."""
    module, name = STAGES.get(stage) or ("", "")
    command = [sys.executable, "-c", PROGRAM, str(place / stage), module, name, str(seconds)]
    return subprocess.Popen(
        command, env=retraining.environment(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def reach(place: Path, stage: str, process: subprocess.Popen) -> list[int]:
    """Wait until it is there; the processes its kernel has by then."""
    note = place / stage
    wait_for(lambda: note.exists() or process.poll() is not None, f"it never came to {stage}", seconds=120)
    assert process.poll() is None, process.communicate()
    return processes(note) if stage in ("training", "judging") else []


@pytest.mark.parametrize(
    ("stage", "number"), [(stage, number) for stage in STAGES for number in SIGNALS] if EVERY else FEW
)
def test_a_run_that_is_interrupted_leaves_the_old_version_or_the_new(place, registry, stage, number):
    made = place / "made" / "0003"
    pausing = f"{noting(place / stage)}\n\nimport time; time.sleep(300)\n\n"
    if stage == "training":
        retraining.lab(place, made, train=pausing + retraining.TRAIN)
    if stage == "judging":
        retraining.lab(place, made, evaluate=f"{noting(place / stage)}\nimport time; time.sleep(300)")
    waits = stage in FINISHED and number != signal.SIGKILL
    process = start(place, stage, seconds=2 if waits else 300)
    try:
        kernel = reach(place, stage, process)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    with locks.hold(registry.root / locks.RETRAIN, "a retraining", wait=1):  # nobody is blocked for longer
        wait_for(lambda: not any(map(lives, kernel)), "a kernel was left behind")
    assert "Traceback" not in said
    if waits:
        assert process.returncode == 0, said
    elif stage == "loading" or stage == "page":  # nothing of ours is there yet, or any more, to end in order
        assert process.returncode in (130, -number), said
    else:
        assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(number, -number), said

    done = waits or stage in ("receipt", "page")
    assert registry.current() == ("0003" if done else "0001")
    assert registry.verify() == dict.fromkeys(registry.versions())
    assert all(folder.name.endswith(".partial") or (folder / "receipt.json").is_file() for folder in reports(place))
    assert len(reports(place)) == (stage != "loading")
    again(place, registry, stage)


def reports(place: Path) -> list[Path]:
    return list((place / "reports").glob("2*"))


def again(place: Path, registry: Registry, stage: str) -> None:
    """The next retraining runs to its end and tidies up what the one before left."""
    if not EVERY and stage != "promoting":
        return
    made = retraining.renumber(registry.root / "0001", place / "next" / f"{int(max(registry.versions())) + 1:04d}")
    retraining.lab(place, made)
    process = start(place)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert registry.load().manifest.version == made.name
    assert not [path.name for path in registry.root.iterdir() if path.name.startswith(".new-") or path.suffix == ".tmp"]
    text = (place / "reports" / history_page.INDEX).read_text()
    assert f"<br>{made.name}" in text


def test_of_twenty_starts_at_once_exactly_one_runs(place, registry):
    processes = [start(place) for _ in range(20)]
    try:
        answers = [process.communicate(timeout=180) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert sorted(process.returncode for process in processes) == [0] + 19 * [75], answers
    assert all("a retraining is already under way" in said for _, said in answers if said)
    assert (registry.versions(), registry.current()) == (["0001", "0002", "0003"], "0003")
    (report,) = reports(place)
    assert json.loads((report / "receipt.json").read_text())["outcome"] == "promoted"
