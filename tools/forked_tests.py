"""The tests of one wing in copies of the tree, each run a fork of this process, which has imported PyTorch and the like once.

A fresh Python spends most of its seconds on imports. The package itself is imported in the fork, from the copy, so that what
was changed there is what the tests see; nothing they do reaches the tree itself.
"""

from __future__ import annotations

import ast
import compileall
import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from types import CodeType, FrameType
from typing import Any

import pytest

BUDGET = 60.0  # seconds of tests, on the code as it is, for one change
UNKNOWN = 99  # exit code of a fork in which pytest itself failed


def copy_tree(root: Path, to: Path) -> Path:
    """The tree as it stands, less what git ignores; compiled so that Python sees a change within the same second."""
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=root, capture_output=True, text=True)
    files = listed.stdout.split("\0") if listed.returncode == 0 else [str(p.relative_to(root)) for p in root.rglob("*")]
    for file in files:
        if (root / file).is_file() and "__pycache__" not in file:
            (to / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / file, to / file)
    compileall.compile_dir(to / "mnistlab", quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return to


class _Notes:
    """A plugin of pytest: runs the tests named in ``order``, or all, and notes what failed, took time and was called."""

    def __init__(self, order: list[str] | None, source: str) -> None:
        self.order, self.source, self.test = order, source, ""
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.failed: list[str] = []
        self.calls: defaultdict[CodeType, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self.order is not None:
            found = {item.nodeid: item for item in items}
            items[:] = [found[name] for name in self.order if name in found]
        else:
            sys.settrace(self.trace)
            threading.settrace(self.trace)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.test = nodeid

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        self.failed += [report.nodeid] * report.failed

    def trace(self, frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_filename.startswith(self.source):
            self.calls[frame.f_code].add(self.test)

    def as_dict(self) -> dict[str, Any]:
        calls: defaultdict[str, set[str]] = defaultdict(set)
        for code, tests in self.calls.items():
            calls[f"{code.co_filename.removeprefix(self.source)}:{code.co_firstlineno}"] |= tests
        modules = [name for name in sys.modules if name.partition(".")[0] not in ("mnistlab", "tests", "__main__")]
        called = {place: sorted(tests) for place, tests in calls.items()}
        return {"seconds": self.seconds, "failed": self.failed, "calls": called, "modules": modules}


def start(tree: Path, paths: list[str], *options: str, order: list[str] | None = None) -> int:
    """Fork, and run pytest in a copy, in a process group of its own; gives its id, :func:`notes` what it left."""
    (tree.parent / "notes.json").unlink(missing_ok=True)
    sys.stdout.flush()
    gc.freeze()  # pytest collects garbage again and again; what is here already is none
    process = os.fork()
    if process == 0:
        code = UNKNOWN
        try:
            os.setsid()
            code = _run(tree, [*options, *paths], _Notes(order, f"{tree}/"))
        finally:
            os._exit(code)
    return process


def end(process: int) -> None:
    """Kill a fork and what it has started in its group."""
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


def notes(tree: Path) -> dict[str, Any]:
    """What the last run in a copy noted, if it came to its end."""
    path = tree.parent / "notes.json"
    return json.loads(path.read_text()) if path.exists() else {"failed": []}


def _run(tree: Path, arguments: list[str], plugin: _Notes) -> int:
    os.chdir(tree)
    log = os.open("../log", os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ |= {"PYTHONPATH": str(tree), "TMPDIR": str(tree.parent), "OMP_NUM_THREADS": "1"}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # to look for them takes as long as a short test
    tempfile.tempdir = str(tree.parent)
    sys.path.insert(0, str(tree))
    with suppress(ImportError):
        from hypothesis import Phase, settings

        # An example that failed need not become a small one.
        settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None, derandomize=True)
        settings.load_profile("mutants")
    code = int(pytest.main(["-q", f"--basetemp={tree.parent / 'tests'}", *arguments], plugins=[plugin]))
    sys.settrace(None)
    (tree.parent / "notes.json").write_text(json.dumps(plugin.as_dict()))
    return code


@dataclass(frozen=True)
class Tests:
    """The tests of a wing, as they are on the code as it is.

    Attributes
    ----------
    seconds : of each test that passes.
    failed : tests that do not, and say nothing about a change.
    calls : tests that call a function, by its file and first line, as "mnistlab/data/mnist.py:12".
    """

    seconds: dict[str, float]
    failed: list[str]
    calls: dict[str, list[str]]

    @classmethod
    def of(cls, tree: Path, wing: str, without: Sequence[str] = ()) -> Tests:
        """Collect them, less some files, import what they import into this process, and run them.

        Raises
        ------
        RuntimeError : there are none, or they cannot be collected.
        """
        for options in (["--collect-only"], []):
            options += [f"--ignore={file}" for file in without]
            process = start(tree, [f"tests/{wing}"], *options)
            try:
                _, status = os.waitpid(process, 0)
            finally:
                end(process)
            if os.waitstatus_to_exitcode(status) not in (0, 1):
                raise RuntimeError(f"tests/{wing} do not run:\n{(tree.parent / 'log').read_text()[-2000:]}")
            found = notes(tree)
            for name in found["modules"]:
                with suppress(Exception):
                    importlib.import_module(name)
        failed = sorted(set(found["failed"]))
        seconds = {name: taken for name, taken in found["seconds"].items() if name not in failed}
        return cls(seconds, failed, found["calls"])

    def for_line(self, tree: Path, file: str, line: int) -> list[str]:
        """Tests that call the function there, the quickest first, then others of the module's name, within the budget.

        If no test in this process calls it, tests of the module's name come first and then all others.
        """
        calling = set(self.calls.get(f"{file}:{_first_line(tree / file, line)}", []))
        named = {name for name in self.seconds if Path(name.partition("::")[0]).stem == f"test_{Path(file).stem}"}
        sets = (calling, named) if calling & set(self.seconds) else (named, set(self.seconds))
        ranked = sorted(self.seconds, key=lambda name: (name not in sets[0], name not in sets[1], self.seconds[name]))
        chosen: list[str] = []
        total = 0.0
        for name in ranked:
            wanted = name in sets[0] or name in sets[1]
            if wanted and ((total := total + self.seconds[name]) <= BUDGET or not chosen):
                chosen.append(name)
        return chosen


def _first_line(path: Path, line: int) -> int:
    """Where the innermost function around a line begins, its decorators included; 0 if it is in none."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    around = [node for node in functions if node.lineno <= line <= (node.end_lineno or 0)]
    firsts = [min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) for node in around]
    return max(firsts, default=0)
