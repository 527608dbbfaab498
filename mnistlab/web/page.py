"""The page as HTML, and the files that it asks for.

It has two homes. ``"static"``: the network runs in the browser, and nothing leaves the page. ``"served"``: a server answers, and
takes feedback. The look, the drawing and the texts are the same files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np

from mnistlab.common.errors import CheckpointError, LabError
from mnistlab.common.html import render
from mnistlab.evaluation import conformal
from mnistlab.registry.manifest import Manifest
from mnistlab.registry.names import version_name
from mnistlab.registry.registry import Registry

Home = Literal["static", "served"]

STYLES = ("look.css", "page.css", "icon.svg")
TEXTS = ("text.en.js", "text.fr.js")
# Reads as Python does, without it.
ENGINE = ("fit.js", "paper.js", "ink.js", "net.js", "answer.js", "segments.js", "parts.js", "why.js")
PAGE = (
    *("language.js", "paint.js", "pen.js", "picture.js", "files.js", "view.js"),
    *("explanation.js", "twins.js", "reading.js"),
)
# Classic scripts, in the order in which they need each other: modules do not run on file://.
SCRIPTS: Mapping[Home, tuple[str, ...]] = {
    "static": ("drawing.js", "curve.js", *TEXTS, *ENGINE, *PAGE, "engine.js", "page.js", "offline.js"),
    "served": ("drawing.js", "curve.js", *TEXTS, *PAGE, "feedback.js", "api.js", "page.js"),
}
# Where they lie beside the page. Of a server in a folder that it gives to anybody: a browser asks for a script without a token.
FOLDERS: Mapping[Home, str] = {"static": "", "served": "assets/"}
# From a page that reads by itself nothing can be sent. Its worker, which keeps it for times without a network, has its own rules.
POLICIES: Mapping[Home, str] = {
    "static": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'",
    "served": "default-src 'self'; base-uri 'none'; form-action 'none'",
}
CARD = {"created": True, "parameters": True, "metrics": True}  # what the page says of a version
SAME = {"architecture", "parameters", "data"}  # of a plain network and a permuted one that are shown side by side
SAME_TRAINING = {"epochs", "batch_size", "learning_rate", "average", "batch_norm", "seed"}


def page_html(home: Home, *, current: str, versions: Mapping[str, Mapping[str, object]], twins: tuple[str, ...]) -> str:
    """The page.

    Parameters
    ----------
    current : name of the version that reads.
    versions : by name, what the page has to know of it: ``card``, ``permutation`` (784 numbers, or None if it changes nothing);
        for the static home also its weights and all that is needed to read with them.
    twins : two of them, a plain one and a permuted one, to be compared; empty if there are none.
    """
    data = {"mode": home, "current": current, "versions": versions, "twins": twins or None}
    return render("web/page.html", data=data, policy=POLICIES[home], scripts=SCRIPTS[home], folder=FOLDERS[home])


@cache
def asset(name: str) -> bytes:
    """A file that the page asks for.

    Raises
    ------
    LabError : the page asks for no such file.
    """
    if name not in {*STYLES, "worker.js", *SCRIPTS["static"], *SCRIPTS["served"]}:
        raise LabError(f"the page has no file {name!r}", code="asset")
    return (files("mnistlab.web") / "static" / name).read_bytes()


def assets(home: Home) -> dict[str, bytes]:
    """All files of a home but the page itself, by their addresses relative to it."""
    worker = ("worker.js",) if home == "static" else ()
    return {FOLDERS[home] + name: asset(name) for name in (*STYLES, *SCRIPTS[home], *worker)}


def card(manifest: Manifest) -> dict[str, object]:
    """What the page says of a version: when it was made, how large it is and how well it reads."""
    return manifest.model_dump(include=CARD)


def about(registry: Registry, name: str, shown: Iterable[str]) -> dict[str, object]:
    """What the page says of a version among those it shows: its ``card``, its ``name``, and the ``limits`` of how sure it is."""
    manifest = registry.manifest(name)
    info = manifest.calibration
    reach = {level.coverage: level.surprise for level in info.levels} if info else {}
    limits = {"doubt": reach.get(conformal.LEVEL), "sure": reach.get(conformal.SURE_LEVEL)}
    return {
        "card": card(manifest),
        "name": version_name(manifest, [registry.manifest(other) for other in shown]),
        "limits": limits if all(limits.values()) else None,
    }


def served_html(registry: Registry, current: str, *others: str) -> str:
    """The page of a server that reads with the version ``current``, and some requests with others.

    Raises
    ------
    RegistryError, CheckpointError : there is no such version; one that is shown is not sound.
    """
    pair = twins(registry)
    versions: dict[str, dict[str, object]] = {}
    for name in (current, *others, *pair):
        permuted = name in pair[1:]  # only what is shown scrambled needs the order
        order = np.asarray(registry.load(name).permutation.order).tolist() if permuted else None
        versions[name] = {**about(registry, name, (current, *others, *pair)), "permutation": order}
    return page_html("served", current=current, versions=versions, twins=pair)


def twins(registry: Registry) -> tuple[str, ...]:
    """The newest permuted version and the plain one of the same size, data and recipe; empty if there is no such pair."""
    manifests = []
    for name in reversed(registry.versions()):
        with suppress(CheckpointError):  # it cannot be compared
            manifests.append(registry.manifest(name))
    for permuted in manifests:
        for plain in manifests:
            kinds = plain.permutation.kind, permuted.permutation.kind
            if kinds == ("identity", "permuted") and plain.training and _recipe(plain) == _recipe(permuted):
                return plain.version, permuted.version
    return ()


def _recipe(manifest: Manifest) -> dict[str, object]:
    return manifest.model_dump(include={**dict.fromkeys(SAME, True), "training": SAME_TRAINING})
