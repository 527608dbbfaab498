"""Break the code in one place at a time and see whether a test notices: a mutation run on the wings that decide.

A seeded sample of the places of a wing is changed, each alone in a copy of the tree (``mutations``), and tests of the wing's
folder run until one fails (``forked_tests``). A mutant counts as killed if one fails, or if they do not end in time.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
import pytest
from forked_tests import Tests, copy_tree, end, notes, start
from mutations import Mutation, mutate, places
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parent.parent
PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
WINGS = ("data", "evaluation", "registry", "pipeline", "inference")


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Attributes
    ----------
    outcome : "killed", "survived" or "timed out".
    by : the test that failed, or "" if none came so far.
    seconds : the tests took.
    """

    mutation: Mutation
    outcome: str
    by: str
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """For the report."""
        place, diff = self.mutation.place, self.mutation.diff
        where = {"file": place.file, "line": place.line, "kind": place.kind, "diff": diff}
        return {**where, "outcome": self.outcome, "by": self.by, "seconds": round(self.seconds, 1)}


def draw(root: Path, name: str, size: int, seed: int) -> tuple[int, list[Mutation]]:
    """How many places a wing or module has, and a sample of mutants in the order of their draw."""
    chosen = root / "mnistlab" / name
    modules = sorted(chosen.rglob("*.py")) if chosen.is_dir() else [chosen.with_suffix(".py")]
    found = [place for module in modules for place in places(root, module)]
    changed = (mutate(root, place, seed) for place in random.Random(seed).sample(found, len(found)))
    return len(found), list(islice((mutation for mutation in changed if mutation is not None), size))


def survey(tests: Tests, trees: list[Path], sample: list[Mutation], until: float) -> Iterator[Result]:
    """Run the tests on each mutant, one in each copy at a time; none is started after ``until`` (of time.monotonic)."""
    waiting, free = list(reversed(sample)), list(trees)
    running: dict[int, tuple[Path, Mutation, str, float, float]] = {}
    try:
        while running or (waiting and time.monotonic() < until):
            while free and waiting and time.monotonic() < until:
                tree, mutation = free.pop(), waiting.pop()
                path = tree / mutation.place.file
                order, original = tests.for_line(tree, mutation.place.file, mutation.place.line), path.read_text()
                path.write_text(mutation.code)
                limit = 60 + 5 * sum(tests.seconds[name] for name in order)
                process = start(tree, sorted({name.partition("::")[0] for name in order}), "-x", order=order)
                running[process] = (tree, mutation, original, time.monotonic(), limit)
            for process, (tree, mutation, original, started, limit) in list(running.items()):
                seconds = time.monotonic() - started
                if late := seconds > limit:
                    end(process)
                ended, status = os.waitpid(process, 0 if late else os.WNOHANG)
                if ended:
                    end(process)
                    (tree / mutation.place.file).write_text(original)
                    outcome = (
                        "timed out" if late else "survived" if os.waitstatus_to_exitcode(status) in PASSED else "killed"
                    )
                    yield Result(mutation, outcome, next(iter(notes(tree)["failed"]), ""), seconds)
                    free.append(tree)
                    del running[process]
            time.sleep(0.02)
    finally:
        for process in running:
            end(process)


def summary(results: list[Result], found: int) -> dict[str, Any]:
    """Counts, and the share killed or timed out with its 95 % Wilson interval."""
    counts = Counter(result.outcome for result in results)
    share = binomtest(counts["killed"] + counts["timed out"], max(len(results), 1)).proportion_ci(method="wilson")
    return {
        "places": found,
        "made": len(results),
        **{outcome.replace(" ", "_"): counts[outcome] for outcome in ("killed", "survived", "timed out")},
        "share_killed": 1 - counts["survived"] / len(results) if results else None,
        "interval": [share.low, share.high] if results else None,
    }


@click.command(help=(__doc__ or "").partition("\n\n")[0])
@click.argument("names", nargs=-1, metavar="[WING|WING/MODULE]...")
@click.option("--sample", default=100, show_default=True, help="Mutants of each wing; all of them if it has fewer.")
@click.option("--seed", default=0, show_default=True, help="Draws the sample.")
@click.option("--minutes", default=55.0, show_default=True, help="No mutant is started later; wings share the time.")
@click.option(
    "--without", multiple=True, metavar="FILE", help="Tests that are not run, such as tests/registry/test_faults.py."
)
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Mutants at a time.")
@click.option("--output", type=Path, default=ROOT / "reports" / "mutants.json", show_default="reports/mutants.json")
@click.option("--root", type=Path, default=ROOT, help="Another tree with mnistlab/WING and tests/WING.")
def main(
    names: tuple[str, ...],
    sample: int,
    seed: int,
    minutes: float,
    without: tuple[str, ...],
    jobs: int,
    output: Path,
    root: Path,
) -> None:
    """Print a line a wing and each survivor, and write the report."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no test outlives this
    stop, wings, reports = time.monotonic() + 60 * minutes, {}, []
    names = names or WINGS
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        origin = copy_tree(root, Path(folder) / "clean" / "tree")
        trees = [shutil.copytree(origin, Path(folder) / str(job) / "tree") for job in range(jobs)]
        for turn, name in enumerate(names):
            found, drawn = draw(origin, name, sample, seed)
            tests, results = Tests.of(origin, name.partition("/")[0], without), []
            for test in tests.failed:
                click.echo(f"{name}: left out, since it fails on the code as it is: {test}")
            now = time.monotonic()
            for result in survey(tests, trees, drawn, now + (stop - now) / (len(names) - turn)):
                results.append(result)
                if result.outcome != "killed":
                    place, diff = result.mutation.place, result.mutation.diff
                    click.echo(f"{place.file}:{place.line}: {result.outcome} ({place.kind})\n{diff}")
            wings[name] = summary(results, found) | {
                "not_run": len(drawn) - len(results),
                "left_out": tests.failed,
            }
            reports += [result.as_dict() for result in results]
            click.echo(f"{name}: {line(wings[name])}")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"seed": seed, "wings": wings, "mutants": reports}, indent=1) + "\n")


def line(wing: dict[str, Any]) -> str:
    """A wing's summary in a sentence."""
    counts = (
        f"{wing['made']} mutants at {wing['places']} places, {wing['killed']} killed, {wing['survived']} survived, "
        f"{wing['timed_out']} timed out, {wing['not_run']} not run for want of time"
    )
    if not wing["made"]:
        return counts
    low, high = wing["interval"]
    return f"{counts}; {wing['share_killed']:.1%} killed ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    main()
