"""Whether the clock can be believed when it says that drawings are too old: a wrong one must not erase what people kept.

A store notes when it was last opened. A clock that has leapt on since then, by more than a lab is ever left alone, is doubted
for a day: what it calls too old stays that long, and whoever opens the store is told. A clock that goes back ends the doubt.
"""

from __future__ import annotations

from datetime import datetime, timedelta

LEAP = timedelta(days=30)  # longer than most holidays; who comes back later waits a day for the erasing
PATIENCE = timedelta(days=1)  # for somebody to see the wrong date and set it right
FRESH = timedelta(hours=1)  # the note of the last opening is that old at most; not every opening has to write


def doubted_since(now: datetime, seen: datetime | None, doubted: datetime | None) -> datetime | None:
    """Since when the clock is doubted; None if it is believed.

    Parameters
    ----------
    now : what it says.
    seen : what it said when the store was last opened; None for one that was never opened.
    doubted : since when it was doubted by then, if it was.
    """
    if seen is not None and now < seen - FRESH:
        return None  # it was ahead, or is behind; a clock that is behind makes nothing look old
    if doubted is not None:
        return doubted if now - doubted < PATIENCE else None
    return now if seen is None or now - seen > LEAP else None
