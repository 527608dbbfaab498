"""What a pad's networks read, kept up to date as the schedule allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistlab.pad.wiring import Part, handler

if TYPE_CHECKING:
    from mnistlab.inference.predictor import Prediction


class LiveReading(Part):
    """Reads the document of a pad again and again, and has it shown."""

    first: Prediction  # what was read last
    second: Prediction | None  # the same by the second network; None if none is compared with

    def soon(self) -> None:
        """Read now if a reading is due, and else as soon as one is."""
        if self._pad.schedule.reading_is_due():
            self.now()

    def now(self) -> None:
        """Read, and show what was read; its explanation follows once the hand has rested."""
        pad = self._pad
        with pad.schedule.reading():
            second = pad.model_choice.second
            self.first = pad.document.read(pad.predictor)
            self.second = None if second is None else pad.document.read(second)
            pad.explanation.colour(pad.predictor, pad.document, self.first)
            pad.message = ""
            if pad.explanation.is_on:
                pad.view.redraw()
            pad.view.show()
            self._explain_soon()

    @handler
    def in_time(self) -> None:
        """Read when the schedule says so."""
        self.now()

    @handler
    def explain(self) -> None:
        """Find the steps from ink to input and the smallest edit that flips the reading, and show them."""
        pad = self._pad
        pad.schedule.explain_no_more()
        pad.explanation.search(pad.predictor, pad.document)
        pad.view.explain(settled=True)

    def _explain_soon(self) -> None:
        """Show the explanation of before in a paler tone until the next is found."""
        pad = self._pad
        pad.schedule.explain_no_more()
        if pad.explanation.is_on:
            pad.view.explain(settled=False)
            if pad.is_settled and len(pad.drawing) > 0 and pad.schedule.explanation_is_due():
                self.explain()
