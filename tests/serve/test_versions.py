"""A new version comes into use without a restart, and a bad one does not."""

from __future__ import annotations

import shutil
from itertools import cycle
from threading import Event, Thread

import numpy as np
import pytest
from scripted import ScriptedReader, Shelf

from mnistlab.common.errors import CheckpointError, RegistryError
from mnistlab.data.drawings import load_drawings
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.layout import POINTER
from mnistlab.serve.versions import KEPT, Versions


@pytest.fixture
def shelf(tmp_path) -> Shelf:
    return Shelf(tmp_path / "models", "0001", "0002", "0003")


@pytest.fixture
def versions(shelf) -> Versions:
    return Versions(shelf.root, load=shelf.load)


def test_another_version_comes_into_use_when_current_names_it(shelf, versions):
    assert versions.look() is False
    shelf.promotions.put("0002")
    assert versions.current.version == "0001"
    assert versions.look() is True
    assert (versions.current.version, versions.previous.version, versions.swaps) == ("0002", "0001", 1)
    assert versions.look() is False
    assert shelf.loads == ["0001", "0002"]


def test_without_a_sound_version_in_use_there_is_nothing_to_serve(shelf):
    shelf.damage("0001")
    with pytest.raises(CheckpointError):
        Versions(shelf.root, load=shelf.load)
    (shelf.root / POINTER).unlink()
    with pytest.raises(RegistryError, match="no version is in use"):
        Versions(shelf.root, load=shelf.load)


def test_a_damaged_version_leaves_the_old_in_use_and_is_told_without_a_path(shelf, versions):
    shelf.damage("0002")
    shelf.promotions.put("0002")
    assert versions.look() is False
    assert (versions.current.version, versions.failed) == ("0001", 1)
    told = versions.fault.as_dict()
    assert (told["code"], told["version"]) == ("sha256", "0002")
    assert told["message"] == "0002/model.safetensors has another SHA-256; version 0001 stays in use"
    assert told["when"].endswith("+00:00")
    versions.look()
    assert versions.failed == 1  # not tried again and again


def test_a_version_that_was_mended_comes_into_use(shelf, versions):
    shelf.damage("0002")
    shelf.promotions.put("0002")
    versions.look()
    shelf.readers["0002"] = ScriptedReader("0002")
    (shelf.root / "0002" / "model.safetensors").write_bytes(b"copied once more")
    assert versions.look() is True
    assert (versions.current.version, versions.fault) == ("0002", None)


@pytest.mark.parametrize("content", ["", "0009\n", "../0002\n", "0002/../0003\n", "\xff", "0002 0003"])
def test_a_pointer_that_names_no_version_changes_nothing(shelf, versions, content):
    (shelf.root / POINTER).write_text(content, encoding="latin-1")
    versions.look()
    assert (versions.current.version, versions.fault.code) == ("0001", "no-current")
    assert str(shelf.root) not in versions.fault.message
    shelf.promotions.put("0001")
    assert (versions.look(), versions.fault) == (False, None)


def test_a_pointer_that_is_gone_changes_nothing(shelf, versions):
    (shelf.root / POINTER).unlink()
    versions.look()
    assert (versions.current.version, versions.fault.code) == ("0001", "no-current")


@pytest.mark.parametrize(
    ("reader", "code"),
    [
        (ScriptedReader("0002", probabilities=[float("nan")] * 10), "self-test"),
        (ScriptedReader("0002", probabilities=[0.5, 0.5]), "self-test"),
        (ScriptedReader("0002", error=ZeroDivisionError()), "unexpected"),
        (MemoryError(), "unexpected"),
    ],
)
def test_a_version_that_cannot_read_a_drawing_does_not_come_into_use(shelf, versions, reader, code):
    shelf.readers["0002"] = reader
    shelf.promotions.put("0002")
    versions.look()
    assert (versions.current.version, versions.fault.code) == ("0001", code)


