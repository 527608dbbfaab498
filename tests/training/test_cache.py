from __future__ import annotations

import dataclasses

import imports
import pytest
import torch

from mnistlab.common.errors import RunError
from mnistlab.data.augmentation import Augmentation
from mnistlab.data.permutation import Permutation
from mnistlab.training import cache as module
from mnistlab.training.cache import TrainingCache
from mnistlab.training.loop import train
from mnistlab.training.networks import build
from mnistlab.training.records import TrainingSettings

SETTINGS = TrainingSettings(epochs=2, batch_size=50)
SCRAMBLE = Permutation.random(3)


@pytest.fixture
def tiny(small):
    return small.train[:200], small.validation[:100]


@pytest.fixture
def trained(monkeypatch):
    """The seeds that were really trained, in order."""
    seeds = []

    def note(*arguments, **options):
        seeds.append(options["settings"].seed)
        return train(*arguments, **options)

    monkeypatch.setattr(module, "train", note)
    return seeds


def do(folder, digits, *, seed=0, settings=SETTINGS, permutation=SCRAMBLE, device="cpu", name="convnet"):
    cache = TrainingCache(folder, *digits, device=device)
    settings = dataclasses.replace(settings, seed=seed)
    return cache.train(build(name, seed=seed), permutation=permutation, settings=settings, show_progress=False)


@pytest.mark.parametrize("name", ["convnet", "fully-connected"])
def test_what_was_trained_is_read_back_as_it_was(tmp_path, tiny, trained, name):
    first = do(tmp_path / "new", tiny, name=name)
    again = do(tmp_path / "new", tiny, name=name)
    assert trained == [0]
    assert not again.model.training
    images = tiny[1].images
    assert torch.equal(torch.tensor(first.predictions(images)), torch.tensor(again.predictions(images)))
    for field in ("permutation", "normalisation", "settings", "device", "threads", "history", "best", "seconds"):
        assert getattr(again, field) == getattr(first, field)
    weights = again.model.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in first.model.state_dict().items())


def test_anything_that_decides_the_result_makes_it_another_training(tmp_path, tiny, trained, monkeypatch):
    do(tmp_path, tiny)
    do(tmp_path, tiny, seed=1)
    do(tmp_path, tiny, settings=dataclasses.replace(SETTINGS, learning_rate=0.02))
    do(tmp_path, tiny, permutation=None)
    do(tmp_path, tiny, name="fully-connected")
    do(tmp_path, (tiny[0][:150], tiny[1]))
    do(tmp_path, (tiny[0], tiny[1][:50]))
    monkeypatch.setattr(module.provenance, "environment", lambda: {"cpus": 1000})
    do(tmp_path, tiny)
    assert len(trained) == 8
    assert len(list(tmp_path.iterdir())) == 8


def test_changed_images_make_it_another_training_and_reach_it(tmp_path, tiny, monkeypatch):
    given = []

    def note(*arguments, **options):
        given.append(arguments[1].augment)
        return train(*arguments, **options)

    monkeypatch.setattr(module, "train", note)
    cache = TrainingCache(tmp_path, *tiny, device="cpu")
    changes = (None, Augmentation(degrees=5), Augmentation(degrees=6), Augmentation(degrees=5))
    for augment in changes:
        cache.train(build("convnet"), settings=SETTINGS, augment=augment, show_progress=False)
    assert given == list(changes[:3])


def test_the_fingerprint_of_code_covers_every_module_a_training_goes_through():
    harmless = {"common", "common.errors", "common.paths", "common.progress", "common.files", "data", "training"}
    harmless.add("training.checks")  # it refuses settings, and changes none
    harmless |= {"registry.network", "registry.manifest", "evaluation.intervals"}  # what a version keeps of it later
    reached, ahead = set(), {"training.loop", "data.augmentation"}  # the second is called, not imported
    while ahead:
        reached |= ahead
        ahead = {each.target for each in imports.imports() if each.source in ahead} - reached
    assert {f"mnistlab.{name}" for name in reached - harmless} == {code.__name__ for code in module.CODE}


def test_other_code_trains_again(tmp_path, tiny, trained, monkeypatch):
    do(tmp_path, tiny)
    monkeypatch.setattr(module, "CODE", (*module.CODE, module.provenance))
    do(tmp_path, tiny)
    assert len(trained) == 2


def test_what_was_finished_is_kept_when_the_next_is_stopped(tmp_path, tiny, trained, monkeypatch):
    do(tmp_path, tiny)

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "train", stop)
        with pytest.raises(KeyboardInterrupt):
            do(tmp_path, tiny, seed=1)
    do(tmp_path, tiny)
    assert trained == [0]
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"not a training", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_file_is_left_and_told(tmp_path, tiny, content):
    do(tmp_path, tiny)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    with pytest.raises(RunError, match=r"cannot be read as a finished training .*remove it") as caught:
        do(tmp_path, tiny)
    assert caught.value.code == "unreadable"
    assert file.read_bytes() == content


def test_a_file_under_another_ones_name_is_told(tmp_path, tiny):
    do(tmp_path, tiny)
    (first,) = tmp_path.iterdir()
    do(tmp_path, tiny, seed=1)
    (second,) = set(tmp_path.iterdir()) - {first}
    second.replace(first)
    with pytest.raises(RunError, match="holds a different training from the one its name says") as caught:
        do(tmp_path, tiny)
    assert caught.value.code == "other"


def test_a_folder_that_cannot_be_made_is_an_error_of_our_own(tmp_path, tiny):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunError, match="cannot be written") as caught:
        do(tmp_path / "file" / "below", tiny)
    assert caught.value.code == "write"
