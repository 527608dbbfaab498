"""``mnistlab feedback``: the corrections that people agreed to have kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnistlab.common.errors import FeedbackError, plain
from mnistlab.feedback.consent import RETENTION

if TYPE_CHECKING:
    from mnistlab.feedback.records import Correction
    from mnistlab.feedback.store import Erased, Store


@click.group(short_help="List, export and erase the corrections people agreed to have kept.")
def feedback() -> None:
    """List, export and erase the corrections that people agreed to have kept.

    They are in data/feedback.sqlite, or where the variable MNISTLAB_FEEDBACK says: a path, or postgresql://USER@HOST/NAME.
    """


@feedback.command("list", short_help="List the sessions.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def feedback_list(as_json: bool) -> None:
    """List the sessions: when they were, how many drawings they hold, how many of those had been misread."""
    store = _store()
    sessions: dict[str, list[Correction]] = {}
    for correction in store.corrections():
        sessions.setdefault(correction.session, []).append(correction)
    rows = [
        {
            "session": plain(name),
            "first": f"{own[0].created:%Y-%m-%d %H:%M}",
            "last": f"{own[-1].created:%Y-%m-%d %H:%M}",
            "drawings": len(own),
            "misread": sum(not correction.is_right for correction in own),
        }
        for name, own in sessions.items()
    ]
    uses = len(store.uses())
    if as_json:
        click.echo(json.dumps({"sessions": rows, "uses": uses}, indent=2))
        return
    if rows:
        click.echo(f"{'session':<32}  {'first (UTC)':<16}  {'last (UTC)':<16}  drawings  misread")
    for row in rows:
        click.echo("{session:<32}  {first:<16}  {last:<16}  {drawings:>8}  {misread:>7}".format(**row))
    kept = sum(len(own) for own in sessions.values())
    click.echo(f"{kept:,} drawings of {len(rows)} sessions; {uses:,} readings counted. Kept for {RETENTION} days.")


@feedback.command("export", short_help="Write the corrections to a file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def feedback_export(file: Path) -> None:
    """Write the corrections to FILE, one JSON object per line. Nothing is overwritten.

    The store remembers where the file is: what is erased later is removed from it too, as long as it stays there.
    """
    written = _store().export(file)
    click.echo(f"{file}: {written:,} drawings")


@feedback.command("erase", short_help="Erase corrections for good.")
@click.argument("ids", nargs=-1, type=click.IntRange(min=1), metavar="[NUMBER]...")
@click.option("--session", help="Erase a whole session, named as in `mnistlab feedback list`.")
@click.option("--all", "everything", is_flag=True, help="Erase everything, including the counts of use.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def feedback_erase(ids: tuple[int, ...], session: str | None, everything: bool, yes: bool) -> None:
    """Erase corrections for good, from the store and from exports: by NUMBER, by session, or all."""
    if [bool(ids), session is not None, everything].count(True) != 1:
        raise click.UsageError("name what to erase in one way: numbers, --session NAME or --all")
    if not yes:
        click.confirm("Erased drawings cannot be recovered. Erase them?", abort=True)
    _report(_store().erase(ids=ids or None, session=session, everything=everything))


@feedback.command("purge", short_help="Erase what is older than people agreed to.")
@click.option("--days", type=click.FloatRange(0, RETENTION), default=RETENTION, help="Age from which to erase.")
def feedback_purge(days: float) -> None:
    """Erase what is older than a number of days. What is older than people agreed to is erased anyway, whenever the store is
    opened.
    """
    _report(_store().purge(days))


@feedback.command("mark", short_help="Show which versions learned from erased drawings.")
def feedback_mark() -> None:
    """Show the versions that learned from corrections, and mark those whose drawings have been erased since."""
    marked = _store().marked()
    for version, (learned, erased) in marked.items():
        word = f"; {erased} of them erased since: train it again, or remove it" if erased else ""
        click.echo(f"{'!' if erased else ' '} {version}  learned from {learned} drawings{word}")
    if not marked:
        click.echo("No version learned from corrections.")


@feedback.command("exports", short_help="Show where exports were written.")
@click.option(
    "--forget", type=click.Path(path_type=Path), metavar="FILE", help="You deleted this one: try no more to clean it."
)
def feedback_exports(forget: Path | None) -> None:
    """Show where exports were written, and which of them may still hold drawings that were erased since."""
    store = _store()
    if forget is not None:
        if forget.resolve() not in store.exports():
            raise FeedbackError(f"no export was written to {plain(str(forget))}", code="unknown")
        store.forget_export(forget)
    for path, fault in store.exports().items():
        word = f"; may hold erased drawings, and could not be cleaned: {plain(fault)}" if fault else ""
        click.echo(f"{'!' if fault else ' '} {plain(str(path))}{word}")


def _store() -> Store:
    from mnistlab.feedback.store import Store  # not before it is needed: it brings SQLAlchemy

    store = Store()
    if store.doubt:
        click.echo(f"{store.doubt[0].upper()}{store.doubt[1:]}.", err=True)
    return store


def _report(erased: Erased) -> None:
    click.echo(f"Erased {erased.corrections:,} drawings and {erased.uses:,} counted readings.")
    if erased.versions:
        click.echo(f"Versions that had learned from them: {', '.join(erased.versions)}.")
    for path in erased.missing_exports:
        click.echo(
            f"The export {plain(str(path))} could not be cleaned and may still hold them. It is tried again whenever the "
            "store is opened; `mnistlab feedback exports` says why.",
            err=True,
        )
    if erased.fault:
        click.echo(
            "They are out of the tables and overwritten, but the file could not be written anew, which is tried again: "
            f"{plain(erased.fault)}.",
            err=True,
        )
