"""Progress bars that suit where they are shown.

A terminal gets text on stderr, a live notebook a widget, and a headless notebook text on stdout, so that the executed
copy needs no widget to be read. The runner says that it is headless through ``MNISTLAB_HEADLESS``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Protocol, Self, TypeVar

HEADLESS = "MNISTLAB_HEADLESS"


T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Bar(Protocol[T_co]):
    """What the lab needs of a tqdm bar, which comes without types."""

    n: int

    def __iter__(self) -> Iterator[T_co]: ...
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


def track(
    iterable: Iterable[T] | None = None,
    *,
    description: str,
    total: int | None = None,
    show: bool = True,
    unit: str = "it",
) -> Bar[T]:
    """A tqdm bar around ``iterable``, or one to be moved by hand (``.update(n)``) if that is None.

    Parameters
    ----------
    description : stands before the bar.
    total : steps, where ``iterable`` does not know its length.
    show : False draws nothing, and still counts through.
    unit : of a step, as in ``"3.2 epoch/s"``.
    """
    options: dict[str, object] = {"desc": description, "total": total, "disable": not show, "unit": unit}
    if headless():
        from tqdm import tqdm

        options |= {"file": sys.stdout, "mininterval": 1.0, "ascii": False, "ncols": 100}
    else:
        from tqdm.auto import tqdm
    bar: Bar[T] = tqdm(iterable, **options)
    return bar