def test_to_go_back_is_not_to_come_to_a_new_version(shelf, versions):
    for name in ("0002", "0001"):
        shelf.promotions.put(name)
        versions.look()
    assert versions.current.version == "0001"
    assert versions.previous is None


def test_a_version_named_by_number_is_loaded_once(shelf, versions):
    assert versions.held("0003") is None
    assert versions.get("0003") is versions.get("0003")
    assert versions.held("0003") is versions.get("0003")
    assert versions.get("0001") is versions.current
    assert shelf.loads == ["0001", "0003"]


@pytest.mark.parametrize(
    "name", ["", "current", "latest", "../0002", "0002/", "0002\n", "./0002", "0009", "9" * 500, "٠٠٠٢"]
)
def test_what_is_no_number_of_a_version_is_refused(versions, name):
    with pytest.raises(RegistryError, match=r"there is no version .*choose from 0001, 0002, 0003") as caught:
        versions.get(name)
    assert caught.value.code == "unknown"
    assert len(str(caught.value)) < 150


def test_only_a_few_others_stay_loaded(shelf, versions):
    names = [f"{number:04d}" for number in range(10, 10 + KEPT + 1)]
    for name in names:
        shelf.add(name)
    for name in names[:-1]:
        versions.get(name)
    versions.get(names[0])
    versions.get(names[-1])
    assert versions.held(names[1]) is None  # the one nobody asked for since
    assert versions.loaded() == ["0001", names[0], *names[2:]]


def test_going_back_moves_the_pointer_and_reads_with_the_version_before(shelf, versions):
    shelf.promotions.put("0002")
    versions.look()
    assert versions.back() == "version 0001 is in use again"
    assert (versions.current.version, shelf.promotions.current()) == ("0001", "0001")
    assert versions.look() is False
    with pytest.raises(RegistryError, match="no version was in use here before"):
        versions.back()


def test_going_back_leaves_a_version_alone_that_somebody_put_into_use_meanwhile(shelf, versions):
    shelf.promotions.put("0002")
    versions.look()
    shelf.promotions.put("0003")
    assert versions.back() == "version 0001 is in use again until the one that was put into use meanwhile is loaded"
    assert shelf.promotions.current() == "0003"
    versions.look()
    assert versions.current.version == "0003"


def test_where_the_registry_cannot_go_back_the_server_does_and_says_so(shelf, versions):
    shelf.promotions.put("0002")
    versions.look()
    (shelf.root / "0001" / "manifest.json").write_text("changed")
    assert versions.back().startswith("version 0001 is in use again, but only on this server: version 0001 has changed")
    assert versions.look() is False
    assert (versions.current.version, shelf.promotions.current()) == ("0001", "0002")


def test_no_reading_fails_while_versions_are_switched(registry):
    """Real ones: whoever reads gets one version's answer, from the beginning to the end."""
    drawing = next(iter(load_drawings().values()))
    versions, stop = Versions(registry.root), Event()
    wanted = {n: Predictor.load(n, models=registry.root).predict_strokes(drawing.strokes) for n in ("0001", "0002")}
    seen: list[tuple[str, bool]] = []

    def read() -> None:
        while not stop.is_set():
            found = versions.current.predict_strokes(drawing.strokes)
            seen.append(
                (found.version, np.allclose(found.probabilities, wanted[found.version].probabilities, atol=1e-5))
            )

    threads = [Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _, name in zip(range(5), cycle(("0002", "0001")), strict=False):
        registry.promote(name)
        assert versions.look()
        n = len(seen)
        while len(seen) < n + 10 and any(thread.is_alive() for thread in threads):
            pass
    stop.set()
    for thread in threads:
        thread.join()
    assert {version for version, _ in seen} == {"0001", "0002"}
    assert all(same for _, same in seen)


def test_a_version_that_is_removed_reads_on(registry):
    versions = Versions(registry.root)
    held = versions.get("0002")
    shutil.rmtree(registry.root / "0002")
    assert versions.get("0002") is held
