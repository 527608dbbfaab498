"""A button that lets a pad's network learn the hand of those who corrected it: ``AdaptButton(pad)`` in a cell.

It does what ``pipeline.adapt`` does: the network learns from what was kept with consent, the gates decide, and a version that
passes is put into use and reads on the pad at once. This takes the kernel some twenty seconds, during which the pad waits.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets as widgets

from mnistlab.common.errors import LabError, RegistryError
from mnistlab.feedback.store import Store
from mnistlab.pad import prediction_html
from mnistlab.pad.feedback_panel import Note, render
from mnistlab.pipeline.adapt import Adaptation, adapt_to
from mnistlab.registry.registry import Registry

if TYPE_CHECKING:
    from mnistlab.pad.widget import DigitPad

UNDO = "<code>mnistlab models rollback</code> takes it back."


class AdaptButton(widgets.VBox):
    """The button, and what came of it.

    Parameters
    ----------
    pad : reads with the new version afterwards; one that offers all versions.
    store : of corrections; None opens that of the lab when the button is pressed.
    teach : what is done with a store and a registry; a lesson by default.

    Attributes
    ----------
    button : to press.
    note : HTML, what came of it.
    lesson : the last one; None before.

    Raises
    ------
    RegistryError : the pad reads with a predictor that it was given, and there is nowhere to put a version.
    """

    def __init__(
        self,
        pad: DigitPad,
        *,
        store: Store | None = None,
        teach: Callable[[Store, Registry], Adaptation] | None = None,
    ) -> None:
        if pad.model_choice.is_fixed:
            raise RegistryError("this pad was given its predictor; one that learns reads with the versions of a folder")
        self._pad, self._store, self._teach = pad, store, teach or _teach
        self.lesson: Adaptation | None = None
        self.button = widgets.Button(
            description="Learn my hand",
            icon="graduation-cap",
            tooltip="tune the network to the drawings that were corrected and kept, 30 or more; about twenty seconds",
            layout=widgets.Layout(width="160px"),
        )
        self.note = widgets.HTML(layout=widgets.Layout(max_width="640px"))
        super().__init__([self.button, self.note])
        self.add_class("mnistlab-teaching")
        self.button.on_click(lambda _: self.press())

    def press(self) -> None:
        """Learn, and say what came of it; a fault is said too, and leaves the version in use as it was."""
        self.button.disabled = True
        self._say("Learning; the pad stands still for about twenty seconds.")
        try:
            store = self._store or Store()
            self.lesson = done = self._teach(store, self._pad.model_choice.registry)
            if done.version is not None:
                self._pad.set_version(done.version)
            self.note.value = outcome(done)
        except LabError as error:
            self._say(f"Nothing was learned: {error}.", failed=True)
        except Exception as error:
            self._say(f"That did not work ({type(error).__name__}: {str(error)[:200]}).", failed=True)
            raise
        finally:
            self.button.disabled = False

    def _say(self, text: str, *, failed: bool = False) -> None:
        self.note.value = render(Note(text, failed))

    def __repr__(self) -> str:
        return "AdaptButton()"


def outcome(done: Adaptation) -> str:
    """What came of a lesson, as HTML."""
    learned, base = len(done.candidate.learned_from), done.candidate.base
    if done.version is None:
        refusals = "".join(
            f"<li>{html.escape(prediction_html.sentence(reason))}</li>" for reason in done.decision.refusals
        )
        said = f"Version {base} stays in use: what was learned from {learned} drawings did not pass every gate."
        return f"{render(Note(said, failed=True))}<ul>{refusals}</ul>"
    later = next((v.reason for v in done.decision.verdicts if v.gate == "later"), "")
    said = f"Version {done.version} is in use now: {base}, tuned to {learned} drawings. {later[:1].upper()}{later[1:]}."
    return f"{render(Note(said))}<p>{UNDO}</p>"


def _teach(store: Store, registry: Registry) -> Adaptation:
    from mnistlab.data.mnist import load_mnist  # torchvision takes a second

    return adapt_to(store.corrections(), registry, load_mnist(), store=store)
