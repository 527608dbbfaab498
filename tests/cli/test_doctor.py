"""The doctor: everything is well here, and each fault is told with a remedy."""

from __future__ import annotations

import sqlite3
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mnistlab.cli import doctor
from mnistlab.cli.doctor import FAULT, OK, WARNING
from mnistlab.common import paths
from mnistlab.pipeline import executor
from mnistlab.registry.registry import Registry


@pytest.fixture(autouse=True)
def _own_folders(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNISTLAB_MODELS", str(registry.root))
    monkeypatch.setenv("MNISTLAB_REPORTS", str(tmp_path / "reports"))


def test_all_is_well_where_the_tests_run():
    results = {result.subject: result for result in doctor.run_checks()}
    assert [f"check_{name}" for name in results] == [check.__name__ for check in doctor.CHECKS]
    assert {name: f.text for name, f in results.items() if f.state == FAULT} == {}
    assert "55,000 + 5,000 training and 10,000 test images" in results["data"].text
    assert results["model"].text.startswith("version 0001 ")
    assert results["kernel"].text == "starts, computes and shuts down"
    assert results["sqlite"].text == sqlite3.sqlite_version


def test_a_damaged_model_is_a_fault_with_a_remedy(registry: Registry):
    path = registry.root / "0001" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    state, _, remedy = doctor.check_model()
    assert state == FAULT
    assert "mnistlab models promote" in remedy


def test_a_missing_or_old_library_is_a_fault(monkeypatch: pytest.MonkeyPatch):
    needs = ["torch>=99", "no-such-library>=1", "numpy>=2.0", 'pytest>=99; extra == "test"']
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    state, text, remedy = doctor.check_libraries()
    assert state == FAULT
    assert text == f"torch {metadata.version('torch')} is too old (>=99), no-such-library is missing"
    assert "pip install" in remedy


def test_another_version_than_the_one_tested_is_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_tested", lambda: {"numpy": "2.0.0"})
    state, text = doctor.check_libraries()
    assert state == OK
    assert f"numpy {metadata.version('numpy')} (tested: 2.0.0)" in text


def test_a_torchvision_that_does_not_fit_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    state, text, _ = doctor.check_torch()
    assert state == FAULT
    assert "does not work with torchvision" in text
    assert "nms does not exist" in text


def test_a_kernel_that_does_not_work_is_a_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(executor, "KERNEL", [sys.executable, "-c", "raise SystemExit('no such library')"])
    state, text, remedy = doctor.check_kernel()
    assert state == FAULT
    assert "no such library" in text
    assert remedy == doctor.REINSTALL


def test_folders_that_cannot_be_written_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MNISTLAB_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setattr(doctor, "_is_writable", lambda folder: folder != paths.reports())
    state, text, remedy = doctor.check_folders()
    assert (state, text) == (FAULT, f"cannot write to {paths.reports()}")
    assert "MNISTLAB_REPORTS" in remedy


def test_a_variable_that_names_no_folder_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MNISTLAB_REPORTS", str(tmp_path / "file" / "reports"))
    state, text, remedy = doctor.check_folders()
    assert state == FAULT
    assert "but file is no folder" in text
    assert "MNISTLAB_REPORTS" in remedy


def test_an_old_sqlite_is_a_warning(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    state, _, remedy = doctor.check_sqlite()
    assert state == WARNING
    assert "3.37" in remedy


@pytest.mark.parametrize("chosen", ["", "/no/such/browser"])
def test_without_a_browser_there_is_a_warning_that_says_how_to_get_one(chosen: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv(paths.CHROMIUM, chosen)
    state, text, remedy = doctor.check_browser()
    assert state == WARNING
    assert chosen in text
    assert paths.CHROMIUM in remedy


def test_a_check_that_breaks_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch):
    def check_broken():
        raise KeyError("x")

    monkeypatch.setattr(doctor, "CHECKS", (check_broken, doctor.check_python))
    broken, python = doctor.run_checks()
    assert (broken.subject, broken.state, broken.text) == ("broken", FAULT, "KeyError: 'x'")
    assert python.state == OK
