"""A pad learns the hand of whoever draws on it: in a process of its own, so that one can draw on meanwhile.

What came of it belongs to this pad alone until it is promoted, and is gone once the drawings are erased. The drawings are those
that were kept on this pad, with consent.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.common.errors import FeedbackError
from mnistlab.evaluation.formatting import sentence
from mnistlab.inference.predictor import Predictor
from mnistlab.pad.feedback_session import Note
from mnistlab.pad.wiring import Part, handler

if TYPE_CHECKING:
    from mnistlab.pad.widget import DigitPad

CHILD = (sys.executable, "-m", "mnistlab.pipeline.learn_child")


class Learning(Part):
    """What one pad has learned, or is learning.

    Attributes
    ----------
    doing, share : what it is doing, in words, and how far it is, 0 to 1; ``""`` if it is not learning.
    note : what came of it.
    result : of ``learn_child.learn``; None before.
    """

    def __init__(self, pad: DigitPad) -> None:
        super().__init__(pad)
        self.doing, self.share, self.note = "", 0.0, Note()
        self.result: dict[str, Any] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None

    @property
    def can_promote(self) -> bool:
        """There is a version of this pad's own that passed all gates."""
        return self.result is not None and bool(self.result["passed"]) and self._pad.model_choice.own is not None

    @handler
    def start(self) -> None:
        """Learn from the drawings kept on this pad."""
        pad, session = self._pad, self._pad.feedback.session
        if session is None or session.store is None or pad.model_choice.registry is None:
            raise FeedbackError("this pad keeps no drawings to learn from", code="none")
        if self.doing:
            return
        self.forget()
        self._folder = tempfile.TemporaryDirectory(prefix="mnistlab-hand-")
        path = session.store.path
        asked = {
            "models": str(pad.model_choice.registry.root),
            "store": None if path is None else str(path),
            "session": session.name,
            "folder": self._folder.name,
        }
        self.doing, self.share, self.note = "starting", 0.02, Note()
        self._process = subprocess.Popen(CHILD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, args=(self._process, json.dumps(asked)), daemon=True).start()
        pad.view.show()

    def close(self) -> None:
        """End the process, and leave nothing on the disk."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @handler
    def forget(self) -> None:
        """Learn no more, and read with the version before."""
        self.doing, self.share, self.note, self.result = "", 0.0, Note(), None
        if self._pad.model_choice.own is not None:
            self._pad.model_choice.disown()
            self._pad.view.offer()
            self._pad.change()
        self.close()

    @handler
    def promote(self) -> None:
        """Put what was learned among the versions of the lab, and into use for all."""
        registry, session = self._pad.model_choice.registry, self._pad.feedback.session
        if not self.can_promote or self.result is None or self._folder is None or registry is None:
            raise FeedbackError("there is nothing learned that passed every gate", code="none")
        base, now = self.result["base"], registry.current()
        if now != base:
            raise FeedbackError(
                f"version {now} has been put into use since this was compared with {base}; learn once more",
                code="moved",
            )
        version = registry.adopt(Path(self._folder.name) / "models" / self.result["version"])
        if session is not None and session.store is not None:
            session.store.trained(version, self.result["ids"])
        registry.promote(version, instead_of=base)
        self._pad.model_choice.disown()
        self.result = None
        self._pad.set_version(version)
        self.note = Note(f"Version {version} is in use for all now. To undo this, run mnistlab models rollback.")
        self._pad.view.show()

    def _listen(self, process: subprocess.Popen[str], asked: str) -> None:
        """In a thread: what the process tells, until it ends."""
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            process.stdin.write(asked + "\n")
            process.stdin.close()
            for line in process.stdout:
                self._hear(process, json.loads(line))
        self._hear(process, {"fault": "the process that learned has ended"})

    @handler
    def _hear(self, process: subprocess.Popen[str], message: dict[str, Any]) -> None:
        if process is not self._process:  # nobody waits for it any more
            return
        if "doing" in message:
            self.doing, self.share = message["doing"], message["share"]
        else:
            self.doing, self._process = "", None
            if "done" in message:
                self._done(message["done"])
            else:
                self.note = Note(f"Nothing was learned: {sentence(message['fault'])}", failed=True)
        self._pad.view.show()

    def _done(self, result: dict[str, Any]) -> None:
        assert self._folder is not None
        self.result = result
        figures = (
            f"Of your {result['learned']} drawings, it read {result['before']} right before and {result['after']} now."
        )
        if not result["passed"]:
            reasons = " ".join(sentence(reason) for reason in result["refusals"])
            self.note = Note(f"{figures} It is not used, since it got worse elsewhere: {reasons}", failed=True)
            return
        own = Predictor.load(result["version"], models=Path(self._folder.name) / "models")
        self._pad.model_choice.adopt(own)
        self._pad.view.offer()
        self._pad.change()
        self.note = Note(f"{figures} This pad reads with it now; nobody else does.")
