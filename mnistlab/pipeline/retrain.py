"""From data to decision in one run that can be left alone: check, train, evaluate, ask the gates, promote or refuse, report.

Whatever makes the candidate works on a copy of ``models/`` inside the report, so whatever becomes of it, the lab's own versions
are as they were. Only a candidate that passed every gate is taken over from there, and put into use by one swap. A candidate
that is refused stays in its report.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnistlab.common import locks, paths
from mnistlab.common.constants import CLASSES, RETRAIN_CELL_TIMEOUT
from mnistlab.common.errors import DataError, LabError, RunError, TrainingError
from mnistlab.data.mnist import Splits, load_mnist
from mnistlab.feedback.duplicates import MIN_DRAWINGS
from mnistlab.feedback.store import Store
from mnistlab.pipeline import adapt, gates, history_page, progress_display, report_folder, runner, tracking
from mnistlab.pipeline.decision import Decision, JudgingData, Verdict
from mnistlab.pipeline.executor import TimeLimits
from mnistlab.pipeline.recipes import EVALUATE, notebooks_of, values_of
from mnistlab.pipeline.report_folder import ReportFolder
from mnistlab.registry.layout import POINTER
from mnistlab.registry.registry import Registry

CANDIDATE = "candidate"  # in the report: the versions this run made
LIMITS = TimeLimits(cell=RETRAIN_CELL_TIMEOUT)
PROMOTED, PASSED, REFUSED = "promoted", "passed", "refused"


@dataclass(frozen=True)
class Retraining(runner.Run):
    """A complete retraining, whatever was decided."""

    decision: Decision  # of the gates

    @property
    def outcome(self) -> str:
        """``"promoted"``, ``"passed"`` (not to be promoted) or ``"refused"``."""
        return str(self.receipt["outcome"])

    @property
    def version(self) -> str | None:
        """The candidate's name in ``models/``; None if it was refused."""
        return self.receipt["version"]


@dataclass(frozen=True, kw_only=True)
class RetrainOptions:
    """How a retraining runs, whatever makes the candidate."""

    promote: bool = True  # False keeps a candidate that passes as a version, but does not put it into use
    reports: Path | str | None = None  # where runs go; None is ``reports/``
    limits: TimeLimits = LIMITS  # of time, for each notebook
    show_progress: bool = True  # on stderr
    is_alone: bool = False  # the caller holds ``locks.retraining`` already


@dataclass(frozen=True)
class _Workspace:
    """A retraining under way."""

    folder: ReportFolder  # its report
    splits: Splits  # the data, checked
    registry: Registry  # the lab's versions
    current: str | None  # which one is in use
    staged: Registry  # a copy of them that the candidate is added to
    earlier: frozenset[str]  # what was in it before
    options: RetrainOptions

    def run_notebook(self, notebook: runner.Notebook, values: Mapping[str, object]) -> None:
        """Execute a notebook that sees the staged versions in the place of the lab's."""
        models = {"MNISTLAB_MODELS": str(self.staged.root)}
        runner.run_notebook(notebook, values, self.folder, environment=models, limits=self.options.limits)


def retrain(
    recipe: str = "drawing",
    *,
    size: str = "full",
    parameters: Mapping[str, object] | None = None,
    options: RetrainOptions | None = None,
) -> Retraining:
    """Train a candidate, judge it against the version in use, and put it into use if every gate is open.

    Parameters
    ----------
    recipe : one of ``RECIPES``.
    size : ``"full"`` or ``"quick"``.
    parameters : values by ``"name"`` or ``"03_train.name"``, as in ``runner.run``; they win over those of the size.

    Raises
    ------
    BusyError : another retraining is under way, with code ``"locked"``.
    RegistryError : ``models/`` cannot be made or written.
    RunError : refused before anything ran, or cut off; ``models/`` is as it was.
    """
    train, evaluate = notebooks_of(recipe, size)
    values = values_of(recipe, size, parameters or {}, train, evaluate)
    with _begin(options or RetrainOptions(), recipe=recipe, preset=size) as work:
        work.run_notebook(train, values[train.name])
        version = _saved_version(work, train)
        work.run_notebook(evaluate, {**values[evaluate.name], "version": version})
        decision = _judge(work, version)
    return Retraining(work.folder.final, work.folder.receipt, decision)


