"""Corrections and uses as rows of the store's tables, and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mnistlab.common.constants import SIDE
from mnistlab.common.errors import FeedbackError
from mnistlab.feedback.records import Correction, Use


def correction_row(correction: Correction) -> dict[str, object]:
    """A correction as its row, strokes and probabilities as JSON."""
    row = {name: value for name, value in vars(correction).items() if name != "id"}
    return row | {
        "strokes": json.dumps([stroke.tolist() for stroke in correction.strokes]),
        "image": correction.image.tobytes(),
        "probabilities": json.dumps(correction.probabilities.tolist()),
        "created": stamp(correction.created),
        "consented_at": stamp(correction.consented_at),
    }


def as_correction(row: dict[str, Any]) -> Correction:
    """A row as the correction it was.

    Raises
    ------
    FeedbackError : the row is damaged.
    """
    try:
        return Correction(
            **row
            | {
                "strokes": json.loads(row["strokes"]),
                "image": np.frombuffer(row["image"], np.uint8).reshape(SIDE, SIDE),
                "probabilities": json.loads(row["probabilities"]),
                "created": datetime.fromisoformat(row["created"]),
                "consented_at": datetime.fromisoformat(row["consented_at"]),
            }
        )
    except (ValueError, FeedbackError) as error:
        raise FeedbackError(f"correction {row['id']} of the store is damaged: {error}", code="damaged") from error


def use_row(use: Use) -> dict[str, object]:
    """A use as its row; without a session the hour is all that is kept of the time."""
    created = use.created if use.session else use.created.replace(minute=0, second=0, microsecond=0)
    return {**vars(use), "created": stamp(created)}


def as_use(row: dict[str, Any]) -> Use:
    """A row as the use it was."""
    fields = {name: value for name, value in row.items() if name != "id"}
    return Use(**fields | {"created": datetime.fromisoformat(row["created"])})


def stamp(moment: datetime) -> str:
    """UTC, always as long, so that the order of the texts is that of the times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
