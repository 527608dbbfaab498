"""A version as an ONNX file reads as the version does, and says what it is."""

from __future__ import annotations

import builtins
import dataclasses
import json
import os

import numpy as np
import onnx as onnx_package
import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.common import paths
from mnistlab.common.errors import CheckpointError, LabError
from mnistlab.data.mnist import Splits
from mnistlab.registry import onnx
from mnistlab.registry.registry import Registry
from mnistlab.training import networks


@pytest.mark.parametrize("version", ["0002", "0005"])
def test_onnx_runtime_reads_all_test_images_as_pytorch_does(version, splits: Splits):
    stored = Registry().load(version)
    logits, probabilities = onnx.run_onnx(onnx.export_onnx(stored), splits.test.images.numpy())
    expected = networks.Classifier.of(stored).logits(splits.test.images)
    assert np.abs(logits - expected.numpy()).max() <= 1e-4
    np.testing.assert_allclose(probabilities, expected.softmax(dim=1), atol=1e-5)


def test_a_fully_connected_net_is_written_too(trained, small: Splits, registry):
    name = registry.save(dataclasses.replace(trained, model=networks.build("fully-connected", seed=1).eval()), small)
    stored, images = registry.load(name), small.test.images.numpy()
    np.testing.assert_allclose(onnx.run_onnx(onnx.export_onnx(stored), images)[0], stored.logits(images), atol=1e-5)


def test_the_file_says_what_it_is_and_is_the_same_each_time():
    stored = Registry().load("0005")
    content = onnx.export_onnx(stored)
    assert onnx.export_onnx(stored) == content
    known = {entry.key: entry.value for entry in onnx_package.load_from_string(content).metadata_props}
    assert (known["version"], json.loads(known["classes"])) == ("0005", list("0123456789"))
    assert json.loads(known["thresholds"])["confidence"] == stored.calibration.confidence
    assert known["weights_sha256"] == stored.manifest.weights_sha256
    assert known["permutation_sha256"] == stored.permutation.sha256()


def test_telemetry_of_the_runtime_is_off():
    os.environ.pop("ORT_DISABLE_TELEMETRY", None)
    onnx._runtime()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_a_file_that_reads_otherwise_is_not_handed_out():
    stored = Registry().load("0001")
    weights = {**stored.weights, "net.9.bias": stored.weights["net.9.bias"] + 0.01}
    with pytest.raises(CheckpointError, match=r"other logits than the version, off by 0\.01"):
        onnx.export_onnx(dataclasses.replace(stored, weights=weights))


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_package_that_is_missing_is_named_with_its_cure(package, monkeypatch):
    known = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return known(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LabError, match=rf"the package {package} is not installed; pip install 'mnistlab\[onnx\]'"):
        onnx.export_onnx(Registry().load("0001"))


def test_the_command_writes_a_file_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTLAB_MODELS", str(paths.models()))
    file = tmp_path / "plain.onnx"
    done = CliRunner().invoke(main, ["export", "onnx", "0001", str(file)])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{file}: {file.stat().st_size:,} bytes\n"
    again = CliRunner().invoke(main, ["export", "onnx", "0001", str(file)])
    assert (again.exit_code, "already exists and is not overwritten" in again.stderr) == (2, True)
    assert CliRunner().invoke(main, ["export", "onnx", "0099", str(tmp_path / "b.onnx")]).exit_code == 2
