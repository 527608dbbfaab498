"""The page as files, and a version as it gets it: the same network in half the bytes, and all that must be known beside it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re

import numpy as np
import pytest

from mnistlab.common.errors import CheckpointError
from mnistlab.registry.registry import Registry
from mnistlab.web.export import CONTENTS, INDEX, page_files, version_data


@pytest.fixture(scope="module", params=["0001", "0002", "0005"])
def pair(request):
    checkpoint = Registry().load(request.param)
    return checkpoint, version_data(checkpoint)


def test_the_weights_are_those_of_the_version_rounded_to_float16(pair):
    checkpoint, data = pair
    raw = base64.b64decode(data["weights"], validate=True)
    assert hashlib.sha256(raw).hexdigest() == data["sha256"]
    found = np.frombuffer(raw, dtype="<f2").astype(np.float32)
    assert len(found) == checkpoint.manifest.parameters
    expected = np.concatenate([weight.ravel() for weight in checkpoint.weights.values()])
    np.testing.assert_allclose(found, expected, rtol=2**-11, atol=2**-25)


def test_the_permutation_is_written_out_unless_it_moves_no_pixel(pair):
    checkpoint, data = pair
    if checkpoint.permutation.is_identity:
        assert data["permutation"] is None
    else:
        assert data["permutation"] == checkpoint.permutation.tolist()


def test_limits_and_probes_are_those_of_the_manifest(pair):
    checkpoint, data = pair
    manifest = checkpoint.manifest
    shown = next(level.surprise for level in manifest.calibration.levels if level.coverage == 0.995)
    assert data["calibration"] == {"surprise": shown, "confidence": manifest.calibration.confidence}
    assert data["probes"] == {"images": manifest.probe.images, "logits": manifest.probe.logits}
    assert data["normalisation"] == {"mean": manifest.normalisation.mean, "std": manifest.normalisation.std}
    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_a_version_without_calibration_promises_nothing(registry):
    checkpoint = registry.load("0001")
    object.__setattr__(checkpoint, "manifest", checkpoint.manifest.model_copy(update={"calibration": None}))
    assert version_data(checkpoint)["calibration"] is None


def test_a_weight_beyond_float16_is_refused(registry):
    checkpoint = registry.load("0001")
    next(iter(checkpoint.weights.values())).flat[0] = 1e6
    with pytest.raises(CheckpointError, match="a weight of 0001 is too large for float16"):
        version_data(checkpoint)


def test_a_version_of_other_classes_is_refused(registry):
    checkpoint = registry.load("0001")
    architecture = checkpoint.manifest.architecture.model_copy(
        update={"arguments": {"input_size": 1, "n_kernels": 6, "output_size": 26}}
    )
    object.__setattr__(checkpoint, "manifest", checkpoint.manifest.model_copy(update={"architecture": architecture}))
    with pytest.raises(CheckpointError, match="reads 10 digits; 0001 has 26 classes"):
        version_data(checkpoint)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return page_files(Registry())


def test_the_same_versions_give_the_same_bytes(files):
    assert page_files(Registry()) == files


def test_a_first_visit_takes_at_most_300_kb(files):
    assert sum(len(gzip.compress(content)) for content in files.values()) <= 300_000


def test_nothing_comes_from_another_address(files):
    for name, content in files.items():
        found = re.findall(rb"https?:(?!//www\.w3\.org/2000/svg)[^\s]*", content)  # the name of a format is no address
        assert found == [], name


def test_the_page_asks_for_nothing_that_is_not_there(files):
    asked = re.findall(r'(?:src|href)="([^"#]+)"', files[INDEX].decode())
    assert set(asked) <= set(files)
    assert list(files)[-1] == INDEX  # written last: whoever opens it finds the rest


def test_the_contents_name_every_file_but_the_worker_and_change_with_each(files):
    def known(files) -> dict:
        return json.loads(re.search(r"freeze\((.*)\);", files[CONTENTS].decode(), re.DOTALL)[1])

    assert set(known(files)["files"]) == set(files) - {CONTENTS, "worker.js"} | {"./"}
    assert re.fullmatch("[0-9a-f]{16}", known(files)["digest"])
    registry = Registry()
    registry.current = lambda: "0001"
    other = page_files(registry)
    assert known(other)["files"] == known(files)["files"]
    assert known(other)["digest"] != known(files)["digest"]


def test_a_registry_without_a_pair_gives_a_page_without_a_switch(registry):
    for path in (registry.root / "0002").iterdir():
        path.unlink()
    page = page_files(registry)[INDEX].decode()
    data = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    assert data["twins"] is None
    assert list(data["versions"]) == ["0001"]
