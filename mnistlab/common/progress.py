"""Progress bars that suit where they are shown.

A terminal gets text on stderr, a live notebook a widget, and a headless notebook text on stdout, so that the executed
copy needs no widget to be read. The runner says that it is headless through ``MNISTLAB_HEADLESS``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

HEADLESS = "MNISTLAB_HEADLESS"


def headless() -> bool:
    """True in a notebook that nobody is watching."""
    return os.environ.get(HEADLESS) == "1"


def track(
    iterable: Iterable | None = None, *, description: str, total: int | None = None, show: bool = True, **options
):
    """A tqdm bar around ``iterable``, or one to be moved by hand (``.update(n)``) if that is None."""
    if headless():
        from tqdm import tqdm

        options = {"file": sys.stdout, "mininterval": 1.0, "ascii": False, "ncols": 100, **options}
    else:
        from tqdm.auto import tqdm
    return tqdm(iterable, desc=description, total=total, disable=not show, **options)
