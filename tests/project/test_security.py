"""The page on security: every promise has its test, and what is run at length is run every night."""

from __future__ import annotations

import ast
import re

import pytest
import yaml
from made import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
PROMISES = re.findall(r"^\| (?!promise|---)(.+?) \| (.*?) \| (.*?) \|$", PAGE.split("## Wrong labels")[0], re.MULTILINE)


def defined(path: str) -> set[str]:
    """The names of the tests in a file."""
    return {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)}


def fault(promise: str, test: str) -> str:
    """What is wrong with the test of a promise; empty if nothing is."""
    match = re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", test)
    if match is None:
        return f"{promise}: names no test"
    path, name = match.groups()
    if not (ROOT / path).is_file() or name not in defined(path):
        return f"{promise}: there is no {path}::{name}"
    return ""


@pytest.mark.parametrize(("promise", "test"), [(promise, test) for promise, _, test in PROMISES])
def test_every_promise_has_its_test(promise, test):
    assert fault(promise, test) == ""


def test_a_promise_without_a_test_would_be_seen():
    assert len(PROMISES) > 20
    for test in ("", "`tests/project/test_security.py::test_nothing`", "`tests/nowhere.py::test_x`", "by hand"):
        assert fault("a promise", test)


def test_no_two_promises_lean_on_one_test():
    tests = [test for *_, test in PROMISES]
    assert len(tests) == len(set(tests))


def test_what_is_run_at_length_is_run_every_night():
    steps = str(yaml.safe_load((ROOT / ".github" / "workflows" / "nightly.yml").read_text()))
    assert "make faults" in steps
    assert "make fuzz" in steps
