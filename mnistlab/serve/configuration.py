"""How the server is set up: where it listens, who may ask, and how much."""

from __future__ import annotations

import ipaddress
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from limits import parse

from mnistlab.common.errors import LabError
from mnistlab.serve.share import Share

HOST = "127.0.0.1"
RATE = "200/second"  # of one client; a page that reads with the pen sends at most 60
TOKEN_LENGTH = 16  # characters at least; fewer can be guessed
ORIGIN = re.compile(r"https?://[^/?#@*\s]+")  # as a browser names it: no path, no slash at the end


def new_token() -> str:
    """A random token: 32 characters."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """Settings of one server.

    Attributes
    ----------
    host : where it listens.
    token : that a client names as ``Authorization: Bearer TOKEN``; a random one by default.
    models : folder of the versions; None is that of the lab.
    store : of feedback, a path or URL; None is the lab's own.
    rate : requests of one client, as ``"200/second"``; None is no limit.
    in_flight : requests that are at work at once, not those that wait for their client; more are turned away.
    body_seconds : a client may take to send a body.
    read_seconds : a picture may take to be decoded and read.
    ab : a version that reads a share of the requests; None is none.
    shadow : name of a version that reads everything aside and only measures; None is none.
    returns : whether a new version that does badly gives way to the one before by itself, as ``bounds.Bounds`` says.
    origins : other origins whose pages may ask (CORS), as ``"https://example.org"``.
    """

    host: str = HOST
    token: str = field(default_factory=new_token, repr=False)
    models: Path | None = None
    store: str | None = None
    rate: str | None = RATE
    in_flight: int = 64
    body_seconds: float = 10.0
    read_seconds: float = 10.0
    ab: Share | None = None
    shadow: str | None = None
    returns: bool = True
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises
        ------
        LabError : the token is too short or not one word of ASCII, or the rate or an origin is none.
        """
        if (
            len(self.token) < TOKEN_LENGTH
            or not self.token.isascii()
            or not self.token.isprintable()
            or " " in self.token
        ):
            raise LabError(f"a token is one word of at least {TOKEN_LENGTH} ASCII characters", code="usage")
        try:
            if self.rate is not None:
                parse(self.rate)
        except ValueError:
            raise LabError(f"a rate is given as 200/second or 1000/minute, not {self.rate!r}", code="usage") from None

        for origin in self.origins:
            if not ORIGIN.fullmatch(origin):
                raise LabError(
                    f"an origin is given as https://example.org, with a port if it has one, not {origin[:80]!r}",
                    code="usage",
                )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can ask."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
