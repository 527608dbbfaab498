"""One at a time: whoever comes second is told who was first, and a dead holder holds nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from mnistlab.common import locks
from mnistlab.common.errors import BusyError, RegistryError

HOLDS = (
    "import sys, time, pathlib; from mnistlab.common import locks\n"
    "with locks.hold(pathlib.Path(sys.argv[1]), 'a test'):\n    print('held', flush=True); time.sleep(300)"
)


@pytest.fixture
def holder(tmp_path):
    """A process that holds ``tmp_path/lock``."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_second_is_refused_at_once_and_told_who_is_first(holder, tmp_path):
    with (
        pytest.raises(
            BusyError, match=rf"a test is already under way, by process {holder.pid} on .+, since 20"
        ) as caught,
        locks.hold(tmp_path / "lock", "a test"),
    ):
        pass
    assert caught.value.code == "locked"


def test_a_killed_holder_holds_nothing(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    started = time.monotonic()
    with locks.hold(tmp_path / "lock", "a test", wait=1):
        waited = time.monotonic() - started
    assert waited < 1  # or the wait above would have ended it: no measurement, the bound that is promised
    assert not (tmp_path / "lock").with_suffix(".holder").exists()


def test_a_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locks.hold(tmp_path / "lock", "a test"):
        raise ZeroDivisionError
    with locks.hold(tmp_path / "lock", "a test"):
        assert str(os.getpid()) in (tmp_path / "lock").with_suffix(".holder").read_text()


@pytest.mark.parametrize("said", [None, "", "{", "[]", '{"pid": "x"}', "\xff" * 2000])
def test_a_holder_that_has_not_introduced_itself_is_told_as_that(holder, tmp_path, said):
    card = (tmp_path / "lock").with_suffix(".holder")
    card.unlink()
    if said is not None:
        card.write_text(said)
    with (
        pytest.raises(BusyError, match="by a process that left no name"),
        locks.hold(tmp_path / "lock", "a test"),
    ):
        pass


def test_a_lock_that_cannot_be_made_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RegistryError, match="cannot be written") as caught,
        locks.hold(tmp_path / "file" / "lock", "a test"),
    ):
        pass
    assert caught.value.code == "write"


@pytest.mark.parametrize("make", ["pipe", "link", "folder", "hostile"])
def test_whatever_lies_where_the_holder_introduces_itself(tmp_path, make):
    card = tmp_path / "lock.holder"
    target = tmp_path / "target"
    target.write_text("mine")
    {
        "pipe": lambda: os.mkfifo(card),
        "link": lambda: card.symlink_to(target),
        "folder": card.mkdir,
        "hostile": lambda: card.write_text('{"pid": 1e999, "host": "x", "since": "x"}'),
    }[make]()
    assert locks._holder(card) == "a process that left no name"
    with locks.hold(tmp_path / "lock", "a test"):
        pass
    assert target.read_text() == "mine"
