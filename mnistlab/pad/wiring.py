"""How the controls of a pad reach its handlers, one at a time, and where the errors of handlers end.

ipykernel serves the messages of a page in changing threads, so every handler takes the lock of its pad, which is re-entrant.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import ipywidgets as widgets

from mnistlab.common.errors import LabError
from mnistlab.evaluation.formatting import sentence
from mnistlab.pad.controls import ACT, NONE

if TYPE_CHECKING:
    from mnistlab.pad.adapt_button import AdaptButton
    from mnistlab.pad.feedback_panel import FeedbackPanel
    from mnistlab.pad.widget import DigitPad


Owner = TypeVar("Owner", bound="DigitPad | Part | AdaptButton")
Values = ParamSpec("Values")


def handler(method: Callable[Concatenate[Owner, Values], None]) -> Callable[Concatenate[Owner, Values], None]:
    """The one place where errors of a handler end: the widgets' machinery would swallow them. It runs under the pad's lock.

    An error of ours is shown as a sentence. Any other is shown too, and raised again: it is a bug and belongs in the log.
    """

    @functools.wraps(method)
    def handled(self: Owner, *args: Values.args, **options: Values.kwargs) -> None:
        with self.lock:
            try:
                method(self, *args, **options)
            except LabError as error:
                self.show_fault(sentence(str(error)))
            except Exception as error:
                self.show_fault(sentence(f"that did not work ({type(error).__name__}: {str(error)[:200]})"))
                raise

    return handled


class Part:
    """A part of a pad.

    Parameters
    ----------
    pad : the whole; faults of the part's handlers are shown there, and its lock is theirs.
    """

    def __init__(self, pad: DigitPad) -> None:
        self._pad, self.lock = pad, pad.lock

    def show_fault(self, message: str) -> None:
        """Show a fault in place of the reading."""
        self._pad.show_fault(message)


class Wiring:
    """Calls a handler when a person uses a control, and none when the pad itself sets one.

    Parameters
    ----------
    lock : that of the pad; what a person does while the pad sets a control, in another thread, waits until that is done.
    """

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self._lock, self._quiet = lock, False
        self._acts: dict[str, Callable[[], None]] = {}  # by the names that a page knows them by

    def on_click(self, button: widgets.Button, call: Callable[[], None]) -> None:
        """Call a handler at every click."""
        button.on_click(lambda _: self.call(call))
        for name in button._dom_classes:
            if name.startswith(ACT):
                self._acts[name.removeprefix(ACT)] = call

    def act(self, name: str) -> None:
        """Do what a button does that the page presses itself; there may be none of this name."""
        if name in self._acts:
            self.call(self._acts[name])

    def on_change(self, control: widgets.Widget, call: Callable[[Any], None]) -> None:
        """Call a handler with every new value."""

        def changed(change: Mapping[str, Any]) -> None:
            with self._lock:
                if not self._quiet:
                    call(change["new"])

        control.observe(changed, "value")

    def call(self, call: Callable[[], None]) -> None:
        """Make a call when no other handler runs."""
        with self._lock:
            call()

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Meanwhile values change as if nobody had touched them."""
        with self._lock:
            self._quiet, before = True, self._quiet
            try:
                yield
            finally:
                self._quiet = before

    def show(self, control: widgets.Widget, value: object) -> None:
        """Set the value of a control quietly."""
        with self.quietly():
            control.value = value


def serve_beside_cells(widget: widgets.Widget) -> None:
    """Let what a page sends to a widget, and to all in it, be served while a cell runs, where the page asks for that.

    JupyterLab 4.4 and Notebook 7.4 send such messages to a thread of their own (a subshell). ipykernel 7 hands them to the main
    thread all the same, behind all cells that wait there, once a cell has sent anything to the page by the same widget: it
    remembers so in an attribute, which has to go for lack of another way. Elsewhere there is none, and nothing happens.
    """
    if widget.comm is not None:
        vars(widget.comm).pop("_reply_subshell_id", None)
    for child in getattr(widget, "children", ()):
        serve_beside_cells(child)


def connect(pad: DigitPad) -> None:
    """Tie every control of a pad to its handler."""
    controls, wiring = pad.controls, pad.wiring

    def load(files: tuple[dict[str, Any], ...]) -> None:
        if files:
            content = bytes(files[0]["content"])
            wiring.show(controls.load, ())  # or the same file could not be read twice
            pad.load(content)

    def fold(open: bool) -> None:
        controls.fold(open=open)
        pad.view.show()

    pad.canvas.on_key_down(pad.key)
    pad.canvas.on_client_ready(lambda: wiring.call(pad.view.redraw))  # a page that was loaded again has lost all ink
    wiring.on_click(controls.undo, pad.undo)
    wiring.on_click(controls.redo, pad.redo)
    wiring.on_click(controls.clear, pad.clear)
    wiring.on_click(controls.next, pad.transcript.next_digit)
    wiring.on_click(controls.start_again, pad.transcript.start_again)
    wiring.on_click(controls.freeze, pad.freeze)
    wiring.on_click(controls.replay, pad.playback.toggle)
    _connect_digits(pad, controls.digits)
    wiring.on_change(controls.pen, pad.set_pen_width)
    wiring.on_change(controls.versions, pad.set_version)
    wiring.on_change(controls.second_versions, lambda version: pad.compare(None if version == NONE else version))
    wiring.on_change(controls.why, pad.show_why)
    wiring.on_change(controls.scramble, lambda on: pad.compare(pad.model_choice.scrambled if on else None))
    wiring.on_change(controls.more, fold)
    wiring.on_change(controls.load, load)
    if pad.feedback.panel is not None:
        _connect_panel(pad, pad.feedback.panel)


def _connect_panel(pad: DigitPad, panel: FeedbackPanel) -> None:
    feedback, wiring = pad.feedback, pad.wiring
    wiring.on_click(panel.right, lambda: feedback.judge(True))
    wiring.on_click(panel.wrong, lambda: feedback.judge(False))
    wiring.on_click(panel.withdraw, feedback.withdraw)
    wiring.on_click(panel.learn, feedback.learning.start)
    wiring.on_click(panel.promote, feedback.learning.promote)
    wiring.on_click(panel.earlier.erase, lambda: feedback.withdraw(panel.earlier.field.value))
    _connect_digits(pad, panel.digits)
    wiring.on_change(panel.consent, feedback.agree)
    wiring.on_change(panel.comment, feedback.comment)


def _connect_digits(pad: DigitPad, buttons: list[widgets.Button]) -> None:
    for digit, button in enumerate(buttons):
        pad.wiring.on_click(button, functools.partial(pad.correct, digit))
