"""What gates ask and answer: the data to judge by, a version evaluated on them, verdicts, the decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.constants import CANVAS, CLASSES
from mnistlab.data import synthetic
from mnistlab.data.drawings import load_drawings
from mnistlab.data.mnist import Digits, Splits
from mnistlab.evaluation.conformal import nonconformity
from mnistlab.evaluation.intervals import Accuracy
from mnistlab.evaluation.metrics import Evaluation, evaluate
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.checkpoint import Checkpoint

DRAWN, DRAWN_SEED = 500, 20_261_121  # digits drawn to judge by; a seed far from those of trainings, which count from 0


@dataclass(frozen=True)
class Verdict:
    """What one gate said.

    Attributes
    ----------
    gate : its name, ``"overall"``.
    passed : whether it is open.
    reason : one sentence with the figures, passed or not.
    """

    gate: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class Decision:
    """What all gates said of one candidate.

    Attributes
    ----------
    candidate : its version, as its folder is called.
    current : the version it was compared with; None if none was in use.
    verdicts : of every gate that could be asked.
    figures : those of the candidate, plain numbers; empty if it could not be loaded.
    """

    candidate: str
    current: str | None
    verdicts: tuple[Verdict, ...]
    figures: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether all gates are open."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def refusals(self) -> list[str]:
        """``"gate: reason"`` of every closed gate."""
        return [f"{verdict.gate}: {verdict.reason}" for verdict in self.verdicts if not verdict.passed]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a JSON file."""
        verdicts = [vars(verdict) for verdict in self.verdicts]
        return {**vars(self), "verdicts": verdicts, "passed": self.passed}


@dataclass(frozen=True, eq=False)
class JudgingData:
    """What versions are judged by, the same for all.

    Attributes
    ----------
    name, split_seed : of the data set, and of its split into training and validation images.
    validation : images that no version learned from.
    drawn : (digit, strokes) drawn by ``data.synthetic``.
    test : images to see whether a candidate's figure on them is true; nothing is chosen by them. None leaves them alone.
    """

    name: str
    split_seed: int
    validation: Digits
    drawn: list[tuple[int, list[NDArray[np.float64]]]]
    test: Digits | None = None

    @classmethod
    def of(cls, splits: Splits, *, drawn: int = DRAWN) -> JudgingData:
        """From a split data set; every digit is drawn equally often."""
        rng = np.random.default_rng(DRAWN_SEED)
        digits = [(i % CLASSES, synthetic.draw(i % CLASSES, rng)) for i in range(drawn)]
        return cls(splits.name, splits.seed, splits.validation, digits, splits.test)


@dataclass(frozen=True, eq=False)
class EvaluatedVersion:
    """One version on the data to judge by.

    Attributes
    ----------
    checkpoint : the version.
    size : bytes of its weights file.
    validation : its predictions for the validation images.
    log_loss : mean -log p of the true digit there, nats.
    drawn : bool (n,), which of the drawn digits it read.
    stored : names of the lab's own drawings that it read, the hard ones left out.
    milliseconds : median of a reading.
    test : what it reads of the test images; None if that was not asked.
    """

    checkpoint: Checkpoint
    size: int
    validation: Evaluation
    log_loss: float
    drawn: NDArray[np.bool_]
    stored: frozenset[str]
    milliseconds: float
    test: Accuracy | None = None

    @property
    def version(self) -> str:
        """Its name."""
        return self.checkpoint.manifest.version

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for a JSON file; receipts call the log loss ``surprise``."""
        return {
            "validation": self.validation.accuracy.as_dict(),
            "recall": [self.validation.recall_of(digit).as_dict() for digit in range(CLASSES)],
            "ece": self.validation.reliability.ece,
            "surprise": self.log_loss,
            "drawn": Accuracy.of(self.drawn).as_dict(),
            "size": self.size,
            "milliseconds": round(self.milliseconds, 2),
        }


def evaluate_version(checkpoint: Checkpoint, size: int, judging: JudgingData) -> EvaluatedVersion:
    """Ask a version everything the gates want to know.

    Parameters
    ----------
    size : bytes of its weights file.
    """
    logits, labels = checkpoint.logits(judging.validation.images), np.asarray(judging.validation.labels)
    scores = nonconformity(logits)
    predictor = Predictor(checkpoint)
    drawn = [predictor.predict_strokes(strokes, canvas=CANVAS).digit == digit for digit, strokes in judging.drawn]
    drawings = load_drawings()
    predictions = {  # timed, too; the network is warm by now
        name: predictor.predict_strokes(drawing.strokes, drawing.pen_width, CANVAS)
        for name, drawing in drawings.items()
    }
    stored = [
        name for name, drawing in drawings.items() if predictions[name].digit == drawing.digit and not drawing.hard
    ]
    return EvaluatedVersion(
        checkpoint=checkpoint,
        size=size,
        validation=evaluate(np.exp(-scores), labels),
        log_loss=float(scores[np.arange(len(labels)), labels].mean()),
        drawn=np.array(drawn),
        stored=frozenset(stored),
        milliseconds=float(np.median([prediction.milliseconds for prediction in predictions.values()])),
    )
