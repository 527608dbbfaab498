"""Versions spoiled at random: whatever is in their files, they are refused in one way, or read as the sound one does.

``make fuzz`` tries thousands; among the ordinary tests a few dozen run, the same each time. Mutations are of the manifest, of the
header and the bytes of the weights, of the probe, and of the two files that say which version is in use.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnistlab.common.errors import CheckpointError, RegistryError
from mnistlab.registry import checkpoint
from mnistlab.registry.checkpoint import MANIFEST, WEIGHTS
from mnistlab.registry.layout import HISTORY, POINTER
from mnistlab.registry.promotions import Promotions

LONG = "FUZZ_EXAMPLES" in os.environ
CODES = {"manifest", "tensors", "shape", "type", "finite", "permutation", "probe", "sha256", "too-large"}
fuzzed = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    deadline=None,
    derandomize=not LONG,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

ODD = [
    0,
    -1,
    1,
    2**31,
    2**63,
    2**64,
    10**30,
    1e-30,
    1e39,
    1e308,
    "",
    "0001",
    "../0001",
    "0" * 64,
    "\ud800",
    "x" * 10_000,
]
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(ODD))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner))


@st.composite
def spoiled(draw, value: object) -> object:
    """A JSON value with one thing in it replaced, taken out, added or taken twice."""
    value = whole = copy.deepcopy(value)
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = draw(st.sampled_from(keys))
        if not isinstance(value[key], dict | list) or not value[key] or draw(st.integers(0, 2)) == 0:
            break
        value = value[key]
    match draw(st.sampled_from(["replace", "other", "remove", "add"])):
        case "replace":
            value[key] = draw(VALUES)
        case "other":
            value[key] = copy.deepcopy(value[draw(st.sampled_from(keys))])
        case "remove":
            del value[key]
        case "add" if isinstance(value, dict):
            value[draw(st.text(max_size=9))] = draw(VALUES)
        case "add":
            value.insert(key, draw(VALUES))
    return whole


@st.composite
def scratched(draw, content: bytes) -> bytes:
    """Bytes with a bit flipped, or a piece taken out, put in or taken twice."""
    place = draw(st.integers(0, max(0, len(content) - 1)))
    length = draw(st.integers(1, 40))
    match draw(st.sampled_from(["flip", "cut", "take", "put", "twice"])):
        case "flip":
            changed = bytearray(content)
            changed[place] ^= 1 << draw(st.integers(0, 7))
            return bytes(changed)
        case "cut":
            return content[:place]
        case "take":
            return content[:place] + content[place + length :]
        case "put":
            return content[:place] + draw(st.binary(max_size=40)) + content[place:]
        case "twice":
            return content[: place + length] + content[place:]


class Sound:
    """A sound version, and a folder for what becomes of it."""

    def __init__(self, folder: Path, place: Path) -> None:
        self.weights = (folder / WEIGHTS).read_bytes()
        self.text = (folder / MANIFEST).read_bytes()
        self.manifest = json.loads(self.text)
        self.folder = place / "spoiled" / folder.name
        self.folder.mkdir(parents=True)
        self.images = torch.randint(0, 256, (4, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        self.logits = checkpoint.load_checkpoint(folder).logits(self.images)

    def signed(self, weights: bytes) -> bool:
        """Whether these weights are loaded, under their right SHA-256."""
        return self.loads(json.dumps({**self.manifest, "weights_sha256": hashlib.sha256(weights).hexdigest()}), weights)

    def loads(self, manifest: str | bytes, weights: bytes | None = None) -> bool:
        """Whether that is loaded; if so, it answers as the sound one does."""
        (self.folder / MANIFEST).write_bytes(manifest if isinstance(manifest, bytes) else manifest.encode())
        (self.folder / WEIGHTS).write_bytes(self.weights if weights is None else weights)
        try:
            loaded = checkpoint.load_checkpoint(self.folder)
        except CheckpointError as error:
            refusal = error
        else:
            refusal = None
        if refusal:
            assert refusal.code in CODES
            assert len(str(refusal)) < 700
            return False
        assert np.allclose(loaded.logits(self.images), self.logits, rtol=0, atol=0.01)
        return True


@pytest.fixture
def sound(registry, tmp_path) -> Sound:
    return Sound(registry.root / "0002", tmp_path)


@fuzzed
@given(data=st.data())
def test_a_manifest_with_another_value_somewhere(sound, data):
    sound.loads(json.dumps(data.draw(spoiled(sound.manifest))))


@fuzzed
@given(data=st.data())
def test_a_probe_with_another_value_somewhere(sound, data):
    assert not sound.loads(json.dumps({**sound.manifest, "probe": spoil(data, sound.manifest["probe"])}))


def spoil(data, value: object) -> object:
    """Something that is not the same value."""
    return data.draw(spoiled(value).filter(lambda changed: not same(changed, value)))


def same(one: object, other: object) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@fuzzed
@given(data=st.data())
def test_a_manifest_whose_text_is_scratched(sound, data):
    sound.loads(data.draw(scratched(sound.text)))


@fuzzed
@given(data=st.data())
def test_a_header_with_another_value_somewhere(sound, data):
    end = 8 + struct.unpack("<Q", sound.weights[:8])[0]
    header = json.dumps(spoil(data, json.loads(sound.weights[8:end]))).encode()
    assert not sound.signed(struct.pack("<Q", len(header)) + header + sound.weights[end:])


@fuzzed
@given(data=st.data(), length=st.integers(0, 2**64 - 1) | st.none())
def test_a_header_whose_text_or_length_is_scratched(sound, data, length):
    end = 8 + struct.unpack("<Q", sound.weights[:8])[0]
    header = data.draw(scratched(sound.weights[8:end]))
    sound.signed(struct.pack("<Q", len(header) if length is None else length) + header + sound.weights[end:])


@fuzzed
@given(data=st.data())
def test_weights_whose_bytes_are_scratched(sound, data):
    sound.signed(data.draw(scratched(sound.weights)))


@fuzzed
@given(content=st.binary(max_size=200))
def test_a_weights_file_of_anything(sound, content):
    assert not sound.signed(content)


@pytest.fixture
def used(registry) -> dict[Path, bytes]:
    """What says that 0001 is in use, and 0002 was before; and the manifest of 0002."""
    promotions = Promotions(registry.root)
    for name in ("0002", "0001"):
        promotions.put(name)
    return {
        path: path.read_bytes() for path in (registry.root / name for name in (POINTER, HISTORY, f"0002/{MANIFEST}"))
    }


@fuzzed
@given(data=st.data())
def test_what_says_which_version_is_in_use_may_hold_anything(registry, used, data):
    pointer, history, manifest = used
    for path in (pointer, history):
        path.write_bytes(data.draw(scratched(used[path]) | st.binary(max_size=99)))
    manifest.write_bytes(used[manifest])
    check(registry.root)


@fuzzed
@given(forged=st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_a_record_may_name_any_manifest(registry, used, forged):
    pointer, history, manifest = used
    pointer.write_bytes(used[pointer])
    manifest.write_bytes(forged)
    history.write_text(f"0002 {hashlib.sha256(forged).hexdigest()}\n0001 {'0' * 64}\n")
    with pytest.raises(CheckpointError, match="has changed since it was in use"):
        Promotions(registry.root).back()
    assert Promotions(registry.root).current() == "0001"


def check(root: Path) -> None:
    """A version is in use and there may be a way back, or one of the lab's errors says why not."""
    promotions = Promotions(root)
    with suppress(RegistryError, CheckpointError):
        assert promotions.previous() in (None, "0001", "0002")
        _, now = promotions.back()
        assert promotions.current() == now
