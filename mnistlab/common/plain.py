"""Text from files, names and people as it may be shown in a terminal: nothing in it can move the cursor or hide a word."""

from __future__ import annotations

import unicodedata

# Control and format characters (the marks that turn the direction of writing among them), and halves of characters.
UNSEEN = ("Cc", "Cf", "Cs")


def plain(text: str) -> str:
    """The text with what a terminal would obey, or not show, written out: ``"\\\\x1b[2J"``. Breaks of lines and tabs stay."""
    return "".join(
        letter if letter in "\n\t" or unicodedata.category(letter) not in UNSEEN else ascii(letter)[1:-1]
        for letter in text
    )
