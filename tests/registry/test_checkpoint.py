"""A model file comes from outside: whatever it holds, it is loaded whole and right, or refused with a CheckpointError."""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
import io
import json
import math
import os
import random
import shutil
import struct
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from mnistlab.common import files, paths
from mnistlab.common.errors import CheckpointError
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.registry import checkpoint, layout, packing
from mnistlab.registry.card import model_card
from mnistlab.registry.manifest import Manifest, parse_manifest
from mnistlab.training import networks

WEIGHTS, MANIFEST = layout.WEIGHTS, layout.MANIFEST


# --- tools of the forger ----------------------------------------------------------------------------------------------


@pytest.fixture
def version(registry) -> Path:
    """A sound permuted version that may be spoiled."""
    return registry.root / "0002"


@pytest.fixture
def plain(registry) -> Path:
    """A sound plain version that may be spoiled."""
    return registry.root / "0001"


def read_manifest(folder: Path) -> dict:
    return json.loads((folder / MANIFEST).read_text())


def write_manifest(folder: Path, manifest: dict) -> None:
    (folder / MANIFEST).write_text(json.dumps(manifest))


def edit(folder: Path, **changes) -> None:
    """Change the manifest; ``a__b=value`` reaches inside, and a function is given the old value."""
    manifest = read_manifest(folder)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = manifest
        for key in way:
            place = place[key]
        place[last] = value(place[last]) if callable(value) else value
    write_manifest(folder, manifest)


def sign(folder: Path, weights: bytes) -> None:
    """Replace the weights file and correct its SHA-256 in the manifest, as a forger would."""
    (folder / WEIGHTS).write_bytes(weights)
    edit(folder, weights_sha256=hashlib.sha256(weights).hexdigest())


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load((folder / WEIGHTS).read_bytes())


def forge(folder: Path, **changes) -> None:
    """Replace tensors (None takes one out) under a correct SHA-256; ``permutation`` corrects that of its order, too."""
    content = tensors(folder)
    for name, tensor in changes.items():
        content.pop(name, None)
        if tensor is not None:
            content[name] = tensor
    sign(folder, safetensors.torch.save(content))
    if "permutation" in changes and changes["permutation"] is not None:
        order = changes["permutation"].to(torch.int64).contiguous()
        edit(folder, permutation__sha256=hashlib.sha256(order.numpy().tobytes()).hexdigest())


def refused(folder: Path, code: str, message: str | None = None) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        checkpoint.load_checkpoint(folder)
    assert caught.value.code == code
    assert len(str(caught.value)) < 700  # hostile text is cut


