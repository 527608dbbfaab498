"""The drawing pad: ``DigitPad()`` in a cell is enough.

A thin view. What was drawn is a ``strokes.Drawing``, what was read a ``Prediction``, how it is said comes from ``readout``;
here they are wired to a ``sheet`` and its ``controls``. Every handler is a public method in px of the 280 x 280 canvas, so
that a test or a replay does what a hand does, with no browser.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import io
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from mnistlab import controls, preprocess, readout
from mnistlab.errors import CheckpointError, ImageError, LabError, RegistryError
from mnistlab.predictor import Prediction, Predictor
from mnistlab.progress import headless
from mnistlab.registry import Registry
from mnistlab.sheet import Sheet
from mnistlab.strokes import PEN_WIDTH, Drawing, as_strokes, check_pen, rasterise

INTERVAL = 0.04  # seconds between two readings of a stroke under way; 25 a second look continuous


def _handler(method: Callable) -> Callable:
    """The one place where errors of a handler end: the widgets' machinery would swallow them.

    An error of ours is shown as a sentence. Any other is shown too, and raised again: it is a bug and belongs in the log.
    """

    @functools.wraps(method)
    def handled(self: DigitPad, *args) -> None:
        try:
            method(self, *args)
        except LabError as error:
            self._complain(readout.sentence(str(error)))
        except Exception as error:
            self._complain(readout.sentence(f"that did not work ({type(error).__name__}: {str(error)[:200]})"))
            raise

    return handled


class DigitPad(widgets.Box):
    """A canvas to draw on with mouse, pen or finger, and what the network reads while the stroke is under way.

    Parameters
    ----------
    predictor : the network that reads, and then the only one on offer. None offers all versions in ``models``.
    version : the one to start with: ``"current"``, ``"latest"`` or a name such as ``"0003"``. Not used with a predictor.
    models : folder of the versions; None is that of the lab. Not used with a predictor.
    pen_width : px of the 280 x 280 canvas, 4 to 60. How thick the ink looks; the reading does not depend on it.

    Attributes
    ----------
    drawing : the strokes so far.
    prediction : what was read last.
    message : a fault that is shown, or "".

    Raises
    ------
    RegistryError, CheckpointError : there is no such version; it is not sound.
    StrokesError : the pen is no number from 4 to 60.
    """

    _pending: asyncio.TimerHandle | None = None  # of the class, since a widget that failed to start is closed too

    def __init__(
        self,
        predictor: Predictor | None = None,
        *,
        version: str = "current",
        models: Path | str | None = None,
        pen_width: float = PEN_WIDTH,
    ) -> None:
        self.pen_width = check_pen(pen_width)
        self._models = None if predictor else Registry(models)
        self.predictor = predictor or Predictor.load(version, models=self._models.root)
        self.drawing = Drawing()
        self.message = ""
        self.clock: Callable[[], float] = time.monotonic  # seconds
        self._picture: bytes | None = None  # a file that was read instead of a drawing
        self.prediction: Prediction = self.predictor.predict_strokes([])
        self._read_at = self.clock()
        super().__init__(self._build(), layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"))
        self.add_class("mnistlab-pad")
        self._wire()
        self._redraw()
        self._show()

    @property
    def scrambled(self) -> np.ndarray | None:
        """uint8 (28, 28), what a permuted network really got of ``prediction.image``; None for a plain one."""
        permutation = self.predictor.permutation
        return None if permutation.is_identity else permutation.apply(self.prediction.image)

    # --- what a hand does ---------------------------------------------------------------------------------------------

    @_handler
    def press(self, x: object, y: object) -> None:
        """Put the pen down. Coordinates in px of the 280 x 280 canvas; anything else is passed over."""
        if self._picture is not None:
            self._picture = None
            self._redraw()
        if self.drawing.press(x, y):
            self.sheet.ink(self.drawing.tail(1), self.pen_width)
            self._read_soon()

    @_handler
    def move(self, x: object, y: object) -> None:
        """Move the pen; without a press before, nothing happens."""
        if self.drawing.move(x, y):
            self.sheet.ink(self.drawing.tail(), self.pen_width)  # ink first, so that it follows the hand
            self._read_soon()

    @_handler
    def release(self) -> None:
        """Lift the pen and read what is there."""
        if self.drawing.release():
            self._read()

    @_handler
    def undo(self) -> None:
        """Take back the last stroke, or the picture."""
        if self._picture is not None:
            self._picture = None
        else:
            self.drawing.undo()
        self._redraw()
        self._read()

    @_handler
    def clear(self) -> None:
        """An empty canvas."""
        self._picture = None
        self.drawing.clear()
        self._redraw()
        self._read()

    @_handler
    def load_image(self, content: bytes) -> None:
        """Read the content of a PNG or JPEG file in place of a drawing. A file that cannot be read leaves all as it was."""
        content = bytes(content)
        self.predictor.predict_image(content)
        self._picture = content
        self.drawing.clear()
        self._redraw()
        self._read()

    @_handler
    def set_version(self, version: str) -> None:
        """Read with another version, ``"0003"`` or ``"current"``; one that cannot be loaded leaves the one in use."""
        try:
            if self._models is not None:
                self.predictor = Predictor.load(version, models=self._models.root)
            elif version != self.predictor.version:
                raise RegistryError(f"this pad reads with version {self.predictor.version} alone", code="unknown")
        finally:
            self._mark(self.predictor.version)
        self._read()

    @_handler
    def set_pen_width(self, pen_width: float) -> None:
        """Draw with a pen of so many px, 4 to 60; what is drawn already changes too."""
        width = check_pen(pen_width)
        self.pen.value = round(width)  # whole px; it calls back with them
        self.pen_width = width
        self._redraw()
        self._read()

    def replay(self, strokes: Iterable) -> Prediction:
        """Clear, then draw strokes through the same handlers as a hand, and return what is read in the end.

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

    def close(self) -> None:
        """Take the pad off the page."""
        self._cancel()
        super().close()

    # --- the view -----------------------------------------------------------------------------------------------------

    def _build(self) -> list[widgets.Widget]:
        self.sheet = Sheet(self.press, self.move, self.release)
        self.undo_button, self.clear_button, self.upload = controls.undo(), controls.clear(), controls.upload()
        self.pen = controls.pen(self.pen_width)
        self.versions = controls.versions(self._options(), self.predictor.version, fixed=self._models is None)
        self.readout = controls.says()
        buttons = [self.undo_button, self.clear_button, self.upload]
        return controls.arrange(self.sheet, buttons, [self.pen, self.versions], self.readout)

    def _options(self) -> list[tuple[str, str]]:
        """The versions on offer as (label, name)."""
        if self._models is None:
            return [(readout.label(self.predictor.checkpoint.manifest), self.predictor.version)]
        options = []
        for name in reversed(self._models.versions()):
            try:
                options.append((readout.label(self._models.manifest(name)), name))
            except CheckpointError:  # it stays on the list, and choosing it says what is wrong
                options.append((f"{name}, damaged", name))
        return options

    def _wire(self) -> None:
        self.sheet.on_key_down(self._key)
        self.sheet.on_client_ready(self._redraw)  # a page that was loaded again has lost all ink
        self.undo_button.on_click(lambda _: self.undo())
        self.clear_button.on_click(lambda _: self.clear())
        self.pen.observe(lambda change: self.set_pen_width(change["new"]), "value")
        self.versions.observe(self._chosen, "value")
        self.upload.observe(self._uploaded, "value")

    def _key(self, key: str, shift: bool, control: bool, meta: bool) -> None:
        """The canvas swallows every key; Tab and Escape have to lead out of it."""
        if key == "Tab" and shift:
            self.sheet.blur()
        elif key in ("Tab", "Escape"):
            self.undo_button.focus()
        elif key in ("Delete", "Backspace"):
            self.clear()
        elif key.lower() == "z" and (control or meta):
            self.undo()

    def _chosen(self, change: dict) -> None:
        self.set_version(change["new"])

    def _mark(self, version: str) -> None:
        """Show a version as the chosen one, without choosing it again; one made since the pad joins the list."""
        self.versions.unobserve(self._chosen, "value")
        if version not in (name for _, name in self.versions.options):
            self.versions.options = self._options()
        self.versions.value = version
        self.versions.observe(self._chosen, "value")

    def _uploaded(self, change: dict) -> None:
        if change["new"]:
            content = bytes(change["new"][0]["content"])
            self.upload.value = ()  # or the same file could not be read twice
            self.load_image(content)

    def _redraw(self) -> None:
        """All ink again, from what Python holds."""
        self.sheet.redraw(self.drawing.strokes, self.pen_width, self._picture_ink())

    def _picture_ink(self) -> np.ndarray | None:
        """The ink of the picture that was read, uint8 (H, W), or None."""
        if self._picture is not None:
            with suppress(ImageError):  # blank, or all ink: there is nothing to show, and the reading says why
                return preprocess.to_ink(self._picture).ink
        return None

    # --- reading ------------------------------------------------------------------------------------------------------

    def _read_soon(self) -> None:
        """Read now, or as soon as the interval is over; outside a running kernel the release will do."""
        wait = self._read_at + INTERVAL - self.clock()
        if wait <= 0:
            self._read()
        elif self._pending is None:
            try:
                self._pending = asyncio.get_running_loop().call_later(wait, self._read_late)
            except RuntimeError:
                return

    @_handler
    def _read_late(self) -> None:
        self._read()

    def _read(self) -> None:
        self._cancel()
        if self._picture is not None:
            self.prediction = self.predictor.predict_image(self._picture)
        else:
            self.prediction = self.predictor.predict_strokes(self.drawing.strokes, self.pen_width)
        self.message = ""
        self._show()
        self._read_at = self.clock()

    def _cancel(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None

    def _show(self) -> None:
        self.readout.value = readout.render(
            self.prediction,
            scrambled=self.scrambled,
            settled=not self.drawing.is_open,
            message=self.message,
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

        ink = self._picture_ink()
        if ink is None:
            ink = rasterise(self.drawing.strokes, pen_width=self.pen_width)
        figure = plots.reading(self.prediction, ink, scrambled=self.scrambled)[0].figure
        plt.close(figure)  # shown here, not once more under the cell
        file = io.BytesIO()
        figure.savefig(file, format="png", bbox_inches="tight", dpi=72)
        return {"text/plain": repr(self), "image/png": base64.b64encode(file.getvalue()).decode()}

    def __repr__(self) -> str:
        return f"DigitPad(version={self.predictor.version!r})"
