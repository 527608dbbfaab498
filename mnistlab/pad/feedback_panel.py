"""The panel under the reading of the pad: right or wrong, which digit it was, a comment, and the consent to keep it.

It shows what ``feedback_session.FeedbackSession`` holds and does nothing by itself; colours and gaps are in ``pad.css``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ipywidgets as widgets

from mnistlab.common.errors import FeedbackError
from mnistlab.common.html import render
from mnistlab.feedback import consent
from mnistlab.feedback.duplicates import MIN_DRAWINGS
from mnistlab.pad.controls import acting, box, button, chips, digit_buttons, dim, show, text
from mnistlab.pad.document import Document
from mnistlab.pad.earlier_visit import EarlierVisit
from mnistlab.pad.feedback_session import FeedbackSession, Note

if TYPE_CHECKING:
    from mnistlab.feedback.store import Store
    from mnistlab.inference.predictor import Prediction
    from mnistlab.pad.learning import Learning

WAIT = 5.0  # seconds for another writer; the pad does not respond meanwhile


class FeedbackPanel(widgets.Box):
    """The widgets.

    Parameters
    ----------
    store : where corrections go; True opens the lab's own, and says so in the panel if that does not work.

    Attributes
    ----------
    session : what was said, and what is kept.
    right, wrong, withdraw : buttons; ``digits`` ten small ones.
    comment : a line of text.
    consent : a box, not ticked.
    earlier : the name of this visit, and a field to erase an earlier one by its name.
    note : HTML, what became of the last act.
    """

    def __init__(self, store: Store | Literal[True]) -> None:
        self.session = _session(store)
        self.right = acting("right", button("Yes", "The network read it right"))
        self.wrong = acting("wrong", button("No", "The network misread it; you can say which digit it is"))
        self.digits = digit_buttons("It is {}")
        self.comment = widgets.Text(
            placeholder="Comment (optional)",
            continuous_update=False,
            description="Comment",
            layout=widgets.Layout(display="none"),
        )
        self.consent = widgets.Checkbox(False, description=consent.QUESTION, indent=False)
        self.withdraw = button("Erase", "Erase all drawings kept from this pad, and keep no more")
        self.note, self.progress = text(), text()
        self.learn = button("Learn my hand", "Tune the network to the drawings you kept; you can draw on meanwhile")
        self.promote = button("Use it for all", "Put what was learned among the versions of the lab, and into use")
        self._teaching = box("mnistlab-row", [self.learn, self.promote])
        ask, answer = (
            text(render("pad/ask.html", words="Right?", strong=True)),
            text(render("pad/ask.html", words="It is a …", strong=False)),
        )
        self.earlier = EarlierVisit()
        for words in (ask, answer):
            words.add_class("mnistlab-ask")
        children = [
            box("mnistlab-row", [ask, self.right, self.wrong, answer]),
            chips(self.digits),
            self.note,
            box("mnistlab-keep", [self.consent, self.withdraw]),
            self.progress,
            self._teaching,
            self.comment,
            text(render("pad/consent.html", paragraphs=consent.TEXTS[consent.VERSION])),
        ]
        super().__init__(children)
        self.add_class("mnistlab-panel")

    def show_learning(self, learning: Learning, *, can_learn: bool) -> None:
        """Show how many drawings there are to learn from, how far the learning is, and what came of it."""
        session = self.session
        shown = can_learn and (session.consented_at is not None or session.n_kept > 0)
        n = session.n_different if shown else 0
        html = render(
            "pad/learning.html", n=n, most=MIN_DRAWINGS, doing=learning.doing, share=learning.share, note=learning.note
        )
        if shown and html != self.progress.value:
            self.progress.value = html
        show(self.progress, shown)
        show(self._teaching, shown)
        dim(self.learn, n < MIN_DRAWINGS or bool(learning.doing))
        show(self.promote, learning.can_promote)

    def show(self, document: Document, prediction: Prediction) -> None:
        """Show what was said of the drawing on the canvas, and what is kept."""
        session = self.session
        self.right.disabled = prediction.digit is None
        self.wrong.disabled = document.is_empty
        self.right.button_style = "success" if session.verdict == "right" else ""
        self.wrong.button_style = "success" if session.verdict == "wrong" else ""
        for digit, choice in enumerate(self.digits):
            choice.disabled = document.is_empty
            choice.button_style = "success" if digit == document.true_digit else ""
        agreed = session.consented_at is not None
        self.consent.value = agreed
        self.comment.value = session.comment
        self.earlier.show(session)
        show(self.comment, agreed)
        self.withdraw.disabled = not (agreed or session.n_kept)
        if (note := note_html(session.note)) != self.note.value:  # the same once more would be announced once more
            self.note.value = note


def note_html(note: Note) -> str:
    """A word as HTML, announced to screen readers; a fault at once."""
    return render("pad/note.html", text=note.text, failed=note.failed, kind="mnistlab-told")


def _session(store: Store | Literal[True]) -> FeedbackSession:
    if store is not True:
        return FeedbackSession(store)
    from mnistlab.feedback.store import Store

    try:
        return FeedbackSession(Store(wait=WAIT))
    except FeedbackError as error:  # the pad reads without it
        return FeedbackSession(None, fault=error)
