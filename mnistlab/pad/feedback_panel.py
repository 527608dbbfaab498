"""The panel under the readout of the pad: right or wrong, which digit it was, a comment, and the consent to keep it.

It shows what ``feedback_session.FeedbackSession`` holds and does nothing by itself; colours and gaps are in ``pad.css``.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets as widgets

from mnistlab.common.constants import CLASSES
from mnistlab.common.errors import FeedbackError
from mnistlab.feedback import consent
from mnistlab.inference.predictor import Prediction
from mnistlab.pad.document import Document
from mnistlab.pad.feedback_session import FeedbackSession, Note

if TYPE_CHECKING:
    from mnistlab.feedback.store import Store

WAIT = 5.0  # seconds for another writer; the pad stands still meanwhile
SEEN = 2.0  # seconds with the pen up after which a reading counts as seen
WIDTH = "256px"


class FeedbackPanel(widgets.VBox):
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
    note : HTML, what became of the last act.
    """

    def __init__(self, store: Store | bool) -> None:
        self.session = _state(store)
        self.right = _button("Right", "check", "it was read right")
        self.wrong = _button("Wrong", "times", "it was misread; say as what below, if you like")
        self.digits = [
            widgets.Button(description=str(digit), layout=_part("24px"), tooltip=f"it is {digit}")
            for digit in range(CLASSES)
        ]
        self.comment = widgets.Text(
            placeholder="a comment, if you like", continuous_update=False, layout=_row(), tooltip="comment"
        )
        self.consent = widgets.Checkbox(False, description=consent.QUESTION, indent=False, layout=_part("184px"))
        self.withdraw = widgets.Button(
            description="Erase", layout=_part("64px"), tooltip="erase all drawings kept from this pad, and keep no more"
        )
        self.note = widgets.HTML(layout=_row())
        digits = widgets.HBox(self.digits, layout=_row())
        digits.add_class("mnistlab-digits")
        text = (
            f'<details class="mnistlab-side"><summary>What is kept, why, how long</summary>{consent.render()}</details>'
        )
        children = [
            widgets.HBox([self.right, self.wrong], layout=_row()),
            widgets.HTML('<p class="mnistlab-side">or it was</p>', layout=_row()),
            digits,
            self.note,
            widgets.HBox([self.consent, self.withdraw], layout=_row()),
            self.comment,
            widgets.HTML(text, layout=_row()),
        ]
        super().__init__(children, layout=widgets.Layout(width=WIDTH, max_width="100%", overflow="visible"))
        self.add_class("mnistlab-strip")

    def show(self, document: Document, prediction: Prediction) -> None:
        """Show what was said of the drawing on the canvas, and what is kept."""
        state = self.session
        self.right.disabled = prediction.digit is None
        self.wrong.disabled = document.is_empty
        self.right.button_style = "success" if state.verdict == "right" else ""
        self.wrong.button_style = "success" if state.verdict == "wrong" else ""
        for digit, button in enumerate(self.digits):
            button.disabled = document.is_empty
            button.button_style = "success" if digit == document.true_digit else ""
        agreed = state.consented_at is not None
        self.consent.value = agreed
        self.comment.value = state.comment
        self.comment.layout.display = None if agreed else "none"
        self.withdraw.disabled = not (agreed or state.n_kept)
        if (note := render(state.note)) != self.note.value:  # the same once more would be announced once more
            self.note.value = note


def render(note: Note) -> str:
    """A word as HTML, announced to screen readers; a fault at once."""
    fault = (
        ' role="alert" class="mnistlab-told mnistlab-not"' if note.failed else ' role="status" class="mnistlab-told"'
    )
    return f"<p{fault}>{html.escape(note.text)}</p>"


def _state(store: Store | bool) -> FeedbackSession:
    if store is not True:
        return FeedbackSession(store)
    from mnistlab.feedback.store import Store

    try:
        return FeedbackSession(Store(wait=WAIT))
    except FeedbackError as error:  # the pad reads without it
        return FeedbackSession(None, fault=str(error))


def _button(description: str, icon: str, tooltip: str) -> widgets.Button:
    return widgets.Button(description=description, icon=icon, layout=_part("124px"), tooltip=tooltip)


def _row() -> widgets.Layout:
    return widgets.Layout(width=WIDTH, max_width="100%", justify_content="space-between", margin="0 0 4px")


def _part(width: str) -> widgets.Layout:
    return widgets.Layout(width=width, flex="0 1 auto", margin="0")
