"""The older form: what goes out comes back the same, and whatever else a .pt file may hold is refused without running it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mnistlab.cli import main
from mnistlab.common import paths
from mnistlab.common.errors import CheckpointError, LabError
from mnistlab.data.mnist import Splits
from mnistlab.registry import legacy
from mnistlab.registry.registry import Registry
from mnistlab.training import networks


@pytest.fixture
def content(registry: Registry) -> dict:
    """Version 0002, permuted, as the dictionary of the older form."""
    loaded = registry.load("0002")
    own = loaded.manifest.architecture.arguments
    weights = {name: torch.tensor(weight) for name, weight in loaded.weights.items()}
    return {"model_state_dict": weights, "permutation": torch.tensor(loaded.permutation.order), **own}


def save(content: object, folder: Path) -> Path:
    torch.save(content, folder / "convnet.pt")
    return folder / "convnet.pt"


def refused(path: Path, code: str, words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        legacy.read_legacy(path)
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


# --- out and in -------------------------------------------------------------------------------------------------------


def test_what_is_exported_comes_back_with_the_same_answers(registry, tmp_path, small: Splits):
    path = tmp_path / "convnet.pt"
    path.write_bytes(legacy.export_legacy(registry.load("0002")))
    found = torch.load(path, weights_only=True)
    assert set(found) == set(legacy.KEYS)
    np.testing.assert_array_equal(
        legacy.read_legacy(path).logits(small.test.images), registry.load("0002").logits(small.test.images)
    )


def test_the_command_takes_a_model_out_and_in_as_a_new_version(registry, tmp_path, monkeypatch):
    made = paths.models()  # 0002 there is trained in earnest; one that reads a third of the images is refused
    monkeypatch.setenv("MNISTLAB_MODELS", str(made))
    path = str(tmp_path / "convnet.pt")
    call = CliRunner().invoke
    assert "bytes" in call(main.main, ["models", "export", "0002", path]).stdout
    assert call(main.main, ["models", "export", "0002", path]).exit_code == 2
    monkeypatch.setenv("MNISTLAB_MODELS", str(registry.root))
    result = call(main.main, ["models", "import", path])
    assert result.stdout.startswith("Version 0003: convnet, 6,422 parameters, permuted; test ")
    manifest = registry.manifest("0003")
    assert (manifest.data, manifest.training, registry.current()) == (None, None, "0001")
    assert manifest.permutation.sha256 == Registry(made).manifest("0002").permutation.sha256
    shown = call(main.main, ["models", "show", "0003"]).stdout
    assert "nothing is known of its training" in shown
    assert "It may have learned from them." in shown
    assert "took no part in training" not in shown
    assert registry.adopt(registry.root / "0003") == "0004"


def test_a_plain_list_of_numbers_is_a_permutation_too(content, tmp_path):
    network = legacy.read_legacy(save({**content, "permutation": content["permutation"].tolist()}, tmp_path))
    assert network.permutation.tolist() == content["permutation"].tolist()


def test_only_a_convnet_has_an_older_form(registry, trained, small):
    full = dataclasses.replace(trained, model=networks.build("fully-connected"))
    with pytest.raises(LabError, match="only a ConvNet fits the older form"):
        legacy.export_legacy(registry.load(registry.save(full, small)))


# --- the permutation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (None, "has no permutation"),
        ("random", "not valid: it is 'random'.*Neither a new random one"),
        (42, "not valid: it is 42"),
        (torch.zeros(784, dtype=torch.int64), "not valid: "),
        (torch.randperm(100), "not valid: "),
        (torch.rand(784), "not valid: "),
        ([], "not valid: "),
        ([*range(783), "x"], "not valid: "),
    ],
)
def test_a_permutation_that_is_missing_or_none_is_never_made_up(content, tmp_path, order, words):
    refused(save({**content, "permutation": order}, tmp_path), "permutation", words)
    if order is None:
        del content["permutation"]
        refused(save(content, tmp_path), "permutation", words)


def test_a_valid_permutation_that_is_another_is_noticed_by_reading(content, tmp_path, small):
    other = torch.randperm(784, generator=torch.Generator().manual_seed(7))
    path = save({**content, "permutation": other}, tmp_path)
    with pytest.raises(
        CheckpointError, match=r"reads only .* a permutation made anew at random cannot take its place"
    ) as caught:
        legacy.import_legacy(path, small, version_id="0003")
    assert caught.value.code == "permutation"


# --- hostile files ----------------------------------------------------------------------------------------------------


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_code_in_a_file_is_refused_and_not_run(content, tmp_path):
    trap = tmp_path / "it-ran"
    refused(
        save({**content, "model_state_dict": Runs(trap)}, tmp_path), "tensors", "weights alone: it holds .*, and only"
    )
    assert not trap.exists()
    torch.load(tmp_path / "convnet.pt", weights_only=False)  # or the test could not fail
    assert trap.exists()


def test_a_whole_network_in_place_of_its_weights_is_refused(tmp_path):
    words = "cannot be read as weights alone: it holds mnistlab.training.networks.ConvNet, and only tensors"
    refused(save(networks.build(), tmp_path), "tensors", words)


@pytest.mark.parametrize(
    "raw", [b"", b"x" * 1000, b"\x80\x02}q\x00.", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(100)]
)
def test_what_is_no_file_of_torch_is_refused(tmp_path, raw):
    (tmp_path / "convnet.pt").write_bytes(raw)
    with pytest.raises(CheckpointError):
        legacy.read_legacy(tmp_path / "convnet.pt")


def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    with zipfile.ZipFile(tmp_path / "convnet.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(legacy.MAX_UNPACKED + 1))
    refused(tmp_path / "convnet.pt", "too-large", "unpacks to")


def test_tensors_that_expand_past_the_limit_end_the_reading_and_nothing_else(content, tmp_path):
    huge = torch.zeros(1).expand(10**10)  # four bytes in the file, 40 GB once written out
    path = save({**content, "model_state_dict": {"x": huge}}, tmp_path)
    assert path.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match=r"more than a model could need|more memory|cannot be read"):
        legacy.read_legacy(path)


def test_a_file_too_large_a_folder_and_a_link_are_refused(content, tmp_path):
    with open(tmp_path / "large.pt", "wb") as file:
        file.truncate(legacy.MAX_FILE + 1)
    refused(tmp_path / "large.pt", "too-large", "at most")
    refused(tmp_path, "not-a-file", "not a regular file")
    refused(tmp_path / "none.pt", "not-a-file", "not a regular file")
    (tmp_path / "link.pt").symlink_to(save(content, tmp_path))
    refused(tmp_path / "link.pt", "not-a-file", "not a regular file")


CHANGES = {
    "no dictionary": (lambda c: [1, 2], "tensors", "it holds a list"),
    "no weights": (
        lambda c: {k: v for k, v in c.items() if k != "model_state_dict"},
        "tensors",
        "lacks model_state_dict",
    ),
    "other weights": (
        lambda c: {**c, "model_state_dict": {"x": torch.zeros(1)}},
        "tensors",
        "other weights than a ConvNet",
    ),
    "weights of no tensors": (lambda c: {**c, "model_state_dict": {"x": 1}}, "tensors", "cannot be read"),
    "sparse": (
        lambda c: {**c, "model_state_dict": {k: v.to_sparse() for k, v in c["model_state_dict"].items()}},
        "tensors",
        "cannot be read",
    ),
    "one number as far as the memory goes": (
        lambda c: {**c, "model_state_dict": {"net.0.weight": torch.zeros(1).expand(2**30)}},
        "tensors",
        "more than a network needs",
    ),
    "many weights": (
        lambda c: {**c, "model_state_dict": {f"w{i}": torch.zeros(1) for i in range(101)}},
        "tensors",
        "more than a network needs",
    ),
    "a weight with a long name": (
        lambda c: {**c, "model_state_dict": {"w" * 201: torch.zeros(1)}},
        "tensors",
        "more than a network needs",
    ),
    "a list of lists for a permutation": (
        lambda c: {**c, "permutation": [[[7] * 100] * 100] * 8},
        "permutation",
        "it is 'list'",
    ),
    "a great number": (lambda c: {**c, "n_kernels": 10**30}, "manifest", "cannot be built"),
    "another size": (lambda c: {**c, "n_kernels": 7}, "shape", "has shape"),
    "an absurd size": (lambda c: {**c, "n_kernels": 10**9}, "manifest", "cannot be built"),
    "a size in words": (lambda c: {**c, "n_kernels": "six"}, "manifest", "cannot be built"),
    "whole numbers": (
        lambda c: {**c, "model_state_dict": {k: v.int() for k, v in c["model_state_dict"].items()}},
        "type",
        "int32",
    ),
    "doubles beyond float32": (
        lambda c: {**c, "model_state_dict": {k: v.double() * 1e300 for k, v in c["model_state_dict"].items()}},
        "finite",
        "not finite",
    ),
    "a tuple of tuples": (lambda c: {**c, "permutation": ((1, 2), (3, 4))}, "permutation", "it is 'list'"),
    "an array of objects": (
        lambda c: {**c, "permutation": np.array([object, 1], dtype=object)},
        "tensors",
        "cannot be read as weights alone",
    ),
    "weights alone": (
        lambda c: c["model_state_dict"],
        "tensors",
        "holds weights alone. Their permutation cannot be guessed",
    ),
    "not finite": (
        lambda c: {**c, "model_state_dict": {k: v * float("nan") for k, v in c["model_state_dict"].items()}},
        "finite",
        "not finite",
    ),
}


def with_weights(change, content, prefix=""):
    return {**content, "model_state_dict": {prefix + k: change(v) for k, v in content["model_state_dict"].items()}}


FORMS = {
    "half precision": (lambda c: with_weights(torch.Tensor.half, c), "weights from float16 to float32"),
    "bfloat16": (lambda c: with_weights(torch.Tensor.bfloat16, c), "weights from bfloat16 to float32"),
    "doubles": (lambda c: with_weights(torch.Tensor.double, c), "weights from float64 to float32"),
    "DataParallel": (lambda c: with_weights(torch.clone, c, "module."), "without 'module.'"),
    "compiled": (lambda c: with_weights(torch.clone, c, "_orig_mod."), "without '_orig_mod.'"),
    "an array": (lambda c: {**c, "permutation": c["permutation"].numpy()}, "the permutation from an array of NumPy"),
    "a tuple": (lambda c: {**c, "permutation": tuple(c["permutation"].tolist())}, "permutation from a tuple"),
    "a tuple of scalars": (lambda c: {**c, "permutation": tuple(c["permutation"].numpy())}, "permutation from a tuple"),
    "scalars": (lambda c: {**c, "n_kernels": np.int64(c["n_kernels"])}, "n_kernels from a number of NumPy"),
    "tensors of one number": (
        lambda c: {**c, "n_kernels": torch.tensor(c["n_kernels"])},
        "n_kernels from a number of PyTorch",
    ),
    "more than is asked for": (lambda c: {**c, "accuracy": np.float64(0.98), "lr": np.float32(0.1)}, ""),
}


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_of_the_same_numbers_are_converted_and_told(content, tmp_path, form, registry, small):
    change, words = FORMS[form]
    network, told = legacy._read(save(change(content), tmp_path))
    assert words in told
    assert bool(told) == bool(words)
    plain = legacy.read_legacy(save(content, tmp_path))
    assert network.permutation.tolist() == plain.permutation.tolist()
    np.testing.assert_allclose(network.logits(small.test.images), plain.logits(small.test.images), atol=0.3)


def test_the_command_tells_what_it_converted_and_the_version_answers_as_stored(registry, tmp_path, monkeypatch):
    made = torch.load(export_of_the_lab(tmp_path), weights_only=True)
    monkeypatch.setenv("MNISTLAB_MODELS", str(registry.root))
    path = str(save(with_weights(torch.Tensor.half, made, "module."), tmp_path))
    result = CliRunner().invoke(main.main, ["models", "import", path])
    words = "Converted: the names of the weights, without 'module.'; weights from float16 to float32."
    assert words in result.stdout
    assert words[:-1] in registry.load("0003").manifest.imported  # its stored answers were compared on the way


def export_of_the_lab(folder: Path) -> Path:
    path = folder / "lab.pt"
    path.write_bytes(legacy.export_legacy(Registry().load("0002")))
    return path


def test_the_format_before_pytorch_1_6_is_called_by_its_name(content, tmp_path):
    torch.save(content, tmp_path / "convnet.pt", _use_new_zipfile_serialization=False)
    refused(tmp_path / "convnet.pt", "tensors", r"the format that torch.save wrote before PyTorch 1\.6.* save it again")


def test_a_name_that_asks_for_another_format_gets_that_or_a_refusal(tmp_path):
    call = CliRunner().invoke
    assert call(main.main, ["models", "export", "0002", str(tmp_path / "x.onnx")]).exit_code == 0
    import onnx

    assert onnx.load(tmp_path / "x.onnx").graph.node
    refusal = call(main.main, ["models", "export", "0002", str(tmp_path / "x.safetensors")])
    assert (refusal.exit_code, "file of PyTorch" in refusal.stderr) == (2, True)
    assert not (tmp_path / "x.safetensors").exists()


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_fit_is_refused(content, tmp_path, change):
    make, code, words = CHANGES[change]
    refused(save(make(content), tmp_path), code, words)


def test_the_reader_may_write_no_file_and_its_answer_is_data(monkeypatch, content, tmp_path):
    path = save(content, tmp_path)
    sound, child = legacy.CHILD.read_text(), tmp_path / "child.py"
    monkeypatch.setattr(legacy, "CHILD", child)
    child.write_text(
        sound.replace(
            "content = torch.load", f"open({str(tmp_path / 'w')!r}, 'w').write('x' * 9**6)\n    content = torch.load"
        )
    )
    assert child.read_text() != sound
    with pytest.raises(CheckpointError):
        legacy.read_legacy(path)
    assert not (tmp_path / "w").exists() or (tmp_path / "w").stat().st_size == 0
    child.write_text("print('no JSON'[:3])")
    refused(path, "too-large", "its reading was ended")


def test_the_registry_is_as_it_was_after_a_refusal(registry, content, tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_MODELS", str(registry.root))
    path = save({**content, "permutation": None}, tmp_path)
    result = CliRunner().invoke(main.main, ["models", "import", str(path)])
    assert result.exit_code == 1
    assert "has no permutation" in result.stderr
    assert registry.versions() == ["0001", "0002"]
    assert not list(registry.root.glob(".new*"))


def test_the_reading_process_is_held_to_its_limits():
    code = (
        "import importlib.util, json, resource, sys\n"
        "spec = importlib.util.spec_from_file_location('child', sys.argv[1])\n"
        "child = importlib.util.module_from_spec(spec); spec.loader.exec_module(child)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF)\n"
        "child.limit(2**28, 7)\n"
        "kinds = ('RLIMIT_FSIZE', 'RLIMIT_CORE', 'RLIMIT_CPU', 'RLIMIT_DATA')\n"
        "found = {kind: resource.getrlimit(getattr(resource, kind)) for kind in kinds}\n"
        "print(json.dumps([found, before.ru_utime + before.ru_stime]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(legacy.CHILD)], capture_output=True, text=True, check=True)
    found, spent = json.loads(done.stdout)
    assert found["RLIMIT_FSIZE"] == found["RLIMIT_CORE"] == [0, 0]
    assert 7 + int(spent) <= found["RLIMIT_CPU"][0] == found["RLIMIT_CPU"][1] <= 9 + int(spent)
    if sys.platform == "linux":
        assert 2**28 < found["RLIMIT_DATA"][0] == found["RLIMIT_DATA"][1] < 2**28 + 2**34
