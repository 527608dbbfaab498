"""The notebooks themselves: every one headless through the runner with quick parameters, and under nbval.

Quick parameters show that all cells run and that their assertions hold; the figures of so little training mean nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from made import ROOT, tracked

from mnistlab.common import paths
from mnistlab.pipeline import runner

QUICK: dict[str, dict[str, object]] = {
    "01_explore": {"n_train": 5000, "n_validation": 1000},
    "02_permutation": {},
    "02a_convolution": {},
    "02b_learning": {"n_images": 2000, "few_epochs": 2},
    "03_train": {"preset": "quick", "train_size": 2000, "comparison_epochs": 1, "n_seeds": 2},
    "04_evaluate": {},
    "05_draw": {},
    "solutions/solutions": {},
    "studies/handwriting": {
        "drawn": 300,
        "nondigits_drawn": 100,
        "train_size": 2000,
        "epochs": 1,
        "trial_epochs": 1,
        "per_style": 5,
        "n_kernels": 8,
    },
    "studies/monitor": {"before": 60, "week": 30, "weeks": 3},
    "studies/permutation_effect": {
        "train_size": 500,
        "epochs": 1,
        "n_seeds": 2,
        "n_permutations": 2,
        "probes": 50,
    },
    "studies/photographs": {"per_kind": 1},
    "studies/unscramble": {
        "images": 2000,
        "few": 1000,
        "train_size": 2000,
        "preset": "quick",
        "n_seeds": 1,
    },
    "studies/what_it_sees": {"rival": "0002", "train_size": 2000, "probes": 10, "shown": 3},
}
# Text that comes out the same each time, so nbval compares it; elsewhere times and versions differ from run to run.
STRICT = ("02_permutation",)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the committed versions, which notebooks may add to."""
    return shutil.copytree(paths.models(), tmp_path_factory.mktemp("notebooks") / "models")


@pytest.fixture(scope="module")
def run(models: Path, tmp_path_factory: pytest.TempPathFactory) -> runner.Run:
    """All notebooks, in order, started from a folder that is none of theirs."""
    values = {f"{Path(name).name}.{key}": value for name, found in QUICK.items() for key, value in found.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNISTLAB_MODELS", str(models))
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        return runner.run(list(QUICK), values, folder=tmp_path_factory.mktemp("reports"), show_progress=False)


def headlines(run: runner.Run, name: str) -> list[str]:
    """What the receipt says that a notebook closed with."""
    (entry,) = [entry for entry in run.receipt["notebooks"] if entry["name"] == name]
    return entry["headlines"]


def test_every_notebook_is_tested():
    found = {p.relative_to(ROOT / "notebooks").with_suffix("").as_posix() for p in tracked("notebooks", ".ipynb")}
    assert found == set(QUICK)


@pytest.mark.parametrize("name", [Path(name).name for name in QUICK])
def test_a_notebook_runs_to_its_end_and_leaves_its_report(run, name):
    executed = nbformat.read(run.folder / f"{name}.ipynb", as_version=4)
    code = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
    assert all(cell.execution_count for cell in code)
    assert (run.folder / f"{name}.html").stat().st_size > 50_000
    found = json.loads((run.folder / f"{name}.json").read_text())
    assert found["metrics"]
    assert found["environment"]["libraries"]["torch"]
    assert headlines(run, name) == found["headlines"]


def test_what_03_saves_04_judges(run, models):
    trained = json.loads((run.folder / "03_train.json").read_text())["metrics"]
    assert {trained["version"], trained["twin_version"]} <= {path.name for path in models.iterdir()}
    told = " ".join(headlines(run, "04_evaluate"))
    assert trained["version"] in told
    assert trained["twin_version"] in told


@pytest.mark.parametrize("name", list(QUICK))
def test_a_notebook_passes_nbval(name, models, tmp_path):
    notebook = paths.notebooks() / f"{name}.ipynb"
    if name in STRICT:  # compared with the outputs that are committed
        copy, how = Path(shutil.copy(notebook, tmp_path)), "--nbval"
    else:
        copy, how = tmp_path / notebook.name, "--nbval-lax"
        papermill.execute_notebook(notebook, copy, QUICK[name], prepare_only=True, progress_bar=False)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", how, "--nbval-cell-timeout=300", "-q", "-p", "no:cacheprovider", str(copy)],
        cwd=tmp_path,
        env={**os.environ, "MNISTLAB_MODELS": str(models), "MNISTLAB_HEADLESS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
