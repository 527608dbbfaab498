"""The lock that `make` installs from agrees with what is asked for, and the audit of it never passes unanswered. No network."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from typing import NamedTuple

import pytest
import yaml
from made import ROOT
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = ("requirements.lock", "tools/supply.lock")
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = (("linux", "posix", "Linux"), ("darwin", "posix", "Darwin"), ("win32", "nt", "Windows"))
INSTALLED = ("all", "test", "mutants")  # by `make`


class Pin(NamedTuple):
    name: str
    version: str
    marker: Marker | None
    hashes: list[str]

    def holds(self, environment: dict) -> bool:
        return self.marker is None or self.marker.evaluate(environment)


def read(text: str) -> list[Pin]:
    """The pins of a lock; every line is a pin or one of its hashes."""
    pins = []
    for entry in text.replace("\\\n", " ").splitlines():
        match = re.fullmatch(r"([a-z0-9][a-z0-9.-]*)==([^\s;]+)( ; .*?)?((?: +--hash=sha256:[0-9a-f]{64})+)", entry)
        assert match, f"no pin with hashes: {entry[:100]}"
        marker = Marker(match[3].removeprefix(" ; ")) if match[3] else None
        pins.append(Pin(canonicalize_name(match[1]), match[2], marker, re.findall(r"sha256:(\w+)", match[4])))
    return pins


LOCK = (ROOT / "requirements.lock").read_text()
PINS = read(LOCK)


def environments() -> list[dict]:
    here = dict(default_environment())
    return [
        here
        | {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": system}
        | {"os_name": os_name, "platform_system": called, "extra": ""}
        for python in PYTHONS
        for system, os_name, called in SYSTEMS
    ]


def wanted() -> list[Requirement]:
    """What `make` asks for by name."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    lines = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["build-system"]["requires"]]
    named = [Requirement(line) for line in (*lines, *(line for extra in extras.values() for line in extra))]
    return [requirement for requirement in named if requirement.name != "mnistlab"]


def stale(pins: list[Pin], requirements: list[Requirement], constraints: str) -> list[str]:
    """Where a lock disagrees with what is asked for, on any system and Python."""
    tried = dict(re.findall(r"^([\w.-]+)==(\S+)", constraints, re.MULTILINE))
    found = []
    for environment in environments():
        locked = {pin.name: pin.version for pin in pins if pin.holds(environment)}
        for requirement in requirements:
            version = locked.get(canonicalize_name(requirement.name))
            if version is None or version not in requirement.specifier:
                found.append(f"{requirement}: {version}")
        found += [f"{n}=={v}: {locked[n]}" for n, v in tried.items() if locked.get(canonicalize_name(n), v) != v]
    return sorted(set(found))


def needed() -> dict[str, list[Requirement]]:
    """All that what `make` asks for needs on this machine, as the installed packages say: requirements by name."""
    found: dict[str, list[Requirement]] = {}
    waiting, seen = [(requirement, "") for requirement in wanted()], set()
    while waiting:
        requirement, _ = waiting.pop()
        name = canonicalize_name(requirement.name)
        found.setdefault(name, []).append(requirement)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                lines = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue  # Hatchling, where the lab was installed another way
            further = map(Requirement, lines)
            waiting += [(r, extra) for r in further if r.marker is None or r.marker.evaluate({"extra": extra})]
    return found


# --- the lock -----------------------------------------------------------------------------------------------------------


def test_the_lock_agrees_with_what_is_asked_for_on_every_system_and_python():
    assert stale(PINS, wanted(), CONSTRAINTS) == [], "run `make lock`"


@pytest.mark.parametrize(
    ("edit", "to"),
    [
        (lambda text: text.replace("numpy==2.4.6", "numpy==2.4.5"), "numpy"),  # another version tried
        (lambda text: text + "certifi==2000.1.1\n", "certifi"),  # a pin of what is only brought
    ],
)
def test_a_change_of_the_constraints_makes_the_lock_stale(edit, to):
    assert any(to in line for line in stale(PINS, wanted(), edit(CONSTRAINTS)))


@pytest.mark.parametrize("line", ["numpy>=99", "left-pad>=1", "torch>=2.15"])
def test_a_change_of_the_requirements_makes_the_lock_stale(line):
    assert any(line in told for told in stale(PINS, [*wanted(), Requirement(line)], CONSTRAINTS))


def test_the_lock_holds_all_that_is_needed_here_and_nothing_more():
    environment = dict(default_environment())
    locked = {pin.name: pin.version for pin in PINS if pin.holds(environment)}
    asked = needed()
    unmet = [
        str(requirement)
        for name, requirements in asked.items()
        for requirement in requirements
        if name not in locked or not requirement.specifier.contains(locked[name], prereleases=True)
    ]
    assert unmet == [], "run `make lock`"
    building = {"editables", "pathspec", "pluggy", "tomlkit", "trove-classifiers", "packaging"}
    assert set(locked) - set(asked) - building == set(), "run `make lock`"


