"""The pointer and its past: what was in use before, and the way back."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from mnistlab.common.errors import CheckpointError, RegistryError
from mnistlab.common.files import UnflushedError
from mnistlab.registry import layout, promotions
from mnistlab.registry.layout import HISTORY, POINTER
from mnistlab.registry.promotions import Promotions


@pytest.fixture
def four(registry) -> Promotions:
    """Versions 0001 to 0004; 0001 is in use, and nothing before it."""
    for name, like in (("0003", "0001"), ("0004", "0002")):
        shutil.copytree(registry.root / like, registry.root / name)
    return Promotions(registry.root)


def test_going_back_walks_the_way_in_reverse(four):
    for name in ("0002", "0003", "0004"):
        four.put(name)
    assert [four.back() for _ in range(3)] == [("0004", "0003"), ("0003", "0002"), ("0002", "0001")]
    with pytest.raises(RegistryError, match="no version is recorded as in use before 0001") as caught:
        four.back()
    assert caught.value.code == "no-previous"
    assert four.current() == "0001"


def test_going_back_from_a_version_that_is_no_longer_in_use_changes_nothing(four):
    for name in ("0002", "0003"):
        four.put(name)
    with pytest.raises(RegistryError, match="version 0002 is no longer in use; 0003 is") as caught:
        four.back(leaving="0002")
    assert caught.value.code == "moved"
    assert four.current() == "0003"
    assert four.back(leaving="0003") == ("0003", "0002")


def test_a_version_used_twice_is_on_the_way_twice(four):
    for name in ("0002", "0001", "0002"):
        four.put(name)
    assert [four.back()[1] for _ in range(3)] == ["0001", "0002", "0001"]
    assert four.previous() is None


def test_after_going_back_the_next_version_continues_from_there(four):
    for name in ("0002", "0003"):
        four.put(name)
    four.back()
    four.put("0004")
    assert four.previous() == "0002"


def test_promoting_what_is_in_use_changes_nothing(four):
    four.put("0002")
    before = (four.root / HISTORY).read_bytes()
    four.put("0002")
    assert (four.root / HISTORY).read_bytes() == before
    assert four.previous() == "0001"


def test_a_kill_between_history_and_pointer_leaves_the_old_version_with_its_own_past(four, monkeypatch):
    four.put("0002")

    def killed(_self, _name):
        raise KeyboardInterrupt

    monkeypatch.setattr(Promotions, "_swap", killed)
    with pytest.raises(KeyboardInterrupt):
        four.put("0003")
    monkeypatch.undo()
    assert (four.current(), four.previous()) == ("0002", "0001")
    assert four.back() == ("0002", "0001")


def test_a_version_set_by_hand_has_the_recorded_ones_before_it(four):
    four.put("0002")
    (four.root / POINTER).write_text("0004\n")
    assert four.previous() == "0002"
    four.put("0003")
    assert four.previous() == "0004"


def test_what_is_no_longer_there_is_stepped_over(four):
    for name in ("0002", "0003"):
        four.put(name)
    shutil.rmtree(four.root / "0002")
    assert four.back() == ("0003", "0001")


@pytest.mark.parametrize("file", [layout.WEIGHTS, layout.MANIFEST])
def test_a_version_that_changed_since_is_not_put_into_use_again(four, file):
    four.put("0002")
    path = four.root / "0001" / file
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CheckpointError, match="version 0001 has changed since it was in use"):
        four.back()
    assert four.current() == "0002"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"0001\n", b"../x " + b"0" * 64, b"\0" * 10**6])
def test_a_history_that_cannot_be_read_is_no_history(four, content):
    four.put("0002")
    (four.root / HISTORY).write_bytes(content)
    assert four.previous() is None
    with pytest.raises(RegistryError, match="no version is recorded"):
        four.back()
    four.put("0003")
    assert four.previous() == "0002"


def test_only_the_newest_lines_are_kept(four):
    for _ in range(promotions.KEPT):
        four.put("0002")
        four.put("0001")
    assert len((four.root / HISTORY).read_text().splitlines()) == promotions.KEPT
    assert four.previous() == "0002"


def test_a_pointer_that_is_swapped_counts_although_the_history_could_not_be_tidied(four, monkeypatch):
    four.put("0002")

    def full(_self, _file, _entries):
        raise RegistryError("no space left", code="write")

    monkeypatch.setattr(Promotions, "_write", full)
    assert four.back() == ("0002", "0001")
    assert four.current() == "0001"


def test_a_disk_that_does_not_confirm_the_pointer_is_told_with_what_may_follow(four, monkeypatch):
    def unconfirmed(path, _content):
        if path.name == POINTER:
            raise UnflushedError("the disk said nothing")

    monkeypatch.setattr(promotions, "write_atomic", unconfirmed)
    with pytest.raises(RegistryError, match="may be 0001 again") as caught:
        four.put("0002")
    assert caught.value.code == "unflushed"
    (four.root / POINTER).unlink()
    with pytest.raises(RegistryError, match="may not be"):
        four.put("0002")


def test_a_version_without_a_manifest_is_put_into_use_unrecorded(four):
    (four.root / "0003" / layout.MANIFEST).unlink()
    four.put("0003")
    assert four.current() == "0003"
    assert four.previous() == "0001"
    four.put("0002")
    assert four.previous() == "0001"  # nothing proves what 0003 was


def test_the_history_holds_each_version_once_a_use(four):
    four.put("0002")
    four.put("0003")
    names = [line.split()[0] for line in (four.root / HISTORY).read_text().splitlines()]
    assert names == ["0001", "0002", "0003"]


def test_going_back_needs_no_pytorch(four):
    four.put("0002")
    code = (
        "import sys, pathlib; from mnistlab.registry.promotions import Promotions\n"
        f"print(Promotions(pathlib.Path({str(four.root)!r})).back(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "('0002', '0001') False\n"
