"""What a reading costs before the first answer: seconds and memory of fresh processes and of kernels.

Each is started several times; what is reported is the median, with the least and the most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jupyter_client.manager import start_new_kernel
from PIL import Image

from mnistlab.common.errors import LabError
from mnistlab.data.drawings import load_drawings
from mnistlab.data.strokes import rasterise

# Memory is what the system counts for the process alone, in MB of 2**20 bytes: the peak of a short one, what a kernel holds.
MEMORY = """
def memory(field):
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines[field].split()[0]) / 1024
"""
FIRST = """
import time
started = time.perf_counter()
from mnistlab import Predictor
reader = Predictor.load({version!r})
reader.predict_strokes([[[100, 100], [140, 180], [180, 100]]])
print(time.perf_counter() - started, memory("VmHWM"))
"""
EMPTY = "print(memory('VmRSS'))"
PAD = """
from mnistlab import DigitPad
pad = DigitPad(version={version!r})
display(pad)
print(memory("VmRSS"))
"""


@dataclass(frozen=True)
class StartUp:
    """One kind of start, several times.

    Attributes
    ----------
    name : what was started.
    unit : "s" or "MB".
    values : one a start.
    aim : the most that the median should be; None if there is no such aim.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    aim: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            "name": self.name,
            "unit": self.unit,
            "n": len(self.values),
            "median": round(median(self.values), 3),
            "least": round(min(self.values), 3),
            "most": round(max(self.values), 3),
            "aim": self.aim,
        }


def measure_start_up(version: str, *, repeats: int = 5) -> list[StartUp]:
    """Fresh processes that read one drawing, the command on one picture, and kernels without and with a pad.

    Parameters
    ----------
    version : the one that reads.
    repeats : starts of each kind; a kernel is started three times at most.

    Raises
    ------
    LabError : this is no Linux, where memory can be told; or a process failed.
    """
    if not Path("/proc/self/status").exists():
        raise LabError("the memory of a process is told on Linux alone", code="platform")
    first = [_first(version) for _ in range(repeats)]
    kernels = [(_kernel(EMPTY), _kernel(PAD.format(version=version))) for _ in range(min(repeats, 3))]
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "eight.png")
        Image.fromarray(255 - rasterise(load_drawings()["eight"].strokes)).save(picture)
        command = [sys.executable, "-m", "mnistlab", "predict", "--version", version, str(picture)]
        predict = [_seconds(lambda: _run(command)) for _ in range(repeats)]
    return [
        StartUp("Predictor.load() to the first answer", "s", tuple(seconds for seconds, _ in first), 0.6),
        StartUp("the same, memory of the process", "MB", tuple(memory for _, memory in first), 130),
        StartUp("mnistlab predict FILE", "s", tuple(predict), 0.8),
        StartUp("an empty kernel", "MB", tuple(empty for empty, _ in kernels)),
        StartUp("a pad on top of it", "MB", tuple(pad - empty for empty, pad in kernels), 200),
    ]


def start_up_table(rows: Sequence[StartUp]) -> Iterator[str]:
    """The starts as a table for a terminal, line by line."""
    width = max(len(row.name) for row in rows)
    yield f"{'starting':<{width}}   median    least     most      n  aim"
    for row in rows:
        values = "".join(f"{value:9.{2 if row.unit == 's' else 0}f}" for value in _three(row))
        missed = ", missed" if row.aim is not None and median(row.values) > row.aim else ""
        aim = f"<= {row.aim:g} {row.unit}{missed}" if row.aim is not None else row.unit
        yield f"{row.name:<{width}}{values}{len(row.values):>7}  {aim}"


def _three(row: StartUp) -> tuple[float, float, float]:
    return median(row.values), min(row.values), max(row.values)


def _first(version: str) -> tuple[float, float]:
    seconds, memory = _run([sys.executable, "-c", MEMORY + FIRST.format(version=version)]).split()
    return float(seconds), float(memory)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise LabError(f"a process that reads one drawing failed: {last[:300]}", code="process")
    return done.stdout


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _kernel(code: str) -> float:
    """MB that a new kernel holds after this code, which prints them last."""
    manager, client = start_new_kernel(kernel_name="python3", stderr=subprocess.DEVNULL)
    printed: list[str] = []

    def note(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    try:
        reply = client.execute_interactive(MEMORY + code, output_hook=note, timeout=120)
        if reply["content"]["status"] != "ok":
            raise LabError(f"the kernel failed: {reply['content'].get('evalue', '')[:300]}", code="process")
        return float("".join(printed).split()[-1])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
