"""From data to decision in one run that can be left alone: check, train, evaluate, ask the gates, promote or refuse, report.

The notebooks do the training; they are given a copy of ``models/`` inside the report, so whatever becomes of them, the lab's own
versions are as they were. Only a candidate that passed every gate is taken over from there, and put into use by one swap. A
candidate that is refused stays in its report.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from mnistlab.common import locks, paths
from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import DataError, LabError, RunError, TrainingError
from mnistlab.data.mnist import Splits, load_mnist
from mnistlab.feedback.store import Store
from mnistlab.pipeline import adapt, executor, gates, history_page, progress_display, report_folder, runner
from mnistlab.pipeline.decision import Decision, JudgingData, Verdict
from mnistlab.pipeline.recipes import EVALUATE, notebooks_of, values_of
from mnistlab.pipeline.report_folder import Folder
from mnistlab.registry.layout import POINTER
from mnistlab.registry.registry import Registry

CANDIDATE = "candidate"  # in the report: the versions this run made
CELL_TIMEOUT = 3600  # s; the longest cell, the training of the wide network, takes a quarter of an hour on two cores
PROMOTED, PASSED, REFUSED = "promoted", "passed", "refused"


@dataclass(frozen=True)
class Retraining:
    """A complete retraining, whatever was decided.

    Attributes
    ----------
    folder : its report.
    receipt : what ``receipt.json`` there holds.
    decision : of the gates.
    outcome : ``"promoted"``, ``"passed"`` (not to be promoted) or ``"refused"``.
    version : the candidate's name in ``models/``; None if it was refused.
    """

    folder: Path
    receipt: dict
    decision: Decision
    outcome: str
    version: str | None


@dataclass(frozen=True, kw_only=True)
class RetrainOptions:
    """How a retraining runs, whatever makes the candidate.

    Attributes
    ----------
    promote : False keeps a candidate that passes as a version, but does not put it into use.
    reports : where runs go; None is ``reports/``.
    cell_timeout, start_timeout : seconds a cell and the start of a kernel may take, >= 1.
    show_progress : on stderr.
    is_alone : the caller holds ``locks.retraining`` already.
    """

    promote: bool = True
    reports: Path | str | None = None
    cell_timeout: int = CELL_TIMEOUT
    start_timeout: int = executor.START_TIMEOUT
    show_progress: bool = True
    is_alone: bool = False

    @property
    def limits(self) -> dict[str, int]:
        """Those that ``runner.run_notebook`` takes."""
        return {"cell_timeout": self.cell_timeout, "start_timeout": self.start_timeout}


def retrain(
    recipe: str = "drawing", *, size: str = "full", parameters: Mapping[str, object] | None = None, **options: object
) -> Retraining:
    """Train a candidate, judge it against the version in use, and put it into use if every gate is open.

    Parameters
    ----------
    recipe : one of ``RECIPES``.
    size : ``"full"`` or ``"quick"``.
    parameters : values by ``"name"`` or ``"03_train.name"``, as in ``runner.run``; they win over the size.
    options : as ``RetrainOptions``.

    Raises
    ------
    BusyError : another retraining is under way, with code ``"locked"``.
    RegistryError : ``models/`` cannot be made or written.
    RunError : refused before anything ran, or cut off; ``models/`` is as it was.
    """
    chosen = RetrainOptions(**options)
    train, evaluate = notebooks_of(recipe, size)
    values = values_of(recipe, size, parameters or {}, train, evaluate)

    def make(made: Folder, staged: Registry, _splits: Splits, kernel: dict[str, str]) -> Candidate:
        before = set(staged.versions())
        runner.run_notebook(train, values[train.name], made, environment=kernel, **chosen.limits)
        return Candidate(_candidate(made.path / f"{train.name}.json", staged, before))

    return _run(make, {"recipe": recipe, "preset": size}, values[evaluate.name], chosen)


def retrain_with_feedback(store: Store | None = None, *, session: str | None = None, **options: object) -> Retraining:
    """Tune the version in use to what people corrected (``adapt.tune_candidate``); all else as in ``retrain``.

    Parameters
    ----------
    store : of corrections; it is told which version learned from them. None is that of the lab.
    session : learn from the drawings of one only.
    options : as ``RetrainOptions``.

    Raises
    ------
    FeedbackError : the store cannot be opened.
    TrainingError : there are too few corrections, with code ``"few"``.
    RunError : as ``retrain``; with code ``"few"`` too few of them differ or can be believed.
    BusyError : another retraining is under way, with code ``"locked"``.
    """
    chosen, store = RetrainOptions(**options), store or Store()
    corrections = store.corrections(session=session)
    # A schedule that comes by too early should leave no report that is cut off.
    if len(corrections) < adapt.MIN_DRAWINGS:
        raise TrainingError(
            f"{adapt.MIN_DRAWINGS} corrections or more are needed to learn from; there are {len(corrections)}",
            code="few",
        )

    def make(made: Folder, staged: Registry, splits: Splits, _kernel: dict[str, str]) -> Candidate:
        made.shown.stage("the corrections were learned from")
        candidate = adapt.tune_candidate(corrections, staged, splits, run=made.id)
        made.more["feedback"] = candidate.as_dict()
        return Candidate(
            candidate.version, candidate.verdicts, lambda version: store.trained(version, candidate.learned_from)
        )

    return _run(make, {"recipe": "feedback", "preset": f"{len(corrections)} corrections"}, {}, chosen)


@dataclass(frozen=True)
class Candidate:
    """A candidate.

    Attributes
    ----------
    candidate : its name among the staged versions.
    verdicts : of gates that are its maker's own.
    adopted : told its name once it is taken over, before it is put into use.
    """

    candidate: str
    verdicts: tuple[Verdict, ...] = ()
    adopted: Callable[[str], None] = lambda _version: None


def _run(
    make: Callable[[Folder, Registry, Splits, dict[str, str]], Candidate],
    about: Mapping[str, str],
    values: Mapping[str, object],
    options: RetrainOptions,
) -> Retraining:
    """From data to decision, with a candidate that ``make`` leaves in a copy of the versions.

    ``make`` is given the report under way, the copy, the data, and variables that show the copy to kernels; ``values`` are for
    the notebook that evaluates.
    """
    (evaluate,) = runner.find([EVALUATE])
    registry = Registry()
    shown = progress_display.choose(options.show_progress)
    place = paths.reports() if options.reports is None else Path(options.reports).resolve()
    alone = nullcontext() if options.is_alone else locks.retraining(registry.root)
    page = history_page.kept(place, registry)
    with alone, page, report_folder.begin(place, shown) as made:
        made.more = {"kind": "retrain", **about}
        shown.stage("the data were checked")
        splits = load_mnist()
        made.more["data"] = check_data(splits)
        current = _current(registry)
        staged = registry.copy(made.path / CANDIDATE)
        before = set(staged.versions())
        kernel = {"MNISTLAB_MODELS": str(staged.root)}
        new = make(made, staged, splits, kernel)
        runner.run_notebook(evaluate, {**values, "version": new.candidate}, made, environment=kernel, **options.limits)
        shown.stage("the gates were asked")
        in_use = registry.root / current if current else None
        found = gates.decide(staged.root / new.candidate, in_use, JudgingData.of(splits))
        decision = replace(found, verdicts=(*found.verdicts, *new.verdicts))
        made.more["decision"] = decision.as_dict()
        _tidy(staged, before)
        shown.stage("the decision was carried out")
        made.last = lambda: _carry_out(decision, registry, staged.root / new.candidate, options.promote, new.adopted)
    return Retraining(made.final, made.receipt, decision, made.receipt["outcome"], made.receipt["version"])


def check_data(splits: Splits) -> dict:
    """What goes into the receipt about the data, if they are fit to learn from.

    Raises
    ------
    DataError : a digit is missing from a part, or parts share images.
    """
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    for name, digits in parts.items():
        if missing := [digit for digit in range(CLASSES) if not digits.counts()[digit]]:
            raise DataError(f"the {name} images lack the digits {', '.join(map(str, missing))}", code="classes")
    for name, count in splits.shared().items():
        if count:
            raise DataError(f"{count:,} {name} images are also among the training images", code="leak")
    return {
        "name": splits.name,
        "split_seed": splits.seed,
        **{name: {"n": len(digits), "sha256": digits.sha256()} for name, digits in parts.items()},
    }


def _current(registry: Registry) -> str | None:
    """The version in use, proved sound before hours are spent on a rival; None only if there is no version at all."""
    if not registry.versions() and not (registry.root / POINTER).exists():
        return None
    return registry.load().manifest.version


def _candidate(figures: Path, staged: Registry, before: set[str]) -> str:
    """Name of the version that the notebook says it saved, if it did."""
    try:
        name = json.loads(figures.read_text(encoding="utf-8"))["metrics"]["version"]
    except (OSError, ValueError, KeyError, TypeError):
        name = None
    if name not in staged.versions() or name in before:
        raise RunError(f"{figures.stem} ran to its end, but left no new version to judge", code="no-candidate")
    return name


def _tidy(staged: Registry, before: set[str]) -> None:
    """Leave in the report what this run made, and nothing of what was there before."""
    for path in list(staged.root.iterdir()):
        if path.name not in set(staged.versions()) - before:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _carry_out(
    decision: Decision, registry: Registry, candidate: Path, promote: bool, adopted: Callable[[str], None]
) -> dict:
    """Take the candidate over and put it into use, or do not; what the receipt says of it."""
    if not decision.passed:
        return {"outcome": REFUSED, "version": None}
    version = registry.adopt(candidate)
    adopted(version)
    if not promote:
        return {"outcome": PASSED, "version": version}
    try:
        registry.promote(version, instead_of=decision.current)
    except LabError as error:
        kept = "and is in use" if error.code == "unflushed" else "and is kept, but not in use"
        raise RunError(f"version {version} passed every gate {kept}: {error}", code=error.code) from error
    return {"outcome": PROMOTED, "version": version}