def retrain_with_feedback(
    store: Store | None = None, *, session: str | None = None, options: RetrainOptions | None = None
) -> Retraining:
    """Tune the version in use to what people corrected (``adapt.tune_candidate``); all else as in ``retrain``, but that a
    version that passes is never put into use unwatched: a person looks at the report and promotes it.

    Parameters
    ----------
    store : of corrections; it notes which version learned from them. None is that of the lab.
    session : learn from the drawings of one session only.

    Raises
    ------
    FeedbackError : the store cannot be opened.
    TrainingError : there are too few corrections, with code ``"few"``.
    RunError : as ``retrain``; with code ``"few"`` too few of them differ or can be believed.
    BusyError : another retraining is under way, with code ``"locked"``.
    """
    store = store or Store()
    corrections = store.corrections(session=session)
    n = len(corrections)
    if n < MIN_DRAWINGS:  # a schedule that comes by too early should leave no report that is cut off
        raise TrainingError(f"{MIN_DRAWINGS} corrections or more are needed to learn from; there are {n}", code="few")
    (evaluate,) = runner.find([EVALUATE])
    options = replace(options or RetrainOptions(), promote=False)
    with _begin(options, recipe="feedback", preset=f"{n} corrections") as work:
        work.folder.display.stage("the corrections were learned from")
        tuned = adapt.tune_candidate(corrections, work.staged, work.splits, run=work.folder.id)
        work.folder.more["feedback"] = tuned.as_dict()
        work.run_notebook(evaluate, {"version": tuned.version})
        trained = functools.partial(store.trained, ids=tuned.learned_from)
        decision = _judge(work, tuned.version, tuned.verdicts, on_adopt=trained)
    return Retraining(work.folder.final, work.folder.receipt, decision)


def check_data(splits: Splits) -> dict[str, object]:
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


@contextmanager
def _begin(options: RetrainOptions, **about: str) -> Iterator[_Workspace]:
    """All that a candidate can be made in, for the length of a ``with`` block: nobody else retrains meanwhile, the report becomes
    complete if the block ends well, and the page of all runs is made anew whatever happens."""
    registry = Registry()
    display = progress_display.choose(options.show_progress)
    reports = paths.reports() if options.reports is None else Path(options.reports).resolve()
    alone = nullcontext() if options.is_alone else locks.retraining(registry.root)
    with alone, history_page.kept(reports, registry), report_folder.begin(reports, display) as folder:
        folder.more = {"kind": "retrain", **about}
        display.stage("the data were checked")
        splits = load_mnist()
        folder.more["data"] = check_data(splits)
        current = _current(registry)
        staged = registry.copy(folder.path / CANDIDATE)
        yield _Workspace(folder, splits, registry, current, staged, frozenset(staged.versions()), options)
    tracking.mirror_if_asked(folder.final)


def _current(registry: Registry) -> str | None:
    """The version in use, proved sound before hours are spent on a candidate; None only if there is no version at all."""
    if not registry.versions() and not (registry.root / POINTER).exists():
        return None
    return registry.load().manifest.version


def _saved_version(work: _Workspace, train: runner.Notebook) -> str:
    """Name of the version that the notebook says it saved, if it did."""
    try:
        results = json.loads((work.folder.path / f"{train.name}.json").read_text(encoding="utf-8"))
        name = results["metrics"]["version"]
    except (OSError, ValueError, KeyError, TypeError):
        name = None
    if name not in [version for version in work.staged.versions() if version not in work.earlier]:
        raise RunError(f"{train.name} ran to its end, but left no new version to judge", code="no-candidate")
    return str(name)


def _judge(
    work: _Workspace,
    candidate: str,
    verdicts: tuple[Verdict, ...] = (),
    *,
    on_adopt: Callable[[str], object] = lambda version: None,
) -> Decision:
    """Ask the gates, enter what they say in the receipt, and have it carried out when the report is complete.

    ``verdicts`` are of gates that only this way to make a candidate has; ``on_adopt`` is told its name in ``models/``.
    """
    work.folder.display.stage("the gates were asked")
    in_use = work.registry.root / work.current if work.current else None
    path = work.staged.root / candidate
    decision = gates.decide(path, in_use, JudgingData.of(work.splits), best=gates.best_in(work.registry, path))
    decision = replace(decision, verdicts=(*decision.verdicts, *verdicts))
    work.folder.more["decision"] = decision.as_dict()
    _remove_earlier(work)
    work.folder.display.stage("the decision was carried out")
    work.folder.last = functools.partial(_carry_out, work, decision, on_adopt)
    return decision


def _remove_earlier(work: _Workspace) -> None:
    """Leave in the report what this run made, and nothing of what was there before."""
    new = set(work.staged.versions()) - work.earlier
    for path in list(work.staged.root.iterdir()):
        if path.name not in new:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _carry_out(work: _Workspace, decision: Decision, on_adopt: Callable[[str], object]) -> dict[str, Any]:
    """Take the candidate over and put it into use, or do not; what the receipt says of it."""
    if not decision.passed:
        return {"outcome": REFUSED, "version": None}
    version = work.registry.adopt(work.staged.root / decision.candidate)
    on_adopt(version)
    if not work.options.promote:
        return {"outcome": PASSED, "version": version}
    try:
        work.registry.promote(version, instead_of=decision.current)
    except LabError as error:
        kept = "and is in use" if error.code == "unflushed" else "and is kept, but not in use"
        raise RunError(f"version {version} passed every gate {kept}: {error}", code=error.code) from error
    return {"outcome": PROMOTED, "version": version}
