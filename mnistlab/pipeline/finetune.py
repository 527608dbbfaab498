"""Learning one person's hand: the last layers of a version are tuned on digits that a person drew and named.

The convolutions stay as they are: what strokes look like is learned from tens of thousands of digits, which of them make up
this person's 7 from a few dozen. So every picture goes through them once, and the tuning itself takes seconds. The person's
digits are changed a little, as in training. Against forgetting (rehearsal with distillation: Li and Hoiem 2016), every step
also asks for the old answers to MNIST's training digits, to digits the lab draws, and to pictures that are no digit.

Validation and test images play no part here.
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mnistlab.common.errors import TrainingError
from mnistlab.common.progress import track
from mnistlab.data import outliers, synthetic
from mnistlab.data.augmentation import Augmentation
from mnistlab.data.mnist import Digits, Splits
from mnistlab.training.checks import check_finite, check_whole
from mnistlab.training.embedding import embed, log_probabilities, split_head
from mnistlab.training.networks import Classifier
from mnistlab.training.records import Epoch, Training, TrainingSettings

MNIST, DRAWN, NONDIGITS = 5_000, 500, 300  # pictures of each kind to rehearse
# A person's few digits bear, and need, larger changes than 55,000 of MNIST's do.
CHANGE = Augmentation(degrees=12, shear=0.25, scale=0.15, shift=1.5)


@dataclass(frozen=True)
class FineTuneSettings:
    """How to tune. The defaults were chosen on writers 1, 4, 7, ..., 28 of ``mnistlab benchmark personal``.

    Attributes
    ----------
    steps : of AdamW under a one-cycle rate, >= 2.
    learning_rate : its peak, > 0.
    batch_size, rehearsal_batch_size : pictures per step, of the person's and of those rehearsed, >= 1.
    distillation : weight of the old answers against the person's labels, >= 0; more keeps the version where it is.
    variants : changed copies of each of the person's digits, >= 1.
    seed : of everything random, >= 0.
    """

    steps: int = 200
    learning_rate: float = 0.003
    batch_size: int = 64
    rehearsal_batch_size: int = 512
    distillation: float = 10.0
    variants: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, least=2)
        check_finite("learning_rate", self.learning_rate)
        check_whole("batch_size", self.batch_size, least=1)
        check_whole("rehearsal_batch_size", self.rehearsal_batch_size, least=1)
        check_finite("distillation", self.distillation, zero=True)
        check_whole("variants", self.variants, least=1)
        check_whole("seed", self.seed, least=0)


@dataclass(frozen=True, eq=False)
class Rehearsal:
    """What a version must go on predicting as before.

    Attributes
    ----------
    features : float32 (R, F), what the convolutions make of its pictures.
    log_probabilities : float32 (R, 10), the version's own for them.
    digits : those of MNIST among the pictures.
    """

    features: Tensor
    log_probabilities: Tensor
    digits: Digits

    @classmethod
    def of(
        cls,
        base: Classifier,
        train: Digits,
        *,
        mnist: int = MNIST,
        drawn: int = DRAWN,
        others: int = NONDIGITS,
        seed: int = 0,
    ) -> Rehearsal:
        """For one version: ``mnist`` training digits, each class by its share, ``drawn`` and ``others`` that the lab draws.

        Raises
        ------
        TrainingError : there are not as many training digits.
        """
        if not 10 <= mnist <= len(train):
            raise TrainingError(f"10 to {len(train):,} training digits can be rehearsed, not {mnist}", code="rehearsal")
        digits = _stratified(train, mnist, seed)
        pictures = torch.cat(
            [
                digits.images,
                synthetic.draw_digits(drawn, seed=seed + 1, show_progress=False).images,
                outliers.draw_outliers(others, seed=seed + 2, show_progress=False),
            ]
        )
        features = embed(base, pictures)
        return cls(features, log_probabilities(split_head(base.model)[1], features), digits)


def fine_tune(
    base: Classifier,
    digits: Digits,
    rehearsal: Rehearsal,
    *,
    settings: FineTuneSettings | None = None,
    show_progress: bool = True,
) -> nn.Module:
    """The network of ``base``, tuned to a person's digits. ``base`` is left as it is; the same arguments give the same weights.

    Parameters
    ----------
    digits : what the person drew and named, as ``Prediction.image`` has it; see ``without_near_duplicates``.
    rehearsal : made for this ``base``.

    Raises
    ------
    TrainingError : there are no digits, or the loss is no longer finite.
    """
    if not len(digits):
        raise TrainingError("there are no drawings to learn from", code="empty")
    settings = settings or FineTuneSettings()
    generator = torch.Generator().manual_seed(settings.seed)
    copies = [digits.images, *(CHANGE(digits.images, generator) for _ in range(settings.variants))]
    features, labels = embed(base, torch.cat(copies)), digits.labels.repeat(len(copies))
    model = copy.deepcopy(base.model)
    head = split_head(model)[1].train()
    optimizer = torch.optim.AdamW(head.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=settings.learning_rate, total_steps=settings.steps)
    for _ in track(range(settings.steps), description="learning the hand", show=show_progress, unit="step"):
        batch = torch.randint(len(features), (settings.batch_size,), generator=generator)
        rehearsed = torch.randint(len(rehearsal.features), (settings.rehearsal_batch_size,), generator=generator)
        loss = functional.cross_entropy(head(features[batch]), labels[batch])
        now = head(rehearsal.features[rehearsed]).log_softmax(dim=1)  # (rehearsal_batch_size, 10)
        before = rehearsal.log_probabilities[rehearsed]
        forgetting = functional.kl_div(now, before, log_target=True, reduction="batchmean")
        optimizer.zero_grad()
        (loss + settings.distillation * forgetting).backward()
        optimizer.step()
        schedule.step()
    if not math.isfinite(loss.item()):
        raise TrainingError(
            f"the loss was no longer a finite number; a learning rate below {settings.learning_rate:g} may help",
            code="loss",
        )
    return model.eval()


def as_training(
    base: Classifier,
    model: nn.Module,
    digits: Digits,
    rehearsal: Rehearsal,
    splits: Splits,
    settings: FineTuneSettings,
) -> tuple[Training, Splits]:
    """A tuned network in the form that ``registry.Registry.save`` takes, with the data it was tuned on.

    Only the validation images are asked, so that the version's figures can be written down.
    """
    started = time.perf_counter()
    learned = Digits(
        torch.cat([rehearsal.digits.images, digits.images]), torch.cat([rehearsal.digits.labels, digits.labels])
    )
    tuned = replace(base, model=model)
    logits, labels = tuned.logits(splits.validation.images), splits.validation.labels
    epoch = Epoch(
        epoch=1,
        train_loss=float(functional.cross_entropy(tuned.logits(learned.images), learned.labels)),
        validation_loss=float(functional.cross_entropy(logits, labels)),
        validation_accuracy=float((logits.argmax(dim=1) == labels).double().mean()),
        learning_rate=settings.learning_rate,
        seconds=time.perf_counter() - started,
    )
    training = Training(
        model=model,
        permutation=base.permutation,
        normalisation=base.normalisation,
        settings=TrainingSettings(
            epochs=1,
            batch_size=settings.batch_size + settings.rehearsal_batch_size,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
        ),
        device="cpu",
        threads=torch.get_num_threads(),
        history=(epoch,),
        best=epoch,
        seconds=epoch.seconds,
    )
    return training, replace(splits, train=learned)


def _stratified(digits: Digits, n: int, seed: int) -> Digits:
    """``n`` digits, each class by its share."""
    if n == len(digits):
        return digits
    from sklearn.model_selection import train_test_split

    kept, _ = train_test_split(np.arange(len(digits)), train_size=n, random_state=seed, stratify=digits.labels.numpy())
    return digits[torch.from_numpy(kept)]
