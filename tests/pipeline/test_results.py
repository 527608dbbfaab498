from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from mnistlab.common import paths
from mnistlab.pipeline import results


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.RUN_FOLDER, str(tmp_path / "run"))
    return tmp_path / "run"


def test_metrics_go_to_the_folder_of_the_run(folder):
    path = results.write_results(
        "03_train", {"accuracy": {"value": 0.99, "n": 10_000}}, headlines=["99 % of 10,000", "second"]
    )
    assert path == folder / "03_train.json"
    content = json.loads(path.read_text())
    assert content["notebook"] == "03_train"
    assert content["metrics"] == {"accuracy": {"value": 0.99, "n": 10_000}}
    assert content["headlines"] == ["99 % of 10,000", "second"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", content["written"])


def test_without_a_run_they_go_to_the_interactive_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(paths.RUN_FOLDER, raising=False)
    monkeypatch.setenv("MNISTLAB_REPORTS", str(tmp_path))
    assert results.write_results("01_explore", {}) == paths.reports() / "interactive" / "01_explore.json"
    assert (tmp_path / "interactive" / "01_explore.json").is_file()


def test_a_second_run_replaces_the_first(folder):
    results.write_results("01_explore", {"a": 1})
    results.write_results("01_explore", {"b": 2})
    assert json.loads((folder / "01_explore.json").read_text())["metrics"] == {"b": 2}
    assert [path.name for path in folder.iterdir()] == ["01_explore.json"]


@pytest.mark.parametrize(
    ("value", "error"),
    [(float("nan"), ValueError), (torch.tensor(1.0), TypeError), (np.int64(1), TypeError), (np.zeros(2), TypeError)],
)
def test_what_is_no_plain_number_is_refused_and_the_last_file_stays(folder, value, error):
    results.write_results("01_explore", {"a": 1})
    with pytest.raises(error):
        results.write_results("01_explore", {"a": value})
    assert json.loads((folder / "01_explore.json").read_text())["metrics"] == {"a": 1}
