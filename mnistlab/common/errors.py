"""The errors of the lab, under one base, so that a caller can catch what is ours and nothing else.

Every message says what was wrong, what came and what is allowed. ``code`` is a short stable word for programs and tests.
"""

from __future__ import annotations

import unicodedata

# Control and format characters (the marks that turn the direction of writing among them), and halves of characters.
UNSEEN = ("Cc", "Cf", "Cs")


def plain(text: str) -> str:
    """A text from a file or a person, fit for a terminal: what it would obey or not show is written out, ``"\\x1b[2J"``."""
    return "".join(
        letter if letter in "\n\t" or unicodedata.category(letter) not in UNSEEN else ascii(letter)[1:-1]
        for letter in text
    )


class LabError(Exception):
    """Base of all errors raised on purpose by mnistlab.

    Parameters
    ----------
    message : a plain English sentence for people; what a terminal would obey is written out in it.
    code : a short lower-case word for programs, for example ``"not-a-bijection"``.
    """

    def __init__(self, message: str, *, code: str = "invalid") -> None:
        super().__init__(plain(message))
        self.code = code


class DataError(LabError, ValueError):
    """A data set is missing, damaged or not of the expected shape."""


class PermutationError(LabError, ValueError):
    """Something that should be a bijection of 0..783 is not one."""


class TrainingError(LabError, ValueError):
    """Training was asked for with settings that cannot work, or its loss stopped being a number."""


class CheckpointError(LabError):
    """A saved model could not be proved sound, so it was not loaded."""


class RegistryError(LabError):
    """A version of the model does not exist or cannot be written."""


class StrokesError(LabError, ValueError):
    """A drawing is not a list of (n, 2) arrays of finite numbers."""


class ImageError(LabError, ValueError):
    """A picture cannot be read as one digit."""


class FeedbackError(LabError):
    """A correction was refused, or the store of corrections cannot be opened, read or written."""


class RunError(LabError):
    """A headless run was refused or did not complete."""


class BusyError(LabError):
    """Something that can only be done once at a time is being done by another process."""
