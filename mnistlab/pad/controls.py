"""The buttons of the pad, each with its label, and how they stand around the canvas. They do nothing by themselves.

Everything is as wide as the canvas and gives way on a narrow page. What is used all the time is always in sight, the rest
behind *More*; colours and gaps are in ``pad.css``.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import ipywidgets as widgets
from markupsafe import Markup

from mnistlab.common.constants import CANVAS, CLASSES, PEN_WIDTHS
from mnistlab.common.html import render
from mnistlab.evaluation.formatting import a_digit
from mnistlab.pad.prediction_html import keys_html

COLUMN = f"{CANVAS}px"
READING = "256px"
NONE = ""  # the version of no second model

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
    undo, clear, load, replay, freeze : buttons; ``load`` gives the content of one file.
    digits : ten small buttons, to say what the drawing was meant to be.
    why, more : switches.
    pen : gives whole px.
    versions, second_versions : lists; their value is the name of a version.
    prediction, second_prediction, explanation, links, note, origin : HTML: both readings, why, links to save, a word about what
        was done, where the version comes from.
    """

    def __init__(self, pen_width: float, *, can_choose: bool, can_freeze: bool = False) -> None:
        self.can_freeze = can_freeze is True  # what is no plain yes is none
        self.undo = button("Undo", "undo", "Take back the last stroke")
        self.clear = button("Clear", "eraser", "Empty the canvas")
        self.why = widgets.ToggleButton(
            description="Why", icon="lightbulb-o", layout=part("88px"), tooltip="Show which ink spoke for the digit"
        )
        low, high = PEN_WIDTHS
        self.pen = widgets.IntSlider(round(pen_width), low, high, description="Pen, px", layout=_row(), style=_style())
        self.versions = widgets.Dropdown(description="Model", disabled=not can_choose, layout=_row(), style=_style())
        self.more = widgets.ToggleButton(
            description="More", icon="caret-right", layout=_row(), tooltip="Correct, compare, save, replay"
        )
        self.more.add_class("mnistlab-more")
        self.prediction, self.second_prediction = text(READING), text(READING)
        self.explanation = text("100%")

        # behind More
        self.second_versions = widgets.Dropdown(
            description="Versus", tooltip="Let a second model read too", layout=_row(), style=_style()
        )
        self.digits = digit_buttons("26px", "You meant {}")
        self.load = widgets.FileUpload(
            accept=".png,.jpg,.jpeg,.json",
            description="Load",
            icon="folder-open-o",
            layout=part("88px"),
            tooltip="Open a saved drawing, or any PNG or JPEG",
        )
        self.load.add_class("mnistlab-load")
        self.replay = button("Replay", "play", "Draw it again, stroke by stroke")
        self.freeze = button("Freeze", "thumb-tack", "Save the drawing as a test of the digit you said it is")
        self.links, self.note, self.origin = text(COLUMN), text(COLUMN), text(COLUMN)
        self._meant = [
            text(COLUMN, render("pad/aside.html", text="Which digit did you mean?")),
            row(self.digits, COLUMN),
        ]
        self._meant[1].add_class("mnistlab-digits")
        self._extras = widgets.VBox(
            [
                self.second_versions,
                *self._meant,
                row([self.load, self.replay, *([self.freeze] if self.can_freeze else [])], COLUMN),
                self.links,
                self.note,
                self.origin,
                text(COLUMN, keys_html()),
            ],
            layout=widgets.Layout(width=COLUMN, max_width="100%", margin="0", overflow="visible"),
        )

    def arrange(self, sheet: widgets.Widget, feedback_panel: widgets.Widget | None = None) -> list[widgets.Widget]:
        """The children of the pad: its style, the sheet over its controls, the readings beside them, and why below."""
        column = widgets.Layout(width=f"{CANVAS + 2}px", max_width="100%", margin="0", overflow="visible")
        bar = row([self.undo, self.clear, self.why], COLUMN)
        left = widgets.VBox([sheet, bar, self.pen, self.versions, self.more, self._extras], layout=column)
        left.add_class("mnistlab-column")
        css = Markup(files("mnistlab.pad").joinpath("pad.css").read_text(encoding="utf-8"))
        hidden = widgets.HTML(render("pad/style.html", css=css), layout=widgets.Layout(display="none"))
        self.undo.add_class("mnistlab-undo")  # by these the page finds them, and sends what they do behind the strokes
        self.clear.add_class("mnistlab-clear")
        self.fold(open=False)
        for widget in self._meant:  # the feedback panel has ten such buttons of its own
            show(widget, feedback_panel is None)
        reading: widgets.Widget = self.prediction
        if feedback_panel is not None:
            reading = widgets.VBox([self.prediction, feedback_panel], layout=widgets.Layout(margin="0"))
        return [hidden, left, reading, self.second_prediction, self.explanation]

    def fold(self, *, open: bool) -> None:
        """Show what is behind *More*, or hide it."""
        show(self._extras, open)
        self.more.icon = "caret-down" if open else "caret-right"

    def mark(self, digit: int | None) -> None:
        """Show which digit the drawing was meant to be, and whether it can be kept as a test."""
        for value, button in enumerate(self.digits):
            button.button_style = "success" if value == digit else ""
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

    def show_replay(self, under_way: bool) -> None:
        """Let the button of the replay stop it, or start it."""
        self.replay.description, self.replay.icon = ("Stop", "stop") if under_way else ("Replay", "play")


def show(widget: widgets.Widget, shown: bool) -> None:
    """Show a widget, or hide it."""
    widget.layout.display = None if shown else "none"


def text(width: str, html: str = "") -> widgets.HTML:
    """A place for HTML, px or % wide."""
    return widgets.HTML(html, layout=widgets.Layout(width=width, max_width="100%", margin="0"))


def row(children: Sequence[widgets.Widget], width: str) -> widgets.HBox:
    """Widgets beside each other, spread over a width in px."""
    layout = widgets.Layout(width=width, max_width="100%", justify_content="space-between", margin="0 0 4px")
    return widgets.HBox(children, layout=layout)


def part(width: str) -> widgets.Layout:
    """The layout of one widget in a ``row``: so many px wide, less on a narrow page."""
    return widgets.Layout(width=width, flex="0 1 auto", margin="0")


def button(description: str, icon: str, tooltip: str, width: str = "88px") -> widgets.Button:
    """A button in a ``row``."""
    return widgets.Button(description=description, icon=icon, layout=part(width), tooltip=tooltip)


def digit_buttons(width: str, tooltip: str) -> list[widgets.Button]:
    """Ten small buttons, px wide; ``tooltip`` has the digit in place of ``{}``."""
    return [
        widgets.Button(description=str(digit), layout=part(width), tooltip=tooltip.format(a_digit(digit)))
        for digit in range(CLASSES)
    ]


def _row() -> widgets.Layout:
    return widgets.Layout(width=COLUMN, max_width="100%", margin="4px 0")


def _style() -> dict[str, str]:
    return {"description_width": "48px"}
