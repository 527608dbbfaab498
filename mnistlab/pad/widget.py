"""The drawing pad: ``DigitPad()`` in a cell is enough.

A thin view. What is on the canvas is a ``document.Document``, who reads it is a ``model_choice.ModelChoice``, why it is read
so is an ``explanation.Explanation``; here they are wired to a ``canvas`` and its ``controls``. Every handler is a public method
in px of the 280 x 280 canvas, so that a test or a replay does what a hand does, with no browser.
"""

from __future__ import annotations

import base64
import functools
import io
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as widgets
import numpy as np

from mnistlab.common import paths
from mnistlab.common.constants import PEN_WIDTH
from mnistlab.common.errors import FeedbackError, LabError
from mnistlab.common.progress import headless
from mnistlab.data import drawings
from mnistlab.data.strokes import Drawing, as_strokes, check_pen, rasterise
from mnistlab.inference.predictor import Prediction, Predictor
from mnistlab.pad import keyboard, prediction_html
from mnistlab.pad.canvas import REACH, InkCanvas
from mnistlab.pad.controls import NONE, Controls
from mnistlab.pad.document import Document
from mnistlab.pad.explanation import Explanation
from mnistlab.pad.model_choice import ModelChoice
from mnistlab.pad.playback import Moment, Player
from mnistlab.pad.schedule import Timer

if TYPE_CHECKING:
    from mnistlab.feedback.store import Store
    from mnistlab.pad.feedback_panel import FeedbackPanel

INTERVAL = 0.04  # seconds between two readings of a stroke under way; 25 a second look continuous
FRAME = 1 / 60  # seconds; ink that comes more often than a screen shows it only keeps the page busy
IDLE = 1.5  # of the time a reading took, at least this is left for the pen before the next
PAUSE = 0.3  # seconds the pen has to be up before reasons are searched for: the next stroke should not wait for them


def _handler(method: Callable) -> Callable:
    """The one place where errors of a handler end: the widgets' machinery would swallow them.

    An error of ours is shown as a sentence. Any other is shown too, and raised again: it is a bug and belongs in the log.
    """

    @functools.wraps(method)
    def handled(self: DigitPad, *args, **options) -> None:
        try:
            method(self, *args, **options)
        except LabError as error:
            self._complain(prediction_html.sentence(str(error)))
        except Exception as error:
            self._complain(prediction_html.sentence(f"that did not work ({type(error).__name__}: {str(error)[:200]})"))
            raise

    return handled


