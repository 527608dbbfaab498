"""Training: AdamW under a one-cycle rate, on data that stays in memory as one tensor.

The method: AdamW (Loshchilov and Hutter 2019) and one-cycle (Smith and Topin 2018), as PyTorch has them. The epoch kept
is the best on the validation images; the test set is not known here. ``train`` goes over the epochs, ``_Learner`` does what
one epoch takes: draw batches, step down the slope of the loss, judge.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mnistlab.common.errors import TrainingError
from mnistlab.common.progress import progress_bar
from mnistlab.training.batchnorm import WithBatchNorm
from mnistlab.training.networks import ConvNet, best_device, layout, to_input
from mnistlab.training.records import Epoch, Training, TrainingData, TrainingSettings

WEIGHT_DECAY = 0.01  # AdamW's default in PyTorch
NONDIGIT_WEIGHT = 0.15  # of their loss against that of the digits; more cost accuracy on validation digits
NONDIGIT_SHARE = 4  # digits of a batch for each picture that is none
CHECK_EVERY = 50  # steps between two looks at the loss; each look makes a GPU wait
JUDGED_AT_ONCE = 1_000  # validation images; it bounds the memory


def train(
    model: nn.Module,
    data: TrainingData,
    settings: TrainingSettings | None = None,
    *,
    device: str = "auto",
    on_epoch: Callable[[tuple[Epoch, ...]], object] | None = None,
    description: str = "training",
    show_progress: bool = True,
) -> Training:
    """Train ``model`` and return it as it was after its best epoch. The model passed in is left untouched.

    The same arguments on the same machine, device and number of threads give the same weights, bit for bit.

    Parameters
    ----------
    device : ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"`` for the best there is.
    on_epoch : called with the history so far after each epoch, for live curves.

    Raises
    ------
    TrainingError : a batch larger than the data, an unknown device, or a loss that is no longer finite.
    """
    settings = settings or TrainingSettings()
    _check(model, data, settings)
    device = _usable(device)
    learner = _Learner(model, data, settings, device)
    history: list[Epoch] = []
    total = learner.steps * settings.epochs
    started = time.perf_counter()
    with (
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        progress_bar(total=total, description=description, show=show_progress, unit="step") as bar,
    ):
        for number in range(1, settings.epochs + 1):
            epoch, judged = learner.epoch(number, on_step=bar.update)
            history.append(epoch)
            best = max(history, key=_merit)
            if best is epoch:
                best_weights = copy.deepcopy(judged.state_dict())
            bar.set_postfix_str(f"epoch {number}/{settings.epochs}, validation {epoch.validation_accuracy:.2%}")
            if on_epoch:
                on_epoch(tuple(history))
    learner.model.load_state_dict(best_weights)
    return Training(
        model=learner.model.to("cpu").to(memory_format=torch.contiguous_format).eval(),
        permutation=data.permutation,
        normalisation=data.normalisation,
        settings=settings,
        device=device,
        threads=torch.get_num_threads(),
        history=tuple(history),
        best=best,
        seconds=time.perf_counter() - started,
    )


class _Learner:
    """A copy of the network on its way, with its optimiser, and the data on the device.

    Shapes below: N training images, batches of B, with M pictures that are no digit beside them.
    """

    def __init__(self, model: nn.Module, data: TrainingData, settings: TrainingSettings, device: str) -> None:
        self.settings, self.augment = settings, data.augment
        self.steps = math.ceil(len(data.train) / settings.batch_size)
        self.generator = torch.Generator().manual_seed(settings.seed)

        self.model = copy.deepcopy(model).to(device).to(memory_format=layout(model))
        self.network: nn.Module = self.model
        if settings.batch_norm and isinstance(self.model, ConvNet):
            self.network = WithBatchNorm(self.model).to(device)
        self.averaged: AveragedModel | None = None
        if settings.average:
            mean = get_ema_multi_avg_fn(settings.average)
            self.averaged = AveragedModel(self.network, multi_avg_fn=mean, use_buffers=True)
        rate = settings.learning_rate
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate, weight_decay=WEIGHT_DECAY, fused=True)
        total = max(2, self.steps * settings.epochs)  # with one step alone, the schedule would divide by 0
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=rate, total_steps=total)

        self.prepare = partial(to_input, permutation=data.permutation, normalisation=data.normalisation)
        self.images, self.labels = data.train.images.to(device), data.train.labels.to(device)  # (N, 28, 28), (N,)
        self.nondigits = None if data.nondigits is None else data.nondigits.to(device)
        if not self.augment:  # then an image is the same in every epoch, and prepared once
            self.images = self.prepare(self.images)  # (N, 1, 28, 28)
            self.nondigits = None if self.nondigits is None else self.prepare(self.nondigits)
        self.held = self.prepare(data.validation.images.to(device)), data.validation.labels.to(device)

    def batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every training image once, in an order of this epoch's own: inputs (B + M, 1, 28, 28) and labels (B,)."""
        order = torch.randperm(len(self.labels), generator=self.generator).to(self.labels.device)  # (N,)
        for chosen in order.split(self.settings.batch_size):  # (B,)
            images = self.images[chosen]  # (B, 28, 28), or prepared (B, 1, 28, 28)
            if self.nondigits is not None:
                n = max(1, len(chosen) // NONDIGIT_SHARE)
                drawn = torch.randint(len(self.nondigits), (n,), generator=self.generator).to(chosen.device)  # (M,)
                images = torch.cat([images, self.nondigits[drawn]])  # (B + M, ...)
            if self.augment:
                images = self.prepare(self.augment(images, self.generator))  # (B + M, 1, 28, 28)
            yield images, self.labels[chosen]

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step down the slope of the loss. Gives the mean loss (nats) of the digits before it: float32 ()."""
        logits = self.network(images)  # (B + M, 10)
        digits, others = logits[: len(labels)], logits[len(labels) :]  # (B, 10), (M, 10)
        loss = cross_entropy(digits, labels)  # ()
        self.optimizer.zero_grad()
        (loss + NONDIGIT_WEIGHT * _indecision(others)).backward()
        self.optimizer.step()
        self.schedule.step()
        if self.averaged:
            self.averaged.update_parameters(self.network)
        return loss.detach()

    def epoch(self, number: int, *, on_step: Callable[[], object]) -> tuple[Epoch, nn.Module]:
        """One pass over the training images, judged on the validation images, and the network that was judged."""
        started = time.perf_counter()
        self.network.train()
        total = torch.zeros((), device=self.labels.device)  # of the loss of all images so far; stays on the device
        for step, (images, labels) in enumerate(self.batches(), start=1):
            total += self.step(images, labels) * len(labels)
            on_step()
            if step % CHECK_EVERY == 0 or step == self.steps:
                self._check_finite(total.item(), f"loss was no longer a finite number by step {step} of epoch {number}")
        judged = self.judged()
        loss, accuracy = _judge(judged, *self.held)
        # The last step alone can spoil the weights.
        self._check_finite(loss, f"validation loss was no longer a finite number after epoch {number}")
        epoch = Epoch(
            epoch=number,
            train_loss=total.item() / len(self.labels),
            validation_loss=loss,
            validation_accuracy=accuracy,
            learning_rate=self.optimizer.param_groups[0]["lr"],
            seconds=time.perf_counter() - started,
        )
        return epoch, judged

    def judged(self) -> nn.Module:
        """What would be kept if training ended here: the mean of the weights where one is asked for, without batch norm."""
        network = self.averaged.module if self.averaged else self.network
        return network.fold() if isinstance(network, WithBatchNorm) else network

    def _check_finite(self, loss: float, complaint: str) -> None:
        if not math.isfinite(loss):
            raise TrainingError(
                f"the {complaint}; a learning rate below {self.settings.learning_rate:g} may help", code="loss"
            )


def _merit(epoch: Epoch) -> tuple[float, float]:
    """The best epoch has the highest accuracy, then the lowest loss; the first of equals is kept."""
    return epoch.validation_accuracy, -epoch.validation_loss


def _indecision(logits: Tensor) -> Tensor:
    """Mean cross-entropy (nats) of the logits of non-digits against a shrug, one in ten for each class; 0 for none."""
    return -logits.log_softmax(dim=1).mean() if len(logits) else logits.sum()


@torch.inference_mode()
def _judge(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on prepared images."""
    model.eval()
    logits = torch.cat([model(batch) for batch in images.split(JUDGED_AT_ONCE)])  # (N, 10)
    return cross_entropy(logits, labels).item(), (logits.argmax(dim=1) == labels).double().mean().item()


def _check(model: nn.Module, data: TrainingData, settings: TrainingSettings) -> None:
    if settings.batch_norm and not isinstance(model, ConvNet):
        raise TrainingError("batch_norm is for the ConvNet; this is another network", code="batch_norm")
    if settings.batch_size > len(data.train):
        raise TrainingError(
            f"batch_size is {settings.batch_size:,}, but there are only {len(data.train):,} training digits",
            code="batch_size",
        )


def _usable(device: str) -> str:
    """The device to use."""
    device = best_device() if device == "auto" else device
    usable = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not usable.get(device):
        raise TrainingError(
            f"device {device!r} cannot be used here; choose from {', '.join(d for d, ok in usable.items() if ok)}, auto",
            code="device",
        )
    return device
