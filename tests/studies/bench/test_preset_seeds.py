from __future__ import annotations

import dataclasses
import json

import pytest
from click.testing import CliRunner

from mnistlab.cli.main import main
from mnistlab.common.errors import RunError, TrainingError
from mnistlab.studies.bench import preset_seeds
from mnistlab.training import networks
from mnistlab.training.loop import train
from mnistlab.training.presets import Preset
from mnistlab.training.records import TrainingData, TrainingSettings

TINY = Preset("for tests", TrainingSettings(epochs=2, batch_size=32))
QUIET = {"show_progress": False}


@pytest.fixture
def trained_seeds(monkeypatch) -> list[int]:
    """The seeds that were really trained, in order."""
    seeds = []

    def note(*arguments, **options):
        seeds.append(options["settings"].seed)
        return train(*arguments, **options)

    monkeypatch.setattr(preset_seeds, "train", note)
    return seeds


def test_a_result_is_of_the_training_it_says(small):
    first, second = preset_seeds.measure_seeds("tiny", TINY, small, seeds=2, test=True).results
    assert (first.seed, second.seed) == (0, 1)
    settings = dataclasses.replace(TINY.settings, seed=1)
    again = train(networks.build(seed=1), TrainingData(small.train, small.validation), settings, device="cpu", **QUIET)
    assert second.epoch == again.best.epoch
    assert second.validation == round(500 * again.best.validation_accuracy)
    right = networks.logits(again.model, small.test.images).argmax(dim=1) == small.test.labels
    assert second.test == int(right.sum())
    assert (second.n_validation, second.n_test) == (500, 500)
    assert second.seconds > 0


def test_the_test_images_are_left_alone_unless_asked_for(small):
    hidden = dataclasses.replace(small, test=None)
    report = preset_seeds.measure_seeds("tiny", TINY, hidden, seeds=1)
    assert report.results[0].test is None
    assert report.as_dict()["test"] is None
    assert not any(line.startswith("test") for line in report.lines())


def test_a_measurement_goes_on_where_it_was(small, tmp_path, trained_seeds):
    file = tmp_path / "tiny.json"
    before = preset_seeds.measure_seeds("tiny", TINY, small, seeds=2, file=file)
    after = preset_seeds.measure_seeds("tiny", TINY, small, seeds=3, file=file)
    assert trained_seeds == [0, 1, 2]
    assert after.results[:2] == before.results
    kept = json.loads(file.read_text())
    assert [one["seed"] for one in kept["trials"]] == [0, 1, 2]
    assert kept["settings"]["epochs"] == 2
    assert kept["environment"]["libraries"]["torch"]
    assert kept["validation"]["n"] == 3
    preset_seeds.measure_seeds("tiny", TINY, small, seeds=1, file=file, test=True)  # was not judged on test images yet
    assert trained_seeds == [0, 1, 2, 0]
    assert len(json.loads(file.read_text())["trials"]) == 3


def test_what_was_finished_is_kept_when_a_later_seed_is_stopped(small, tmp_path, monkeypatch):
    def stop_at_one(*arguments, **options):
        if options["settings"].seed == 1:
            raise KeyboardInterrupt
        return train(*arguments, **options)

    monkeypatch.setattr(preset_seeds, "train", stop_at_one)
    with pytest.raises(KeyboardInterrupt):
        preset_seeds.measure_seeds("tiny", TINY, small, seeds=2, file=tmp_path / "tiny.json")
    assert len(json.loads((tmp_path / "tiny.json").read_text())["trials"]) == 1


def test_other_settings_do_not_go_into_the_same_file(small, tmp_path):
    file = tmp_path / "tiny.json"
    preset_seeds.measure_seeds("tiny", TINY, small, seeds=1, file=file)
    before = file.read_bytes()
    with pytest.raises(RunError, match="a measurement with another settings; name another file") as caught:
        preset_seeds.measure_seeds("tiny", TINY.change(epochs=1), small, seeds=1, file=file)
    assert caught.value.code == "other"
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"preset": "tiny", "trials": 3}', "\xff"])
def test_a_file_that_is_no_measurement_is_left_as_it_is(small, tmp_path, content):
    file = tmp_path / "mine.json"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(RunError, match=r"cannot be read as a measurement .*name another file"):
        preset_seeds.measure_seeds("tiny", TINY, small, seeds=1, file=file)
    assert file.read_text(encoding="latin-1") == content


def test_a_folder_that_is_not_there_is_an_error_of_our_own(small, tmp_path):
    with pytest.raises(RunError, match="cannot be written: No such file"):
        preset_seeds.measure_seeds("tiny", TINY, small, seeds=1, file=tmp_path / "none" / "tiny.json")


def test_too_few_seeds_are_refused(small):
    with pytest.raises(TrainingError, match="seeds is a whole number, 1 or more, not 0"):
        preset_seeds.measure_seeds("tiny", TINY, small, seeds=0)


def test_the_command_prints_seeds_means_and_seconds(small, tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.data.mnist.load_mnist", lambda: small)
    file = tmp_path / "quick.json"
    asked = ["benchmark", "preset", "quick", "--seeds", "2", "--test", "--json", str(file)]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("preset quick: 2 seeds, epoch chosen on 500 validation images")
    kept = json.loads(file.read_text())
    assert f"test {100 * kept['test']['mean']:.2f} % [" in result.stdout
    assert ", n = 500 each" in result.stdout
    assert "median and range" in result.stdout
    unknown = CliRunner().invoke(main, ["benchmark", "preset", "slow"])
    assert unknown.exit_code == 2


def test_the_command_trains_on_fewer_images_if_asked_to(small, monkeypatch):
    monkeypatch.setattr("mnistlab.data.mnist.load_mnist", lambda: small)
    seen, measure = [], preset_seeds.measure_seeds
    monkeypatch.setattr(
        preset_seeds, "measure_seeds", lambda *given, **more: seen.append(given[2]) or measure(*given, **more)
    )
    asked = ["benchmark", "preset", "quick", "--seeds", "1", "--train-size"]
    result = CliRunner().invoke(main, [*asked, "256"])
    assert result.exit_code == 0, result.output
    assert len(seen[0].train) == 256
    assert len(seen[0].validation) == len(small.validation)
    too_many = CliRunner().invoke(main, [*asked, "70000"])
    assert too_many.exit_code == 1
    assert "cannot draw 70000 of" in too_many.stderr
