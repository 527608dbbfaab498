"""A button that lets a pad's network learn the hand of those who corrected it: ``AdaptButton(pad)`` in a cell.

The way is that of ``pipeline.adapt``: the network is tuned to what was kept with consent from this pad, the gates decide, and a
version that passes reads on this pad at once. Elsewhere the version in use stays, until a person promotes the new one. It takes
the kernel some twenty seconds, in which the pad does not respond.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import ipywidgets as widgets

from mnistlab.common.errors import RegistryError
from mnistlab.common.html import render
from mnistlab.evaluation.formatting import sentence
from mnistlab.feedback.store import Store
from mnistlab.pad.feedback_panel import note_html
from mnistlab.pad.feedback_session import Note
from mnistlab.pad.wiring import handler

if TYPE_CHECKING:
    from mnistlab.pad.widget import DigitPad
    from mnistlab.pipeline.adapt import Adaptation


class AdaptButton(widgets.VBox):
    """The button, and what came of it.

    Parameters
    ----------
    pad : reads with the new version afterwards; one that offers all versions.
    store : of corrections; None opens that of the lab when the button is pressed. Of a pad with feedback, only those of its own
        session are learned from.

    Attributes
    ----------
    button : to press.
    note : HTML, what came of it.
    adaptation : the last one; None before.

    Raises
    ------
    RegistryError : the pad reads with a predictor that it was given, and there is nowhere to put a version.
    """

    def __init__(self, pad: DigitPad, *, store: Store | None = None) -> None:
        registry = pad.model_choice.registry
        if registry is None:
            raise RegistryError("this pad was given a predictor; only a pad that offers a folder of versions can learn")
        self._pad, self._store, self._registry = pad, store, registry
        self.lock = threading.RLock()  # its own: one can draw while it learns, if the kernel serves that
        self.adaptation: Adaptation | None = None
        self.button = widgets.Button(
            description="Learn my handwriting",
            icon="graduation-cap",
            tooltip="Tune the network to the drawings you corrected and kept, 30 or more; takes about twenty seconds",
            layout=widgets.Layout(width="200px"),
        )
        self.note = widgets.HTML(layout=widgets.Layout(max_width="640px"))
        super().__init__([self.button, self.note])
        self.add_class("mnistlab-teaching").add_class("mnistlab-look")
        self.button.on_click(lambda _: self.press())

    @handler
    def press(self) -> None:
        """Learn, and say what came of it; a fault is said too, and leaves the version in use as it was."""
        from mnistlab.data.mnist import load_mnist  # PyTorch takes seconds to import, and may not be there
        from mnistlab.pipeline.adapt import teach

        self.button.disabled = True
        self.note.value = note_html(Note("Learning; the pad will not respond for about twenty seconds."))
        try:
            store, session = self._store or Store(), self._pad.feedback.session
            own = store.corrections(session=None if session is None else session.name)
            self.adaptation = teach(own, self._registry, load_mnist(), store=store)
            if self.adaptation.version is not None:
                self._pad.set_version(self.adaptation.version)
            self.note.value = adaptation_html(self.adaptation)
        finally:
            self.button.disabled = False

    def show_fault(self, message: str) -> None:
        """Say why nothing was learned."""
        self.note.value = note_html(Note(f"Nothing was learned: {message}", failed=True))

    def __repr__(self) -> str:
        return "AdaptButton()"


def adaptation_html(adaptation: Adaptation) -> str:
    """What came of an adaptation, as HTML."""
    base, learned = adaptation.candidate.base, len(adaptation.candidate.learned_from)
    refused = adaptation.version is None
    if refused:
        text = f"Version {base} stays in use: the version tuned to {learned} drawings did not pass every gate."
    else:
        text = f"Version {adaptation.version} reads on this pad now: {base}, tuned to {learned} drawings."
        for verdict in adaptation.decision.verdicts:
            if verdict.gate == "later":
                text += f" {sentence(verdict.reason)}"
    refusals = [sentence(reason) for reason in adaptation.decision.refusals] if refused else []
    return render("pad/adaptation.html", text=text, failed=refused, kind="mnistlab-told", refusals=refusals)
