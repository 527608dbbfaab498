"""What one sees of a headless run while it is under way: two lines that move in a terminal, a few plain lines elsewhere.

``Display`` itself shows nothing; it remembers where the run is, for the sentence that says where it stopped. Cells are counted
by what executes them. What a notebook prints, progress bars of its own included, is shown as it is, one line at a time.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from typing import TextIO

from tqdm import tqdm

from mnistlab.common.progress import is_sizeless

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours and cursor moves
QUIET = 60  # seconds without a line after which a log is told that the run still lives
REFRESH = 0.5  # seconds between two looks of the terminal's clock
CELLS = "{desc} {percentage:3.0f}% |{bar:12}| {n_fmt}/{total_fmt} cells, {elapsed}{postfix}"


class Display:
    """Where a run is. Shows nothing."""

    notebook = ""  # name of the notebook under way, "" before the first
    cell = 0  # number of the cell under way, from 1; 0 before the first
    cells = 0  # how many there are; 0 before the first
    place = "before the first notebook"  # the same in words, ``"in 03_train, cell 12 of 30"``

    def begin(self, notebook: str, cells: int) -> None:
        """A notebook with so many cells starts."""
        self.notebook, self.cell, self.cells = notebook, 0, cells
        self.place = f"at the start of {notebook}"

    def step(self, cell: int) -> None:
        """Cell number ``cell``, from 1, starts."""
        self.cell = cell
        self.place = f"in {self.notebook}, cell {cell} of {self.cells}"

    def printed(self, text: str) -> None:
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


class LogDisplay(Display):
    """A plain line when a notebook starts and ends, and now and then in between. For logs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.started = self.last_written = time.monotonic()

    def begin(self, notebook: str, cells: int) -> None:
        """Say that it starts."""
        super().begin(notebook, cells)
        self.started = time.monotonic()
        self._write(f"{notebook}: started, {cells} cells")

    def printed(self, text: str) -> None:
        """Pass on a line after a long silence."""
        if time.monotonic() - self.last_written > QUIET and (line := last_line(text)):
            self._write(f"{self.notebook}: cell {self.cell} of {self.cells}, {line}")

    def end(self, complete: bool) -> None:
        """Say how it went."""
        super().end(complete)
        seconds = time.monotonic() - self.started
        self._write(f"{self.notebook}: {'done' if complete else 'cut off'} after {seconds:.0f} s")

    def _write(self, line: str) -> None:
        self.last_written = time.monotonic()
        print(line, file=self.stream, flush=True)


class TerminalDisplay(Display):
    """A bar for each notebook, with cells done and time, and below it the last line its kernel printed. For terminals."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr

    def begin(self, notebook: str, cells: int) -> None:
        """Draw an empty bar and keep its clock going."""
        super().begin(notebook, cells)
        lines = {"file": self.stream, "dynamic_ncols": True, "mininterval": 0}
        self._bar = tqdm(total=cells, desc=f"{notebook:<16}", bar_format=CELLS, **lines)
        self._below = tqdm(position=1, leave=False, bar_format="{desc}", **lines)
        self._over = threading.Event()
        threading.Thread(target=self._tick, args=(self._over,), daemon=True).start()

    def step(self, cell: int) -> None:
        """Move on to where ``cell`` starts."""
        super().step(cell)
        self._below.set_description_str("", refresh=False)
        self._bar.update(cell - 1 - self._bar.n)

    def printed(self, text: str) -> None:
        """Show the last line the kernel printed, as it is."""
        if line := last_line(text):
            self._below.set_description_str(line, refresh=False)

    def report(self) -> None:
        """Fill the bar."""
        super().report()
        self._below.set_description_str("writing the report", refresh=False)
        self._bar.update(self.cells - self._bar.n)

    def end(self, complete: bool) -> None:
        """Leave the bar as it stands."""
        super().end(complete)
        self._over.set()
        self._below.close()
        self._bar.set_postfix_str("" if complete else "cut off", refresh=False)
        self._bar.refresh()
        self._bar.close()

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(REFRESH):
            self._bar.refresh()
            self._below.refresh()


def choose(show: bool = True, stream: TextIO | None = None) -> Display:
    """The display that suits the stream, stderr if None; a terminal of no size, where no bar moves, gets the lines of a log."""
    if not show:
        return Display()
    stream = stream or sys.stderr
    return TerminalDisplay(stream) if stream.isatty() and not is_sizeless(stream) else LogDisplay(stream)


def last_line(text: str) -> str:
    """The last line of what was printed that is not blank, without colours; a carriage return starts a line too."""
    lines = [line.strip() for line in re.split(r"[\r\n]", ESCAPE.sub("", text))]
    return next((line for line in reversed(lines) if line), "")
