"""The buttons of the pad, each with its label, and how they stand around the canvas. They do nothing by themselves.

The answer stands beside the canvas, or below it where the pad is narrow; what is used all the time is always in sight, the rest
behind *More*. How wide, how far apart and in which colour is in ``pad.css``.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

import ipywidgets as widgets
from markupsafe import Markup

from mnistlab.common.constants import CLASSES, PEN_WIDTHS
from mnistlab.common.html import render
from mnistlab.evaluation.formatting import a_digit
from mnistlab.pad.prediction_html import keys_html

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction
    from mnistlab.pad.document import Document
    from mnistlab.pad.feedback_panel import FeedbackPanel

NONE = ""  # the version of no second model
IDLE = "mnistlab-idle"  # class of a button that has nothing to do
ACT = (
    "mnistlab-act-"  # class of a button that the page presses itself, behind the strokes drawn before; its act follows
)

Options = Sequence[tuple[str, str]]


class Controls:
    """All widgets of the pad but its canvas.

    Parameters
    ----------
    pen_width : px.
    can_choose : there are other versions to choose; ``offer`` says which.
    can_freeze : *Freeze* is among the buttons.

    Attributes
    ----------
    can_freeze : the same.
    undo, redo, clear, next, load, replay, copy, freeze : buttons; ``load`` gives the content of one file.
    camera : a button for the page, which opens the camera; without its script it does nothing and is hidden.
    digits : ten small buttons, to say what the drawing was meant to be.
    why, scramble, more : switches.
    pen : gives whole px.
    versions, second_versions : lists; their value is the number of a version.
    prediction, second_prediction, explanation, links, note, origin : HTML: both readings, why, links to save, a word about what
        was done, where the version comes from.
    line : HTML, the digits that were kept with *Next digit*.
    spoken : HTML, the answer in a few words for those who listen; the page makes it the one live region of the pad.
    """

    def __init__(self, pen_width: float, *, can_choose: bool, can_freeze: bool = False) -> None:
        self.can_freeze = can_freeze is True  # what is no plain yes is none
        self.undo = acting("undo", button("Undo", "Take back the last stroke"))
        self.redo = acting("redo", button("Redo", "Bring back what was taken back"))
        self.clear = acting("clear", button("Clear", "Empty the canvas"))
        self.next = acting("next", button("Next digit", "Keep the answer in the line below, and draw another one"))
        self.load = widgets.FileUpload(
            accept=".png,.jpg,.jpeg,.webp,.bmp,.gif,.tif,.tiff,.heic,.json",
            description="Picture",
            icon="",
            tooltip="Open a picture or a saved drawing; you can drop or paste one, too",
        )
        self.load.add_class("mnistlab-load")
        self.camera = button("Camera", "Take a photograph of a digit on paper")
        self.camera.add_class("mnistlab-camera")
        self.more = switch("More", "Pen, saving, replaying, another version")
        self.more.add_class("mnistlab-more")
        self.why = switch("Why?", "Show which ink spoke for the digit, and which against it")
        self.why.add_class("mnistlab-primary")
        self.scramble = switch("Scramble the pixels", "Let a network read that learned from scrambled pixels")
        self.prediction, self.second_prediction, self.explanation, self.spoken = (text() for _ in range(4))
        self.spoken.add_class("mnistlab-spoken")
        self.line = text()
        self.start_again = button("Start again", "Forget the digits so far")
        self._line = box("mnistlab-row", [self.line, self.start_again])
        self.versions = widgets.Dropdown(
            description="Version", disabled=not can_choose, tooltip="The network that reads"
        )
        self.versions.add_class("mnistlab-version")

        # behind More
        low, high = PEN_WIDTHS
        self.pen = widgets.IntSlider(round(pen_width), low, high, description="Pen, px")
        self.second_versions = widgets.Dropdown(description="Versus", tooltip="Let a second version read too")
        self.digits = digit_buttons("You meant {}")
        self.replay = acting("replay", button("Replay", "Draw it again, stroke by stroke"))
        self.copy = button("Copy", "Copy the reading as text")
        self.copy.add_class("mnistlab-copy")
        self.freeze = button("Freeze", "Save the drawing as a test of the digit you said it is")
        self.links, self.note, self.origin = text(), text(), text()
        self._meant = [text(render("pad/aside.html", text="Which digit did you mean?")), chips(self.digits)]
        self._extras = box("mnistlab-extras", self._behind_more())

    def _behind_more(self) -> list[widgets.Widget]:
        keys = text(keys_html(self.more.model_id))
        keys.add_class("mnistlab-keys-button")
        return [
            self.pen,
            self.second_versions,
            *self._meant,
            box("mnistlab-row", [self.replay, *([self.freeze] if self.can_freeze else []), keys]),
            self.links,
            self.note,
            self.origin,
        ]

    def arrange(self, canvas: widgets.Widget, feedback_panel: FeedbackPanel | None = None) -> list[widgets.Widget]:
        """The children of the pad: its style, a line on top, the canvas and what was read side by side, and why below."""
        sheets = (files("mnistlab.web") / "static" / "look.css", files("mnistlab.pad") / "pad.css")
        css = "".join(each.read_text(encoding="utf-8") for each in sheets)
        style = widgets.HTML(render("pad/style.html", css=Markup(css)), layout=widgets.Layout(display="none"))
        top = box("mnistlab-top", [text(render("pad/lead.html")), self.versions])
        tools = box("mnistlab-tools", [self.undo, self.redo, self.clear, self.load, self.camera, self.more])
        left = box("mnistlab-left", [canvas, tools, self._extras])
        self.fold(open=False)
        for widget in self._meant:  # the feedback panel has ten such buttons of its own
            show(widget, feedback_panel is None)
        actions = box("mnistlab-row", [self.why, self.next, self.copy, self.scramble])
        panel = [] if feedback_panel is None else [feedback_panel]
        if feedback_panel is not None:
            self._extras.children += (feedback_panel.earlier,)
        right = box("mnistlab-right", [self.prediction, self.second_prediction, actions, self._line, *panel])
        return [style, top, box("mnistlab-grid", [left, right]), self.explanation, self.spoken]

    def fold(self, *, open: bool) -> None:
        """Show what is behind *More*, or hide it."""
        show(self._extras, open)

    def mark(self, digit: int | None) -> None:
        """Show which digit the drawing was meant to be, and whether it can be kept as a test."""
        for value, chip in enumerate(self.digits):
            chip.button_style = "success" if value == digit else ""
        self.freeze.disabled = digit is None

    def offer(self, options: Options, version: str, second_version: str) -> None:
        """Show these versions, and these two of them as chosen."""
        for control, offered, value in (
            (self.versions, list(options), version),
            (self.second_versions, [("none", NONE), *options], second_version),
        ):
            if [tuple(option) for option in control.options] != offered:
                control.options = offered
            control.value = value

    def show_acts(self, document: Document, prediction: Prediction, transcript: Sequence[str]) -> None:
        """Which acts have something to act on, and the digits that were kept so far."""
        for control, can_act in (
            (self.undo, document.can_undo),
            (self.redo, document.can_redo),
            (self.clear, not document.is_empty),
            (self.next, not document.is_empty),
            (self.copy, bool(transcript) or not document.is_empty),
        ):
            dim(control, not can_act)
        digit = "?" if prediction.digit is None else f" {a_digit(prediction.digit)}?"
        self.why.description = f"Why{digit}"
        self.line.value = render("pad/line.html", text="".join(transcript))
        show(self._line, bool(transcript))

    def show_replay(self, under_way: bool) -> None:
        """Let the button of the replay stop it, or start it."""
        self.replay.description = "Stop" if under_way else "Replay"


def show(widget: widgets.Widget, shown: bool) -> None:
    """Show a widget, or hide it."""
    widget.layout.display = None if shown else "none"


def dim(button: widgets.Button, dimmed: bool) -> None:
    """Show that a button has nothing to do; it can be pressed all the same, since the page may know of ink before the kernel."""
    if dimmed != (IDLE in button._dom_classes):
        (button.add_class if dimmed else button.remove_class)(IDLE)


def text(html: str = "") -> widgets.HTML:
    """A place for HTML."""
    return widgets.HTML(html)


def box(name: str, children: Sequence[widgets.Widget]) -> widgets.Box:
    """Widgets in a box, arranged by its class in ``pad.css``."""
    made = widgets.Box(children)
    made.add_class(name)
    return made


def button(description: str, tooltip: str) -> widgets.Button:
    """A button with a word that says what it does."""
    return widgets.Button(description=description, tooltip=tooltip)


def switch(description: str, tooltip: str) -> widgets.ToggleButton:
    """A button that stays pressed."""
    return widgets.ToggleButton(description=description, tooltip=tooltip)


def acting(act: str, pressed: widgets.Button) -> widgets.Button:
    """A button that the page presses itself: its act travels with the strokes, and overtakes none."""
    pressed.add_class(ACT + act)
    return pressed


def digit_buttons(tooltip: str) -> list[widgets.Button]:
    """Ten small buttons; ``tooltip`` has the digit in place of ``{}``."""
    return [acting(f"mark-{digit}", button(str(digit), tooltip.format(a_digit(digit)))) for digit in range(CLASSES)]


def chips(buttons: Sequence[widgets.Button]) -> widgets.Box:
    """Ten small buttons in one row, or in two where there is little room."""
    return box("mnistlab-chips", buttons)
