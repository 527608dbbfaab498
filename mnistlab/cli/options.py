"""Options that several commands share, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from mnistlab.common.constants import START_TIMEOUT
from mnistlab.common.errors import RegistryError

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print all figures as JSON.")
quiet = click.option("--quiet", is_flag=True, help="Print no progress and no summary.")
store = click.option("--store", help="Where feedback is kept, a path or a URL, instead of the lab's own store.")


def version(help_text: str) -> Callable[[Command], Command]:
    """``--version``: a name, "latest", or by default the version in use."""
    return click.option("--version", "version", default="current", help=help_text)


def parameters(help_text: str) -> Callable[[Command], Command]:
    """``-p NAME=VALUE``, as often as wanted; ``parse_parameters`` reads what was given."""
    return click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help=help_text)


def timeouts(cell: int) -> Callable[[Command], Command]:
    """``--cell-timeout`` with this default, and ``--start-timeout``; seconds."""

    seconds = click.IntRange(min=1)
    start = click.option(
        "--start-timeout", type=seconds, default=START_TIMEOUT, help="Seconds a kernel may take to start."
    )
    each = click.option("--cell-timeout", type=seconds, default=cell, help="Seconds a cell may take.")
    return lambda command: each(start(command))


def parse_parameters(given: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` texts as a dictionary; what has another form is a usage error."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise click.UsageError(f"a parameter is given as NAME=VALUE, not {text!r}; for example -p epochs=3")
        if name in values:
            raise click.UsageError(f"parameter {name} is given twice, as {values[name]!r} and {value!r}")
        values[name] = value
    return values


def duration(seconds: float) -> str:
    """``"3 min 20 s"``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def write_file(file: Path, content: bytes) -> None:
    """A new file, and a line that tells its size; an existing one is a usage error.

    Raises
    ------
    RegistryError : it cannot be written.
    """
    from mnistlab.common.files import write_new

    try:
        write_new(file.resolve(), content)
    except FileExistsError:
        raise click.UsageError(f"{file} already exists and is not overwritten") from None
    except OSError as error:
        raise RegistryError(f"{file} could not be written: {error.strerror or error}", code="write") from error
    click.echo(f"{file}: {len(content):,} bytes")