@pytest.mark.parametrize("path", LOCKS)
def test_each_package_of_a_lock_has_hashes_and_one_version_at_a_time(path):
    pins = read((ROOT / path).read_text())
    assert len(pins) > 40
    for environment in environments():
        names = [pin.name for pin in pins if pin.holds(environment)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "line",
    ["numpy==2.4.6", "numpy>=2 \\\n    --hash=sha256:" + "0" * 64, "--index-url there", "numpy @ file:///a.whl"],
)
def test_a_line_without_a_hash_or_with_an_index_would_be_seen(line):
    with pytest.raises(AssertionError, match="no pin with hashes"):
        read(line)


def test_make_installs_from_the_lock_alone():
    text = (ROOT / "Makefile").read_text()
    installs = [line for line in text.splitlines() if " pip install " in line]
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)
    asked = re.search(r"uv pip compile .*?pyproject.toml", text, re.DOTALL)[0]
    assert tuple(re.findall(r"--extra (\w+)", asked)) == INSTALLED


# --- the audit ----------------------------------------------------------------------------------------------------------

TWO = "alpha==1.0 \\\n    --hash=sha256:00\nbeta==2.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n"
CLEAN = [{"name": "alpha", "version": "1.0", "vulns": []}, {"name": "beta", "version": "2.0", "vulns": []}]
HOLE = {"id": "PYSEC-0-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}
SKIPPED = {"name": "beta", "skip_reason": "Dependency not found and could not be audited: beta (2.0)"}

STAND_IN = """
import os, pathlib, sys
with open(os.environ["ASKED"], "a") as note:
    note.write(pathlib.Path(sys.argv[sys.argv.index("--requirement") + 1]).read_text() + "--\\n")
print(os.environ["ANSWER"])
sys.exit(int(os.environ["CODE"]))
"""


def audit(folder, lock: str, answer: object, code: int = 0) -> tuple[int, str, str]:
    """Exit code and words of the audit, with a pip-audit that answers so; and what that was asked."""
    (folder / "pip_audit.py").write_text(STAND_IN)
    (folder / "lock").write_text(lock)
    (folder / "asked").touch()
    text = answer if isinstance(answer, str) else json.dumps({"dependencies": answer, "fixes": []})
    environment = {**os.environ, "PYTHONPATH": str(folder), "ANSWER": text, "CODE": str(code)}
    environment["ASKED"] = str(folder / "asked")
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "audit.py", folder / "lock"], env=environment, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.returncode, done.stdout, (folder / "asked").read_text()


def test_an_audit_that_was_answered_and_found_nothing_passes(tmp_path):
    code, told, asked = audit(tmp_path, TWO, CLEAN)
    assert (code, asked) == (0, "alpha==1.0\nbeta==2.0\n--\n")
    assert told.startswith("2 packages were audited")


def test_each_of_several_versions_of_a_package_is_asked_about(tmp_path):
    asked = audit(tmp_path, TWO + "alpha==1.5 ; python_full_version >= '3.12' \\\n", CLEAN)[2]
    assert asked == "alpha==1.0\nbeta==2.0\n--\nalpha==1.5\n--\n"


@pytest.mark.parametrize(
    ("answer", "ended", "words"),
    [
        ([CLEAN[0], {**CLEAN[1], "vulns": [HOLE]}], 1, "beta 2.0: PYSEC-0-1, mended in 2.1"),
        ([CLEAN[0], {**CLEAN[1], "vulns": [HOLE]}], 0, "beta 2.0: PYSEC-0-1"),
        ([CLEAN[0], SKIPPED], 0, "beta 2.0 was not audited: Dependency not found"),
        ([CLEAN[0]], 0, "beta 2.0 was not audited"),
        ([CLEAN[0], {**CLEAN[1], "version": "1.9"}], 0, "beta 2.0 was not audited"),
        ([], 0, "alpha 1.0 was not audited"),
        ("", 1, "gave no answer"),
        ("cannot connect", 0, "gave no answer"),
        ("[]", 0, "gave no answer"),
        ("null", 0, "gave no answer"),
        (CLEAN, 1, "pip-audit ended with 1"),
    ],
)
def test_an_audit_that_found_something_or_was_not_answered_fails(tmp_path, answer, ended, words):
    code, told, _ = audit(tmp_path, TWO, answer, ended)
    assert code == 1
    assert words in told


def test_an_audit_of_nothing_fails(tmp_path):
    assert audit(tmp_path, "# empty\n", [])[:2] == (1, f"{tmp_path / 'lock'} pins no package\n")


def test_the_workflow_audits_the_lock_and_does_not_go_on_after_a_failure():
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "security.yml").read_text())["jobs"]["packages"]
    (step,) = [step for step in job["steps"] if step.get("run") == "make audit"]
    assert "continue-on-error" not in {**job, **step}
    assert "if" not in {**job, **step}
