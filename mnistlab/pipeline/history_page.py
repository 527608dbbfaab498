"""The page of all runs, ``reports/index.html``: what was tried, what came of it, and which version is in use.

It is made anew from the receipts after every retraining and swapped in whole; nothing is lost with it. It holds its own picture
and style and links only to the reports beside it, so it can be read from a disk, without a server. Receipts are files that
anybody may have changed: what cannot be read is shown as that, and every text is escaped.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from mnistlab.common.errors import LabError, RunError
from mnistlab.common.files import write_atomic
from mnistlab.common.html import render
from mnistlab.evaluation import formatting
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.pipeline.report_folder import NOTE, PARTIAL, RECEIPT
from mnistlab.registry.card import lineage
from mnistlab.registry.registry import Registry

INDEX = "index.html"
SHOWN = 100  # runs on the page, the newest
MAX_RECEIPT = 4 * 2**20  # bytes
COLOURS = {"promoted": "#0072B2", "passed": "#56B4E9", "refused": "#D55E00"}  # Okabe and Ito's, as in every figure

log = logging.getLogger("mnistlab")
HEADS = ("run", "outcome", "what", "validation images", "drawn digits", "reports")


@dataclass(frozen=True)
class Entry:
    """One run.

    Attributes
    ----------
    id : name of its folder, without suffix.
    outcome : ``"promoted"``, ``"passed"``, ``"refused"``, ``"complete"`` (no retraining), ``"cut off"`` or ``"unreadable"``.
    what : recipe and preset, or the notebooks.
    version : the candidate as its report calls it, or as it was taken over.
    validation, drawn : of the candidate; None where it was not judged.
    reasons : why it was refused or cut off.
    pages : (name, address relative to the index) of its reports.
    """

    id: str
    outcome: str
    what: str = ""
    version: str = ""
    validation: Accuracy | None = None
    drawn: Accuracy | None = None
    reasons: tuple[str, ...] = ()
    pages: tuple[tuple[str, str], ...] = ()


@contextmanager
def kept(reports: Path, registry: Registry) -> Iterator[None]:
    """Rebuild the page after the ``with`` block, however that ends; a page that cannot be written spoils no run."""
    try:
        yield
    finally:
        try:
            rebuild(reports, registry)
        except LabError as error:
            log.warning("%s", error)


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


def entries(reports: Path) -> list[Entry]:
    """All runs in a folder, the newest first, at most ``SHOWN``."""
    folders = (
        [path for path in reports.iterdir() if path.is_dir() and path.name[:8].isdigit()] if reports.is_dir() else []
    )
    return [_entry(path) for path in sorted(folders, key=lambda path: path.name, reverse=True)[:SHOWN]]


def page(runs: list[Entry], registry: Registry) -> str:
    """The whole page as HTML."""
    return render(
        "pipeline/history_page.html",
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        in_use=_in_use(registry),
        chart=chart(runs),
        heads=HEADS,
        runs=runs,
        when=_when,
        share_text=formatting.accuracy,
    )


def chart(runs: list[Entry]) -> Markup:
    """Validation accuracy of the judged candidates over time with 95 % intervals, as SVG; a sentence if there are none."""
    judged = [(run, when) for run in reversed(runs) if run.validation and (when := _when(run.id))]
    if not judged:
        return Markup("<p>No candidate has been judged yet.</p>")
    from matplotlib import rc_context
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8, 3), layout="constrained")
        ax = figure.subplots()
        for outcome, colour in COLOURS.items():
            chosen = [
                (when, 100 * run.validation.value, run.validation) for run, when in judged if run.outcome == outcome
            ]
            if chosen:
                when, value, share = zip(*chosen, strict=True)
                reach = [[v - 100 * s.low for v, s in zip(value, share, strict=True)]]
                reach += [[100 * s.high - v for v, s in zip(value, share, strict=True)]]
                face = "none" if outcome == "refused" else colour
                ax.errorbar(when, value, reach, fmt="o", color=colour, mfc=face, capsize=3, label=outcome)
        if judged[-1][1] - judged[0][1] < timedelta(days=1):  # or one run would stand on an axis of years
            ax.set_xlim(judged[0][1] - timedelta(hours=12), judged[-1][1] + timedelta(hours=12))
        ax.set_ylabel("right (%)")
        ax.set_xlabel("start of the run")
        ax.grid(axis="y", alpha=0.3)
        ax.legend(frameon=False, ncols=len(COLOURS), loc="lower right", bbox_to_anchor=(1, 1))
        dates = AutoDateLocator(minticks=3, maxticks=7)
        ax.xaxis.set_major_locator(dates)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(dates))
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    n = judged[-1][0].validation.n
    label = (
        f'role="img" aria-label="Share of {n:,} validation images read right, by run; the table below has the figures" '
    )
    return Markup(f"<figure>{svg[svg.index('<svg') :].replace('<svg ', f'<svg {label}', 1)}</figure>")


def _entry(folder: Path) -> Entry:
    if folder.name.endswith(PARTIAL):
        try:
            with open(folder / NOTE, encoding="utf-8", errors="replace") as file:
                note = file.read(500).strip()
        except OSError:
            note = "no note"
        why = note.removeprefix("This run is not complete: ").removesuffix(".")
        pages = (("what was made so far", f"{quote(folder.name)}/"),)
        return Entry(folder.name.removesuffix(PARTIAL), "cut off", reasons=(why,), pages=pages)
    try:
        if (folder / RECEIPT).stat().st_size > MAX_RECEIPT:
            raise ValueError
        return _read(folder, json.loads((folder / RECEIPT).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, LabError):
        return Entry(folder.name, "unreadable", reasons=("its receipt is missing or cannot be read",))


def _read(folder: Path, receipt: dict) -> Entry:
    names = [str(entry["name"]) for entry in receipt["notebooks"]]
    pages = tuple(
        (name, f"{quote(folder.name)}/{quote(name)}.html") for name in names if (folder / f"{name}.html").is_file()
    )
    if receipt.get("kind") != "retrain":
        return Entry(folder.name, "complete", ", ".join(names), pages=pages)
    decision, outcome = receipt["decision"], str(receipt["outcome"])
    closed = (f"{verdict['gate']}: {verdict['reason']}" for verdict in decision["verdicts"] if not verdict["passed"])
    return Entry(
        folder.name,
        outcome if outcome in COLOURS else "unreadable",
        f"{receipt['recipe']}, {receipt['preset']}",
        str(receipt["version"] or f"candidate {decision['candidate']}"),
        *(_share(decision["figures"].get(name)) for name in ("validation", "drawn")),
        tuple(closed),
        pages,
    )


def _share(found: dict | None) -> Accuracy | None:
    return Accuracy(int(found["correct"]), int(found["n"])) if found else None


def _in_use(registry: Registry) -> dict[str, str] | str:
    """Where the version in use comes from; or a sentence that says why there is none."""
    try:
        return {**lineage(registry.manifest()), "before it": registry.previous() or "none recorded"}
    except LabError as error:
        return str(error)


def _when(run_id: str) -> datetime | None:
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S")
    except ValueError:
        return None