# --- a sound one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["trained", "trained_permuted"])
def test_a_round_trip_gives_identical_logits(kind, request, registry, small):
    training = request.getfixturevalue(kind)
    loaded = checkpoint.load_checkpoint(registry.root / ("0001" if kind == "trained" else "0002"))
    expected = networks.logits(training.model, small.test.images, permutation=training.permutation)
    np.testing.assert_allclose(loaded.logits(small.test.images), expected, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(loaded.probabilities(small.test.images), expected.softmax(dim=1), atol=1e-5)
    assert loaded.permutation == training.permutation
    assert loaded.normalisation == Normalisation()


def test_the_manifest_tells_what_was_done(registry, trained_permuted, small):
    manifest = checkpoint.load_checkpoint(registry.root / "0002").manifest
    assert manifest.version == "0002"
    assert (manifest.architecture.name, manifest.parameters) == ("convnet", 6_422)
    assert manifest.architecture.arguments == {"input_size": 1, "n_kernels": 6, "output_size": 10}
    assert (manifest.permutation.kind, manifest.permutation.seed) == ("permuted", 42)
    assert manifest.permutation.sha256 == Permutation.random(42).sha256()
    assert manifest.data.train_sha256 == small.train.sha256()
    assert (manifest.data.n_train, manifest.data.n_validation) == (1_000, 500)
    assert (manifest.training.epochs, manifest.training.best_epoch, manifest.training.batch_size) == (1, 1, 32)
    assert manifest.training.note == "made for a test"
    assert manifest.training.batch_norm is False
    assert manifest.metrics["validation"].value == trained_permuted.best.validation_accuracy
    assert manifest.libraries["torch"] == torch.__version__.partition("+")[0]
    assert len(manifest.probe.images) == packing.PROBES


def test_every_digit_is_among_the_probes(registry, small):
    images = checkpoint.load_checkpoint(registry.root / "0001").manifest.probe.decoded()[0]
    validation = {
        image.tobytes(): int(label)
        for image, label in zip(small.validation.images.numpy(), small.validation.labels, strict=True)
    }
    assert {validation[image.tobytes()] for image in images} == set(range(10))
    assert len(images) == packing.PROBES


def test_few_classes_are_made_up_with_others(trained, small):
    sevens = small.validation[small.validation.labels == 7]
    manifest = parse_manifest(
        packing.pack(trained, dataclasses.replace(small, validation=sevens), version_id="0001")[MANIFEST]
    )
    assert len(manifest.probe.images) == packing.PROBES


def test_the_accuracies_are_those_of_the_model_on_these_images(registry, trained, small):
    manifest = checkpoint.load_checkpoint(registry.root / "0001").manifest
    for name, digits in (("validation", small.validation), ("test", small.test)):
        answers = networks.logits(trained.model, digits.images).argmax(dim=1)
        assert manifest.metrics[name].correct == int((answers == digits.labels).sum())
        assert manifest.metrics[name].n == 500


def test_the_test_images_are_left_alone_unless_given(trained, small):
    files = packing.pack(trained, small, version_id="0001")
    manifest = parse_manifest(files[MANIFEST])
    assert list(manifest.metrics) == ["validation"]
    assert "; validation " in manifest.summary()


def test_a_fully_connected_net_and_other_sizes_come_back_too(trained, small, tmp_path):
    for number, model in enumerate(
        (networks.build("fully-connected", n_hidden=5), networks.build(n_kernels=2)), start=1
    ):
        training = dataclasses.replace(trained, model=model.eval(), normalisation=Normalisation(0.2, 0.4))
        folder = tmp_path / f"000{number}"
        folder.mkdir()
        for name, content in packing.pack(training, small, version_id=folder.name).items():
            (folder / name).write_bytes(content)
        loaded = checkpoint.load_checkpoint(folder)
        expected = networks.logits(model, small.test.images, normalisation=Normalisation(0.2, 0.4))
        np.testing.assert_allclose(loaded.logits(small.test.images), expected, atol=1e-5, rtol=1e-5)
        assert (loaded.architecture, loaded.arguments) == (model.name, model.arguments)


def test_loading_leaves_the_random_state_alone(plain):
    state = torch.get_rng_state()
    checkpoint.load_checkpoint(plain)
    assert torch.get_rng_state().equal(state)


def test_a_small_rounding_difference_is_allowed_and_a_larger_one_not(plain):
    shift = lambda by: lambda rows: [[value + by for value in row] for row in rows]  # noqa: E731
    edit(plain, probe__logits=shift(0.5 * checkpoint.PROBE_TOLERANCE))
    checkpoint.load_checkpoint(plain)
    edit(plain, probe__logits=shift(1.5 * checkpoint.PROBE_TOLERANCE))
    refused(plain, "probe", r"off by 0\.000\d+, allowed 0\.0001")


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
def test_a_missing_file(version, name):
    (version / name).unlink()
    refused(version, "missing", f"0002/{name} is missing")


def test_a_missing_folder(registry):
    refused(registry.root / "0003", "missing")


def test_a_file_in_place_of_the_folder(registry):
    (registry.root / "0003").write_text("not a folder")
    refused(registry.root / "0003", "not-a-file")


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
def test_a_link_to_a_sound_file_is_refused(version, tmp_path, name):
    shutil.move(version / name, tmp_path / "elsewhere")
    (version / name).symlink_to(tmp_path / "elsewhere")
    refused(version, "not-a-file", f"0002/{name} cannot be opened as a file")


def test_a_link_to_a_sound_folder_is_refused(version, tmp_path):
    shutil.move(version, tmp_path / "elsewhere")
    version.symlink_to(tmp_path / "elsewhere")
    refused(version, "not-a-file", "0002 is a link")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
def test_a_pipe_is_refused_at_once(version, name):
    (version / name).unlink()
    os.mkfifo(version / name)
    refused(version, "not-a-file", "not a regular file")


@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST])
def test_a_folder_in_place_of_a_file_is_refused_and_no_descriptor_stays_open(version, name):
    (version / name).unlink()
    (version / name).mkdir()
    free = os.dup(0)
    os.close(free)
    refused(version, "not-a-file", f"0002/{name} is not a regular file|cannot be opened as a file")
    again = os.dup(0)
    os.close(again)
    assert again == free


