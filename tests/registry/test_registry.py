from __future__ import annotations

import dataclasses
import os
import shutil
import threading

import numpy as np
import pytest
import torch

from mnistlab.common import locks, paths
from mnistlab.common.errors import BusyError, CheckpointError, RegistryError
from mnistlab.registry import checkpoint, layout, packing
from mnistlab.registry import registry as registry_module
from mnistlab.registry.registry import Registry


def tree(folder) -> list[str]:
    """Everything in a folder, hidden leftovers included; the file of the lock stays by design."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != locks.REGISTRY)


def spoil(registry, version: str) -> None:
    """One byte of the weights is changed."""
    path = registry.root / version / layout.WEIGHTS
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_new_registry_numbers_from_one(tmp_path, trained, small):
    registry = Registry(tmp_path / "deep" / "models")
    assert registry.versions() == []
    assert registry.save(trained, small) == "0001"
    assert registry.save(trained, small) == "0002"
    assert registry.versions() == ["0001", "0002"]
    assert tree(registry.root / "0002") == ["README.md", "manifest.json", "model.safetensors"]


def test_the_next_number_is_above_the_highest_and_gaps_stay(registry, trained, small):
    shutil.rmtree(registry.root / "0001")
    assert registry.save(trained, small) == "0003"
    (registry.root / "9999").mkdir()
    assert registry.save(trained, small) == "10000"
    assert registry.versions() == ["0002", "0003", "9999", "10000"]  # by number, not by letter


@pytest.mark.parametrize("name", ["999999999", "99999999", "100000000"])
def test_a_folder_with_a_great_number_stops_no_later_version(registry, name):
    (registry.root / name).mkdir()
    first, second = (registry.adopt(registry.root / "0001") for _ in range(2))
    assert int(second) == int(first) + 1
    assert registry.load(second).manifest.version == second


@pytest.mark.parametrize("name", [".CURRENT.x.tmp", ".HISTORY.x.tmp", ".new-x", ".old-x"])
@pytest.mark.parametrize("make", ["folder", "link", "pipe"])
def test_what_is_named_like_a_leftover_stops_no_later_version(registry, tmp_path, name, make):
    path = registry.root / name
    {"folder": path.mkdir, "link": lambda: path.symlink_to(tmp_path), "pipe": lambda: os.mkfifo(path)}[make]()
    (tmp_path / "mine").touch()
    assert registry.adopt(registry.root / "0001") == "0003"
    assert (tmp_path / "mine").exists()


def test_what_is_no_version_is_not_counted(registry):
    for name in ("0003.partial", ".0003", "abcd", "003", "1234567890", "٠٠٠٣", "0003 ", ".new-12345678"):
        (registry.root / name).mkdir()
    (registry.root / "0004").write_text("a file")
    assert registry.versions() == ["0001", "0002"]


def test_the_default_folder_is_that_of_the_lab(monkeypatch, tmp_path):
    monkeypatch.setenv("MNISTLAB_MODELS", str(tmp_path))
    assert Registry().root == tmp_path == paths.models()


@pytest.mark.parametrize(
    ("asked", "name"), [("current", "0001"), ("latest", "0002"), ("0001", "0001"), ("0002", "0002")]
)
def test_a_version_by_its_name_or_its_place(registry, asked, name):
    assert registry.resolve(asked) == name


@pytest.mark.parametrize("asked", ["0003", "1", "", "..", "../models/0001", "0001/", "CURRENT", "x" * 5_000, 5])
def test_an_unknown_version_is_answered_with_the_known_ones(registry, asked):
    with pytest.raises(RegistryError, match=r"there is no version .*; choose from 0001, 0002") as caught:
        registry.resolve(asked)
    assert caught.value.code == "unknown"
    assert len(str(caught.value)) < 200


def test_an_empty_registry_says_where_it_looked(tmp_path):
    for asked in ("latest", "0001"):
        with pytest.raises(RegistryError, match=f"there is none in {tmp_path}"):
            Registry(tmp_path).resolve(asked)


# --- the pointer ------------------------------------------------------------------------------------------------------


def test_promote_moves_the_pointer_and_back(registry):
    assert registry.current() == "0001"
    assert registry.promote("0002") == "0002"
    assert registry.current() == registry.resolve() == "0002"
    assert (registry.root / "CURRENT").read_text() == "0002\n"
    assert registry.promote("0001") == "0001"
    assert registry.current() == "0001"
    assert tree(registry.root).count("CURRENT") == 1


def test_saving_leaves_the_pointer_where_it_was(registry, trained, small):
    registry.save(trained, small)
    assert registry.current() == "0001"


def test_promote_latest_writes_its_number(registry):
    registry.promote("latest")
    assert (registry.root / "CURRENT").read_text() == "0002\n"


def test_a_spoiled_version_is_not_promoted(registry):
    spoil(registry, "0002")
    with pytest.raises(CheckpointError, match="SHA-256"):
        registry.promote("0002")
    assert registry.current() == "0001"


def test_an_unknown_version_is_not_promoted(registry):
    with pytest.raises(RegistryError, match="there is no version '0007'"):
        registry.promote("0007")
    assert registry.current() == "0001"


def test_a_pointer_that_cannot_be_swapped_stays_whole(registry, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    before = tree(registry.root)
    with pytest.raises(RegistryError, match=r"HISTORY could not be written: .*No space left"):
        registry.promote("0002")
    assert registry.current() == "0001"
    assert tree(registry.root) == before


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"0009\n", b"../0001", b"0001\n0002\n", b"\xff\xfe\x00", b"0001\0", b"x" * 10**6, b"0001" * 50],
)
def test_a_pointer_to_nowhere_is_one_clear_error(registry, content):
    (registry.root / "CURRENT").write_bytes(content)
    with pytest.raises(RegistryError, match="CURRENT") as caught:
        registry.current()
    assert caught.value.code == "no-current"
    assert len(str(caught.value)) < 300 + len(str(registry.root))


@pytest.mark.parametrize("content", ["0002", "0002\n", " 0002 \r\n"])
def test_a_pointer_may_end_as_an_editor_leaves_it(registry, content):
    (registry.root / "CURRENT").write_text(content)
    assert registry.current() == "0002"


def test_no_pointer_says_how_to_set_one(registry):
    (registry.root / "CURRENT").unlink()
    with pytest.raises(RegistryError, match=r"no version is in use: .*`mnistlab models promote VERSION` sets it"):
        registry.load()


def test_a_folder_for_a_pointer_is_one_clear_error(registry):
    (registry.root / "CURRENT").unlink()
    (registry.root / "CURRENT").mkdir()
    with pytest.raises(RegistryError, match="no version is in use"):
        registry.current()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_for_a_pointer_is_not_waited_for(registry):
    (registry.root / "CURRENT").unlink()
    os.mkfifo(registry.root / "CURRENT")
    outcome = []

    def ask():
        try:
            registry.current()
        except RegistryError as error:
            outcome.append(error.code)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(timeout=30)
    assert outcome == ["no-current"]


# --- looking ----------------------------------------------------------------------------------------------------------


def test_the_latest_of_each_kind(registry, trained, small):
    assert registry.latest(permuted=False) == "0001"
    assert registry.latest(permuted=True) == "0002"
    registry.save(trained, small)
    assert registry.latest(permuted=False) == "0003"
    assert registry.latest(permuted=True) == "0002"


@pytest.mark.parametrize(("permuted", "gone", "kind"), [(True, "0002", "permuted"), (False, "0001", "plain")])
def test_no_version_of_a_kind_says_how_to_make_one(registry, permuted, gone, kind):
    shutil.rmtree(registry.root / gone)
    with pytest.raises(RegistryError, match=f"there is no {kind} version; notebook 03_train makes one"):
        registry.latest(permuted=permuted)


def test_the_manifest_can_be_read_without_the_weights(registry):
    (registry.root / "0002" / layout.WEIGHTS).unlink()
    assert registry.manifest("0002").permutation.seed == 42
    assert registry.manifest().version == "0001"
    with pytest.raises(CheckpointError, match="missing"):
        registry.load("0002")


def test_load_gives_the_version_asked_for(registry):
    assert registry.load().manifest.version == "0001"
    assert registry.load("latest").manifest.version == "0002"


def test_verify_names_the_spoiled_version_and_goes_on(registry, trained, small):
    registry.save(trained, small)
    spoil(registry, "0002")
    faults = registry.verify()
    assert list(faults) == ["0001", "0002", "0003"]
    assert faults["0001"] is faults["0003"] is None
    assert faults["0002"].code == "sha256"


# --- saving -----------------------------------------------------------------------------------------------------------


def test_a_saved_version_answers_as_the_trained_model(registry, trained_permuted, small):
    name = registry.save(trained_permuted, small, test=small.test, note="third")
    loaded = registry.load(name)
    assert loaded.manifest.training.note == "third"
    expected = registry.load("0002").logits(small.test.images)
    np.testing.assert_array_equal(loaded.logits(small.test.images), expected)


@pytest.mark.parametrize("step", ["write_durable", "sync_folder"])
def test_a_disk_that_fails_leaves_nothing(registry, trained, small, monkeypatch, step):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(registry_module, step, full)
    before = tree(registry.root)
    with pytest.raises(RegistryError, match=r"version 0003 could not be written: .*No space left") as caught:
        registry.save(trained, small)
    assert caught.value.code == "write"
    assert tree(registry.root) == before


def test_a_rename_that_fails_leaves_nothing(registry, trained, small, monkeypatch):
    def refuse(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "rename", refuse)
    before = tree(registry.root)
    with pytest.raises(RegistryError, match="version 0003 could not be written"):
        registry.save(trained, small)
    assert tree(registry.root) == before
    assert registry.versions() == ["0001", "0002"]


def test_ctrl_c_while_saving_leaves_nothing(registry, trained, small, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupt)
    before = tree(registry.root)
    with pytest.raises(KeyboardInterrupt):
        registry.save(trained, small)
    assert tree(registry.root) == before


def test_a_model_that_does_not_pass_its_own_checks_gets_no_name(registry, trained, small, monkeypatch):
    sound = packing.pack

    def spoiled(*args, **kwargs):
        files = sound(*args, **kwargs)
        return {**files, layout.WEIGHTS: files[layout.WEIGHTS][:-1]}

    monkeypatch.setattr(packing, "pack", spoiled)
    before = tree(registry.root)
    with pytest.raises(CheckpointError):
        registry.save(trained, small)
    assert tree(registry.root) == before


def test_a_model_without_numbers_gets_no_name(registry, trained, small):
    model = type(trained.model)()
    torch.nn.init.constant_(model.net[9].bias, float("inf"))
    before = tree(registry.root)
    with pytest.raises(CheckpointError):
        registry.save(dataclasses.replace(trained, model=model), small)
    assert tree(registry.root) == before


def test_a_version_made_meanwhile_is_not_overwritten(registry, trained, small, monkeypatch):
    # Another process takes 0003 while this one is at work.
    sound = checkpoint.load_checkpoint

    def meanwhile(folder):
        shutil.copytree(registry.root / "0001", registry.root / "0003")
        return sound(folder)

    monkeypatch.setattr(checkpoint, "load_checkpoint", meanwhile)
    with pytest.raises(RegistryError, match="version 0003 could not be written"):
        registry.save(trained, small)
    taken, original = ((registry.root / name / layout.MANIFEST).read_bytes() for name in ("0003", "0001"))
    assert taken == original
    assert not [name for name in tree(registry.root) if name.startswith(".new")]


def test_a_registry_that_cannot_be_made(tmp_path, trained, small):
    (tmp_path / "file").write_text("")
    with pytest.raises(RegistryError, match="cannot be created"):
        Registry(tmp_path / "file" / "models").save(trained, small)


# --- back, out and in -------------------------------------------------------------------------------------------------


def test_rollback_gives_the_version_before_with_the_same_answers(registry, small):
    wanted = registry.load("0001").logits(small.test.images)
    registry.promote("0002")
    assert registry.previous() == registry.resolve("previous") == "0001"
    assert registry.rollback() == ("0002", "0001")
    np.testing.assert_allclose(registry.load().logits(small.test.images), wanted, atol=1e-5, rtol=1e-5)


def test_promote_can_insist_on_what_it_replaces(registry):
    with pytest.raises(RegistryError, match="0002 was compared with 0002, but 0001 has been put into use") as caught:
        registry.promote("0002", instead_of="0002")
    assert caught.value.code == "moved"
    assert registry.current() == "0001"
    registry.promote("0002", instead_of="0001")
    assert registry.current() == "0002"


def test_adopt_takes_a_version_over_under_the_next_number(registry, tmp_path, small):
    other = Registry(tmp_path / "other")
    shutil.copytree(registry.root / "0002", other.root / "0002")
    assert registry.adopt(other.root / "0002") == "0003"
    assert (registry.load("0003").manifest.version, registry.current()) == ("0003", "0001")
    adopted, original = registry.load("0003"), registry.load("0002")
    np.testing.assert_array_equal(adopted.logits(small.test.images), original.logits(small.test.images))
    spoil(other, "0002")
    before = tree(registry.root)
    with pytest.raises(CheckpointError, match="SHA-256"):
        registry.adopt(other.root / "0002")
    assert tree(registry.root) == before


def test_a_copy_holds_the_same_versions_with_the_same_one_in_use(registry, tmp_path):
    copy = registry.copy(tmp_path / "copy")
    assert (copy.versions(), copy.current()) == (["0001", "0002"], "0001")
    copy.promote("0002")
    assert registry.current() == "0001"
    with pytest.raises(RegistryError, match="the versions could not be copied"):
        registry.copy(tmp_path / "copy")
    (registry.root / layout.POINTER).unlink()
    assert registry.copy(tmp_path / "without").versions() == ["0001", "0002"]


def test_a_version_is_on_the_disk_before_it_has_its_name(registry, monkeypatch):
    done, synced, renamed = [], registry_module.sync_folder, os.rename
    monkeypatch.setattr(registry_module, "sync_folder", lambda path: (done.append(("sync", path)), synced(path)))
    monkeypatch.setattr(os, "rename", lambda old, new: (done.append(("rename", new)), renamed(old, new)))
    registry.adopt(registry.root / "0001")
    (first, aside), second, third = done
    assert (first, aside.name, aside.parent.name.startswith(".")) == ("sync", "0003", True)
    assert (second, third) == (("rename", registry.root / "0003"), ("sync", registry.root))


def test_a_place_that_the_disk_does_not_confirm_is_given_up(registry, monkeypatch):
    synced = registry_module.sync_folder

    def fail(path):
        if path == registry.root:
            raise OSError(5, "Input/output error")
        synced(path)

    before = tree(registry.root)
    monkeypatch.setattr(registry_module, "sync_folder", fail)
    with pytest.raises(RegistryError, match="0003 could not be written"):
        registry.adopt(registry.root / "0001")
    assert tree(registry.root) == before


def copies(registry, last: int) -> None:
    """More versions, all like 0001."""
    for _ in range(3, last + 1):
        registry.adopt(registry.root / "0001")


def test_prune_keeps_the_newest_those_in_use_the_best_and_one_of_each_kind(registry):
    copies(registry, 10)
    for name in ("0003", "0004", "0005"):
        registry.promote(name)
    # 0001 is the best ever in use (none since reads more), 0002 the newest permuted one, 0004 was in use before 0005,
    # 0006 to 0010 are new
    assert registry.prunable() == ["0003"]
    assert registry.prunable(keep=2) == ["0003", "0006", "0007", "0008"]
    assert registry.prune() == ["0003"]
    assert registry.versions() == ["0001", "0002", "0004", "0005", "0006", "0007", "0008", "0009", "0010"]
    assert registry.rollback() == ("0005", "0004")
    assert not [name for name in tree(registry.root) if name.startswith(".old")]
    with pytest.raises(RegistryError, match="at least 1 version is kept, not 0"):
        registry.prune(0)


def test_a_damaged_version_is_pruned_like_another(registry):
    copies(registry, 7)
    (registry.root / "0003" / layout.MANIFEST).write_text("{")
    (registry.root / "0004" / layout.MANIFEST).write_text("{")
    assert registry.prunable(2) == ["0003", "0004", "0005"]


def test_what_a_killed_process_left_is_swept_away(registry):
    for name in (".new-12345678/0003", ".old-12345678"):
        (registry.root / name).mkdir(parents=True)
    (registry.root / ".CURRENT.1234.tmp").write_text("00")
    registry.promote("0002")
    assert not [name for name in tree(registry.root) if name.startswith((".new", ".old", ".CURRENT"))]


def test_changes_are_made_one_at_a_time(registry, monkeypatch):
    monkeypatch.setattr(locks, "WAIT", 0.1)
    with locks.hold(registry.root / locks.REGISTRY, "a test"):
        for change in (
            lambda: registry.promote("0002"),
            lambda: registry.rollback(),
            lambda: registry.prune(),
            lambda: registry.adopt(registry.root / "0001"),
        ):
            with pytest.raises(BusyError, match="is already under way, by process"):
                change()
    assert (registry.current(), registry.versions()) == ("0001", ["0001", "0002"])
