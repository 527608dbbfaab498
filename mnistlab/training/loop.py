"""Training: AdamW under a one-cycle rate, on data that stays in memory as one tensor.

The method: AdamW (Loshchilov and Hutter 2019) and one-cycle (Smith and Topin 2018), as PyTorch has them. The epoch kept
is the best on the validation images; the test set is not known here.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mnistlab.common.constants import SIDE
from mnistlab.common.errors import TrainingError
from mnistlab.common.progress import track
from mnistlab.data.mnist import Digits, Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.training.batchnorm import WithBatchNorm
from mnistlab.training.networks import ConvNet, best_device, layout, to_input
from mnistlab.training.records import Epoch, Training, TrainingSettings

WEIGHT_DECAY = 0.01  # AdamW's default in PyTorch
NONDIGIT_WEIGHT = 0.15  # of their loss against that of the digits; more cost accuracy on validation digits
CHECK_EVERY = 50  # steps between two looks at the loss; each look makes a GPU wait

Augment = Callable[[Tensor, torch.Generator], Tensor]


def train(
    model: nn.Module,
    train: Digits,
    validation: Digits,
    *,
    permutation: Permutation | None = None,
    normalisation: Normalisation | None = None,
    settings: TrainingSettings | None = None,
    device: str = "auto",
    augment: Augment | None = None,
    nondigits: Tensor | None = None,
    on_epoch: Callable[[tuple[Epoch, ...]], None] | None = None,
    description: str = "training",
    show_progress: bool = True,
) -> Training:
    """Train ``model`` and return it as it was after its best epoch. The model passed in is left untouched.

    The same arguments on the same machine, device and number of threads give the same weights, bit for bit.

    Parameters
    ----------
    train, validation : digits to learn from and to choose the epoch with.
    permutation : applied to every image; None is the identity.
    normalisation : None is MNIST's.
    device : ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"`` for the best there is.
    augment : changes a batch before it is permuted: uint8 (B, 28, 28), generator -> uint8 (B, 28, 28).
    nondigits : uint8 (M, 28, 28), pictures that are no digit. A quarter of a batch of them joins every step, and the network
        is taught to prefer no class for them (outlier exposure: Hendrycks, Mazeika and Dietterich 2019). None: digits alone.
    on_epoch : called with the history so far after each epoch, for live curves.

    Raises
    ------
    TrainingError : no digits, a batch larger than the data, an unknown device, or a loss that is no longer finite.
    """
    permutation, normalisation = permutation or Permutation.identity(), normalisation or Normalisation()
    settings = settings or TrainingSettings()
    device = _check(model, train, validation, settings, device, nondigits)
    model = copy.deepcopy(model).to(device, memory_format=layout(model))
    learner = WithBatchNorm(model).to(device) if settings.batch_norm else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=WEIGHT_DECAY, fused=True)
    steps = math.ceil(len(train) / settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=settings.learning_rate, total_steps=max(2, steps * settings.epochs)
    )
    averaged = None
    if settings.average:
        averaged = AveragedModel(learner, multi_avg_fn=get_ema_multi_avg_fn(settings.average), use_buffers=True)
    generator = torch.Generator().manual_seed(settings.seed)
    prepare = partial(to_input, permutation=permutation, normalisation=normalisation)
    sources = [train.images.to(device)] + ([] if nondigits is None else [nondigits.to(device)])
    if not augment:  # then an image is the same in every epoch, and prepared once
        sources = [prepare(source) for source in sources]
    labels = train.labels.to(device)
    held_images, held_labels = prepare(validation.images.to(device)), validation.labels.to(device)

    history: list[Epoch] = []
    best, best_weights = None, None
    started = time.perf_counter()
    with (
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
        track(total=steps * settings.epochs, description=description, show=show_progress, unit="step") as bar,
    ):
        for number in range(1, settings.epochs + 1):
            epoch_started = time.perf_counter()
            learner.train()
            total = torch.zeros((), device=device)
            order = torch.randperm(len(train), generator=generator).to(device)
            for step, chosen in enumerate(order.split(settings.batch_size), start=1):
                batch = sources[0][chosen]
                if nondigits is not None:
                    strange = torch.randint(len(nondigits), (max(1, len(chosen) // 4),), generator=generator)
                    batch = torch.cat([batch, sources[1][strange.to(device)]])
                answers = learner(prepare(augment(batch, generator)) if augment else batch)
                loss = nn.functional.cross_entropy(answers[: len(chosen)], labels[chosen])
                optimizer.zero_grad()
                (loss + NONDIGIT_WEIGHT * _indecision(answers[len(chosen) :])).backward()
                optimizer.step()
                schedule.step()
                if averaged:
                    averaged.update_parameters(learner)
                total += loss.detach() * len(chosen)
                bar.update()
                if (step % CHECK_EVERY == 0 or step == steps) and not math.isfinite(total):
                    raise TrainingError(
                        f"the loss was no longer a finite number by step {step} of epoch {number}; "
                        f"a learning rate below {settings.learning_rate:g} may help",
                        code="loss",
                    )
            judged = averaged.module if averaged else learner
            judged = judged.fold() if settings.batch_norm else judged
            validation_loss, accuracy = _judge(judged, held_images, held_labels)
            if not math.isfinite(validation_loss):  # the last step alone can spoil the weights
                raise TrainingError(
                    f"the validation loss was no longer a finite number after epoch {number}; "
                    f"a learning rate below {settings.learning_rate:g} may help",
                    code="loss",
                )
            epoch = Epoch(
                epoch=number,
                train_loss=total.item() / len(train),
                validation_loss=validation_loss,
                validation_accuracy=accuracy,
                learning_rate=optimizer.param_groups[0]["lr"],
                seconds=time.perf_counter() - epoch_started,
            )
            history.append(epoch)
            if best is None or (accuracy, -validation_loss) > (best.validation_accuracy, -best.validation_loss):
                best, best_weights = epoch, copy.deepcopy(judged.state_dict())
            bar.set_postfix_str(f"epoch {number}/{settings.epochs}, validation {accuracy:.2%}")
            if on_epoch:
                on_epoch(tuple(history))
    model.load_state_dict(best_weights)
    model = model.to("cpu", memory_format=torch.contiguous_format).eval()
    return Training(
        model=model,
        permutation=permutation,
        normalisation=normalisation,
        settings=settings,
        device=device,
        threads=torch.get_num_threads(),
        history=tuple(history),
        best=best,
        seconds=time.perf_counter() - started,
    )


def _check(
    model: nn.Module,
    train: Digits,
    validation: Digits,
    settings: TrainingSettings,
    device: str,
    nondigits: Tensor | None,
) -> str:
    """The device to use, once everything else has been found to fit."""
    for name, digits in (("training", train), ("validation", validation)):
        if not len(digits):
            raise TrainingError(f"there are no {name} digits", code="empty")
    if nondigits is not None and (
        nondigits.dtype != torch.uint8 or nondigits.shape[1:] != (SIDE, SIDE) or not len(nondigits)
    ):
        came = f"{str(nondigits.dtype).removeprefix('torch.')} {tuple(nondigits.shape)}"
        raise TrainingError(f"nondigits must be uint8 (M, {SIDE}, {SIDE}), M >= 1, not {came}", code="nondigits")
    if settings.batch_norm and not isinstance(model, ConvNet):
        raise TrainingError("batch_norm is for the ConvNet; this is another network", code="batch_norm")
    if settings.batch_size > len(train):
        raise TrainingError(
            f"batch_size is {settings.batch_size:,}, but there are only {len(train):,} training digits",
            code="batch_size",
        )
    device = best_device() if device == "auto" else device
    usable = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not usable.get(device):
        raise TrainingError(
            f"device {device!r} cannot be used; here there is {', '.join(d for d, ok in usable.items() if ok)}, or auto",
            code="device",
        )
    return device


def _indecision(answers: Tensor) -> Tensor:
    """Mean cross-entropy (nats) of the answers to non-digits against a shrug, one in ten for each class; 0 for none."""
    return -answers.log_softmax(dim=1).mean() if len(answers) else answers.sum()


@torch.inference_mode()
def _judge(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on prepared images."""
    model.eval()
    answers = torch.cat([model(batch) for batch in images.split(1_000)])
    loss = nn.functional.cross_entropy(answers, labels)
    return loss.item(), (answers.argmax(dim=1) == labels).double().mean().item()
