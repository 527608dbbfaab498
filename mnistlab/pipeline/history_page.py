"""The page of all runs, ``reports/index.html``: what was tried, what came of it, and which version is in use.

It is made anew from the receipts after every retraining and swapped in whole; nothing is lost with it. It holds its own picture
and style and links only to the reports beside it, so it can be read from a disk, without a server. Receipts are files that
anybody may have changed: what cannot be read is shown as that, and every text is escaped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from mnistlab.common.errors import LabError, RunError
from mnistlab.common.files import read_regular, strict_json, write_atomic
from mnistlab.common.html import render
from mnistlab.evaluation import formatting
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.pipeline.report_folder import NOTE, PARTIAL, RECEIPT
from mnistlab.pipeline.report_head import INDEX
from mnistlab.registry.card import lineage
from mnistlab.registry.names import version_name
from mnistlab.registry.registry import Registry

SHOWN = 100  # runs on the page, the newest
MAX_RECEIPT = 4 * 2**20  # bytes
MOST_IMAGES = 10**9  # as in a manifest
COLOURS = {"promoted": "#0072B2", "passed": "#56B4E9", "refused": "#D55E00"}  # Okabe and Ito's, as in every figure

log = logging.getLogger("mnistlab")


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One run."""

    id: str  # name of its folder, without suffix
    # ``"promoted"``, ``"passed"``, ``"refused"``, ``"complete"`` (no retraining), ``"cut off"`` or ``"unreadable"``
    outcome: str
    what: str = ""  # recipe and size, or the notebooks
    version: str = ""  # the candidate as its report calls it, or as it was taken over
    validation: Accuracy | None = None  # share read right by the candidate; None where it was not judged
    drawn: Accuracy | None = None  # the same of drawn digits
    reasons: tuple[str, ...] = ()  # why it was refused or cut off
    pages: tuple[tuple[str, str], ...] = ()  # (name, address relative to the index) of its reports
    picture: str = ""  # address of a small figure out of the last of them; "" if there is none

    @property
    def has_ended(self) -> bool:
        """False of a run that was cut off or cannot be read."""
        return self.outcome not in ("cut off", "unreadable")

    @property
    def started(self) -> datetime | None:
        """UTC, from its name; None if that is no time."""
        try:
            moment = datetime.strptime(self.id[:15], "%Y%m%d-%H%M%S")
        except ValueError:
            return None
        return moment if 2000 <= moment.year < 2100 else None  # an axis of centuries shows nothing


@dataclass(frozen=True, kw_only=True)
class InUse:
    """The version in use, or why there is none."""

    fault: str = ""  # a sentence; all else is empty then
    version: str = ""
    name: str = ""  # as people call it
    validation: Accuracy | None = None  # share of the validation images read right; None if it was not judged on them
    lineage: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, registry: Registry) -> InUse:
        """From what its manifest says."""
        try:
            manifest, before = registry.manifest(), registry.previous()
        except LabError as error:
            return cls(fault=str(error))
        others = []
        for number in registry.versions():
            with suppress(LabError):
                others.append(registry.manifest(number))
        judged = manifest.metrics.get("validation")
        return cls(
            version=manifest.version,
            name=version_name(manifest, others),
            validation=Accuracy(judged.correct, judged.n) if judged else None,
            lineage={**lineage(manifest), "before it": before or "none recorded"},
        )


@contextmanager
def kept(reports: Path, registry: Registry) -> Iterator[None]:
    """Rebuild the page after the ``with`` block, however that ends; a page that cannot be written spoils no run."""
    try:
        yield
    finally:
        try:
            rebuild(reports, registry)
        except Exception as error:  # of whatever lies in the folder: hours of training must not end with it
            log.warning("%s could not be made anew: %s", INDEX, error)


def rebuild(reports: Path, registry: Registry) -> Path:
    """Make the page anew and return its path.

    Raises
    ------
    RunError : it cannot be written, with code ``"write"``; the old one is as it was.
    """
    try:
        write_atomic(reports / INDEX, page(entries(reports), registry))
    except OSError as error:
        raise RunError(f"{INDEX} could not be written: {error}", code="write") from error
    return reports / INDEX


def entries(reports: Path) -> list[HistoryEntry]:
    """All runs in a folder, the newest first, at most ``SHOWN``."""
    names = [path.name for path in reports.iterdir() if path.is_dir()] if reports.is_dir() else []
    runs = sorted((name for name in names if name[:8].isdigit()), reverse=True)
    return [_cut_off(reports / name) if name.endswith(PARTIAL) else _complete(reports / name) for name in runs[:SHOWN]]


