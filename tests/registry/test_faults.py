"""Faults on purpose: every write, rename and flush fails or is the last, processes are killed in the middle, many come at once.

Whatever happens, the version in use is the old one or the new one, whole; what was acknowledged stays. ``make faults`` kills 200
times. Children are forked and end with ``os._exit``: nothing is tidied on their way out, as after a power cut.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mnistlab.common import files, locks
from mnistlab.common.errors import BusyError, RegistryError
from mnistlab.common.files import write_atomic
from mnistlab.pipeline import history_page
from mnistlab.registry.promotions import Promotions
from mnistlab.registry.registry import Registry

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes, which this system has not")

KILLS = int(os.environ.get("FAULT_KILLS", "20"))
NAMES = ("0001", "0002", "0003")


@pytest.fixture(autouse=True)
def _one_thread():
    """A forked process must not wait for the threads of its parent."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def versions(tmp_path: Path) -> Promotions:
    """Three versions, as far as the pointer looks into them; 0002 is in use, before it 0001 and 0003 were."""
    for name in NAMES:
        (tmp_path / name).mkdir()
        weights = name.encode()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
        manifest = {"weights_sha256": hashlib.sha256(weights).hexdigest(), "version": name}
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
    promotions = Promotions(tmp_path)
    for name in ("0003", "0001", "0002"):
        promotions.put(name)
    return promotions


