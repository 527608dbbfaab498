"""Ink in the page, reading in the kernel: a transparent sheet over the canvas that takes the pointer and shows its ink at once.

The page paints what the hand draws in the same frame, whatever the kernel does, and sends it here in numbered messages; Undo and
Clear travel in the same order. Once the kernel has painted it on the canvas, it acknowledges it, and the page takes its own ink
away. Where the script cannot be loaded, the canvas below takes the pointer by itself.
"""

from __future__ import annotations

import base64
import time
from contextlib import ExitStack
from importlib.resources import files
from typing import TYPE_CHECKING

import anywidget
import ipywidgets as widgets
import traitlets

from mnistlab.common.constants import PEN_WIDTH
from mnistlab.pad.canvas import INK, InkCanvas
from mnistlab.pad.stream import Stream
from mnistlab.web.page import asset

if TYPE_CHECKING:
    from mnistlab.pad.document import Document
    from mnistlab.pad.widget import DigitPad


def script() -> str:
    """The module that the page loads: classic scripts, of which it shares those for the pointer with the web page."""
    own = [
        (files("mnistlab.pad") / name).read_text(encoding="utf-8")
        for name in ("link.js", "survive.js", "furniture.js", "wet_ink.js")
    ]
    shared = [asset(name).decode() for name in ("drawing.js", "curve.js", "pen.js")]
    return "\n".join([*shared, *own, "export default globalThis.mnistlab.wetInk;\n"])


class WetInk(anywidget.AnyWidget):
    """The sheet; what comes from it goes to the handlers of a pad.

    Parameters
    ----------
    pad : that is drawn on.

    Attributes
    ----------
    pen_width : px of the 280 x 280 canvas.
    colour : of the ink, as CSS names it.
    drawn : what is on the canvas, as ``drawings`` writes it, "" for nothing; a page that stands by itself keeps it.
    shown : when a cell showed it, s since 1970; the page then brings it into sight, once.
    """

    _esm = script()
    _css = (files("mnistlab.pad") / "wet_ink.css").read_text(encoding="utf-8")
    pen_width = traitlets.Float(float(PEN_WIDTH)).tag(sync=True)
    colour = traitlets.Unicode(f"#{INK:02x}{INK:02x}{INK:02x}").tag(sync=True)

    shown = traitlets.Float(0.0).tag(sync=True)
    drawn = traitlets.Unicode("").tag(sync=True)

    def __init__(self, pad: DigitPad) -> None:
        self._pad, self._stream = pad, Stream()
        self._hand = ""  # the page that draws
        super().__init__()
        self.on_msg(lambda widget, content, buffers: self.receive(content))

    def follow(self, document: Document) -> None:
        """Tell the page what is on the canvas now, and how thick the pen is."""
        self.pen_width, self.drawn = document.pen_width, document.as_text()

    def appear(self) -> None:
        """Say that a cell is about to show it."""
        self.shown = time.time()

    def receive(self, content: object) -> None:
        """Do what a message of a page says, and acknowledge it; nothing that it holds makes this raise."""
        with self._pad.lock:
            receipt = self._stream.take(content)
            if receipt is None:
                return
            with ExitStack() as last_first:  # all of it is done, also after an event that fails
                last_first.callback(self.send, {"session": receipt.session, "through": receipt.through})
                for event in reversed(receipt.events):
                    last_first.callback(self._act, receipt.session, event)

    def _act(self, session: str, event: object) -> None:
        pad = self._pad
        match event:
            case ["press", x, y]:
                self._hand = session
                pad.press(x, y)
            case ["move", *places] if session == self._hand:
                for x, y in zip(places[::2], places[1::2], strict=False):
                    pad.move(x, y)
            case ["release"] if session == self._hand:
                pad.release()
            case [str(act)]:
                pad.wiring.act(act)
            case ["file", str(content)]:
                pad.load(_decoded(content))
            case ["restore", str(text)]:
                if pad.document.is_empty:
                    pad.load(text.encode())
            case ["key", key, shift]:
                pad.key(key, shift=bool(shift))


def _decoded(content: str) -> bytes:
    """A file that came as base64; nothing of what is none."""
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        return b""


def stacked(canvas: InkCanvas, wet: WetInk) -> widgets.Box:
    """The canvas and the sheet over it, as one."""
    box = widgets.Box([canvas, wet], layout=widgets.Layout(display="grid", overflow="visible"))
    box.add_class("mnistlab-paper")
    return box
