from __future__ import annotations

import json
import os
import threading

import pytest

from mnistlab.common.errors import CheckpointError
from mnistlab.common.files import (
    read_regular,
    strict_json,
    sync_folder,
    to_json,
    write_atomic,
    write_durable,
    write_new,
)


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("content", [b"bytes \x00\xff", "text with ü"])
def test_a_file_is_written_whole_and_alone(tmp_path, content):
    write_atomic(tmp_path / "a.json", content)
    assert (tmp_path / "a.json").read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert names(tmp_path) == ["a.json"]


def test_an_old_file_is_replaced(tmp_path):
    (tmp_path / "a").write_text("a much longer old content")
    write_atomic(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"


def test_a_new_file_takes_no_name_that_is_taken(tmp_path):
    write_new(tmp_path / "a", "first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", "second")
    assert (tmp_path / "a").read_text() == "first"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("step", ["fsync", "link"])
def test_when_the_disk_fails_there_is_no_new_file(tmp_path, monkeypatch, step):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_new(tmp_path / "a", "new")
    assert names(tmp_path) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_when_the_disk_fails_the_old_file_stays_and_nothing_else(tmp_path, monkeypatch, step):
    (tmp_path / "a").write_text("old")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_the_content_is_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (steps.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(os, "replace", lambda *where: (steps.append("replace"), replace(*where))[1])
    write_atomic(tmp_path / "a", "new")
    assert steps == ["fsync", "replace", "fsync"]  # the file, the name, the folder


def test_a_reader_never_sees_half_a_file(tmp_path):
    path, wholes = tmp_path / "a", {"x" * 50_000, "y" * 100_000}
    write_atomic(path, "x" * 50_000)
    stop, seen = threading.Event(), set()

    def read():
        while not stop.is_set():
            seen.add(path.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(50):
        write_atomic(path, ("y" * 100_000, "x" * 50_000)[number % 2])
    stop.set()
    reader.join(timeout=30)
    assert seen
    assert seen <= wholes


def test_durable_writing_never_overwrites(tmp_path):
    write_durable(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        write_durable(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"


def test_a_folder_that_is_not_there_cannot_be_flushed(tmp_path):
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")


def test_json_is_strict_readable_and_ends_its_line():
    text = to_json({"größe": 1.5, "list": [1, None, True]})
    assert json.loads(text) == {"größe": 1.5, "list": [1, None, True]}
    assert "größe" in text
    assert text.endswith("}\n")
    assert len(text.splitlines()) > 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_json_knows_no_number_that_is_not_finite(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"value": value})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a": 1, "a": 2}', "the key 'a' appears twice"),
        (b'{"b": {"a": 1, "a": 1}}', "the key 'a' appears twice"),
        (b"[NaN]", "NaN is not a number"),
        (b"-Infinity", "-Infinity is not a number"),
        (b"\xff", "utf-8"),
        (b"[" * 100_000, "nested"),
    ],
)
def test_json_that_leaves_room_for_doubt_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        strict_json(text)


def test_json_without_doubt_is_read():
    assert strict_json('{"ö": {"a": [1, 2.5, null]}, "a": 1}'.encode()) == {"ö": {"a": [1, 2.5, None]}, "a": 1}


def test_a_regular_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(CheckpointError, match="has 5 bytes; at most 4 are allowed") as caught:
        read_regular(path, 4)
    assert caught.value.code == "too-large"


@pytest.mark.parametrize(
    ("kind", "code"),
    [("nothing", "missing"), ("folder", "not-a-file"), ("link", "not-a-file"), ("link above", "not-a-file")],
)
def test_what_is_not_a_regular_file_is_refused(tmp_path, kind, code):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    (tmp_path / "above").symlink_to(tmp_path / "real")
    path = {"nothing": "missing", "folder": "real", "link": "link", "link above": "above/file"}[kind]
    with pytest.raises(CheckpointError) as caught:
        read_regular(tmp_path / path, 100)
    assert caught.value.code == code
