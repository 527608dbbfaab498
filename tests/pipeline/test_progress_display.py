"""What one sees of a run: where it is, in a log and in a terminal."""

from __future__ import annotations

import io
import os

import pytest
from made import wait_for

from mnistlab.pipeline import progress_display
from mnistlab.pipeline.progress_display import Display, LogDisplay, TerminalDisplay, last_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def walk(display: Display, complete: bool = True) -> None:
    display.begin("03_train", 3)
    display.step(1)
    display.printed("reading\n")
    display.step(2)
    display.printed("\rtraining:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5]")
    if complete:
        display.step(3)
        display.report()
    display.end(complete)


@pytest.mark.parametrize("display", [Display(), LogDisplay(io.StringIO()), TerminalDisplay(Terminal())])
def test_every_display_knows_where_the_run_is(display):
    assert display.place == "before the first notebook"
    display.begin("03_train", 3)
    assert display.place == "at the start of 03_train"
    display.step(2)
    assert display.place == "in 03_train, cell 2 of 3"
    display.report()
    assert display.place == "while the report of 03_train was written"
    display.end(True)
    assert display.place == "after 03_train"
    walk(display, complete=False)
    assert display.place == "in 03_train, cell 2 of 3"


def test_a_log_gets_whole_lines_and_few():
    stream = io.StringIO()
    walk(LogDisplay(stream))
    started, done = stream.getvalue().splitlines()
    assert started == "03_train: started, 3 cells"
    assert done.startswith("03_train: done after ")
    assert "\r" not in stream.getvalue()


def test_a_log_says_now_and_then_that_the_run_lives(monkeypatch):
    monkeypatch.setattr(progress_display, "QUIET", -1)
    stream = io.StringIO()
    walk(LogDisplay(stream), complete=False)
    assert (
        "03_train: cell 2 of 3, training:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5]"
        in stream.getvalue()
    )
    assert "03_train: cut off after" in stream.getvalue()


def test_a_terminal_sees_cells_and_below_them_the_last_line_printed(monkeypatch):
    monkeypatch.setattr(progress_display, "REFRESH", 0.01)
    stream = Terminal()
    display = TerminalDisplay(stream)
    display.begin("03_train", 3)
    display.step(2)
    display.printed("\rtraining:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5]")
    wait_for(
        lambda: "\n\rtraining:  40%|####      | 400/1000 [00:05<00:07" in stream.getvalue(), "no line of the kernel"
    )
    assert "03_train" in stream.getvalue()
    assert "1/3 cells" in stream.getvalue()
    display.end(False)
    last = stream.getvalue().rpartition("\r")[2]
    assert "1/3 cells" in last
    assert "cut off" in last
    assert "training" not in last


def test_a_terminal_sees_a_complete_notebook_with_all_its_cells():
    stream = Terminal()
    walk(TerminalDisplay(stream))
    last = stream.getvalue().rpartition("\r")[2]
    assert "100%" in last
    assert "3/3 cells" in last
    assert "cut off" not in last


def test_the_stream_decides_and_nothing_is_shown_unasked():
    assert isinstance(progress_display.choose(stream=Terminal()), TerminalDisplay)
    assert isinstance(progress_display.choose(stream=io.StringIO()), LogDisplay)
    assert type(progress_display.choose(show=False, stream=Terminal())) is Display


def test_a_terminal_of_no_size_is_told_line_by_line():
    reading, writing = pytest.importorskip("pty", reason="there are no such terminals on Windows").openpty()
    with os.fdopen(writing, "w") as terminal:
        walk(progress_display.choose(stream=terminal))
        assert b"03_train: started, 3 cells" in os.read(reading, 10_000)
    os.close(reading)


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        ("one\ntwo\n\n", "two"),
        ("\x1b[31mred\x1b[0m\n", "red"),
        ("\n \n", ""),
        ("\r 40%|####      | 400/1000\r 50%|#####     | 500/1000", "50%|#####     | 500/1000"),
    ],
)
def test_the_last_line_is_shown_as_it_is_but_for_colours(printed, line):
    assert last_line(printed) == line
