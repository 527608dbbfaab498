"""GitHub and schedules: workflows and forms are valid and safe, and what they and docs/schedule.md run is there to be run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from made import ROOT

from mnistlab.cli.retrain import retrain

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
# GitHub's own, and one other, which scans.
ACTIONS = r"actions/[a-z-]+|github/codeql-action/upload-sarif|aquasecurity/trivy-action"
GUIDE = ROOT / "docs" / "schedule.md"


def read(name: str) -> dict:
    # YAML 1.1 takes a bare `on` for true
    found = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return {"on" if key is True else key: value for key, value in found.items()}


def steps(name: str) -> list[dict]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


def schema_says(path: Path, kind: str = "workflows") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.github-{kind}", str(path)]
    return subprocess.run(command, capture_output=True, text=True)


def test_all_workflows_and_forms_are_there():
    assert [path.stem for path in WORKFLOWS] == ["ci", "deploy", "nightly", "retrain", "security"]
    assert [path.stem for path in FORMS] == ["bug", "idea"]
    assert (ROOT / ".github" / "pull_request_template.md").is_file()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_fits_the_schema_and_a_broken_one_does_not(path, tmp_path):
    done = schema_says(path)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / path.name
    broken.write_text(path.read_text().replace("runs-on:", "runs-in:"))
    assert schema_says(broken).returncode == 1


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_fits_the_schema_and_a_broken_one_does_not(path, tmp_path):
    done = schema_says(path, "issue-forms")
    assert done.returncode == 0, done.stdout
    broken = tmp_path / path.name
    broken.write_text(path.read_text().replace("type: textarea", "type: textfield"))
    assert schema_says(broken, "issue-forms").returncode == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_no_code_but_what_is_named_here(path):
    for step in steps(path.stem):
        if "uses" in step:
            assert re.fullmatch(rf"({ACTIONS})@[0-9a-f]{{40}}", step["uses"])
        # What somebody types on the web page reaches a shell by the environment alone.
        assert "${{" not in step.get("run", "")
    for line in path.read_text().splitlines():
        assert "uses:" not in line or re.search(r"# v\d+\.\d+\.\d+$", line), (
            "the comment says which release a commit is"
        )
    assert read(path.stem)["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] for job in read(path.stem)["jobs"].values())


def test_ci_runs_what_everybody_can_run_here_and_nightly_does_so_twice_in_one_clone():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.endswith("\nmake run\nmake test\n")
    rounds = {name: [step["run"] for step in steps(name) if step.get("run") == ".ci/run"] for name in ("ci", "nightly")}
    assert {name: len(each) for name, each in rounds.items()} == {"ci": 1, "nightly": 2}
    job = read("nightly")["jobs"]["twice"]
    assert [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step].count("actions/checkout") == 1
    assert not any("continue-on-error" in step for step in job["steps"])


@pytest.mark.parametrize("name", ["nightly", "retrain"])
def test_a_schedule_starts_at_an_odd_minute_and_can_be_asked_for(name):
    (times,) = read(name)["on"]["schedule"]
    minute = times["cron"].split()[0]
    assert int(minute) not in (0, 15, 30, 45)
    assert "workflow_dispatch" in read(name)["on"]


def test_whoever_asks_for_a_retraining_can_choose_its_size():
    (presets,) = [option.type.choices for option in retrain.params if option.name == "preset"]
    asked = read("retrain")["on"]["workflow_dispatch"]["inputs"]["preset"]
    assert sorted(asked["options"]) == sorted(presets)


def test_a_closed_gate_fails_the_job_and_the_report_is_kept_all_the_same():
    (work,) = [step for step in steps("retrain") if "mnistlab retrain" in step.get("run", "")]
    assert "continue-on-error" not in work
    assert not re.search(r"\|\||;|&&|set \+e", work["run"])
    assert options(work["run"]) == {"--preset", "--no-promote"}
    keep = steps("retrain")[steps("retrain").index(work) + 1]
    assert keep["if"] == "always()"
    assert keep["uses"].startswith("actions/upload-artifact@")
    assert keep["with"]["path"].split() == ["reports/index.html", "reports/2*"]  # the candidate is in its report


def options(line: str) -> set[str]:
    return set(re.findall(r"(?<=\s)--[a-z-]+", line))


def test_make_has_every_target_that_is_run():
    makefile = (ROOT / "Makefile").read_text()
    run = " ".join(step.get("run", "") for path in WORKFLOWS for step in steps(path.stem))
    run += (ROOT / ".ci" / "run").read_text()
    for name in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        run += "".join(re.findall(r"^    make .*|`make [a-z]+`", (ROOT / name).read_text(), re.MULTILINE))
    targets = set(re.findall(r"\bmake ([a-z]+)", run))
    assert targets >= {"run", "test", "setup", "lab", "architecture"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"there is no target {target}"


# --- the guide --------------------------------------------------------------------------------------------------------


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def test_the_guide_uses_options_that_there_are():
    lines = [line for line in GUIDE.read_text().splitlines() if "mnistlab retrain" in line]
    assert len(lines) > 3
    known = {name for option in retrain.params for name in option.opts}
    for line in lines:
        assert options(line.partition("mnistlab retrain")[2].partition("`")[0]) <= known


def test_the_line_for_cron_names_a_time_and_no_percent_sign():
    lines = [line for block in blocks("cron") for line in block.splitlines() if line and not line.startswith("#")]
    (line,) = [line for line in lines if "=" not in line.split()[0]]
    assert re.match(r"[1-9]\d? \d+ \* \* [0-7] \S", line)
    assert "%" not in line  # cron takes it for the end of the line


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here to verify the units")
def test_systemd_takes_the_units_as_they_are_printed(tmp_path):
    units = {re.match(r"# (\S+)", block).group(1): block for block in blocks("ini")}
    assert set(units) == {"mnistlab-retrain.service", "mnistlab-retrain.timer"}
    # Where the lab is differs; systemd looks whether the program is there.
    for name, text in units.items():
        (tmp_path / name).write_text(text.replace("/srv/mnistlab", str(tmp_path)))
    program = tmp_path / ".venv" / "bin" / "mnistlab"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    command = ["systemd-analyze", "verify", *map(str, sorted(tmp_path.glob("mnistlab-*")))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "mnistlab-retrain" in line] == []
