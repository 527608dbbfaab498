"""The mutation run itself: it kills what a test notices, names what no test notices, and leaves the tree alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import forked_tests
import mutants
import pytest
from made import ROOT
from mutations import essence, mutate, places

CODE = '''"""A module."""

from __future__ import annotations

LIMIT: int | None = 3


def is_small(x: int) -> bool:
    """Up to 3."""
    return x <= LIMIT


def is_odd(x: int) -> bool:
    return x % 2 == 1
'''
TESTS = """from mnistlab.tiny.sizes import is_odd, is_small


def test_sizes():
    assert is_small(3) and not is_small(4)


def test_a_number_runs_through_odd():
    is_odd(1)
"""


def tree(root: Path) -> Path:
    for folder in ("mnistlab/tiny", "tests/tiny"):
        (root / folder).mkdir(parents=True)
    (root / "mnistlab/__init__.py").touch()
    (root / "mnistlab/tiny/sizes.py").write_text(CODE)
    (root / "tests/tiny/test_sizes.py").write_text(TESTS)
    return root


def test_a_mutant_that_a_test_notices_is_killed_and_another_survives(tmp_path):
    tree(tmp_path)
    (tmp_path / "tests/tiny/test_broken.py").write_text("def test_broken():\n    assert False\n")
    command = [
        sys.executable,
        ROOT / "tools" / "mutants.py",
        "tiny",
        "--root",
        tmp_path,
        "--output",
        tmp_path / "report",
    ]
    done = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report").read_text())

    outcomes = {(mutant["line"], mutant["outcome"]) for mutant in report["mutants"]}
    assert outcomes == {(5, "killed"), (10, "killed"), (14, "survived")}
    assert {mutant["by"] for mutant in report["mutants"]} == {"", "tests/tiny/test_sizes.py::test_sizes"}
    wing = report["wings"]["tiny"]
    assert wing["made"] == wing["killed"] + wing["survived"] == len(report["mutants"])
    assert wing["interval"][0] < wing["share_killed"] < wing["interval"][1]
    assert wing["left_out"] == ["tests/tiny/test_broken.py::test_broken"]
    assert "mnistlab/tiny/sizes.py:14: survived" in done.stdout
    assert "\n-    return x % 2 == 1\n+" in done.stdout
    assert (tmp_path / "mnistlab/tiny/sizes.py").read_text() == CODE


def test_a_sample_is_that_of_its_seed(tmp_path):
    tree(tmp_path)
    first, again, other = (mutants.draw(tmp_path, "tiny", 3, seed)[1] for seed in (1, 1, 2))
    assert len(first) == 3
    assert [mutation.diff for mutation in first] == [mutation.diff for mutation in again]
    assert [mutation.diff for mutation in first] != [mutation.diff for mutation in other]
    assert mutants.draw(tmp_path, "tiny/sizes", 1, 1)[1][0].code == first[0].code


def test_tests_that_call_what_changes_come_first_and_no_more_than_a_minute_of_them(tmp_path):
    tree(tmp_path)
    seconds = {"tests/test_a.py::slow": 50.0, "tests/test_a.py::quick": 1.0, "tests/test_sizes.py::named": 5.0}
    seconds |= {"tests/test_sizes.py::long": 30.0, "tests/test_b.py::other": 0.1}
    calls = {"mnistlab/tiny/sizes.py:8": ["tests/test_a.py::slow", "tests/test_a.py::quick"]}
    tests = forked_tests.Tests(seconds, [], calls)
    file = "mnistlab/tiny/sizes.py"
    assert tests.for_line(tmp_path, file, 10) == [
        "tests/test_a.py::quick",
        "tests/test_a.py::slow",
        "tests/test_sizes.py::named",
    ]
    assert tests.for_line(tmp_path, file, 5)[:3] == [
        "tests/test_sizes.py::named",
        "tests/test_sizes.py::long",
        "tests/test_b.py::other",
    ]
    assert forked_tests.Tests({"tests/test_a.py::slow": 200.0}, [], {}).for_line(tmp_path, file, 5) == [
        "tests/test_a.py::slow"
    ]


def test_a_table_is_left_out(tmp_path):
    path = tmp_path / "m.py"
    path.write_text("a = 1\n# fmt: off\nb = 2\n# fmt: on\nc = 3\n")
    assert [place.line for place in places(tmp_path, path)] == [1, 5]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""One."""', '"""Two."""'),
        ("x: int | None = 1", "x: int & None = 1"),
        ("def f(x: int) -> bool: return x", "def f(x: str) -> str: return x"),
        ("@dataclass(frozen=True)\nclass A: pass", "@dataclass(frozen=False)\nclass A: pass"),
        ("if TYPE_CHECKING:\n    import a", "if not TYPE_CHECKING:\n    import a"),
        ("__all__ = ['a']", "__all__ = ['b']"),
        ("raise ValueError(f'{100 * x} %')", "raise ValueError(f'{100 + x} %')"),
        ("a = x is None", "a = x == None"),
        ("def f(a, *, b): pass", "def f(a, /, b): pass"),
    ],
)
def test_what_changes_no_behaviour_is_no_mutant(before, after):
    assert essence(before) == essence(after)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("check(x)", "RemoveCall"),
        ("a = 3", "NumberReplacer"),
        ("a = x and y", "ReplaceAndWithOr"),
        ("raise ValueError(code=1)", "NumberReplacer"),
        ("try:\n    f()\nexcept a.B:\n    a = 1", "NumberReplacer"),
    ],
)
def test_what_changes_behaviour_is_a_mutant(tmp_path, code, kind):
    path = tmp_path / "m.py"
    path.write_text(code + "\n")
    found = [mutate(tmp_path, place, 0) for place in places(tmp_path, path)]
    changed = {mutation.place.kind: mutation.code for mutation in found if mutation is not None}
    assert kind in changed
    assert essence(changed[kind]) != essence(code)
