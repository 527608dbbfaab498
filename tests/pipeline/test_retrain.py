"""Retraining: what is promoted, what is refused, and that whatever happens the versions stay whole."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import retraining
from click.testing import CliRunner
from made import write

from mnistlab.cli import main
from mnistlab.common import files, locks, provenance
from mnistlab.common.errors import BusyError, DataError, LabError, RegistryError, RunError
from mnistlab.data.mnist import Splits
from mnistlab.pipeline import gates, history_page, recipes, retrain
from mnistlab.pipeline.executor import TimeLimits
from mnistlab.pipeline.retrain import PASSED, PROMOTED, REFUSED, RetrainOptions
from mnistlab.registry import registry as registry_module
from mnistlab.registry.registry import Registry


@pytest.fixture
def place(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab in which a retraining takes seconds: its candidate is as good as 0001, which is in use."""
    for name in ("models", "reports", "notebooks"):
        monkeypatch.setenv(f"MNISTLAB_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for module, names in ((retrain, ("load_mnist",)), (gates, ("FLOOR", "FLOOR_DRAWN", "ECE", "MILLISECONDS"))):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))  # restored after the test
    monkeypatch.setattr(retrain.JudgingData, "of", retrain.JudgingData.of)
    retraining.quicken()
    retraining.lab(tmp_path, retraining.renumber(registry.root / "0001", tmp_path / "made" / "0003"))
    return tmp_path


@pytest.fixture
def bad(place: Path, registry: Registry) -> Path:
    """The same, with a candidate that reads scrambled pixels."""
    shutil.rmtree(place / "made")
    retraining.lab(place, retraining.renumber(registry.root / "0002", place / "made" / "0003"))
    return place


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file of a registry but the lock's."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and ".lock" not in p.name}


def quietly(parameters=None, **options):
    return retrain.retrain("plain", parameters=parameters, options=RetrainOptions(show_progress=False, **options))


# --- decisions --------------------------------------------------------------------------------------------------------


def test_a_candidate_that_passes_is_put_into_use_and_the_report_says_all(place, registry):
    done = quietly(parameters={"epochs": "5"})
    assert (done.outcome, done.version, registry.current(), registry.previous()) == (PROMOTED, "0003", "0003", "0001")
    assert sorted(path.name for path in done.folder.iterdir()) == [
        *(
            "03_train.html",
            "03_train.ipynb",
            "03_train.json",
            "04_evaluate.html",
            "04_evaluate.ipynb",
            "04_evaluate.json",
        ),
        *("candidate", "receipt.json"),
    ]
    assert [path.name for path in (done.folder / "candidate").iterdir()] == ["0003"]
    receipt = json.loads((done.folder / "receipt.json").read_text())
    assert receipt == done.receipt
    assert (receipt["kind"], receipt["recipe"], receipt["preset"]) == ("retrain", "plain", "full")
    assert receipt["code"]["sha256"] == provenance.sha256()
    assert set(receipt["data"]) == {"name", "split_seed", "train", "validation", "test"}
    assert len(receipt["data"]["test"]["sha256"]) == 64
    assert receipt["decision"]["passed"] is True
    assert receipt["notebooks"][0]["parameters"]["epochs"] == 5
    assert receipt["notebooks"][1]["parameters"] == {"version": "0003"}
    assert "candidate/0003/model.safetensors" in receipt["files"]
    seen = json.loads((done.folder / "04_evaluate.json").read_text())["metrics"]["seen"]
    assert [name for name in seen if ".lock" not in name] == ["0001", "0002", "0003", "CURRENT"]


def test_a_candidate_that_does_not_is_left_in_its_report(bad, registry):
    before = snapshot(registry.root)
    done = quietly()
    assert (done.outcome, done.version) == (REFUSED, None)
    assert snapshot(registry.root) == before
    assert (done.folder / "candidate" / "0003" / "manifest.json").is_file()
    assert any("it is worse" in refusal for refusal in done.decision.refusals)


def test_without_promotion_it_is_kept_but_not_used(place, registry):
    done = quietly(promote=False)
    assert (done.outcome, done.version, registry.current()) == (PASSED, "0003", "0001")
    assert registry.load("0003")


def test_the_first_version_of_an_empty_registry_needs_no_rival(place, registry):
    shutil.rmtree(registry.root)
    done = quietly()
    assert (done.outcome, done.version, registry.current(), done.decision.current) == (PROMOTED, "0001", "0001", None)


def test_a_number_taken_meanwhile_is_left_alone(place, registry, monkeypatch):
    decide = gates.decide

    def meanwhile(*arguments, **options):
        registry.adopt(registry.root / "0002")
        return decide(*arguments, **options)

    monkeypatch.setattr(gates, "decide", meanwhile)
    done = quietly()
    assert (done.version, registry.current()) == ("0004", "0004")
    assert registry.manifest("0003").permutation.kind == "permuted"


def test_a_version_put_into_use_meanwhile_stays_in_use(place, registry, monkeypatch):
    decide = gates.decide

    def meanwhile(*arguments, **options):
        decision = decide(*arguments, **options)
        registry.promote("0002")
        return decision

    monkeypatch.setattr(gates, "decide", meanwhile)
    with pytest.raises(
        RunError, match=r"version 0003 passed every gate and is kept, but not in use: .* 0002 has been put"
    ) as caught:
        quietly()
    assert caught.value.code == "moved"
    assert registry.current() == "0002"


# --- the command ------------------------------------------------------------------------------------------------------


def call(*arguments: str):
    return CliRunner().invoke(main.main, ["retrain", "--recipe", "plain", *arguments])


def test_the_command_ends_with_0_after_a_promotion(place):
    result = call()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "Version 0003 is in use; it was compared with 0001."
    assert "open  leak " in result.stdout
    result = call("--no-promote", "--quiet")
    assert result.exit_code == 1  # the number is taken now
    assert result.stderr.startswith("mnistlab: failed in 03_train, cell 3 of 3, with FileExistsError")


def test_the_command_ends_with_3_after_a_refusal_and_names_the_reasons(bad):
    result = call("--quiet")
    assert result.exit_code == REFUSED_BY_A_GATE
    assert result.stdout == ""
    assert result.stderr.startswith("mnistlab: the candidate is refused by ")
    assert "  overall: of 500 images, 0003 alone reads " in result.stderr


REFUSED_BY_A_GATE = 3


def test_the_command_ends_with_75_while_another_retrains(place, registry):
    before = snapshot(registry.root)
    with locks.hold(registry.root / locks.RETRAIN, "a retraining"):
        result = call()
        with pytest.raises(BusyError):
            quietly()
    assert result.exit_code == 75
    assert result.stderr.startswith("mnistlab: a retraining is already under way, by process ")
    assert snapshot(registry.root) == before
    assert not list((place / "reports").glob("2*"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-p", "epcohs=3"], "did you mean 'epochs'"),
        (["-p", "epochs=two"], "epochs takes int"),
        (["-p", "version=0001"], "the version that is judged is the one that is trained"),
        (["--preset", "slow"], "'slow' is not one of"),
        (["--recipe", "secret"], "'secret' is not one of"),
    ],
)
def test_wrong_usage_is_refused_before_anything_runs(place, arguments, words):
    result = call(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (place / "reports").exists()


@pytest.mark.parametrize(("recipe", "size"), [("none", "full"), ("plain", "none")])
def test_an_unknown_recipe_or_size_is_answered_with_the_known(place, recipe, size):
    with pytest.raises(RunError, match=r"there is no .* 'none'; choose from ") as caught:
        retrain.retrain(recipe, size=size)
    assert caught.value.code == "usage"


def test_every_size_names_parameters_that_its_notebook_has(monkeypatch):
    monkeypatch.delenv("MNISTLAB_NOTEBOOKS", raising=False)
    for name, recipe in recipes.RECIPES.items():
        for size in recipe.sizes:
            train, evaluate = recipes.notebooks_of(name, size)
            values = recipes.values_of(name, size, {}, train, evaluate)
            assert values[train.name] == dict(recipe.sizes[size])
            assert recipes.values_of(name, size, {"epochs": 7}, train, evaluate)[train.name]["epochs"] == 7


# --- data -------------------------------------------------------------------------------------------------------------


def test_data_that_lack_a_digit_or_share_images_are_not_learned_from(small: Splits):
    import dataclasses

    sevens = small.train[small.train.labels == 7]
    with pytest.raises(DataError, match="the train images lack the digits 0, 1, 2, 3, 4, 5, 6, 8, 9"):
        retrain.check_data(dataclasses.replace(small, train=sevens))
    with pytest.raises(DataError, match="500 validation images are also among the training images"):
        retrain.check_data(dataclasses.replace(small, train=small.validation))


# --- what may go wrong ------------------------------------------------------------------------------------------------

FAULTS = {
    "a failing cell": ("raise ValueError('no')", "cell-error", "failed in 03_train"),
    "a killed kernel": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "kernel-dead", "the kernel died"),
    "a slow cell": ("import time; time.sleep(60)", "cell-timeout", "longer than the 5 s a cell may take"),
    "no candidate": ("1", "no-candidate", "left no new version to judge"),
    "no network": (
        "from mnistlab.data.mnist import load\nimport os\nos.environ.update(http_proxy='http://127.0.0.1:9', "
        "https_proxy='http://127.0.0.1:9')\nload('kmnist')",
        "cell-error",
        "kmnist could be neither downloaded",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_that_is_cut_off_leaves_the_versions_as_they_were(place, registry, fault):
    text, code, words = FAULTS[fault]
    retraining.lab(place, place / "made" / "0003", train=text)
    before = snapshot(registry.root)
    with pytest.raises(RunError, match=words) as caught:
        quietly(limits=TimeLimits(cell=5 if code == "cell-timeout" else 120))
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert snapshot(registry.root) == before
    (left,) = (place / "reports").glob("2*")
    assert left.name.endswith(".partial")
    assert "cut off" in (place / "reports" / "index.html").read_text()


@pytest.mark.parametrize("step", ["adopting", "promoting", "the receipt"])
def test_a_full_disk_is_one_sentence_and_the_version_in_use_stays(place, registry, monkeypatch, step):
    write_durable = files.write_durable

    def full(path, content):
        where = {"adopting": "model.safetensors", "promoting": ".CURRENT.", "the receipt": ".receipt.json."}[step]
        if path.name.startswith(where):
            raise OSError(28, "No space left on device")
        write_durable(path, content)

    monkeypatch.setattr(files, "write_durable", full)
    monkeypatch.setattr(registry_module, "write_durable", full)
    with pytest.raises(RunError, match="No space left on device") as caught:
        quietly()
    assert caught.value.code == "write"
    assert registry.load().manifest.version == ("0003" if step == "the receipt" else "0001")
    assert all(fault is None for fault in registry.verify().values())


def refuse(*_, **__):
    raise OSError(30, "Read-only file system")


def test_models_that_cannot_be_written_are_told_before_anything_runs(place, registry, monkeypatch):
    shutil.rmtree(registry.root)
    registry.root.write_text("a file in its place")
    with pytest.raises(LabError, match=r"MNISTLAB_MODELS names .*models, but models is no folder"):
        quietly()
    registry.root.unlink()
    with monkeypatch.context() as patched:
        patched.setattr(os, "mkdir", refuse)
        with pytest.raises(RegistryError, match=r"models cannot be created: Read-only file system") as caught:
            quietly()
    assert caught.value.code == "write"
    registry.root.mkdir()
    (registry.root / locks.RETRAIN).mkdir()  # as where nothing can be made
    with pytest.raises(RegistryError, match="cannot be written"):
        quietly()
    assert not (place / "reports").exists()


def test_a_version_in_use_that_is_damaged_is_told_before_hours_are_spent(place, registry):
    (registry.root / "0001" / "model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="has SHA-256") as caught:
        quietly()
    assert caught.value.code == "sha256"
    assert not list((place / "reports").glob("2*/03_train.ipynb"))


def test_a_page_that_cannot_be_written_spoils_no_run(place, registry, caplog):
    (place / "reports" / history_page.INDEX).mkdir(parents=True)
    assert quietly().outcome == PROMOTED
    assert "index.html could not be written" in caplog.text


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_shows_every_run_and_leads_to_its_reports(place, registry):
    done = quietly()
    write(place / "notebooks", "01_x", "1")
    text = (place / "reports" / history_page.INDEX).read_text()
    assert f'href="{done.folder.name}/03_train.html"' in text
    assert '<span class="promoted">promoted</span><br>0003' in text
    assert "<svg" in text
    assert "of 500" in text
    assert registry.manifest("0003").weights_sha256 in text
    assert "http://" not in text.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons.org", ""
    )
    assert "<script" not in text


HOSTILE = "<script>alert(1)</script>\"'&"


def receipts(reports: Path) -> None:
    """One of each kind, some not as they should be."""
    figures = {"validation": {"correct": 490, "n": 500}, "drawn": {"correct": 9, "n": 10}}
    verdict = {"gate": "overall", "passed": False, "reason": HOSTILE}
    decision = {"candidate": HOSTILE, "current": "0001", "verdicts": [verdict], "figures": figures}
    sound = {"kind": "retrain", "recipe": HOSTILE, "preset": "full", "outcome": "refused", "version": None}
    sound |= {"notebooks": [{"name": HOSTILE}], "decision": decision}
    bad = {
        "recipe": sound,
        "figures": {**sound, "decision": {**decision, "figures": {"validation": {"correct": 9, "n": 1}}}},
    }
    for number, receipt in enumerate(
        [sound, bad["figures"], {"notebooks": []}, {}, [], "x", {**sound, "outcome": "x"}]
    ):
        folder = reports / f"20261121-00000{number}"
        folder.mkdir(parents=True)
        (folder / "receipt.json").write_text(json.dumps(receipt))
    (reports / "20261121-000008").mkdir()
    (reports / "20261121-000009").mkdir()
    (reports / "20261121-000009" / "receipt.json").write_text("[" * 100_000)
    (reports / "20261121-000010.partial").mkdir()
    (reports / "20261121-000011.partial").mkdir()
    (reports / "20261121-000011.partial" / "NOT-COMPLETE.txt").write_text(HOSTILE)
    (reports / "99999999-broken").mkdir()


def test_receipts_that_are_not_as_they_should_be_are_shown_as_that(registry, tmp_path):
    receipts(tmp_path / "reports")
    found = {entry.id[-2:]: entry.outcome for entry in history_page.entries(tmp_path / "reports")}
    assert found == {
        **{"00": "refused", "01": "unreadable", "02": "complete", "03": "unreadable", "04": "unreadable"},
        **{"05": "unreadable", "06": "unreadable", "08": "unreadable", "09": "unreadable", "10": "cut off"},
        **{"11": "cut off", "en": "unreadable"},
    }
    text = history_page.page(history_page.entries(tmp_path / "reports"), registry)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert text.count("<tr>") == 13
    registry.root.rename(tmp_path / "gone")
    assert "no version is in use" in history_page.page([], registry)


def test_the_page_leads_with_the_version_in_use_and_the_last_run(registry, tmp_path):
    receipts(tmp_path / "reports")
    run = tmp_path / "reports" / "20261121-000000"
    runs = [entry for entry in history_page.entries(tmp_path / "reports") if entry.id == run.name]
    text = history_page.page(runs, registry)
    judged = registry.manifest("0001").metrics["validation"]
    assert text.index("In use") < text.index(f"{100 * judged.value:.2f} %") < text.index("Last run")
    assert text.index("Last run") < text.index('class="refused"') < text.index("98.00 %") < text.index("<svg")
    assert "in use: 0001" in text[text.index("<svg") : text.index("</svg>")]
    assert "fill: #ffffff" not in text  # the chart stands on the page's own ground
    assert "prefers-color-scheme: dark" in text


def test_a_run_is_shown_with_a_figure_of_its_last_report(registry, tmp_path):
    receipts(tmp_path)
    run = tmp_path / "20261121-000000"
    receipt = json.loads((run / "receipt.json").read_text()) | {
        "notebooks": [{"name": "03_train"}, {"name": "04_evaluate"}]
    }
    (run / "receipt.json").write_text(json.dumps(receipt))
    for name in ("03_train.html", "04_evaluate.html", "03_train.png", "04_evaluate.png"):
        (run / name).touch()
    text = history_page.page(history_page.entries(tmp_path), registry)
    assert text.count("<img") == 1
    assert (
        f'<a href="{run.name}/04_evaluate.html"><img class="thumbnail" loading="lazy" src="{run.name}/04_evaluate.png"'
        in text
    )


def test_a_page_of_nothing_says_so(registry, tmp_path):
    text = history_page.page(history_page.entries(tmp_path / "none"), registry)
    assert "No run yet." in text
    assert "No candidate has been judged yet." in text


def test_a_run_that_was_cut_off_says_why_and_leads_to_what_is_there(registry, tmp_path):
    folder = tmp_path / "reports" / "20261121-000000.partial"
    folder.mkdir(parents=True)
    (folder / "NOT-COMPLETE.txt").write_text("This run is not complete: stopped by Ctrl-C in 03_train, cell 6 of 40.\n")
    text = history_page.page(history_page.entries(tmp_path / "reports"), registry)
    assert "cut off</span><br>stopped by Ctrl-C in 03_train, cell 6 of 40</td>" in text
    assert 'href="20261121-000000.partial/"' in text


ODD = {
    "an infinite count": '{"correct": 1e999, "n": 1}',
    "no number": '{"correct": NaN, "n": 1}',
    "a key twice": '{"correct": 1, "correct": 1, "n": 1}',
    "a text": '{"correct": "many", "n": 1}',
    "a great number": f'{{"correct": 1, "n": {10**400}}}',
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("folder", ["20260101-000000", "00010101-000000", "99991231-235959", "20269999-999999"])
def test_no_receipt_and_no_name_of_a_folder_ends_a_later_run(registry, tmp_path, odd, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "receipt.json").write_text(
        '{"kind": "retrain", "notebooks": [], "outcome": "refused", "recipe": "d", "preset": "f", "version": null, "decision":'
        f'{{"candidate": "x", "verdicts": [], "figures": {{"validation": {ODD[odd]}}}}}}}'
    )
    with history_page.kept(tmp_path, registry):
        pass
    assert "cannot be read" in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize("folder", ["00010101-000000", "99991231-235959"])
def test_a_run_of_another_century_is_listed_and_not_drawn(registry, tmp_path, folder):
    for name in ("20261121-000000", folder):
        (tmp_path / name).mkdir()
        (tmp_path / name / "receipt.json").write_text(
            '{"kind": "retrain", "notebooks": [], "outcome": "refused", "recipe": "d", "preset": "f", "version": null, '
            '"decision": {"candidate": "x", "verdicts": [], "figures": {"validation": {"correct": 9, "n": 10}}}}'
        )
    text = history_page.page(history_page.entries(tmp_path), registry)
    assert text.count("90.00 %") >= 2
    assert "<svg" in text


@pytest.mark.parametrize("make", ["pipe", "link"])
def test_a_receipt_that_is_no_file_is_not_waited_for(registry, tmp_path, make):
    (tmp_path / "20260101-000000").mkdir()
    path = tmp_path / "20260101-000000" / "receipt.json"
    os.mkfifo(path) if make == "pipe" else path.symlink_to("/dev/zero")
    assert [entry.outcome for entry in history_page.entries(tmp_path)] == ["unreadable"]


def test_whatever_goes_wrong_with_the_page_the_run_is_kept(registry, tmp_path, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(history_page, "page", broken)
    with history_page.kept(tmp_path, registry):
        pass
    assert "could not be made anew: of all things" in caplog.text