def page(runs: list[HistoryEntry], registry: Registry) -> str:
    """The whole page as HTML."""
    judged = [run.validation for run in runs if run.validation]
    in_use = InUse.of(registry)
    return render(
        "pipeline/history_page.html",
        rebuilt=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        in_use=in_use,
        chart=chart(runs, in_use),
        n_images=judged[0].n if judged else 0,
        runs=runs,
        accuracy_text=formatting.accuracy,
        percent=formatting.percent,
        interval=formatting.interval,
    )


def chart(runs: list[HistoryEntry], in_use: InUse) -> Markup | None:
    """Validation accuracy of the judged candidates over time with 95 % intervals, and that of the version in use as a line, as
    SVG; None if there are none."""
    from matplotlib import rc_context
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure

    from mnistlab.plots.pictures import NEUTRAL, as_svg, error_bars, open_frame

    points = [(run.outcome, date2num(run.started), run.validation) for run in runs if run.validation and run.started]
    if not points:
        return None
    with rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8, 3), layout="constrained")
        ax = figure.subplots()
        for outcome, colour in COLOURS.items():
            days = [day for name, day, _ in points if name == outcome]
            shares = [share for name, _, share in points if name == outcome]
            if days:
                values, reach = error_bars(shares)
                face = "none" if outcome == "refused" else colour
                ax.errorbar(days, values, reach, fmt="o", color=colour, mfc=face, capsize=3, label=outcome)
        if best := in_use.validation:
            ax.axhspan(100 * best.low, 100 * best.high, color=NEUTRAL, alpha=0.2, linewidth=0)
            ax.axhline(100 * best.value, color="black", linewidth=1, linestyle="--", label=f"in use: {in_use.version}")
        open_frame(ax)
        first, last = points[-1][1], points[0][1]
        if last - first < 1:  # or one run would stand on an axis of years
            ax.set_xlim(first - 0.5, last + 0.5)
        ax.set(xlabel="start of the run", ylabel="right (%)")
        ax.grid(axis="y", alpha=0.3)
        ax.legend(frameon=False, ncols=len(COLOURS) + 1, loc="lower right", bbox_to_anchor=(1, 1))
        dates = AutoDateLocator(minticks=3, maxticks=7)
        ax.xaxis.set_major_locator(dates)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(dates))
        return as_svg(figure)


def _cut_off(folder: Path) -> HistoryEntry:
    try:
        with open(folder / NOTE, encoding="utf-8", errors="replace") as file:
            note = file.read(500).strip()
    except OSError:
        note = "no note"
    reason = note.removeprefix("This run is not complete: ").removesuffix(".")
    pages = (("what was made so far", f"{quote(folder.name)}/"),)
    return HistoryEntry(id=folder.name.removesuffix(PARTIAL), outcome="cut off", reasons=(reason,), pages=pages)


def _complete(folder: Path) -> HistoryEntry:
    try:
        return _from_receipt(folder, strict_json(read_regular(folder / RECEIPT, MAX_RECEIPT)))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, LabError):
        return HistoryEntry(id=folder.name, outcome="unreadable", reasons=("its receipt is missing or cannot be read",))


def _from_receipt(folder: Path, receipt: Any) -> HistoryEntry:
    names = [str(entry["name"]) for entry in receipt["notebooks"]]
    pages = tuple(
        (name, f"{quote(folder.name)}/{quote(name)}.html") for name in names if (folder / f"{name}.html").is_file()
    )
    last = names[-1] if names and pages else ""
    picture = f"{quote(folder.name)}/{quote(last)}.png" if last and (folder / f"{last}.png").is_file() else ""
    if receipt.get("kind") != "retrain":
        return HistoryEntry(id=folder.name, outcome="complete", what=", ".join(names), pages=pages, picture=picture)
    decision, outcome = receipt["decision"], str(receipt["outcome"])
    return HistoryEntry(
        id=folder.name,
        outcome=outcome if outcome in COLOURS else "unreadable",
        what=f"{receipt['recipe']}, {receipt['preset']}",
        version=str(receipt["version"] or f"candidate {decision['candidate']}"),
        validation=_share(decision["figures"].get("validation")),
        drawn=_share(decision["figures"].get("drawn")),
        reasons=tuple(f"{v['gate']}: {v['reason']}" for v in decision["verdicts"] if not v["passed"]),
        pages=pages,
        picture=picture,
    )


def _share(figure: dict[str, Any] | None) -> Accuracy | None:
    if not figure:
        return None
    if int(figure["n"]) > MOST_IMAGES:
        raise ValueError("nobody has judged a version on so many images")
    return Accuracy(int(figure["correct"]), int(figure["n"]))