@pytest.mark.parametrize(("name", "limit"), [(WEIGHTS, layout.MAX_WEIGHTS), (MANIFEST, layout.MAX_MANIFEST)])
def test_a_file_too_large_is_refused_unread(version, name, limit):
    with open(version / name, "r+b") as file:
        file.truncate(limit + 1)  # sparse: takes no room
    refused(version, "too-large", f"has {limit + 1:,} bytes; at most {limit:,} are allowed")


def test_a_file_that_cannot_be_read_through_is_refused(version, monkeypatch):
    def broken(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "os", types.SimpleNamespace(**{**vars(os), "fstat": broken}))
    refused(version, "not-a-file", "cannot be read: Input/output error")


# --- hash -------------------------------------------------------------------------------------------------------------


def test_weights_of_another_version_are_refused_by_their_hash(registry, plain):
    shutil.copy(registry.root / "0002" / WEIGHTS, plain / WEIGHTS)
    refused(plain, "sha256", r"model\.safetensors of 0001 has SHA-256 \w{12}\.\.\., its manifest says \w{12}")


def test_nothing_is_parsed_before_the_hash_is_right(version, monkeypatch):
    (version / WEIGHTS).write_bytes(b"anything")
    monkeypatch.setattr(safetensors.torch, "load", lambda content: pytest.fail("parsed before it was verified"))
    refused(version, "sha256")


@pytest.mark.parametrize("content", [lambda whole: whole[:-1], lambda whole: whole + b"\0", lambda whole: b""])
def test_cut_or_longer_weights_are_refused(version, content):
    (version / WEIGHTS).write_bytes(content((version / WEIGHTS).read_bytes()))
    refused(version, "sha256")


def test_every_flipped_bit_is_noticed(registry, tmp_path):
    """200 random bits, each flipped alone, in weights and manifest: refused, or (a figure for people) without effect."""
    generator = random.Random(0)
    sound = registry.root / "0001"
    images = torch.frombuffer(bytearray(784), dtype=torch.uint8).reshape(1, 28, 28)
    answer = checkpoint.load_checkpoint(sound).logits(images)
    folder = tmp_path / "flipped" / "0001"
    noticed = {WEIGHTS: 0, MANIFEST: 0}
    for number in range(200):
        name = (WEIGHTS, MANIFEST)[number % 2]
        shutil.copytree(sound, folder, dirs_exist_ok=True)
        content = bytearray((sound / name).read_bytes())
        bit = generator.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        (folder / name).write_bytes(content)
        try:
            loaded = checkpoint.load_checkpoint(folder)
        except CheckpointError:
            noticed[name] += 1
        else:
            np.testing.assert_array_equal(loaded.logits(images), answer)
    assert noticed[WEIGHTS] == 100
    assert noticed[MANIFEST] > 50


