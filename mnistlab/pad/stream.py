"""What pages send of a pen: each message once and in order, whatever the connection does to them. Pure state, no widget in it.

A page numbers its messages from 1, keeps each until it is acknowledged, and sends it again if that takes long. A message that is
lost leaves a gap; what came after it is held until the gap is filled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

MOST_PAGES = 32  # that are remembered; the one that was silent longest is forgotten first
MOST_AHEAD = 5_000  # numbers beyond a gap; a page keeps fewer


class Receipt(NamedTuple):
    """What a message brings."""

    session: str  # which page, or which view in it, sent the message
    through: int  # the highest number up to which nothing is missing: what the page need not keep
    events: list[Any]  # that are due now, in order; they come from outside and may be anything


@dataclass
class _Page:
    through: int = 0
    held: dict[int, list[Any]] = field(default_factory=dict)  # after a gap: events by number


class Stream:
    """The messages of all pages to one pad."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}

    def take(self, content: object) -> Receipt | None:
        """Take a message, ``{"session": str, "number": int, "events": list}``; None for what is none."""
        match content:
            case {"session": str(session), "number": int(number), "events": list(events)} if len(session) <= 64:
                page = self._pages[session] = self._pages.pop(session, _Page())
            case _:
                return None
        if len(self._pages) > MOST_PAGES:
            del self._pages[next(iter(self._pages))]
        if page.through < number <= page.through + MOST_AHEAD:
            page.held[number] = events
        due: list[Any] = []
        while page.through + 1 in page.held:
            page.through += 1
            due += page.held.pop(page.through)
        return Receipt(session, page.through, due)
