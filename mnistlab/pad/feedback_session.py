"""What a person says about the readings of a pad, and what becomes of it. Pure state, with no widget in it.

Nothing about a drawing leaves this module without consent: without it a use is counted, and that is all.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np

from mnistlab.common.errors import FeedbackError
from mnistlab.data.stroke_stats import stroke_stats
from mnistlab.evaluation.formatting import a_digit
from mnistlab.feedback import consent, records
from mnistlab.feedback.duplicates import without_near_duplicates
from mnistlab.feedback.erasing import Erased
from mnistlab.feedback.records import Correction, Use
from mnistlab.feedback.store import Store
from mnistlab.pad.document import Document

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction


NAME = re.compile(r"[0-9a-f]{32}")  # of a pad, as ``records.new_key`` makes it
NAMED = 200  # characters of what is typed as one, at most; spaces among them are passed over
UNUSABLE = {
    "unavailable": "the store of drawings cannot be used",
    "damaged": "the store of drawings is damaged",
    "foreign": "the store of drawings is that of another program",
    "newer": "the store of drawings was written by a newer version of the lab",
    "busy": "the store of drawings is kept busy by others",
    "url": "the address of the store of drawings is not valid",
}


# What is said of a drawing; it comes back with it.
STATE = ("_key", "_last", "_began", "_ended", "_points", "_judged", "verdict", "comment", "_counted")


@dataclass(frozen=True)
class Note:
    """A word to the person."""

    text: str = ""  # what became of it
    failed: bool = False  # it did not work


class FeedbackSession:
    """One pad's judgements.

    Parameters
    ----------
    store : where they go; None if it cannot be opened.
    fault : why it cannot; told to the person in words that name no place.

    Attributes
    ----------
    name : random name under which this pad keeps drawings; a new one after a withdrawal.
    consented_at : when the person agreed; None without consent.
    verdict : ``"right"`` or ``"wrong"``, of the drawing on the canvas; None if nobody said.
    comment : on the drawing on the canvas.
    note : what became of the last act.
    """

    def __init__(self, store: Store | None, *, fault: FeedbackError | None = None) -> None:
        self._store, self._fault = store, fault or FeedbackError("there is no store", code="unavailable")
        self.name = records.new_key()
        self.consented_at: datetime | None = None
        self.clock: Callable[[], float] = time.monotonic  # seconds
        self._kept: dict[str, np.ndarray] = {}  # the drawings in the store, by key: uint8 (28, 28)
        self.renew()
        self.note = Note(f"Nothing can be saved: {_told(self._fault)}" if store is None else "", failed=store is None)

    def renew(self) -> None:
        """Another drawing: nothing is said of it yet. What was kept of the one before stays."""
        self._parted = {name: getattr(self, name) for name in STATE} if getattr(self, "_last", None) else None
        self._key = records.new_key()
        self._last: Correction | None = None  # what the store holds of this drawing
        self._began = self._ended = 0.0
        self._points = self._judged = 0  # points on the canvas: now, and when it was judged
        self.verdict: Literal["right", "wrong"] | None = None
        self.comment, self.note = "", Note()
        self._counted = False

    @property
    def n_kept(self) -> int:
        """Drawings in the store from this pad, since the last withdrawal."""
        return len(self._kept)

    @property
    def n_different(self) -> int:
        """Of them, those that differ: what was drawn twice alike counts once."""
        return len(without_near_duplicates(list(self._kept.values())))

    @property
    def is_kept(self) -> bool:
        """The drawing on the canvas is in the store, as it is now."""
        return self._last is not None and not self.is_stale

    @property
    def store(self) -> Store | None:
        """Where drawings are kept; None if it cannot be opened."""
        return self._store

    @property
    def is_stale(self) -> bool:
        """There is other ink on the canvas than when it was judged: said again, it is kept as it is now."""
        return self.verdict is not None and self._judged != self._points

    @property
    def is_counted(self) -> bool:
        """The drawing on the canvas is counted already."""
        return self._counted

    def watch(self, document: Document) -> None:
        """Look at the canvas after every change: when did it begin, when was it last touched, is it another drawing?"""
        if document.is_empty:
            if self._points:
                self.renew()
            return
        if document.is_back and not self._points and self._parted and _same(document, self._parted["_last"]):
            for name, value in self._parted.items():  # undone: it is the drawing that was kept
                setattr(self, name, value)
        points = document.drawing.n_points or 1  # a picture has none
        if points != self._points:
            self._ended = self.clock()
            self._began = self._began if self._points else self._ended
            self._points = points

    def judge(self, document: Document, prediction: Prediction, *, wrong: bool = False) -> None:
        """Take what was said of the drawing: ``document.true_digit`` is what it is, None that this is taken back.

        Parameters
        ----------
        wrong : it was misread, but nobody said as what else.
        """
        digit = document.true_digit
        self.verdict = None if digit is None else "right" if digit == prediction.digit else "wrong"
        self.verdict = "wrong" if wrong else self.verdict
        self._judged = self._points
        try:
            if self._last is not None and (digit is None or self.consented_at is None):
                self._take_back()
            self.count(document, prediction)
            self.note = Note(self._keep(document, prediction))
        except FeedbackError as error:
            self.note = Note(f"Not saved: {_told(error)}", failed=True)

    def agree(self, agreed: bool, document: Document, prediction: Prediction) -> None:
        """Give consent, or end it. What is marked on the canvas is then kept; what was kept before an end stays."""
        if agreed == (self.consented_at is not None):
            return
        self.consented_at = records.now() if agreed else None
        if agreed and self.verdict is not None and not document.is_empty:
            self.judge(document, prediction, wrong=document.true_digit is None)
        elif agreed:
            self.note = Note("From now on, the drawings you mark are kept.")
        else:
            stay = "stays" if self.n_kept == 1 else "stay"
            left = f" {_drawings(self.n_kept)} kept so far {stay} until you press Erase." if self.n_kept else ""
            self.note = Note(f"Nothing more will be kept.{left}")

    def withdraw(self, name: str | None = None) -> None:
        """End the consent, and erase all that was kept from this pad, counts of these drawings included.

        Parameters
        ----------
        name : of an earlier visit, to erase that instead; to know its name is to be allowed to.
        """
        name = self.name if name is None else "".join(str(name)[:NAMED].split()).lower()
        if not NAME.fullmatch(name):
            self.note = Note("Nothing was erased: a name has 32 letters and digits, as it was shown here.", failed=True)
            return
        own = name == self.name
        self.consented_at = None if own else self.consented_at
        try:
            erased = self._open().erase(session=name)
        except FeedbackError as error:
            self.note = Note(f"Not erased: {_told(error)}. Press Erase again", failed=True)
            return
        if own:
            self.name, self._last, self._kept = records.new_key(), None, {}
            self._parted = None
        self.note = _erased(erased, own)

    def add_comment(self, comment: str) -> None:
        """A comment on the drawing on the canvas; it is kept with it.

        Raises
        ------
        FeedbackError : it is no text.
        """
        if not isinstance(comment, str):
            raise FeedbackError(f"a comment is text, not {type(comment).__name__}", code="value")
        self.comment = comment
        if self._last is None:
            self.note = Note("The comment will be kept with the drawing once you mark it.")
            return
        try:
            self._last = replace(self._last, comment=comment)
            self._open().add(self._last)
            self.note = Note("Saved, with your comment." if comment else "Saved, without a comment.")
        except FeedbackError as error:
            self.note = Note(f"Comment not saved: {_told(error)}", failed=True)

    def count_seen(self, document: Document, prediction: Prediction) -> None:
        """Count a reading that stood on the page for a while. A failure is not worth a word: nobody asked for it."""
        if not document.is_empty and not self._counted:
            with suppress(FeedbackError):
                self.count(document, prediction)

    def count(self, document: Document, prediction: Prediction) -> None:
        """Count the reading, once for each drawing; what it was about only with consent."""
        use = Use(
            version=prediction.version,
            milliseconds=prediction.milliseconds,
            verdict=self.verdict,
            key=self._key,
        )
        if self.consented_at is not None:
            use = replace(use, session=self.name, confidence=prediction.confidence, digit=prediction.digit)
            if strokes := document.drawing.strokes:
                use = replace(use, **asdict(stroke_stats(strokes, document.pen_width)))
        self._open().count(use)
        self._counted = True

    def _keep(self, document: Document, prediction: Prediction) -> str:
        """Keep the drawing if that is agreed to and it has a digit; what to say about it."""
        if self.verdict is None:
            return "Taken back."
        if self.consented_at is None:
            return f"Counted as {self.verdict}. Nothing about the drawing is kept."
        if document.picture is not None:
            return f"Counted as {self.verdict}. A picture from a file is not kept."
        if document.true_digit is None:
            return "Counted as wrong. Say which digit it was, and the drawing will be kept."
        correction = Correction(
            **records.as_reading(prediction),
            strokes=document.drawing.strokes,
            pen_width=document.pen_width,
            digit=document.true_digit,
            session=self.name,
            consent=consent.VERSION,
            consented_at=self.consented_at,
            seconds=max(0.0, self._ended - self._began),
            comment=self.comment,
            key=self._key,
        )
        self._open().add(correction)
        self._last = correction
        self._kept[self._key] = correction.image
        return f"Saved as {a_digit(correction.digit)}; {_drawings(self.n_kept)} kept from this pad."

    def _take_back(self) -> None:
        self._open().erase(key=self._key)
        self._kept.pop(self._key, None)
        self._last = None

    def _open(self) -> Store:
        if self._store is None:
            raise self._fault
        return self._store


def _erased(erased: Erased, own: bool) -> Note:
    """What became of an erasing; what is not done yet is said."""
    if not own and not erased.corrections:
        return Note("No drawing is kept under this name.")
    text = f"{_drawings(erased.corrections).capitalize()} erased{'; nothing more will be kept' if own else ''}."
    if erased.versions:
        text += f" Marked as trained on erased drawings: version {', '.join(erased.versions)}."
    if erased.missing_exports:
        text += " A copy of them in a file could not be cleaned yet. It is tried again; the person who runs this lab is told."
    if erased.fault:
        text += " Traces may stay in the file of the lab until it can be written anew, which is tried again."
    return Note(text, failed=bool(erased.missing_exports or erased.fault))


def _told(error: FeedbackError) -> str:
    """An error as visitors may see it: where the lab keeps things is none of their business."""
    return UNUSABLE.get(error.code, str(error))


def _same(document: Document, kept: Correction) -> bool:
    strokes = document.drawing.strokes
    return len(strokes) == len(kept.strokes) and all(map(np.array_equal, strokes, kept.strokes))


def _drawings(n: int) -> str:
    return f"{n or 'no'} drawing{'' if n == 1 else 's'}"
