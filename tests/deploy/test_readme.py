"""What deploy/README.md tells people to do can be done: targets, programs, files, alerts and options are there."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
import yaml
from deployed import DEPLOY
from made import ROOT

README = (DEPLOY / "README.md").read_text()
MAKEFILE = (DEPLOY / "Makefile").read_text()


def test_every_target_of_make_that_is_named_is_there():
    named = set(re.findall(r"make(?: -s)? -C deploy ([a-z]+)", README))
    assert named >= {"up", "down", "status", "logs", "switch", "back", "smoke", "load", "rehearse", "secrets", "build"}
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets
    assert targets >= {"build", "up", "down", "logs", "status", "test", "clean"}


def test_every_program_that_is_named_is_there_and_can_be_run():
    text = README + MAKEFILE.replace("./", "deploy/")
    for name in set(re.findall(r"(?<![\w/.])deploy/(\w+)(?= )", text)):
        if (DEPLOY / name).is_file():
            assert os.access(DEPLOY / name, os.X_OK), name
    for name in ("switch", "smoke", "release", "rehearse", "load", "stack", "local", "container", "process", "notes"):
        assert os.access(DEPLOY / name, os.X_OK), name


def test_every_alert_is_in_the_table_and_no_other():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(Mnistlab\w+)`", README)) == alerts


def test_the_seconds_and_bounds_that_are_told_are_those_of_the_switch():
    text = (DEPLOY / "switch").read_text()
    assert "ready_seconds: float = 60.0" in text
    assert "errors: float = 0.001" in text
    assert "slow_seconds: float = 0.2" in text
    assert "watch_seconds = 21" in (DEPLOY / "environments" / "local.toml").read_text()
    assert "watch_seconds = 60" in (DEPLOY / "environments" / "production.toml").read_text()


@pytest.mark.parametrize("words", [[], ["production"], ["nowhere", "v1"], ["local", "a b"], ["local", "v1", "; id"]])
def test_a_release_that_is_named_wrongly_is_refused_before_anything_happens(words):
    done = subprocess.run([DEPLOY / "release", *words], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 64
    assert done.stderr


def test_the_notes_of_a_release_are_those_of_the_changelog():
    done = subprocess.run([DEPLOY / "notes", "v0.1.0"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.strip() in (ROOT / "CHANGELOG.md").read_text()
    assert "## " not in done.stdout
    nothing = subprocess.run([DEPLOY / "notes", "v99.0.0"], capture_output=True, text=True)
    assert nothing.returncode == 1
