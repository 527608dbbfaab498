"""Corrections as a file, one JSON object per line, and what is erased taken out of it again.

The store remembers where its exports are. One that cannot be written, or was moved away, is tried again whenever the store is
opened, and whoever erases is told.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from mnistlab.common.errors import FeedbackError
from mnistlab.common.files import write_atomic, write_new
from mnistlab.feedback.records import Correction


def write(corrections: Iterable[Correction], path: Path) -> None:
    """Write corrections to a new file that only its owner may read.

    Raises
    ------
    FeedbackError : there is a file of that name, or it cannot be written.
    """
    try:
        write_new(path, "".join(f"{as_line(correction)}\n" for correction in corrections))
        path.chmod(0o600)
    except FileExistsError:
        raise FeedbackError(f"{path} is there already; nothing is overwritten", code="exists") from None
    except OSError as error:
        raise FeedbackError(f"{path} could not be written: {error.strerror}", code="write") from error


def as_line(correction: Correction) -> str:
    """A correction as one line of JSON, with all that is kept of it."""
    return json.dumps(
        {
            **vars(correction),
            "strokes": [stroke.tolist() for stroke in correction.strokes],
            "image": correction.image.tolist(),
            "probabilities": correction.probabilities.tolist(),
            "created": correction.created.isoformat(),
            "consented_at": correction.consented_at.isoformat(),
        },
        ensure_ascii=False,
    )


def keep_only(path: Path, ids: Collection[int | None]) -> str:
    """Take all but these corrections out of an export, by number; empty, or why it could not be done."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)  # as bytes: a comment may hold other breaks of a line
        left = [text for text in lines if json.loads(text)["id"] in ids]
        if len(left) < len(lines):
            write_atomic(path, b"".join(left))
            path.chmod(0o600)
    except OSError as error:
        return error.strerror or type(error).__name__
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it is no export any more"
    return ""