def test_flipped_bits_under_a_correct_hash_never_leak_another_error(plain):
    generator = random.Random(1)
    sound = (plain / WEIGHTS).read_bytes()
    header = 8 + struct.unpack("<Q", sound[:8])[0]
    outcomes = {"refused": 0, "loaded": 0}
    for number in range(200):
        content = bytearray(sound)
        # Every second one in the header, where a parser can be led astray.
        bit = generator.randrange(8 * (header if number % 2 else len(content)))
        content[bit // 8] ^= 1 << bit % 8
        sign(plain, bytes(content))
        try:
            checkpoint.load_checkpoint(plain)
            outcomes["loaded"] += 1  # the last bits of a weight are below what the probe tells apart
        except CheckpointError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 100


# --- the weights file, under a correct hash ---------------------------------------------------------------------------


def pickled(command: str) -> bytes:
    """A pickle that runs a command when it is loaded, made by hand."""
    return b"cos\nsystem\n(S'" + command.encode() + b"'\ntR."


def saved_by_torch() -> bytes:
    buffer = io.BytesIO()
    torch.save(networks.build("convnet").state_dict(), buffer)
    return buffer.getvalue()


def raw(header: bytes, body: bytes = b"") -> bytes:
    """A safetensors file with any header."""
    return struct.pack("<Q", len(header)) + header + body


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0" * 7, id="seven zeros"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(saved_by_torch(), id="zip of torch.save"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="zip"),
        pytest.param(struct.pack("<Q", 2**63) + b"{}", id="huge header length"),
        pytest.param(struct.pack("<Q", 2**64 - 1) + b"{}", id="largest header length"),
        pytest.param(struct.pack("<Q", 100_000_001) + b"{" * 1000, id="header length over the limit"),
        pytest.param(raw(b" " * 2**20 + b"{}"), id="megabyte of spaces"),
        pytest.param(raw(b"[" * 200_000), id="deeply nested header"),
        pytest.param(raw(b"{}"), id="no tensor"),
        pytest.param(raw(b"null"), id="null header"),
        pytest.param(raw(b"\xff\xfe{}"), id="header not UTF-8"),
        pytest.param(
            raw(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}}', bytes(4)), id="offset past the end"
        ),
        pytest.param(raw(b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', bytes(4)), id="negative shape"),
        pytest.param(
            raw(b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}', bytes(4)),
            id="absurd shape",
        ),
        pytest.param(raw(b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), id="tensor of no size"),
        pytest.param(raw(b'{"a":{"dtype":"OBJECT","shape":[1],"data_offsets":[0,4]}}', bytes(4)), id="unknown type"),
        pytest.param(raw(b'{"a":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}}', bytes(4)), id="8-bit floats"),
        pytest.param(raw(b'{"__metadata__":{"a":1}}'), id="metadata of the wrong type"),
    ],
)
def test_what_is_no_weights_file_is_refused(version, content):
    sign(version, content)
    refused(version, "tensors")


def parts(folder: Path) -> tuple[bytes, bytes]:
    """Header and body of a weights file."""
    content = (folder / WEIGHTS).read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return content[8:end].rstrip(), content[end:]


