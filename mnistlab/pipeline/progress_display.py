"""What one sees of a headless run while it is under way: a line that moves in a terminal, a few plain lines elsewhere.

``Display`` itself shows nothing; it remembers where the run is, for the sentence that says where it stopped.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from typing import TextIO

# tqdm's "training:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5]"; without a postfix, without the last part
BAR = re.compile(
    r"(?P<what>[^|]*?):?\s*(?P<share>\d+)%\|[^|]*\|\s*(?P<count>\S+) \[[^<\]]*<(?P<left>[^,\]]*),[^,\]]*(?:, (?P<more>.*?))?\]?$"
)
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours and cursor moves
QUIET = 60  # seconds without a line after which a log is told that the run still lives


class Display:
    """Where a run is. Shows nothing.

    Attributes
    ----------
    notebook : name of the notebook under way, "" before the first.
    cell, cells : number of the cell under way, from 1, and how many there are; 0 before the first.
    place : the same in words, ``"in 03_train, cell 12 of 30"``.
    """

    notebook = ""
    cell = 0
    cells = 0
    place = "before the first notebook"

    def begin(self, notebook: str, cells: int) -> None:
        """A notebook with so many cells starts."""
        self.notebook, self.cell, self.cells = notebook, 0, cells
        self.place = f"at the start of {notebook}"

    def step(self, cell: int) -> None:
        """Cell number ``cell``, from 1, starts."""
        self.cell = cell
        self.place = f"in {self.notebook}, cell {cell} of {self.cells}"

    def say(self, text: str) -> None:
        """The kernel printed ``text``, possibly part of a line."""

    def report(self) -> None:
        """All cells have run; the report is being written."""
        self.place = f"while the report of {self.notebook} was written"

    def end(self, complete: bool) -> None:
        """The notebook under way is complete, or was cut off."""
        if complete:
            self.place = f"after {self.notebook}"

    def stage(self, what: str) -> None:
        """Something that is no notebook starts: ``"the gates were asked"``."""
        self.place = f"while {what}"


class Lines(Display):
    """A plain line when a notebook starts and ends, and now and then in between. For logs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.started = self.spoken = time.monotonic()

    def begin(self, notebook: str, cells: int) -> None:
        """Say that it starts."""
        super().begin(notebook, cells)
        self.started = time.monotonic()
        self._print(f"{notebook}: started, {cells} cells")

    def say(self, text: str) -> None:
        """Pass on a line after a long silence."""
        if time.monotonic() - self.spoken > QUIET and (line := last_line(text)):
            self._print(f"{self.notebook}: cell {self.cell} of {self.cells}, {line}")

    def end(self, complete: bool) -> None:
        """Say how it went."""
        super().end(complete)
        self._print(
            f"{self.notebook}: {'done' if complete else 'cut off'} after {time.monotonic() - self.started:.0f} s"
        )

    def _print(self, line: str) -> None:
        self.spoken = time.monotonic()
        print(line, file=self.stream, flush=True)


class Bar(Display):
    """A bar for each notebook: cells done, time, and the last line its kernel printed. For terminals."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self._bar = None
        self._over = threading.Event()

    def begin(self, notebook: str, cells: int) -> None:
        """Draw an empty bar and keep its clock going."""
        from tqdm import tqdm

        super().begin(notebook, cells)
        self._over = threading.Event()
        self._bar = tqdm(
            total=cells,
            desc=f"{notebook:<16}",
            file=self.stream,
            bar_format="{desc} {percentage:3.0f}% |{bar:12}| {n_fmt}/{total_fmt} cells, {elapsed}{postfix}",
            dynamic_ncols=True,
            mininterval=0,
        )
        threading.Thread(target=self._tick, args=(self._bar, self._over), daemon=True).start()

    def step(self, cell: int) -> None:
        """Move on to where ``cell`` starts."""
        super().step(cell)
        self._bar.set_postfix_str("", refresh=False)
        self._bar.update(cell - 1 - self._bar.n)

    def say(self, text: str) -> None:
        """Show the last line the kernel printed."""
        if line := last_line(text):
            self._bar.set_postfix_str(line, refresh=False)

    def report(self) -> None:
        """Fill the bar."""
        super().report()
        self._bar.set_postfix_str("writing the report", refresh=False)
        self._bar.update(self.cells - self._bar.n)

    def end(self, complete: bool) -> None:
        """Leave the bar as it stands."""
        super().end(complete)
        self._over.set()
        self._bar.set_postfix_str("" if complete else "cut off", refresh=False)
        self._bar.refresh()
        self._bar.close()

    @staticmethod
    def _tick(bar, over: threading.Event) -> None:
        while not over.wait(0.5):
            bar.refresh()


def choose(show: bool = True, stream: TextIO | None = None) -> Display:
    """The display that suits the stream, stderr if None."""
    if not show:
        return Display()
    stream = stream or sys.stderr
    return Bar(stream) if stream.isatty() else Lines(stream)


def last_line(text: str) -> str:
    """The last line of what was printed that is not empty, without colours; a tqdm bar in words, as it has no room twice.

    ``"training:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5]"`` becomes
    ``"training 40%, epoch 2/5, 00:07 left"``.
    """
    lines = [line.strip() for line in re.split(r"[\r\n]", ESCAPE.sub("", text))]
    line = next((line for line in reversed(lines) if line), "")
    if not (bar := BAR.match(line)):
        return line
    return f"{bar['what']} {bar['share']}%, {bar['more'] or bar['count']}, {bar['left']} left".lstrip()