class Steps:
    """Counts what touches the disk; at step ``last`` it calls ``fault``, a write having put down half."""

    def __init__(self, patch: pytest.MonkeyPatch, last: int = -1, fault: Callable[[], None] = lambda: None) -> None:
        self.done, self.last, self.fault = 0, last, fault
        for name in ("replace", "rename", "mkdir", "fsync"):
            patch.setattr(os, name, self._watched(getattr(os, name)))
        patch.setattr(files, "open", self._open, raising=False)

    def step(self) -> None:
        self.done += 1
        if self.done == self.last:
            self.fault()

    def _watched(self, call):
        def watched(*arguments, **options):
            self.step()
            return call(*arguments, **options)

        return watched

    def _open(self, *arguments):
        file = open(*arguments)  # noqa: SIM115 - the with block is the caller's
        write = file.write

        class Halved:
            def __enter__(inner):
                return inner

            def __exit__(inner, *_):
                file.close()

            def __getattr__(inner, name):
                return getattr(file, name)

            def write(inner, content):
                write(content[: len(content) // 2])
                file.flush()
                self.step()
                return write(content[len(content) // 2 :])

        return Halved()


CHANGES = {"promote": (lambda p: p.put("0003"), "0003"), "roll back": (lambda p: p.back(), "0001")}


def count(change: Callable[[Promotions], object], promotions: Promotions) -> int:
    """How many steps a change takes; it is made on the same folder, and undone."""
    before = {path: path.read_bytes() for path in promotions.root.iterdir() if path.is_file()}
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        change(promotions)
    for path, content in before.items():
        path.write_bytes(content)
    return steps.done


def sound(promotions: Promotions, allowed: tuple[str, ...]) -> None:
    """One of the allowed versions is in use, and both ways lead on from there."""
    assert promotions.current() in allowed
    assert promotions.previous() in NAMES
    for name in NAMES:
        promotions.put(name)
        assert promotions.current() == name
    assert promotions.back() == ("0003", "0002")


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked process; its id."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    finally:
        os._exit(1)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS], ids=["disk full", "read-only"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_disk_that_fails_at_any_step_is_one_sentence_and_nothing_is_half_done(versions, name, number):
    change, new = CHANGES[name]
    total = count(change, versions)
    assert total >= 8  # write, flush, rename and flush of the folder, for the history and for the pointer
    state = {path: path.read_bytes() for path in versions.root.iterdir() if path.is_file()}

    def fail():
        raise OSError(number, os.strerror(number))

    told = unflushed = 0
    for last in range(1, total + 1):
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, last, fail)
            try:
                change(versions)
                caught = None
            except RegistryError as error:
                caught = error
        if caught:
            told += 1
            assert caught.code in ("write", "unflushed")
            assert os.strerror(number) in str(caught)
            assert "\n" not in str(caught)
        unflushed += bool(caught and caught.code == "unflushed")
        # What is said of the version in use is true.
        assert versions.current() == ("0002" if caught and caught.code == "write" else new)
        assert not [path.name for path in versions.root.iterdir() if path.suffix == ".tmp"]
        sound(versions, ("0002", new))
        for path, content in state.items():
            path.write_bytes(content)
    assert told >= 4  # after the pointer is swapped, tidying may fail in silence
    assert unflushed == 1


@pytest.mark.parametrize("name", CHANGES)
def test_an_end_at_any_step_leaves_the_old_version_or_the_new(versions, name):
    change, new = CHANGES[name]
    state = {path: path.read_bytes() for path in versions.root.iterdir() if path.is_file()}
    seen = set()
    for last in range(1, count(change, versions) + 1):

        def end(last=last):
            with pytest.MonkeyPatch.context() as patch:
                Steps(patch, last, lambda: os._exit(9))
                change(versions)

        _, status = os.waitpid(in_child(end), 0)
        assert os.waitstatus_to_exitcode(status) == 9, "the child came past its last step"
        seen.add(versions.current())
        sound(versions, ("0002", new))
        for path, content in state.items():
            path.write_bytes(content)
    assert seen == {"0002", new}


def test_a_page_is_the_old_or_the_new_at_any_step(tmp_path):
    page, old, new = tmp_path / "index.html", "old" * 1000, "new" * 1000
    page.write_text(old)
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        write_atomic(page, old)
    seen = set()
    for last in range(1, steps.done + 1):

        def end(last=last):
            with pytest.MonkeyPatch.context() as patch:
                Steps(patch, last, lambda: os._exit(9))
                write_atomic(page, new)

        os.waitpid(in_child(end), 0)
        seen.add(page.read_text())
        page.write_text(old)
    assert seen == {old, new}


def kill_at_random(work: Callable[[Callable[[str], None]], None], chance: random.Random, turn: int) -> list[str]:
    """Let a child work until it is killed; the words it said. ``work`` is given the function to say one with."""
    reader, writer = os.pipe()
    child = in_child(lambda: work(lambda word: os.write(writer, f"{word}\n".encode())))
    os.close(writer)
    with os.fdopen(reader, "rb", buffering=0) as file:
        first = file.read(1)  # so that it is under way
        time.sleep(chance.uniform(0, 0.03))
        os.kill(child, (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[turn % 3])
        for _ in range(100):
            if os.waitpid(child, os.WNOHANG)[0]:
                break
            time.sleep(0.05)
        else:  # Python ignores the KeyboardInterrupt of a SIGINT that comes while an object is taken apart
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return (first + file.readall()).decode().split()


def test_killed_at_random_nothing_acknowledged_is_lost_and_nobody_waits(versions):
    chance = random.Random(0)
    turns = ((lambda: versions.put("0003"), "0003"), (lambda: versions.back(), "0002"))
    for turn in range(KILLS):
        versions.put("0002")

        def change(say):
            for i in range(100_000):
                with locks.hold(versions.root / locks.REGISTRY, "a change", wait=1):
                    turns[i % 2][0]()
                say(turns[i % 2][1])

        acknowledged = kill_at_random(change, chance, turn)
        assert acknowledged == [("0003", "0002")[i % 2] for i in range(len(acknowledged))]
        assert versions.current() in ("0002", "0003")  # the last acknowledged, or the next after it
        with locks.hold(versions.root / locks.REGISTRY, "a change", wait=1):
            sound(versions, NAMES)


# --- saving a version -------------------------------------------------------------------------------------------------


def save(registry: Registry) -> str:
    """A new version: a copy of the first."""
    return registry.adopt(registry.root / "0001")


def whole(registry: Registry) -> list[str]:
    """The versions, all of them sound, and one may be saved after them: nothing is in its way."""
    names = registry.versions()
    assert registry.verify() == dict.fromkeys(names)
    assert registry.current() == "0001"
    number = save(registry)
    assert [path.name for path in registry.root.iterdir() if path.name.startswith(".new-")] == []
    shutil.rmtree(registry.root / number)
    return names


def steps_of_saving(registry: Registry) -> int:
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        number = save(registry)
    shutil.rmtree(registry.root / number)
    assert (
        steps.done >= 11
    )  # two folders, three files written and flushed, their folder, the rename, the versions' folder
    return steps.done


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS], ids=["disk full", "read-only"])
def test_a_version_is_saved_or_not_there_whichever_step_fails(registry, number):
    def fail():
        raise OSError(number, os.strerror(number))

    told = 0
    for last in range(1, steps_of_saving(registry) + 1):
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, last, fail)
            try:
                saved = [save(registry)]  # the folder of the versions is there already, whether it can be made or not
            except RegistryError as error:
                assert str(error) == f"version 0003 could not be written: [Errno {number}] {os.strerror(number)}"  # noqa: PT017
                saved, told = [], told + 1
        assert registry.versions() == ["0001", "0002", *saved]
        for name in saved:
            shutil.rmtree(registry.root / name)
    assert told >= 10
    assert whole(registry) == ["0001", "0002"]


def test_an_end_at_any_step_of_saving_leaves_a_whole_version_or_none(registry):
    seen = set()
    for last in range(1, steps_of_saving(registry) + 1):

        def end(last=last):
            with pytest.MonkeyPatch.context() as patch:
                Steps(patch, last, lambda: os._exit(9))
                save(registry)

        _, status = os.waitpid(in_child(end), 0)
        assert os.waitstatus_to_exitcode(status) == 9, "the child came past its last step"
        seen.add(tuple(whole(registry)))
        shutil.rmtree(registry.root / "0003", ignore_errors=True)
    assert seen == {("0001", "0002"), ("0001", "0002", "0003")}


def test_killed_at_random_every_acknowledged_version_is_there_and_none_is_half(registry):
    chance = random.Random(1)
    for turn in range(max(3, KILLS // 4)):

        def work(say):
            while True:
                say(save(registry))

        acknowledged = kill_at_random(work, chance, turn)
        names = whole(registry)
        assert names[2 : 2 + len(acknowledged)] == acknowledged
        assert len(names) <= 3 + len(acknowledged)  # one may have been finished and not yet acknowledged
        for name in names[2:]:
            shutil.rmtree(registry.root / name)


def test_killed_at_random_the_page_is_whole(registry, tmp_path):
    history_page.rebuild(tmp_path, registry)
    for turn in range(max(3, KILLS // 4)):

        def work(say):
            while True:
                history_page.rebuild(tmp_path, registry)
                say("done")

        kill_at_random(work, random.Random(turn), turn)
        text = (tmp_path / history_page.INDEX).read_text()
        assert text.startswith("<!DOCTYPE html>")
        assert text.rstrip().endswith("</html>")


# --- many at once -----------------------------------------------------------------------------------------------------


def test_of_twenty_at_once_exactly_one_is_let_in(tmp_path):
    answers, say = os.pipe()
    wait, go = os.pipe()

    def come():
        os.close(go)
        try:
            with locks.hold(tmp_path / locks.RETRAIN, "a retraining"):
                os.write(say, b"1")
                os.read(wait, 1)  # until the test lets go
        except BusyError:
            os.write(say, b"0")

    children = [in_child(come) for _ in range(20)]
    heard = b"".join(os.read(answers, 1) for _ in children)
    os.close(go)
    for child in children:
        os.waitpid(child, 0)
    assert sorted(heard) == sorted(b"0" * 19 + b"1")