class DigitPad(widgets.Box):
    """A canvas to draw on with mouse, pen, finger or keyboard, and what the network reads while the stroke is under way.

    Parameters
    ----------
    predictor : the network that reads, and then the only one on offer. None offers all versions in ``models``.
    version : the one to start with: ``"current"``, ``"latest"`` or a name such as ``"0003"``. Not used with a predictor.
    models : folder of the versions; None is that of the lab. Not used with a predictor.
    compare_with : a second one that reads beside it: the name of a version, or, beside a predictor, a predictor.
    pen_width : px of the 280 x 280 canvas, 4 to 60. How thick the ink looks; the reading does not depend on it.
    feedback : a store of corrections, and a panel under the reading to make them; True for the lab's own, which is not opened
        in a notebook that runs headless. None asks for nothing and counts nothing.

    Attributes
    ----------
    document : what is on the canvas.
    model_choice : who reads it.
    prediction, second_prediction : what was read last, by each of them; None beside if none is compared with.
    explanation : why, if they are asked for.
    message : a fault that is shown, or "".

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
    ) -> None:
        self._later, self._rest, self._ink = Timer(self._read_late), Timer(self.explain), Timer(self._ink_late)
        self._seen = Timer(self._count)
        self._player = Player(self._play_on, self.stop)
        self.feedback_panel = _open_panel(feedback)
        self.document, self.explanation = Document(pen_width), Explanation()
        self.model_choice = ModelChoice(predictor, version=version, models=models, compare_with=compare_with)
        self.message = ""
        self.clock: Callable[[], float] = time.monotonic  # seconds
        self.prediction: Prediction = self.document.read(self.model_choice.first)
        self.second_prediction: Prediction | None = None
        self._due = self._ink_due = self.clock()  # when the next reading, the next ink may come
        self._wet = 0  # points at the end of the stroke that have no ink yet
        self._whole: list[np.ndarray] = []  # the drawing that a replay draws
        self._marking = False  # a control is set by us, not by a person
        self.canvas = InkCanvas(self.press, self.move, self.release)
        self.controls = Controls(
            pen_width=self.document.pen_width,
            options=self.model_choice.options(),
            version=self.model_choice.first.version,
            second_version=self._second_version(),
            fixed=self.model_choice.is_fixed,
        )
        children = self.controls.arrange(self.canvas, self.feedback_panel)
        super().__init__(children, layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"))
        self.add_class("mnistlab-pad")
        self._wire()
        self._change()

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

    # --- what a hand does ---------------------------------------------------------------------------------------------

    @_handler
    def press(self, x: object, y: object) -> None:
        """Put the pen down. Coordinates in px of the 280 x 280 canvas; anything else is passed over."""
        self.stop()
        self._ink_on()
        stale = self.document.picture is not None or self.document.cursor is not None
        inked = self.document.press(x, y)
        if stale:
            self._redraw()
        elif inked:
            self.canvas.dot(self.drawing.tail(1)[0], self.document.pen_width)
        if inked:
            self._read_soon()

    @_handler
    def move(self, x: object, y: object) -> None:
        """Move the pen; without a press before, nothing happens."""
        if self.document.move(x, y):
            self._follow()

    @_handler
    def release(self) -> None:
        """Lift the pen and read what is there."""
        if self.document.release():
            self._change()

    @_handler
    def undo(self) -> None:
        """Take back the last stroke, or the picture."""
        self.stop()
        self.document.undo()
        self._change()

    @_handler
    def clear(self) -> None:
        """An empty canvas."""
        self.stop()
        self.document.clear()
        self._change()

    @_handler
    def set_pen_width(self, pen_width: float) -> None:
        """Draw with a pen of so many px, 4 to 60; what is drawn already changes too."""
        self.document.pen_width = check_pen(pen_width)
        self._change()

    @_handler
    def correct(self, digit: int) -> None:
        """Say which digit it was meant to be; the same once more takes that back."""
        if not (
            self.feedback_panel and self.feedback_panel.session.is_stale and digit == self.true_digit
        ):  # else it is said anew
            self.document.mark(digit)
        if self.feedback_panel:
            self.feedback_panel.session.judge(self.document, self.prediction)
        self.message = ""
        self._show()

    # --- feedback -----------------------------------------------------------------------------------------------------

    @_handler
    def judge(self, right: bool) -> None:
        """Say that it was read right, or wrong; the same once more takes that back."""
        state, digit = self._feedback().session, self.prediction.digit
        if right and digit is None:
            raise FeedbackError("no digit was read that could be right", code="empty")
        if right:
            self.correct(digit)
            return
        if self.document.is_empty:
            raise FeedbackError("there is nothing on the canvas to judge", code="empty")
        again = state.verdict == "wrong" and not state.is_stale
        self.document.true_digit = None
        state.judge(self.document, self.prediction, wrong=not again)
        self._show()

    @_handler
    def agree(self, agreed: bool) -> None:
        """Let the drawings that are marked be kept, or no more."""
        self._feedback().session.agree(bool(agreed), self.document, self.prediction)
        self._show()

    @_handler
    def withdraw(self) -> None:
        """Erase all that was kept from this pad, and keep no more."""
        self._feedback().session.withdraw()
        self._show()

    @_handler
    def comment(self, text: str) -> None:
        """Add a comment to the drawing on the canvas."""
        self._feedback().session.say(text)
        self._show()

    @_handler
    def _count(self) -> None:
        self._seen.cancel()
        self._feedback().session.seen(self.document, self.prediction)

    def _feedback(self) -> FeedbackPanel:
        if self.feedback_panel is None:
            raise FeedbackError("this pad was made without feedback", code="none")
        return self.feedback_panel

    # --- what a keyboard does -----------------------------------------------------------------------------------------

    @_handler
    def key(self, key: object, shift: bool = False, control: bool = False, meta: bool = False) -> None:
        """A key on the canvas, as the browser names it; ``keys`` says what each does."""
        match keyboard.action(key, shift=shift, control=control, meta=meta):
            case ("step", dx, dy):
                self.step(dx, dy)
            case ("pen",):
                self.toggle_pen()
            case ("correct", digit):
                self.correct(digit)
            case ("undo",):
                self.undo()
            case ("clear",):
                self.clear()
            case ("leave", forward):
                self.controls.undo.focus() if forward else self.canvas.blur()

    @_handler
    def step(self, dx: float, dy: float) -> None:
        """Move the keyboard's pen by so many px; if it is down, it leaves ink."""
        self.stop()
        inked = self.document.step(dx, dy)
        self._redraw()
        if inked:
            self._read_soon()

    @_handler
    def toggle_pen(self) -> None:
        """Put the keyboard's pen down, or lift it and read what is there."""
        self.stop()
        self.document.toggle_pen()
        self._change()

    # --- files, replays, tests ----------------------------------------------------------------------------------------

    @_handler
    def load(self, content: bytes) -> None:
        """Read a file: a drawing that was saved as PNG or JSON, or any PNG or JPEG. What cannot be read leaves all as it was."""
        self.stop()
        self.document.load(content)
        if self.feedback_panel:
            self.feedback_panel.session.renew()
        self._change()

    def replay(self, strokes: Iterable) -> Prediction:
        """Clear, then draw strokes through the same handlers as a hand, at once, and return what is read in the end.

        Raises
        ------
        StrokesError : ``strokes`` is not a list of (n, 2) arrays of finite numbers.
        """
        strokes = as_strokes(strokes)
        self.clear()
        for stroke in strokes:
            self.press(*stroke[0].tolist())
            for point in stroke[1:].tolist():
                self.move(*point)
            self.release()
        return self.prediction

    @_handler
    def play(self) -> None:
        """Draw what is there once more, at the speed of a hand; where there is no event loop to wait in, nothing happens."""
        self.stop()
        whole = self.drawing.strokes
        if whole and self._player.start(whole):
            self._whole, self.document.drawing = whole, Drawing()
            self.controls.show_replay(True)
            self._change()

    @_handler
    def stop(self) -> None:
        """End a replay; the whole drawing is there again."""
        if self._player.stop():
            self.document.drawing = Drawing(self._whole)
            self.controls.show_replay(False)
            self._change()

    @_handler
    def freeze(self) -> None:
        """Keep the drawing as a test that asks for the digit it was meant to be, and say where."""
        self.stop()
        path = drawings.freeze(self.drawing.strokes, pen_width=self.document.pen_width, digit=self.true_digit)
        where = path.relative_to(paths.ROOT) if path.is_relative_to(paths.ROOT) else path
        self.controls.note.value = prediction_html.note(f"Kept as {where}")

    # --- who reads, and why -------------------------------------------------------------------------------------------

    @_handler
    def set_version(self, version: str) -> None:
        """Read with another version, ``"0003"`` or ``"current"``; one that cannot be loaded leaves the one in use."""
        try:
            self.model_choice.choose(version)
        finally:
            self._offer()
        self._change()

    @_handler
    def compare(self, version: str | None) -> None:
        """Let a second version read beside the first; None ends it."""
        try:
            self.model_choice.compare(version)
        finally:
            self._offer()
        self._change()

    @_handler
    def show_why(self, shown: bool) -> None:
        """Colour the ink by what it said for or against the digit, and give the reasons below."""
        self.explanation.switch(bool(shown))
        self._mark(self.controls.why, self.explanation.is_on)
        self._change()

    @_handler
    def explain(self) -> None:
        """Find the steps from ink to input and the smallest edit that flips the reading, and show them."""
        self._rest.cancel()
        self.explanation.search(self.predictor, self.document)
        self.controls.explanation.value = self.explanation.text(self.prediction, settled=True)

    def close(self) -> None:
        """Take the pad off the page."""
        for waiting in (self._later, self._rest, self._ink, self._seen):
            waiting.cancel()
        self._player.stop()
        super().close()

    # --- the view -----------------------------------------------------------------------------------------------------

    def _wire(self) -> None:
        controls = self.controls
        self.canvas.on_key_down(self.key)
        self.canvas.on_client_ready(self._redraw)  # a page that was loaded again has lost all ink
        for button, handler in (
            (controls.undo, self.undo),
            (controls.clear, self.clear),
            (controls.freeze, self.freeze),
            (controls.replay, lambda: self.stop() if self._player.is_playing else self.play()),
            *((button, functools.partial(self.correct, digit)) for digit, button in enumerate(controls.digits)),
        ):
            button.on_click(lambda _, handler=handler: handler())
        for control, handler in (
            (controls.pen, self.set_pen_width),
            (controls.versions, self.set_version),
            (controls.second_versions, lambda version: self.compare(None if version == NONE else version)),
            (controls.why, self.show_why),
            (controls.more, self._fold),
            (controls.load, self._loaded),
        ):
            control.observe(functools.partial(self._changed, handler), "value")

        if self.feedback_panel:
            self._wire_panel(self.feedback_panel)

    def _wire_panel(self, panel: FeedbackPanel) -> None:
        for button, handler in (
            (panel.right, functools.partial(self.judge, True)),
            (panel.wrong, functools.partial(self.judge, False)),
            (panel.withdraw, self.withdraw),
            *((button, functools.partial(self.correct, digit)) for digit, button in enumerate(panel.digits)),
        ):
            button.on_click(lambda _, handler=handler: handler())
        panel.consent.observe(functools.partial(self._changed, self.agree), "value")
        panel.comment.observe(functools.partial(self._changed, self.comment), "value")

    def _changed(self, handler: Callable, change: dict) -> None:
        if not self._marking:
            handler(change["new"])

    def _mark(self, control: widgets.Widget, value: object) -> None:
        """Show a value in a control, as if nobody had touched it."""
        self._marking = True
        try:
            control.value = value
        finally:
            self._marking = False

    def _offer(self) -> None:
        """Show who reads; a version made since the pad joins the list."""
        self._marking = True
        try:
            self.controls.offer(self.model_choice.options(), self.model_choice.first.version, self._second_version())
        finally:
            self._marking = False

    def _second_version(self) -> str:
        return NONE if self.model_choice.second is None else self.model_choice.second.version

    def _loaded(self, files: tuple) -> None:
        if files:
            content = bytes(files[0]["content"])
            self._mark(self.controls.load, ())  # or the same file could not be read twice
            self.load(content)

    def _fold(self, open: bool) -> None:
        self.controls.fold(open=open)
        self._show()

    # --- ink and reading ----------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Ink to the last point first, so that it follows the hand, but no more often than it is seen; then the reading."""
        self._wet += 1
        wait = self._ink_due - self.clock()
        if wait <= 0 or not (self._ink.is_waiting or self._ink.start(wait)):
            self._ink_on()
        self._read_soon()

    @_handler
    def _ink_late(self) -> None:
        self._ink_on()

    def _ink_on(self) -> None:
        """Ink for the points that have none yet."""
        self._ink.cancel()
        if self._wet:
            self.canvas.follow(self.drawing.tail(self._wet + REACH), self._wet)
            self._wet, self._ink_due = 0, self.clock() + FRAME

    def _change(self) -> None:
        """Show all anew, and read it."""
        self._mark(self.controls.pen, round(self.document.pen_width))  # whole px
        self.controls.note.value = ""
        try:
            self._read()  # first: the answer is what one waits for, and the ink is nearly all there
        finally:
            if not self.explanation.is_on:  # else the reading has brought the colours
                self._redraw()

    def _redraw(self) -> None:
        """All ink again, from what Python holds."""
        document = self.document
        self._ink.cancel()
        self._wet = 0
        self.canvas.redraw(
            self.drawing.strokes,
            document.pen_width,
            picture=document.picture_ink(),
            shades=self.explanation.shades,
            cursor=document.cursor,
            pen_is_down=document.pen_is_down,
        )

    @_handler
    def _play_on(self, moment: Moment) -> None:
        """A moment of the replay."""
        if moment.event == "press":
            self._ink_on()
            self.drawing.press(*moment.points[0].tolist())
            self.canvas.dot(moment.points[0], self.document.pen_width)
        elif moment.event == "release":
            self.drawing.release()
        else:
            for point in moment.points.tolist():
                self.drawing.move(*point)
                self._follow()

    def _read_soon(self) -> None:
        """Read now, or as soon as it is due; without an event loop the release will do."""
        self._rest.cancel()
        wait = self._due - self.clock()
        if wait <= 0:
            self._read()
        elif not self._later.is_waiting:
            self._later.start(wait)

    @_handler
    def _read_late(self) -> None:
        self._read()

    def _read(self) -> None:
        started = self.clock()
        self._later.cancel()
        self.prediction = self.document.read(self.model_choice.first)
        second = self.model_choice.second
        self.second_prediction = None if second is None else self.document.read(second)
        self.explanation.colour(self.predictor, self.document, self.prediction)
        self.message = ""
        if self.explanation.is_on:
            self._redraw()
        self._show()
        self._reason()
        done = self.clock()
        self._due = done + max(INTERVAL, IDLE * (done - started))

    @property
    def _is_settled(self) -> bool:
        """No pen is down, and nothing is replayed."""
        return not self.document.pen_is_down and not self._player.is_playing

    def _reason(self) -> None:
        """Show the reasons of before in a paler tone, and search for new ones once the hand has rested."""
        self._rest.cancel()
        if not self.explanation.is_on:
            return
        searches = self._is_settled and len(self.drawing) > 0
        self.controls.explanation.value = self.explanation.text(self.prediction, settled=False)
        if searches and not self._rest.start(PAUSE):
            self.explain()

    def _show(self) -> None:
        controls, models, document = self.controls, self.model_choice, self.document
        controls.prediction.value = self._say(self.prediction, models.first, self.message)
        beside = self.second_prediction
        controls.show_second(beside is not None)
        controls.second_prediction.value = "" if beside is None else self._say(beside, models.second)
        controls.mark(document.true_digit if len(self.drawing) else None)
        controls.show_explanation(self.explanation.is_on)
        if self.feedback_panel and not self._player.is_playing:
            self._judged(self.feedback_panel)
        if self._is_settled and controls.more.value:
            strokes = self.drawing.strokes
            controls.links.value = prediction_html.links(
                strokes, pen_width=document.pen_width, digit=document.true_digit
            )
            controls.origin.value = prediction_html.origin(models.first.checkpoint.manifest)

    def _judged(self, panel: FeedbackPanel) -> None:
        """Show the panel anew; a reading that stays for a while is counted."""
        from mnistlab.pad.feedback_panel import SEEN

        panel.session.watch(self.document)
        self._marking = True
        try:
            panel.show(self.document, self.prediction)
        finally:
            self._marking = False
        self._seen.cancel()
        if self._is_settled and not self.document.is_empty and not panel.session.is_counted:
            self._seen.start(SEEN)

    def _say(self, prediction: Prediction, who: Predictor, message: str = "") -> str:
        return prediction_html.render(
            prediction,
            scrambled=who.scrambled(prediction),
            settled=self._is_settled,
            message=message,
            meant=self.true_digit,
        )

    def _complain(self, message: str) -> None:
        self.message = message
        self._show()

    def _repr_mimebundle_(self, **options) -> dict:
        """The widget; where nobody is watching, a picture of it, so that the executed notebook can be read without a kernel."""
        if not headless():
            return super()._repr_mimebundle_(**options)
        import matplotlib.pyplot as plt  # heavy, and of no use to the live pad

        from mnistlab import plots

        ink = self.document.picture_ink()
        if ink is None:
            ink = rasterise(self.drawing.strokes, pen_width=self.document.pen_width)
        scrambled = self.predictor.scrambled(self.prediction)
        figure = plots.prediction(self.prediction, ink, scrambled=scrambled)[0].figure
        plt.close(figure)  # shown here, not once more under the cell
        file = io.BytesIO()
        figure.savefig(file, format="png", bbox_inches="tight", dpi=72)
        return {"text/plain": repr(self), "image/png": base64.b64encode(file.getvalue()).decode()}

    def __repr__(self) -> str:
        return f"DigitPad(version={self.predictor.version!r})"


def _open_panel(feedback: Store | bool | None) -> FeedbackPanel | None:
    """The panel for a store; nobody gives feedback in a notebook that runs headless, and the lab's own store stays closed."""
    if feedback is None or feedback is False or (feedback is True and headless()):
        return None
    from mnistlab.pad.feedback_panel import FeedbackPanel  # brings SQLAlchemy, of no use to other pads

    return FeedbackPanel(feedback)
