"""The name under which a pad keeps drawings, and a place to erase by it what was kept on an earlier visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as widgets

from mnistlab.common.html import render

if TYPE_CHECKING:
    from mnistlab.pad.feedback_session import FeedbackSession


class EarlierVisit(widgets.VBox):
    """The widgets; they do nothing by themselves.

    Attributes
    ----------
    name : HTML, the name of this visit, once anything is kept under it.
    field, erase : a line of text for the name of an earlier one, and the button that erases by it.
    """

    def __init__(self) -> None:
        self.name = widgets.HTML(layout=_whole())
        self.field = widgets.Text(description="Earlier visit", placeholder="its name", layout=_whole(flex="1 1 auto"))
        self.erase = widgets.Button(
            description="Erase it",
            tooltip="Erase all drawings kept under the name beside this",
        )
        super().__init__([self.name, widgets.HBox([self.field, self.erase], layout=_whole())], layout=_whole())
        self.add_class("mnistlab-earlier")

    def show(self, session: FeedbackSession) -> None:
        """Show the name while drawings are, or will be, kept under it."""
        shown = session.consented_at is not None or session.n_kept > 0
        html = render("pad/earlier_visit.html", name=session.name) if shown else ""
        if html != self.name.value:
            self.name.value = html


def _whole(**more: str) -> widgets.Layout:
    return widgets.Layout(width="auto", max_width="100%", margin="0 0 4px", **more)
