"""What one sees of a run: where it is, in a log and in a terminal."""

from __future__ import annotations

import io

import pytest

from mnistlab.pipeline import progress_display
from mnistlab.pipeline.progress_display import Bar, Display, Lines, last_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def walk(shown: Display, complete: bool = True) -> None:
    shown.begin("03_train", 3)
    shown.step(1)
    shown.say("reading\n")
    shown.step(2)
    shown.say("\rtraining:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5]")
    if complete:
        shown.step(3)
        shown.report()
    shown.end(complete)


@pytest.mark.parametrize("shown", [Display(), Lines(io.StringIO()), Bar(Terminal())])
def test_every_display_knows_where_the_run_is(shown):
    assert shown.place == "before the first notebook"
    shown.begin("03_train", 3)
    assert shown.place == "at the start of 03_train"
    shown.step(2)
    assert shown.place == "in 03_train, cell 2 of 3"
    shown.report()
    assert shown.place == "while the report of 03_train was written"
    shown.end(True)
    assert shown.place == "after 03_train"
    walk(shown, complete=False)
    assert shown.place == "in 03_train, cell 2 of 3"


def test_a_log_gets_whole_lines_and_few():
    stream = io.StringIO()
    walk(Lines(stream))
    started, done = stream.getvalue().splitlines()
    assert started == "03_train: started, 3 cells"
    assert done.startswith("03_train: done after ")
    assert "\r" not in stream.getvalue()


def test_a_log_says_now_and_then_that_the_run_lives(monkeypatch):
    monkeypatch.setattr(progress_display, "QUIET", -1)
    stream = io.StringIO()
    walk(Lines(stream), complete=False)
    assert "03_train: cell 2 of 3, training 40%, epoch 2/5, 00:07 left" in stream.getvalue()
    assert "03_train: cut off after" in stream.getvalue()


def test_a_terminal_sees_cells_and_the_last_line_printed():
    stream = Terminal()
    shown = Bar(stream)
    walk(shown)
    text = stream.getvalue()
    assert "03_train" in text
    assert "3/3 cells" in text
    shown = Bar(stream)
    shown.begin("03_train", 3)
    shown.step(2)
    shown.say("\rtraining:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5]")
    shown.end(False)
    assert "1/3 cells" in stream.getvalue()
    assert "cut off" in stream.getvalue()


def test_the_stream_decides_and_nothing_is_shown_unasked():
    assert isinstance(progress_display.choose(stream=Terminal()), Bar)
    assert isinstance(progress_display.choose(stream=io.StringIO()), Lines)
    assert type(progress_display.choose(show=False, stream=Terminal())) is Display


@pytest.mark.parametrize(
    ("printed", "line"),
    [
        ("one\ntwo\n\n", "two"),
        ("\x1b[31mred\x1b[0m\n", "red"),
        ("\n \n", ""),
        ("a | b | c", "a | b | c"),
        (
            "\rtraining:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2/5, validation 97.5%]",
            "training 40%, epoch 2/5, validation 97.5%, 00:07 left",
        ),
        ("\r 40%|####      | 400/1000 [00:05<00:07, 80.0it/s]", "40%, 400/1000, 00:07 left"),
        ("four nets:   0%|          | 0/12 [00:00<?, ?it/s]", "four nets 0%, 0/12, ? left"),
        ("cut:  40%|####      | 400/1000 [00:05<00:07, 80.0step/s, epoch 2", "cut 40%, epoch 2, 00:07 left"),
    ],
)
def test_the_last_line_is_told_without_colours_and_bars(printed, line):
    assert last_line(printed) == line
