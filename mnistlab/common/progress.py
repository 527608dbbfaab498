"""Progress bars that suit where they are shown.

A terminal gets text on stderr, a live notebook a widget, and a headless notebook text on stdout, so that the executed
copy needs no widget to be read. The runner says that it is headless through ``MNISTLAB_HEADLESS``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, Protocol, Self, TextIO, TypeVar

HEADLESS = "MNISTLAB_HEADLESS"
COLUMNS, LINES = 80, 24  # of a terminal that does not say how large it is

T = TypeVar("T")


class Bar(Protocol):
    """What the lab needs of a tqdm bar, which comes without types."""

    n: int

    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    def update(self, n: int = 1) -> object:
        """Move it on."""

    def set_description_str(self, text: str) -> None:
        """Change what stands before it."""

    def set_postfix_str(self, text: str) -> None:
        """Change what stands behind it."""


def headless() -> bool:
    """True in a notebook that nobody is watching."""
    return os.environ.get(HEADLESS) == "1"


def is_sizeless(stream: TextIO) -> bool:
    """True of a terminal of no columns, as some CI services and ``docker run -t`` give one: tqdm would draw nothing in it."""
    try:
        return stream.isatty() and not os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # no real terminal, or a closed one
        return False


def track(
    iterable: Iterable[T], *, description: str, total: int | None = None, show: bool = True, unit: str = "it"
) -> Iterable[T]:
    """The same items, with a bar that moves at each.

    Parameters
    ----------
    description : stands before the bar.
    total : how many, where ``iterable`` does not know its length.
    show : False draws nothing, and still counts through.
    unit : of an item, as in ``"3.2 step/s"``.
    """
    items: Iterable[T] = _tqdm(iterable, description, total, show, unit)
    return items


def progress_bar(*, total: int, description: str, show: bool = True, unit: str = "it") -> Bar:
    """A bar to be moved by hand: ``with progress_bar(...) as bar: bar.update()``; parameters as for ``track``."""
    bar: Bar = _tqdm(None, description, total, show, unit)
    return bar


def _tqdm(iterable: Iterable[T] | None, description: str, total: int | None, show: bool, unit: str) -> Any:
    """A bar of the kind that suits this process."""
    options = {"desc": description, "total": total, "disable": not show, "unit": unit}
    if headless():
        from tqdm import tqdm

        return tqdm(iterable, file=sys.stdout, mininterval=1.0, ascii=False, ncols=100, **options)
    from tqdm.auto import tqdm as suited

    if is_sizeless(sys.stderr):
        options |= {"ncols": COLUMNS, "nrows": LINES}
    return suited(iterable, **options)
