"""How the controls of a pad reach its handlers, and where the errors of handlers end."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import ipywidgets as widgets

from mnistlab.common.errors import LabError
from mnistlab.evaluation.formatting import sentence
from mnistlab.pad.controls import NONE

if TYPE_CHECKING:
    from mnistlab.pad.adapt_button import AdaptButton
    from mnistlab.pad.feedback_panel import FeedbackPanel
    from mnistlab.pad.widget import DigitPad


Owner = TypeVar("Owner", bound="DigitPad | Part | AdaptButton")
Values = ParamSpec("Values")


def handler(method: Callable[Concatenate[Owner, Values], None]) -> Callable[Concatenate[Owner, Values], None]:
    """The one place where errors of a handler end: the widgets' machinery would swallow them.

    An error of ours is shown as a sentence. Any other is shown too, and raised again: it is a bug and belongs in the log.
    """

    @functools.wraps(method)
    def handled(self: Owner, *args: Values.args, **options: Values.kwargs) -> None:
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
    pad : the whole; faults of the part's handlers are shown there.
    """

    def __init__(self, pad: DigitPad) -> None:
        self._pad = pad

    def show_fault(self, message: str) -> None:
        """Show a fault in place of the reading."""
        self._pad.show_fault(message)


class Wiring:
    """Calls a handler when a person uses a control, and none when the pad itself sets one."""

    def __init__(self) -> None:
        self._quiet = False

    def on_click(self, button: widgets.Button, call: Callable[[], None]) -> None:
        """Call a handler at every click."""
        button.on_click(lambda _: call())

    def on_change(self, control: widgets.Widget, call: Callable[[Any], None]) -> None:
        """Call a handler with every new value."""
        control.observe(lambda change: None if self._quiet else call(change["new"]), "value")

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Meanwhile values change as if nobody had touched them."""
        self._quiet, before = True, self._quiet
        try:
            yield
        finally:
            self._quiet = before

    def show(self, control: widgets.Widget, value: object) -> None:
        """Set the value of a control quietly."""
        with self.quietly():
            control.value = value


def connect(pad: DigitPad) -> None:
    """Tie every control of a pad to its handler."""
    controls, wiring, playback = pad.controls, pad.wiring, pad.playback

    def load(files: tuple[dict[str, Any], ...]) -> None:
        if files:
            content = bytes(files[0]["content"])
            wiring.show(controls.load, ())  # or the same file could not be read twice
            pad.load(content)

    def fold(open: bool) -> None:
        controls.fold(open=open)
        pad.view.show()

    pad.canvas.on_key_down(pad.key)
    pad.canvas.on_client_ready(pad.view.redraw)  # a page that was loaded again has lost all ink
    wiring.on_click(controls.undo, pad.undo)
    wiring.on_click(controls.clear, pad.clear)
    wiring.on_click(controls.freeze, pad.freeze)
    wiring.on_click(controls.replay, lambda: playback.stop() if playback.is_playing else playback.play())
    _connect_digits(pad, controls.digits)
    wiring.on_change(controls.pen, pad.set_pen_width)
    wiring.on_change(controls.versions, pad.set_version)
    wiring.on_change(controls.second_versions, lambda version: pad.compare(None if version == NONE else version))
    wiring.on_change(controls.why, pad.show_why)
    wiring.on_change(controls.more, fold)
    wiring.on_change(controls.load, load)
    if pad.feedback.panel is not None:
        _connect_panel(pad, pad.feedback.panel)


def _connect_panel(pad: DigitPad, panel: FeedbackPanel) -> None:
    feedback, wiring = pad.feedback, pad.wiring
    wiring.on_click(panel.right, lambda: feedback.judge(True))
    wiring.on_click(panel.wrong, lambda: feedback.judge(False))
    wiring.on_click(panel.withdraw, feedback.withdraw)
    _connect_digits(pad, panel.digits)
    wiring.on_change(panel.consent, feedback.agree)
    wiring.on_change(panel.comment, feedback.comment)


def _connect_digits(pad: DigitPad, buttons: list[widgets.Button]) -> None:
    for digit, button in enumerate(buttons):
        pad.wiring.on_click(button, functools.partial(pad.correct, digit))
