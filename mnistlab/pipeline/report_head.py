"""The head of an executed notebook's page: what came of the run, how well it reads, which run it was, and the way to the others.

Put in when the run is complete: what came of a retraining is known only then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mnistlab.common.files import write_atomic
from mnistlab.common.html import render
from mnistlab.evaluation import formatting
from mnistlab.evaluation.intervals import Accuracy

INDEX = "index.html"  # of all runs, beside their folders
BODY = re.compile(r"<body\b[^>]*>")


def put_heads(folder: Path, run: str, notebooks: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """Put a head on the page of each notebook of a run.

    Parameters
    ----------
    folder : where the pages are.
    run : name of the run, ``"20261121-080901"``.
    notebooks : ``name`` and ``headlines`` of each, as in its receipt.
    about : what else the receipt says: ``outcome``, ``version`` and ``decision`` of a retraining.

    Raises
    ------
    OSError : a page cannot be read or written.
    """
    names = [entry["name"] for entry in notebooks if (folder / f"{entry['name']}.html").is_file()]
    is_listed = about.get("kind") == "retrain" or (folder.parent / INDEX).is_file()
    for entry in notebooks:
        if entry["name"] not in names:
            continue
        head = render(
            "pipeline/report_head.html",
            outcome=about.get("outcome", "complete"),
            lines=_figures(about) or entry["headlines"][:1],
            version=_version(about),
            run=f"{run[:4]}-{run[4:6]}-{run[6:8]} {run[9:11]}:{run[11:13]}",
            pages=[name for name in names if name != entry["name"]],
            index=INDEX if is_listed else "",
            dark=_dark(),
        )
        path = folder / f"{entry['name']}.html"
        page = path.read_text(encoding="utf-8")
        if body := BODY.search(page):
            write_atomic(path, f"{page[: body.end()]}\n{head}{page[body.end() :]}")


def _figures(about: Mapping[str, Any]) -> list[str]:
    figure = about.get("decision", {}).get("figures", {}).get("validation")
    if not figure:
        return []
    judged = Accuracy(figure["correct"], figure["n"])
    return [f"{formatting.accuracy(judged)} of {judged.n:,} validation images"]


def _version(about: Mapping[str, Any]) -> str:
    if "decision" not in about:
        return ""
    return f"version {about['version']}" if about.get("version") else f"candidate {about['decision']['candidate']}"


def _dark() -> Markup:
    """The colours that nbconvert has for a page that is dark."""
    from nbconvert import HTMLExporter

    places = [Path(place) / "static" / "theme-dark.css" for place in HTMLExporter().template_paths]
    return Markup(next((place.read_text(encoding="utf-8") for place in places if place.is_file()), ""))
