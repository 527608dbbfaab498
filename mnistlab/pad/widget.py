"""The drawing pad: ``DigitPad()`` in a cell is enough.

A thin view. What is on the canvas is a ``document.Document``, who reads it is a ``model_choice.ModelChoice``, why it is read
so is an ``explanation.Explanation``, and a ``schedule.Schedule`` says when. Every handler is a public method in px of the
280 x 280 canvas, so that a test or a replay does what a hand does, with no browser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from mnistlab.common import paths
from mnistlab.common.constants import PEN_WIDTH
from mnistlab.common.errors import StrokesError
from mnistlab.common.progress import headless
from mnistlab.data import drawings
from mnistlab.data.strokes import Drawing, as_strokes, check_pen
from mnistlab.inference.predictor import Prediction, Predictor
from mnistlab.pad import keyboard
from mnistlab.pad.canvas import InkCanvas
from mnistlab.pad.controls import Controls
from mnistlab.pad.document import Document
from mnistlab.pad.explanation import Explanation
from mnistlab.pad.feedback_handlers import FeedbackHandlers
from mnistlab.pad.model_choice import ModelChoice
from mnistlab.pad.playback import Playback
from mnistlab.pad.prediction_html import message_html
from mnistlab.pad.schedule import Schedule
from mnistlab.pad.transcript import Transcript
from mnistlab.pad.view import LiveReading, View, mime_bundle
from mnistlab.pad.wet_ink import WetInk, stacked
from mnistlab.pad.wiring import Wiring, connect, handler, serve_beside_cells

if TYPE_CHECKING:
    from mnistlab.feedback.store import Store


class DigitPad(widgets.Box):
    """A canvas to draw on with mouse, pen, finger or keyboard, and what the network reads while the stroke is under way.

    Parameters
    ----------
    predictor : the network that reads, and then the only one on offer. None offers all versions in ``models``.
    version : the one to start with: ``"current"``, ``"latest"`` or a name such as ``"0003"``. Not used with a predictor.
    models : folder of the versions; None is that of the lab. Not used with a predictor.
    compare_with : a second one that reads beside it: the name of a version, or, beside a predictor, a predictor.
    pen_width : px of the 280 x 280 canvas, 4 to 60. How thick the ink looks; the reading does not depend on it.
    freeze : offer to keep drawings as tests, for good and without asking who drew them: never on a pad that others use.
    feedback : a store of corrections, and a panel under the reading to make them; True for the lab's own, which is not opened
        in a notebook that runs headless. None asks for nothing and counts nothing.

    Attributes
    ----------
    document : what is on the canvas.
    model_choice : who reads it.
    reading, explanation : what was read last; and why, if that is asked for.
    message : a fault that is shown, or "".
    lock : taken by every handler and timer, since the kernel calls them in changing threads; re-entrant.
    schedule : when ink, readings and explanations come.
    canvas, wet, controls : the widgets; ``view`` shows in them what is above, ``wiring`` calls the handlers.
    feedback, playback, transcript : more handlers, of the feedback panel, of replays and of several digits in a row.

    Raises
    ------
    RegistryError, CheckpointError : there is no such version; it is not sound.
    StrokesError : the pen is no number from 4 to 60.
    """

    def __init__(
        self,
        predictor: Predictor | None = None,
        *,
        version: str = "current",
        models: Path | str | None = None,
        compare_with: Predictor | str | None = None,
        pen_width: float = PEN_WIDTH,
        feedback: Store | bool | None = None,
        freeze: bool = False,
    ) -> None:
        self.lock = threading.RLock()
        self.reading, self.view, self.wiring = LiveReading(self), View(self), Wiring(self.lock)
        self.feedback, self.playback = FeedbackHandlers(self, feedback), Playback(self)
        self.transcript = Transcript(self)
        self.schedule = Schedule(
            ink=self.view.ink_in_time,
            read=self.reading.in_time,
            explain=self.reading.explain,
            count=self.feedback.count,
            lock=self.lock,
        )
        self.document, self.explanation, self.message = Document(pen_width), Explanation(), ""
        self.model_choice = ModelChoice(predictor, version=version, models=models, compare_with=compare_with)
        self.canvas = InkCanvas(self.press, self.move, self.release)
        can_choose = not self.model_choice.is_fixed
        self.controls = Controls(self.document.pen_width, can_choose=can_choose, can_freeze=freeze)
        self.view.offer()
        self.wet = WetInk(self)
        children = self.controls.arrange(stacked(self.canvas, self.wet), self.feedback.panel)
        super().__init__(children, _dom_classes=("mnistlab-pad", "mnistlab-look"))
        connect(self)
        self.change()

    @property
    def drawing(self) -> Drawing:
        """The strokes so far."""
        return self.document.drawing

    @property
    def predictor(self) -> Predictor:
        """The network that reads."""
        return self.model_choice.first

    @property
    def true_digit(self) -> int | None:
        """What the drawing was meant to be, if somebody said."""
        return self.document.true_digit

    @property
    def prediction(self) -> Prediction:
        """What was read last."""
        return self.reading.first

    @property
    def is_settled(self) -> bool:
        """No pen is down, and nothing is replayed."""
        return not self.document.pen_is_down and not self.playback.is_playing

    # --- what a hand does, on the canvas or on the keys ---------------------------------------------------------------

    @handler
    def press(self, x: object, y: object) -> None:
        """Put the pen down. Coordinates in px of the 280 x 280 canvas; anything else is ignored."""
        self.playback.stop()
        self.view.ink()
        stale = self.document.picture is not None or self.document.cursor is not None
        inked = self.document.press(x, y)
        if stale:
            self.view.redraw()
        elif inked:
            self.view.dot(self.drawing.tail(1)[0])
        if inked:
            self.reading.soon()

    @handler
    def move(self, x: object, y: object) -> None:
        """Move the pen; without a press first, nothing happens."""
        if self.document.move(x, y):
            self.view.follow()
            self.reading.soon()

    @handler
    def release(self) -> None:
        """Lift the pen and read what is there."""
        if self.document.release():
            self.change()

    @handler
    def undo(self) -> None:
        """Take back the last change: a stroke, a picture, or that all was cleared."""
        self._do(self.document.undo)

    @handler
    def clear(self) -> None:
        """An empty canvas."""
        self._do(self.document.clear)

    @handler
    def redo(self) -> None:
        """Bring back what was taken back last."""
        self._do(self.document.redo)

    @handler
    def set_pen_width(self, pen_width: float) -> None:
        """Draw with a pen of so many px, 4 to 60; what is already drawn changes too."""
        self.document.pen_width = check_pen(pen_width)
        self.change()

    @handler
    def correct(self, digit: int) -> None:
        """Say which digit it was meant to be; the same digit again takes that back."""
        self.feedback.mark(digit)
        self.message = ""
        self.view.show()

    @handler
    def key(self, key: object, shift: bool = False, control: bool = False, meta: bool = False) -> None:
        """A key on the canvas, as the browser names it; ``keyboard`` says what each does."""
        keyboard.perform(self, keyboard.action(key, shift=shift, control=control, meta=meta))

    @handler
    def step(self, dx: float, dy: float) -> None:
        """Move the keyboard's pen by so many px; if it is down, it leaves ink."""
        self.playback.stop()
        inked = self.document.step(dx, dy)
        self.view.redraw()
        if inked:
            self.reading.soon()

    @handler
    def toggle_pen(self) -> None:
        """Put the keyboard's pen down, or lift it and read what is there."""
        self._do(self.document.toggle_pen)

    def _do(self, change: Callable[[], object]) -> None:
        self.playback.stop()
        change()
        self.change()

    # --- files, replays, tests ----------------------------------------------------------------------------------------

    @handler
    def load(self, content: bytes) -> None:
        """Read a file: a drawing that was saved as PNG or JSON, or any PNG or JPEG. What cannot be read leaves all as it was."""
        self.playback.stop()
        self.document.load(content)
        self.feedback.renew()
        self.change()

    def replay(self, strokes: Iterable[Any]) -> Prediction:
        """Clear, then draw strokes through the same handlers as a hand, at once, and return what is read in the end.

        Raises
        ------
        StrokesError : ``strokes`` is not a list of (n, 2) arrays of finite numbers.
        """
        return self.playback.at_once(as_strokes(strokes))

    @handler
    def freeze(self) -> None:
        """Keep the drawing as a test that asks for the digit it was meant to be, and say where."""
        if not self.controls.can_freeze:
            raise StrokesError("this pad keeps no drawing as a test; DigitPad(freeze=True) does", code="freeze")
        self.playback.stop()
        path = drawings.freeze(self.drawing.strokes, pen_width=self.document.pen_width, digit=self.true_digit)
        self.controls.note.value = message_html(f"Saved as {paths.shown(path)}")

    # --- who reads, and why -------------------------------------------------------------------------------------------

    @handler
    def set_version(self, version: str) -> None:
        """Read with another version, ``"0003"`` or ``"current"``; one that cannot be loaded leaves the one in use."""
        self._choose(self.model_choice.choose, version)

    @handler
    def compare(self, version: str | None) -> None:
        """Let a second version read beside the first; None ends it."""
        self._choose(self.model_choice.compare, version)

    def _choose(self, choose: Callable[[Any], None], version: str | None) -> None:
        try:
            choose(version)
        finally:
            self.view.offer()
        self.change()

    @handler
    def show_why(self, shown: bool) -> None:
        """Colour the ink by what it said for or against the digit, and explain the reading below."""
        self.explanation.switch(bool(shown))
        self.wiring.show(self.controls.why, self.explanation.is_on)
        self.change()

    def close(self) -> None:
        """Take the pad off the page."""
        if "schedule" in vars(self):  # Widget.__del__ closes a pad that was never made, too: DigitPad(nonsense=1)
            for part in (self.schedule, self.playback, self.feedback):
                part.close()
        super().close()

    def change(self) -> None:
        """Show everything again, and read it."""
        self.wiring.show(self.controls.pen, round(self.document.pen_width))  # whole px
        self.wet.follow(self.document)
        self.controls.note.value = ""
        try:
            self.reading.now()  # first: the answer is what one waits for, and the ink is nearly all there
        finally:
            if not self.explanation.is_on:  # else the reading has brought the colours
                self.view.redraw()

    def show_fault(self, message: str) -> None:
        """Show a fault in place of the reading, until the next one."""
        self.message = message
        self.view.show()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """The widget; where nobody is watching, a picture of it, so that the executed notebook can be read without a kernel."""
        if headless():
            return mime_bundle(self)
        self.wet.appear()
        serve_beside_cells(self)
        return super()._repr_mimebundle_()

    def __repr__(self) -> str:
        return f"DigitPad(version={self.predictor.version!r})"
