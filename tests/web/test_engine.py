"""The page's engine in Node, held against what Python makes of the same drawings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import page_vectors
import pytest
from made import ROOT, page_levels

from mnistlab.data.permutation import Permutation
from mnistlab.registry.registry import Registry
from mnistlab.training import networks
from mnistlab.training.loop import train
from mnistlab.training.records import TrainingData, TrainingSettings
from mnistlab.web.export import version_data


def others(small, folder) -> list[dict[str, object]]:
    """Versions of every kind: few kernels and an odd number of them, fully connected, scrambled."""
    registry = Registry(folder / "models")
    for name, sizes in (("convnet", {"n_kernels": 5}), ("fully-connected", {"n_hidden": 7})):
        data = TrainingData(small.train, small.validation, Permutation.random(1))
        settings = TrainingSettings(epochs=1, batch_size=100)
        trained = train(networks.build(name, **sizes), data, settings, device="cpu", show_progress=False)
        registry.save(trained, small)
    stored = Registry()
    return [version_data(registry.load(name)) for registry in (registry, stored) for name in ("0001", "0002")]


def test_the_engine_does_what_python_does(small, tmp_path):
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Node.js found")
        pytest.skip("no Node.js: the page's JavaScript is not tested; `apt-get install nodejs npm`")
    read, seen = page_vectors.readings(drawings=150, whys=20), page_vectors.pixels(pictures=100)
    vectors = {**read, **seen, "others": others(small, tmp_path)}
    (tmp_path / "vectors.json").write_text(json.dumps(vectors, allow_nan=False))
    environment = {**os.environ, "PAGE_VECTORS": str(tmp_path / "vectors.json"), "PAGE_LEVELS": str(page_levels())}
    tests = sorted((ROOT / "tests" / "web").glob("*.test.js"))
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", *tests],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]  # what failed is told last
    written = sum(len(re.findall(r"^test\(", path.read_text(), re.MULTILINE)) for path in tests)
    assert f"pass {written}\n" in done.stdout
