"""The 15 test images of MNIST whose label people dispute, and what they do to an accuracy.

Northcutt, Athalye and Mueller ("Pervasive Label Errors in Test Sets Destabilize Machine Learning Benchmarks", NeurIPS 2021,
arXiv 2103.14749) had a network find 100 test images that it would label otherwise, and showed each to five people, who chose
the label as given, the one proposed, or neither. Here are those whose label as given found no majority. More may be wrong among
the images that nobody was shown.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from mnistlab.common.errors import LabError
from mnistlab.data.mnist import Digits
from mnistlab.evaluation.intervals import Accuracy

MAJORITY = 3  # of the five who saw each image
N_TEST = 10_000  # images of MNIST's test set, in whose order the indices below are


@dataclass(frozen=True)
class DisputedLabel:
    """One image whose label people dispute."""

    index: int  # of the image in MNIST's test set, 0 to 9999
    label: int  # as the test set has it, 0 to 9
    proposed: int  # the other digit that the five people could choose
    votes: tuple[int, int, int]  # how many chose ``label``, ``proposed`` and neither; five in all

    @property
    def people(self) -> int | None:
        """The digit that three or more of the five saw; None if they did not agree on one."""
        return self.proposed if self.votes[1] >= MAJORITY else None


# From mturk/mnist_mturk.json of the authors' repository, cleanlab/label-errors: those with fewer than three votes for the label.
DISPUTED: tuple[DisputedLabel, ...] = (
    DisputedLabel(947, 8, 9, (0, 5, 0)),
    DisputedLabel(1621, 0, 6, (2, 3, 0)),
    DisputedLabel(1901, 9, 4, (2, 3, 0)),
    DisputedLabel(2130, 4, 9, (2, 2, 1)),
    DisputedLabel(2462, 2, 0, (0, 4, 1)),
    DisputedLabel(2597, 5, 3, (0, 4, 1)),
    DisputedLabel(2654, 6, 1, (0, 2, 3)),
    DisputedLabel(3520, 6, 4, (2, 0, 3)),
    DisputedLabel(3558, 5, 0, (1, 4, 0)),
    DisputedLabel(5937, 5, 3, (1, 3, 1)),
    DisputedLabel(6651, 0, 6, (0, 5, 0)),
    DisputedLabel(6783, 1, 6, (2, 3, 0)),
    DisputedLabel(8527, 4, 9, (2, 2, 1)),
    DisputedLabel(9679, 6, 3, (2, 0, 3)),
    DisputedLabel(9729, 5, 6, (2, 3, 0)),
)


@dataclass(frozen=True)
class LabelAgreement:
    """An accuracy on the test set, looked at with the disputed labels in mind."""

    labels: Accuracy  # predictions that agree with the labels as given, of all images
    # predictions that agree with people: where they see another digit than the label, that digit counts; images on
    # which they did not agree are left out
    people: Accuracy
    as_labelled: int  # predictions of disputed images that are the label as given
    as_people: int  # the digit people see instead
    otherwise: int  # neither of the two
    ceiling: Accuracy  # accuracy of a reader that reads all images as labelled but the disputed ones

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for a JSON file."""
        accuracies = {name: getattr(self, name).as_dict() for name in ("labels", "people", "ceiling")}
        return {**asdict(self), **accuracies}


def measure_agreement(predictions: Tensor, test: Digits) -> LabelAgreement:
    """Compare the predictions (N,) to the test set's images with its labels, and with what people see in the disputed ones.

    Raises
    ------
    LabError : ``test`` is not MNIST's test set in its own order (``"test"``); not one prediction per image (``"predictions"``).
    """
    where = torch.tensor([case.index for case in DISPUTED])
    given = torch.tensor([case.label for case in DISPUTED])
    if len(test) != N_TEST or not torch.equal(test.labels[where], given):
        raise LabError(
            f"the disputed images are known by their place among MNIST's {N_TEST:,} test images; this is another set, "
            f"or in another order ({len(test):,} images)",
            code="test",
        )
    if tuple(predictions.shape) != (N_TEST,):
        raise LabError(
            f"one prediction per image is needed, ({N_TEST},), not {tuple(predictions.shape)}", code="predictions"
        )
    right = predictions == test.labels
    of_people = right.clone()
    for case in DISPUTED:
        of_people[case.index] = case.people is not None and int(predictions[case.index]) == case.people
    agreed = sum(case.people is not None for case in DISPUTED)
    as_labelled, as_people = int(right[where].sum()), int(of_people[where].sum())
    return LabelAgreement(
        labels=Accuracy(int(right.sum()), N_TEST),
        people=Accuracy(int(of_people.sum()), N_TEST - len(DISPUTED) + agreed),
        as_labelled=as_labelled,
        as_people=as_people,
        otherwise=len(DISPUTED) - as_labelled - as_people,
        ceiling=Accuracy(N_TEST - len(DISPUTED), N_TEST),
    )
