"""What a person does in the feedback panel of a pad. Every handler is a public method, for tests and replays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistlab.common.errors import FeedbackError
from mnistlab.common.progress import headless
from mnistlab.pad.learning import Learning
from mnistlab.pad.schedule import Timer
from mnistlab.pad.wiring import Part, handler

if TYPE_CHECKING:
    from mnistlab.feedback.store import Store
    from mnistlab.pad.feedback_panel import FeedbackPanel
    from mnistlab.pad.feedback_session import FeedbackSession
    from mnistlab.pad.widget import DigitPad


NEXT = 0.9  # seconds for which a drawing that was kept stays, to be corrected; then the canvas is empty for the next


class FeedbackHandlers(Part):
    """The feedback of one pad, which may be made without any.

    Parameters
    ----------
    pad : whose readings are judged.
    feedback : a store of corrections; True for the lab's own, which is not opened in a notebook that runs headless. None, or
        False, asks for nothing.
    """

    def __init__(self, pad: DigitPad, feedback: Store | bool | None) -> None:
        super().__init__(pad)
        self.panel = _open_panel(feedback)  # the widgets; None without feedback
        self.learning = Learning(pad)
        self._next = Timer(self._clear_kept, lock=pad.lock)

    @property
    def session(self) -> FeedbackSession | None:
        """What was said, and what is kept; None without feedback."""
        return None if self.panel is None else self.panel.session

    @handler
    def judge(self, right: bool) -> None:
        """Say that it was read right, or wrong; the same again takes that back."""
        pad, session = self._pad, self._open()
        if right:
            if pad.prediction.digit is None:
                raise FeedbackError("no digit was read that could be right", code="empty")
            pad.correct(pad.prediction.digit)
            return
        if pad.document.is_empty:
            raise FeedbackError("there is nothing on the canvas to judge", code="empty")
        again = session.verdict == "wrong" and not session.is_stale
        pad.document.true_digit = None
        session.judge(pad.document, pad.prediction, wrong=not again)
        pad.view.show()

    @handler
    def agree(self, agreed: bool) -> None:
        """Let the drawings that are marked be kept from now on, or end that."""
        self._open().agree(bool(agreed), self._pad.document, self._pad.prediction)
        self._pad.view.show()

    @handler
    def withdraw(self, name: str | None = None) -> None:
        """Erase all that was kept from this pad, and keep no more; or all of an earlier visit, by its name."""
        if name is None:
            self.learning.forget()
        self._open().withdraw(name)
        self._pad.view.show()

    @handler
    def comment(self, text: str) -> None:
        """Add a comment to the drawing on the canvas."""
        self._open().add_comment(text)
        self._pad.view.show()

    @handler
    def count(self) -> None:
        """Count the reading as one that was seen."""
        self._pad.schedule.count_no_more()
        self._open().count_seen(self._pad.document, self._pad.prediction)

    def mark(self, digit: int) -> None:
        """The drawing is marked as a digit, here or anywhere else on the pad.

        Raises
        ------
        StrokesError : as for ``Document.mark``.
        """
        document, session = self._pad.document, self.session
        if not (session and session.is_stale and digit == document.true_digit):  # else it is said of other ink
            document.mark(digit)
        if session:
            session.judge(document, self._pad.prediction)
            if session.is_kept:
                self._next.start(NEXT)

    def renew(self) -> None:
        """Another drawing is on the canvas: nothing is said of it yet."""
        if self.session:
            self.session.renew()

    def show(self) -> None:
        """Show in the panel what is said and kept; a reading that stays for a while is counted."""
        pad = self._pad
        if self.panel is None or pad.playback.is_playing:
            return
        session = self.panel.session
        session.watch(pad.document)
        with pad.wiring.quietly():
            self.panel.show(pad.document, pad.prediction)
            self.panel.show_learning(self.learning, can_learn=not pad.model_choice.is_fixed)
        pad.schedule.count_no_more()
        if pad.is_settled and not pad.document.is_empty and not session.is_counted:
            pad.schedule.count_soon()

    @handler
    def _clear_kept(self) -> None:
        """What is kept makes place for the next, unless somebody goes on with it; Undo brings it back."""
        pad, session = self._pad, self.session
        if session and session.is_kept and pad.is_settled:
            note = session.note
            pad.clear()
            session.note = note
            pad.view.show()

    def close(self) -> None:
        """Wait for nothing, and keep nothing that was learned."""
        self._next.cancel()
        self.learning.close()

    def _open(self) -> FeedbackSession:
        if self.session is None:
            raise FeedbackError("this pad was made without feedback", code="none")
        return self.session


def _open_panel(feedback: Store | bool | None) -> FeedbackPanel | None:
    """Nobody gives feedback in a notebook that runs headless, and the lab's own store stays closed."""
    if feedback is None or feedback is False or (feedback is True and headless()):
        return None
    from mnistlab.pad.feedback_panel import FeedbackPanel  # brings SQLAlchemy, of no use to other pads

    return FeedbackPanel(feedback)
