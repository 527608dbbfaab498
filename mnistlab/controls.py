"""The buttons of the pad, each with its label, and how they stand around the sheet. They do nothing by themselves.

Everything is as wide as the sheet and gives way on a narrow page; colours and gaps are in ``readout.STYLE``.
"""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as widgets

from mnistlab import readout
from mnistlab.strokes import CANVAS, PEN_WIDTHS

COLUMN = f"{CANVAS}px"
READOUT = "300px"


def undo() -> widgets.Button:
    """Takes back the last stroke."""
    return widgets.Button(description="Undo", icon="undo", layout=_part("76px"), tooltip="take back the last stroke")


def clear() -> widgets.Button:
    """Empties the canvas."""
    return widgets.Button(description="Clear", icon="eraser", layout=_part("76px"), tooltip="empty the canvas")


def upload() -> widgets.FileUpload:
    """Gives the content of one PNG or JPEG file."""
    return widgets.FileUpload(
        accept=".png,.jpg,.jpeg",
        description="Picture",
        icon="image",
        layout=_part("112px"),
        tooltip="read a PNG or JPEG file",
    )


def pen(width: float) -> widgets.IntSlider:
    """Gives the width of the pen in whole px."""
    low, high = PEN_WIDTHS
    return widgets.IntSlider(round(width), low, high, description="Pen, px", **_row())


def versions(options: Sequence[tuple[str, str]], version: str, *, fixed: bool) -> widgets.Dropdown:
    """Gives the name of a version; ``options`` are (label, name), and ``fixed`` allows no other than ``version``."""
    return widgets.Dropdown(options=options, value=version, description="Model", disabled=fixed, **_row())


def says() -> widgets.HTML:
    """Where the reading is shown."""
    return widgets.HTML(layout=widgets.Layout(width=READOUT, max_width="100%", margin="0"))


def arrange(
    sheet: widgets.Widget, buttons: Sequence[widgets.Widget], rows: Sequence[widgets.Widget], said: widgets.Widget
) -> list[widgets.Widget]:
    """The children of the pad: its style, the sheet over its controls, and what is read beside them."""
    bar = widgets.Layout(width=COLUMN, max_width="100%", justify_content="space-between", margin="0 0 4px")
    column = widgets.Layout(width=f"{CANVAS + 2}px", max_width="100%", margin="0", overflow="visible")
    left = widgets.VBox([sheet, widgets.HBox(buttons, layout=bar), *rows], layout=column)
    return [widgets.HTML(readout.STYLE, layout=widgets.Layout(display="none")), left, said]


def _part(width: str) -> widgets.Layout:
    return widgets.Layout(width=width, flex="0 1 auto", margin="0")


def _row() -> dict:
    layout = widgets.Layout(width=COLUMN, max_width="100%", margin="4px 0")
    return {"layout": layout, "style": {"description_width": "48px"}}
