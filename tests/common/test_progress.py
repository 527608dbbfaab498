from __future__ import annotations

import os

import pytest

from mnistlab.common import progress
from mnistlab.common.progress import is_sizeless, progress_bar, track


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False), ("", False), (None, False)])
def test_headless_is_what_the_runner_says(monkeypatch, value, expected):
    monkeypatch.delenv(progress.HEADLESS, raising=False)
    if value is not None:
        monkeypatch.setenv(progress.HEADLESS, value)
    assert progress.headless() is expected


def test_a_headless_bar_is_text_on_stdout(monkeypatch, capsys):
    monkeypatch.setenv(progress.HEADLESS, "1")
    assert list(track(range(3), description="counting")) == [0, 1, 2]
    shown = capsys.readouterr()
    assert "counting: 100%" in shown.out
    assert "3/3" in shown.out
    assert shown.err == ""


def test_a_bar_in_a_terminal_leaves_stdout_alone(monkeypatch, capsys):
    monkeypatch.delenv(progress.HEADLESS, raising=False)
    assert list(track(range(3), description="counting")) == [0, 1, 2]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "counting: 100%" in shown.err


@pytest.mark.parametrize("headless", ["0", "1"])
def test_a_bar_can_be_moved_by_hand(monkeypatch, capsys, headless):
    monkeypatch.setenv(progress.HEADLESS, headless)
    with progress_bar(total=4, description="by hand", unit="step") as bar:
        bar.update(3)
        bar.set_postfix_str("nearly")
        bar.update()
    assert bar.n == 4
    shown = capsys.readouterr()
    assert "4/4" in shown.out + shown.err
    assert "nearly" in shown.out + shown.err


@pytest.mark.parametrize("headless", ["0", "1"])
def test_a_bar_that_is_not_shown_says_nothing_and_still_counts_through(monkeypatch, capsys, headless):
    monkeypatch.setenv(progress.HEADLESS, headless)
    assert list(track(range(3), description="quiet", show=False)) == [0, 1, 2]
    with progress_bar(total=2, description="quiet", show=False) as bar:
        bar.update(2)
        bar.set_postfix_str("nothing")
    assert capsys.readouterr() == ("", "")


def test_a_terminal_of_no_size_sees_a_bar_all_the_same(monkeypatch):
    monkeypatch.delenv(progress.HEADLESS, raising=False)
    reading, writing = pytest.importorskip("pty", reason="there are no such terminals on Windows").openpty()
    with os.fdopen(writing, "w") as terminal:
        assert is_sizeless(terminal)
        monkeypatch.setattr("sys.stderr", terminal)
        assert list(track(range(3), description="counting")) == [0, 1, 2]
        terminal.flush()
        assert b"counting: 100%" in os.read(reading, 10_000)
    assert not is_sizeless(terminal)  # it is closed
    os.close(reading)