def zipped() -> bytes:
    """A zip with a pickle in it, as ``torch.load`` looks for."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled("true"))
    return buffer.getvalue()


PERMUTED = b'"permutation":{"dtype":"I64","shape":[784],"data_offsets":[0,6272]}'


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param(lambda header, body: raw(header, body) + b"\0", "not fully covered", id="a byte at the end"),
        pytest.param(lambda header, body: raw(header, body) + zipped(), "not fully covered", id="a zip at the end"),
        pytest.param(lambda header, body: zipped() + raw(header, body), "at most 65,536 are allowed", id="a zip first"),
        pytest.param(
            lambda header, body: raw(b"{" + PERMUTED + b"," + header[1:], body),
            "the key 'permutation' appears twice",
            id="a name twice",
        ),
        pytest.param(
            lambda header, body: raw(header.replace(b'"dtype":"I64"', b'"dtype":"I64","dtype":"I64"'), body),
            "the key 'dtype' appears twice",
            id="a field twice",
        ),
        pytest.param(
            lambda header, body: raw(header.replace(b'"dtype":"I64"', b'"dtype":"I64","code":"x"'), body),
            "permutation is not described by data_offsets, dtype, shape alone",
            id="a field too many",
        ),
        pytest.param(
            lambda header, body: raw(b'{"__metadata__":{"a":"b"},' + header[1:], body),
            r"has \['__metadata__'\] too many",
            id="texts in the header",
        ),
        pytest.param(
            lambda header, body: raw(header + b" " * 2**20, body), "at most 65,536 are allowed", id="a huge header"
        ),
    ],
)
def test_what_hides_in_a_sound_weights_file_is_refused(version, spoil, message):
    sign(version, raw(*parts(version)))
    checkpoint.load_checkpoint(version)  # or what follows would be refused for another reason
    sign(version, spoil(*parts(version)))
    refused(version, "tensors", message)


def test_a_zip_inside_the_weights_is_noticed_by_the_probe(version):
    weight, hidden = tensors(version)["model.net.7.weight"], zipped()
    content = bytearray(weight.numpy().tobytes())
    content[-len(hidden) :] = hidden
    forged = torch.frombuffer(content, dtype=torch.float32).reshape(weight.shape).nan_to_num(0, 0, 0)
    forge(version, **{"model.net.7.weight": forged})
    refused(version, "probe", "do not belong together")


def test_a_pickle_under_the_right_name_is_never_run(version, tmp_path):
    sign(version, pickled(f"touch {tmp_path}/it-ran"))
    refused(version, "tensors", "not a safetensors file")
    assert not (tmp_path / "it-ran").exists()


def test_the_pickle_of_this_test_would_have_run(tmp_path):
    # Or the test above could not fail.
    import pickle

    pickle.loads(pickled(f"touch {tmp_path}/it-ran"))
    assert (tmp_path / "it-ran").exists()


def test_an_extra_tensor(version):
    forge(version, extra=torch.zeros(1))
    refused(version, "tensors", r"lacks nothing and has \['extra'\] too many")


@pytest.mark.parametrize("name", ["model.net.0.weight", "permutation"])
def test_a_missing_tensor(version, name):
    forge(version, **{name: None})
    refused(version, "tensors", rf"lacks \['{name}'\] and has nothing too many")


def test_a_tensor_with_an_absurdly_long_name_is_not_repeated_in_full(version):
    forge(version, **{"x" * 5_000: torch.zeros(1)})
    refused(version, "tensors", "x{50}'")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("model.net.0.weight", (6, 1, 25)),
        ("model.net.0.weight", (7, 1, 5, 5)),
        ("model.net.9.bias", (1,)),
        ("model.net.9.bias", ()),
        ("permutation", (783,)),
        ("permutation", (28, 28)),
    ],
)
def test_a_wrong_shape(version, name, shape):
    forge(version, **{name: torch.zeros(shape, dtype=torch.int64 if name == "permutation" else torch.float32)})
    refused(version, "shape", f"{name} has shape")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("model.net.0.weight", torch.float64),
        ("model.net.0.weight", torch.float16),
        ("model.net.9.bias", torch.int32),
        ("model.net.9.bias", torch.complex64),
        ("permutation", torch.int32),
        ("permutation", torch.float64),
    ],
)
def test_a_wrong_type(version, name, dtype):
    forge(version, **{name: tensors(version)[name].to(dtype)})
    refused(version, "type", rf"{name} is \w+, not {'I64' if name == 'permutation' else 'F32'}")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_no_finite_number(version, value):
    weight = tensors(version)["model.net.7.weight"]
    weight[3, 5] = value
    forge(version, **{"model.net.7.weight": weight})
    refused(version, "finite", r"model\.net\.7\.weight holds a number that is not finite")


def test_weights_so_large_that_the_answers_overflow(version):
    forge(version, **{"model.net.9.weight": torch.full((10, 50), 3e38)})
    refused(version, "probe", "off by (inf|3)")


def test_finite_weights_whose_answers_are_no_numbers(version):
    # Infinity times both signs, summed: NaN is not above any tolerance.
    last = torch.full((10, 50), 3e38)
    last[:, ::2] *= -1
    forge(version, **{"model.net.7.weight": torch.full((50, 96), 3e38), "model.net.9.weight": last})
    refused(version, "probe", "off by nan")


# --- the permutation --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "value"), [(0, 784), (5, -1), (9, 2**62)])
def test_a_permutation_out_of_range(version, place, value):
    order = tensors(version)["permutation"]
    order[place] = value
    forge(version, permutation=order)
    refused(version, "permutation", f"position {place} holds {value}")


def test_a_permutation_with_a_pixel_twice(version):
    order = tensors(version)["permutation"]
    order[0] = order[1]
    forge(version, permutation=order)
    refused(version, "permutation", "appears twice")


def test_a_permutation_that_is_not_the_one_of_the_manifest(version):
    order = torch.from_numpy(Permutation.random(43).order)
    content = {**tensors(version), "permutation": order}
    sign(version, safetensors.torch.save(content))  # the permutation's own hash is left as it was
    refused(version, "permutation", "not the one its manifest names")


def test_only_the_probe_notices_a_valid_permutation_of_another_model(version):
    forge(version, permutation=torch.from_numpy(Permutation.random(43).order))
    edit(version, permutation__seed=43)
    refused(version, "probe", "do not belong together")


@pytest.mark.parametrize("kind", ["identity", "permuted"])
def test_the_kind_must_be_that_of_the_order(registry, kind):
    folder = registry.root / ("0002" if kind == "identity" else "0001")
    edit(folder, permutation__kind=kind)
    refused(folder, "permutation")


def test_only_the_probe_notices_another_normalisation(version):
    edit(version, normalisation__mean=0.2)
    refused(version, "probe", "do not belong together")


def test_only_the_probe_notices_the_weights_of_another_training(version):
    other = networks.build("convnet", seed=5).state_dict()
    forge(version, **{f"model.{name}": tensor for name, tensor in other.items()})
    refused(version, "probe")


# --- the probe itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("images", lambda images: ["###", *images[1:]]),
        ("images", lambda images: [images[0][:-1], *images[1:]]),
        ("images", lambda images: ["é" * 1048, *images[1:]]),
        ("images", lambda images: [images[0][:40] + "\n" + images[0][40:], *images[1:]]),
        ("images", lambda images: [base64.b64encode(bytes(783)).decode(), *images[1:]]),
        ("images", lambda images: ["", *images[1:]]),
        ("images", lambda images: images[1:]),
        ("images", lambda images: list(reversed(images))),
        ("logits", lambda rows: [row[:9] for row in rows]),
        ("logits", lambda rows: [[*row, 0.0] for row in rows]),
        ("logits", lambda rows: [rows[0][:9], *rows[1:]]),
        ("logits", lambda rows: rows[1:]),
        ("logits", lambda rows: [[1e300] * 10, *rows[1:]]),
    ],
)
def test_a_malformed_probe(version, key, change):
    edit(version, **{f"probe__{key}": change})
    refused(version, "probe")


@pytest.mark.parametrize(
    ("key", "value"),
    [("images", []), ("logits", []), ("images", [1]), ("logits", [[]]), ("logits", [["1"] * 10]), ("images", "AAAA")],
)
def test_a_probe_of_another_form(version, key, value):
    edit(version, **{f"probe__{key}": value})
    refused(version, "manifest", f"not valid at probe.{key}")


# --- the manifest -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["schema_version", "version", "architecture", "permutation", "metrics", "weights_sha256", "probe", "git_commit"],
)
def test_a_missing_key(version, key):
    manifest = read_manifest(version)
    del manifest[key]
    write_manifest(version, manifest)
    refused(version, "manifest", f"not valid at {key}: Field required")


def test_an_unknown_key_is_refused_at_any_depth(version):
    edit(version, architecture=lambda old: {**old, "module": "os"})
    refused(version, "manifest", r"architecture\.module: Extra inputs are not permitted")


def test_an_absurdly_long_key_is_not_repeated_in_full(version):
    edit(version, architecture=lambda old: {**old, "x" * 10_000: 1})
    refused(version, "manifest")


def test_a_key_given_twice(version):
    text = (version / MANIFEST).read_text()
    (version / MANIFEST).write_text(text.replace('"schema_version"', '"version": "0009", "schema_version"', 1))
    refused(version, "manifest", "the key 'version' appears twice")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"schema_version": "1"}, "schema_version"),
        ({"schema_version": True}, "schema_version"),
        ({"version": "2"}, "version"),
        ({"version": "../0002"}, "version"),
        ({"version": "0002\n"}, "version"),
        ({"version": "٠٠٠٢"}, "version"),
        ({"created": "yesterday"}, "created"),
        ({"architecture__name": "resnet"}, "architecture.name"),
        ({"architecture__name": "os.system"}, "architecture.name"),
        ({"architecture__arguments__n_kernels": 6.0}, "architecture.arguments.n_kernels"),
        ({"architecture__arguments__n_kernels": "6"}, "architecture.arguments.n_kernels"),
        ({"parameters": 0}, "parameters"),
        ({"normalisation__std": 0}, "normalisation.std"),
        ({"normalisation__mean": -1}, "normalisation.mean"),
        ({"permutation__kind": "scrambled"}, "permutation.kind"),
        ({"permutation__seed": -1}, "permutation.seed"),
        ({"permutation__sha256": "A" * 64}, "permutation.sha256"),
        ({"weights_sha256": "0" * 63}, "weights_sha256"),
        ({"training__note": "x" * 501}, "training.note"),
        ({"training__best_epoch": 2}, "best_epoch 2 is not one of 1 epochs"),
        ({"metrics": {}}, "metrics lacks validation"),
        ({"metrics__validation__correct": 501}, "501 right of 500 images is not an accuracy"),
        ({"metrics__validation__value": 0.999}, "value, low and high are not those of"),
        ({"metrics__validation__high": 1.0}, "value, low and high are not those of"),
        ({"metrics__validation__n": 10**30}, "metrics.validation.n"),
        ({"metrics__validation__n": 0}, "metrics.validation.n"),
        ({"metrics__train": {}}, "metrics.train"),
        ({"libraries": {"torch": 2}}, "libraries.torch"),
        ({"git_commit": "not a commit"}, "git_commit"),
        ({"probe": None}, "probe"),
    ],
)
def test_a_manifest_that_does_not_fit_the_schema(version, changes, where):
    edit(version, **changes)
    refused(version, "manifest", where)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"input_size": 1, "n_kernels": 6},
        {"input_size": 1, "n_kernels": 6, "output_size": 10, "extra": 1},
        {"input_size": 1, "n_kernels": 6, "output_size": 10, "seed": 1},
        {"input_size": 1, "n_kernels": 6, "output_size": 10, "name": 1},
        {"input_size": 1, "n_kernels": 0, "output_size": 10},
        {"input_size": 1, "n_kernels": 10**9, "output_size": 10},
        {"input_size": 1, "n_kernels": 6, "output_size": 1_000},
        {"input_size": 2, "n_kernels": 6, "output_size": 10},
    ],
)
def test_an_architecture_beyond_its_bounds_is_never_built(version, arguments, monkeypatch):
    monkeypatch.setattr(networks, "build", lambda *args, **kwargs: pytest.fail("built before it was checked"))
    edit(version, architecture__arguments=arguments)
    refused(version, "manifest", "the architecture cannot be built")


def test_another_architecture_does_not_take_these_weights(version):
    edit(version, architecture={"name": "convnet", "arguments": {"input_size": 1, "n_kernels": 7, "output_size": 10}})
    refused(version, "manifest", "the architecture has .* parameters, its manifest says 6,422")
    edit(version, parameters=networks.convnet_parameters(7))
    refused(version, "shape")


def test_a_false_count_of_parameters(version):
    edit(version, parameters=1_000_000)
    refused(version, "manifest", "has 6,422 parameters, its manifest says 1,000,000")


def test_the_manifest_of_another_version(registry):
    shutil.copytree(registry.root / "0001", registry.root / "0003")
    refused(registry.root / "0003", "manifest", "the manifest in 0003 is that of version 0001")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_are_no_json(version, constant):
    text = (version / MANIFEST).read_text()
    (version / MANIFEST).write_text(text.replace('"mean": 0.1307', f'"mean": {constant}', 1))
    refused(version, "manifest", f"not strict JSON: {constant} is not a number in JSON")


def test_a_number_too_large_to_be_one(version):
    text = (version / MANIFEST).read_text()
    (version / MANIFEST).write_text(text.replace('"mean": 0.1307', '"mean": 1e999', 1))
    refused(version, "manifest", "normalisation.mean")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[" * 500_000, id="deep lists"),
        pytest.param(b"[" * 500_000 + b"]" * 500_000, id="deep lists, closed"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deep objects"),
        pytest.param(b'{"version":' + b"9" * 100_000 + b"}", id="endless number"),
        pytest.param(b'{"version": "\xff\xfe"}', id="not UTF-8"),
        pytest.param(b'{"version": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"version": "0001"}\0', id="zero byte"),
        pytest.param(b'{"a": 1} {"b": 2}', id="two documents"),
        pytest.param(b"{'version': 1}", id="Python"),
        pytest.param(b'{"a": 1,}', id="comma at the end"),
        pytest.param(b"// comment\n{}", id="comment"),
    ],
)
def test_what_is_no_manifest_at_all(version, content):
    (version / MANIFEST).write_bytes(content)
    refused(version, "manifest")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_a_manifest_in_another_encoding(version, encoding):
    edit(version, training__note="naïve")
    text = json.dumps(read_manifest(version), ensure_ascii=False)
    (version / MANIFEST).write_bytes(text.encode(encoding))
    refused(version, "manifest")


# --- saving what is not sound -----------------------------------------------------------------------------------------


def test_weights_that_are_no_numbers_cannot_be_packed(trained, small):
    model = copy.deepcopy(trained.model)
    torch.nn.init.constant_(model.net[0].weight, math.nan)
    with pytest.raises(CheckpointError, match="gives logits that are not finite"):
        packing.pack(dataclasses.replace(trained, model=model), small, version_id="0001")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"version_id": "0001", "origin": packing.Origin(note="x" * 501)},
            r"note: String should have at most 500 characters",
        ),
        ({"version_id": "1"}, "not valid at version"),
    ],
)
def test_metadata_that_does_not_fit_cannot_be_packed(trained, small, options, message):
    with pytest.raises(CheckpointError, match=message):
        packing.pack(trained, small, **options)


def test_one_held_out_image_in_a_thousand_may_have_a_twin(trained, small, splits, monkeypatch):
    thousand = dataclasses.replace(small, validation=splits.validation.sample(1_000, seed=0))
    monkeypatch.setattr(type(small), "shared", lambda self: {"validation": 1})
    assert packing.pack(trained, thousand, version_id="0001")
    monkeypatch.setattr(type(small), "shared", lambda self: {"validation": 2})
    with pytest.raises(CheckpointError, match="2 validation images are also among the training images") as caught:
        packing.pack(trained, thousand, version_id="0001")
    assert caught.value.code == "leak"


def test_only_networks_that_can_be_built_again_are_packed(trained, small):
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    with pytest.raises(CheckpointError, match="a Sequential cannot be kept") as caught:
        packing.pack(dataclasses.replace(trained, model=linear), small, version_id="0001")
    assert caught.value.code == "manifest"


def test_without_git_the_commit_is_unknown(monkeypatch, trained, small, tmp_path):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    manifest = parse_manifest(packing.pack(trained, small, version_id="0001")[MANIFEST])
    assert manifest.git_commit is None
    assert "commit unknown" in model_card(manifest)


# --- the card ---------------------------------------------------------------------------------------------------------


def test_the_card_tells_people_what_the_manifest_tells_programs(registry):
    manifest = registry.manifest("0002")
    card = (registry.root / "0002" / "README.md").read_text()
    assert card == model_card(manifest)
    for text in ("# Version 0002", "| parameters | 6,422 |", "fixed, seed 42, ", "Note: made for a test", "n = 500"):
        assert text in card
    assert f"| accuracy on test | {manifest.metrics['test']} |" in card


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_card_says_whether_the_network_was_normalised_while_it_learned(registry, batch_norm):
    manifest = registry.manifest("0001")
    training = manifest.training.model_copy(update={"batch_norm": batch_norm})
    shown = model_card(manifest.model_copy(update={"training": training}))
    assert ("normalised over the batch" in shown) is batch_norm


def card_with(manifest: Manifest, note: str) -> str:
    return model_card(manifest.model_copy(update={"training": manifest.training.model_copy(update={"note": note})}))


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("a\n| evil | row |\n# title", "Note: a \\| evil \\| row \\| # title"),
        ("# title", "Note: # title"),
        ("<script>alert(1)</script> & co", "Note: &lt;script&gt;alert(1)&lt;/script&gt; &amp; co"),
        ("[click](javascript:x)", "Note: [click\\](javascript:x)"),
        ("![pixel](http://x/y.png)", "Note: ![pixel\\](http://x/y.png)"),
        ("already \\| escaped", "Note: already \\\\\\| escaped"),
        ("**bold** `code` ~~gone~~ _so_", "Note: \\*\\*bold\\*\\* \\`code\\` \\~\\~gone\\~\\~ \\_so\\_"),
        ("a name_with_lines", "Note: a name_with_lines"),
        ("\x1b[31mred\x07 \u202eback\u2028line\r\n", "Note:  [31mred   back line"),
    ],
)
def test_text_in_the_card_stays_text(registry, note, shown):
    lines = card_with(registry.manifest("0001"), note).splitlines()
    assert shown in [line.rstrip() for line in lines]
    assert len(lines) == len(card_with(registry.manifest("0001"), "x").splitlines())


def test_every_row_of_the_card_has_two_cells(registry):
    manifest = registry.manifest("0001").model_copy(update={"libraries": {"a|b": "1\n2", "<i>": "|"}})
    rows = [line for line in model_card(manifest).splitlines() if line.startswith("|")]
    assert rows
    for row in rows:
        assert row.replace("\\|", "").count("|") == 3
