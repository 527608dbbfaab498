"""A share of the requests, always of the same people: who is one of them follows from a hash of what they name themselves by."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from mnistlab.common.errors import RegistryError

SHARE = re.compile(r"([0-9]{4,9})=([0-9]{1,2}(?:\.[0-9]+)?)%")


@dataclass(frozen=True)
class Share:
    """A version that reads a share of the requests.

    Attributes
    ----------
    version : its name.
    share : above 0, below 1.
    """

    version: str
    share: float

    @classmethod
    def parse(cls, text: str) -> Share:
        """From ``"0004=10%"``.

        Raises
        ------
        RegistryError : it has another form, or the share is 0.
        """
        match = SHARE.fullmatch(text)
        if not match or not float(match[2]):
            raise RegistryError(
                f"a share of the requests is given as VERSION=PERCENT, as in 0004=10%, above 0 and below 100, not {text[:50]!r}",
                code="usage",
            )
        return cls(match[1], float(match[2]) / 100)

    def takes(self, key: str) -> bool:
        """Whether the request with this key is one of it: the same key always, on every server, and other ones next time."""
        hashed = hashlib.sha256(f"{self.version} {key}".encode()).digest()
        return int.from_bytes(hashed[:8], "big") < self.share * 2**64
