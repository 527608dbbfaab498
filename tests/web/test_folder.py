"""A command that fills a folder touches nothing else in it, and leaves no half a file."""

from __future__ import annotations

import pytest

from mnistlab.common.errors import LabError
from mnistlab.web import folder as folders
from mnistlab.web.folder import write_files

FILES = {"a.js": b"1", "index.html": b"2"}


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_missing_folder_is_made_and_an_older_export_replaced(tmp_path):
    folder = tmp_path / "page"
    write_files(folder, FILES)
    assert contents(folder) == FILES
    write_files(folder, {**FILES, "a.js": b"3", "b.js": b"4"})
    assert contents(folder) == {**FILES, "a.js": b"3", "b.js": b"4"}


@pytest.mark.parametrize("name", ["letter.txt", ".hidden", "index.html"])
def test_a_folder_with_anything_else_is_left_as_it_is(tmp_path, name):
    (tmp_path / name).mkdir()  # also a folder where a file should be
    with pytest.raises(LabError, match=f"holds '{name}', which is not of this export") as caught:
        write_files(tmp_path, FILES)
    assert caught.value.code == "foreign"
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("place", ["missing/page", "file"])
def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="cannot be written") as caught:
        write_files(tmp_path / place, FILES)
    assert caught.value.code == "write"


def test_files_are_written_in_their_order_and_a_fault_leaves_whole_ones(tmp_path, monkeypatch):
    write_files(tmp_path, FILES)
    real = folders.write_atomic

    def full(path, content):
        if path.name == "index.html":
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(folders, "write_atomic", full)
    with pytest.raises(LabError, match="No space left on device"):
        write_files(tmp_path, {"a.js": b"new", "index.html": b"new"})
    assert contents(tmp_path) == {"a.js": b"new", "index.html": b"2"}
