from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys

import pytest
import torch

from mnistlab.common import paths, provenance


def test_the_environment_is_told():
    environment = provenance.environment()
    assert environment["python"] == platform.python_version()
    assert environment["cpus"] == os.cpu_count()
    assert environment["threads"] == torch.get_num_threads()
    assert environment["libraries"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert set(environment["libraries"]) == {"torch", "torchvision", "numpy", "scikit-learn", "mnistlab"}
    assert json.loads(json.dumps(environment)) == environment


def test_a_process_without_pytorch_is_described_without_loading_it():
    code = """import json, sys; from mnistlab.common import provenance; \
        print(json.dumps([provenance.environment(), "torch" in sys.modules]))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    environment, loaded = json.loads(done.stdout)
    assert not loaded
    assert environment == {**provenance.environment(), "threads": None, "gpu": None}


def test_the_gpu_is_named_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    assert provenance.environment()["gpu"] == "a card"


def test_the_fingerprint_is_of_names_and_contents_in_the_order_of_names(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "PACKAGE", tmp_path)
    (tmp_path / "b.py").write_bytes(b"second")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "c.py").write_bytes(b"first")
    (tmp_path / "no_code.txt").write_bytes(b"left out")
    assert provenance.sha256() == hashlib.sha256(b"a/c.py\0first\0b.py\0second\0").hexdigest()
    before = provenance.sha256()
    (tmp_path / "b.py").rename(tmp_path / "d.py")
    assert provenance.sha256() != before


@pytest.mark.parametrize("kind", ["not a checkout", "no git"])
def test_without_git_there_is_no_commit(tmp_path, monkeypatch, kind):
    if kind == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        monkeypatch.setattr(paths, "ROOT", tmp_path)
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.git_commit() is None


def test_the_commit_is_that_of_the_checkout(tmp_path, monkeypatch):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert provenance.git_commit() == head
