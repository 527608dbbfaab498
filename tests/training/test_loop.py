from __future__ import annotations

import copy
import dataclasses
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from mnistlab.common.errors import TrainingError
from mnistlab.data.mnist import Digits
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.training import loop, networks
from mnistlab.training.loop import train
from mnistlab.training.records import Training, TrainingData, TrainingSettings

QUICK = TrainingSettings(epochs=1, batch_size=32)


def fit(small, model=None, *, settings=QUICK, images=None, **options) -> Training:
    """One quick training on the first 320 images, ten steps an epoch."""
    given = {field.name: options.pop(field.name) for field in dataclasses.fields(TrainingData) if field.name in options}
    part = small.train[:320]
    part = part if images is None else Digits(images(part.images), part.labels)
    data = TrainingData(part, small.validation, **given)
    options = {"device": "cpu", "show_progress": False, **options}
    return train(model or networks.build("fully-connected"), data, settings, **options)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in model.state_dict().values()])


# --- it learns --------------------------------------------------------------------------------------------------------


def test_the_convnet_learns(splits):
    five_thousand = splits.train.sample(5_000, seed=0)
    result = train(
        networks.build("convnet"),
        TrainingData(five_thousand, splits.validation),
        settings=TrainingSettings(epochs=2, batch_size=64),
        device="cpu",
        show_progress=False,
    )
    first, second = result.history
    assert first.validation_accuracy > 0.85
    assert second.train_loss < first.train_loss < math.log(10)  # what a blind guess costs
    assert second.validation_loss < math.log(10)


def test_shuffled_labels_teach_nothing_that_holds(small):
    # The figure on validation images must not come from anything else than the labels.
    mixed = small.train.labels[torch.randperm(1_000, generator=torch.Generator().manual_seed(0))]
    result = train(
        networks.build("convnet"),
        TrainingData(Digits(small.train.images, mixed), small.validation),
        settings=QUICK,
        device="cpu",
        show_progress=False,
    )
    assert result.best.validation_accuracy < 0.3


# --- what is no digit -------------------------------------------------------------------------------------------------


def noise(n: int) -> torch.Tensor:
    return torch.randint(0, 256, (n, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_shown_what_is_no_digit_it_shrugs_at_the_like(splits):
    digits = splits.train.sample(3_000, seed=0)
    seen, unseen = noise(400).split(200)
    sure = {}
    for name, nondigits in (("without", None), ("with", seen)):
        result = train(
            networks.build("convnet"),
            TrainingData(digits, splits.validation, nondigits=nondigits),
            settings=TrainingSettings(epochs=2, batch_size=64),
            device="cpu",
            show_progress=False,
        )
        sure[name] = result.probabilities(unseen).amax(dim=1).mean().item()
        assert result.best.validation_accuracy > 0.85
        assert result.history[-1].train_loss < 1  # the loss that is told is that of the digits
    assert sure["with"] < 0.2 < sure["without"]


def test_pictures_that_are_no_digit_are_checked(small):
    for wrong in (noise(3).float(), noise(0), torch.zeros(2, 784, dtype=torch.uint8)):
        with pytest.raises(TrainingError, match=r"nondigits must be uint8 \(M, 28, 28\), M >= 1, not"):
            fit(small, nondigits=wrong)


def test_the_mean_of_the_weights_is_kept_where_it_is_asked_for(small):
    plain, averaged, late = (
        fit(small, settings=dataclasses.replace(QUICK, average=average)) for average in (0.0, 0.9, 0.999)
    )
    start = weights(networks.build("fully-connected"))
    way = [(weights(result.model) - start).norm().item() for result in (plain, averaged, late)]
    assert way[0] > way[1] > way[2] > 0  # the further back the mean looks, the closer it is to the start


# --- it repeats -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["convnet", "fully-connected"])
def test_the_same_arguments_give_the_same_weights_bit_for_bit(small, name):
    settings = TrainingSettings(epochs=2, batch_size=32, seed=3)
    torch.manual_seed(1)
    first = fit(small, networks.build(name), settings=settings)
    torch.manual_seed(2)
    second = fit(small, networks.build(name), settings=settings)
    assert weights(first.model).equal(weights(second.model))
    for one, other in zip(first.history, second.history, strict=True):
        assert dataclasses.replace(one, seconds=0) == dataclasses.replace(other, seconds=0)


def test_a_training_is_the_loop_one_would_write_by_hand(small):
    digits, others, settings = small.train[:320], noise(40), TrainingSettings(epochs=2, batch_size=96, average=0.9)
    model, mean = (networks.build("fully-connected", seed=3) for _ in range(2))
    ours = train(
        model, TrainingData(digits, small.validation, nondigits=others), settings, device="cpu", show_progress=False
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)  # its own weight decay
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=8)
    generator = torch.Generator().manual_seed(0)
    kept = []
    for _ in range(2):
        for chosen in torch.randperm(320, generator=generator).split(96):  # 96, 96, 96, 32
            drawn = others[torch.randint(40, (len(chosen) // 4,), generator=generator)]
            logits = model(Normalisation().apply(torch.cat([digits.images[chosen], drawn])))
            shrug = torch.full((len(drawn), 10), 0.1)
            loss = nn.functional.cross_entropy(logits[: len(chosen)], digits.labels[chosen])
            optimizer.zero_grad()
            (loss + 0.15 * nn.functional.cross_entropy(logits[len(chosen) :], shrug)).backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                for average, parameter in zip(mean.parameters(), model.parameters(), strict=True):
                    # The first step has nothing behind it to be averaged with.
                    average.copy_(
                        parameter if not kept and schedule.last_epoch == 1 else 0.9 * average + 0.1 * parameter
                    )
        kept.append(weights(mean).clone())
    torch.testing.assert_close(weights(ours.model), kept[ours.best.epoch - 1], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(kept[0], kept[1], atol=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_a_gpu_repeats_itself_bit_for_bit(small):
    first, second = (fit(small, networks.build("convnet"), device="cuda") for _ in range(2))
    assert first.device == "cuda"
    assert next(first.model.parameters()).device.type == "cpu"
    assert weights(first.model).equal(weights(second.model))


def test_another_seed_takes_the_images_in_another_order(small):
    first, second = (fit(small, settings=dataclasses.replace(QUICK, seed=seed)) for seed in (0, 1))
    assert not weights(first.model).equal(weights(second.model))


def test_the_global_random_state_and_the_data_stay_as_they_were(small):
    state, before = torch.get_rng_state(), small.train.sha256()
    fit(small, augment=lambda images, generator: 255 - images)
    assert torch.get_rng_state().equal(state)
    assert small.train.sha256() == before


def test_the_model_passed_in_is_left_untouched(small):
    model = networks.build("fully-connected").train()
    before = copy.deepcopy(model.state_dict())
    result = fit(small, model)
    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert not result.model.training
    assert not weights(result.model).equal(weights(model))


# --- what the images go through ---------------------------------------------------------------------------------------


def test_permuted_training_is_training_on_permuted_images(small, monkeypatch):
    permutation = Permutation.random(1)
    inside = fit(small, permutation=permutation)
    outside = fit(small, images=permutation.apply)
    assert weights(inside.model).equal(weights(outside.model))
    assert inside.permutation is permutation
    assert outside.permutation.is_identity


def test_validation_images_are_permuted_as_well(small):
    permutation = Permutation.random(1)
    result = fit(small, permutation=permutation, settings=TrainingSettings(epochs=3, batch_size=16))
    answers = networks.logits(result.model, small.validation.images, permutation=permutation).argmax(dim=1)
    assert result.best.validation_accuracy == (answers == small.validation.labels).double().mean()
    assert result.best.validation_accuracy > 0.5


def test_the_normalisation_given_is_the_one_used(small):
    normalisation = Normalisation(0.5, 1.0)
    result = fit(small, normalisation=normalisation)
    assert result.normalisation == normalisation
    assert not weights(result.model).equal(weights(fit(small).model))
    answers = networks.logits(result.model, small.validation.images, normalisation=normalisation)
    loss = nn.functional.cross_entropy(answers, small.validation.labels).item()
    assert result.best.validation_loss == pytest.approx(loss, abs=1e-5)


def test_augment_gets_raw_batches_and_a_generator_that_repeats(small):
    seen = []

    def note(images, generator):
        seen.append((images.dtype, tuple(images.shape), torch.rand(1, generator=generator).item()))
        return images

    settings = TrainingSettings(epochs=1, batch_size=150)  # 150, 150 and the last 20
    fit(small, settings=settings, augment=note, permutation=Permutation.random(1))
    assert [(dtype, shape) for dtype, shape, _ in seen] == [
        (torch.uint8, (150, 28, 28)),
        (torch.uint8, (150, 28, 28)),
        (torch.uint8, (20, 28, 28)),
    ]
    first = [number for *_, number in seen]
    seen.clear()
    fit(small, settings=settings, augment=note, permutation=Permutation.random(1))
    assert [number for *_, number in seen] == first


def test_augment_comes_before_the_permutation_and_before_the_normalisation(small):
    permutation = Permutation.random(1)
    turn = lambda images: images.flip(2)  # noqa: E731
    by_hook = fit(small, permutation=permutation, augment=lambda images, generator: turn(images))
    by_hand = fit(small, images=lambda images: permutation.apply(turn(images)))
    assert weights(by_hook.model).equal(weights(by_hand.model))


def test_validation_images_are_never_augmented(small):
    result = fit(small, augment=lambda images, generator: torch.zeros_like(images))
    answers = networks.logits(result.model, small.validation.images)
    loss = nn.functional.cross_entropy(answers, small.validation.labels).item()
    assert result.best.validation_loss == pytest.approx(loss, abs=1e-5)


# --- which epoch is kept ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("judged", "best"),
    [
        ([(0.3, 0.90), (0.2, 0.95), (0.1, 0.93)], 2),  # (loss, accuracy): accuracy decides
        ([(0.3, 0.95), (0.2, 0.90), (0.1, 0.93)], 1),
        ([(0.3, 0.90), (0.2, 0.93), (0.1, 0.95)], 3),
        ([(0.3, 0.95), (0.1, 0.95), (0.2, 0.95)], 2),  # then the lower loss
        ([(0.3, 0.95), (0.3, 0.95), (0.3, 0.95)], 1),  # then the earlier one
    ],
)
def test_the_best_epoch_on_validation_is_the_one_returned(small, monkeypatch, judged, best):
    after = []

    def judge(model, images, labels):
        after.append(weights(model).clone())
        return judged[len(after) - 1]

    monkeypatch.setattr(loop, "_judge", judge)
    result = fit(small, settings=TrainingSettings(epochs=3, batch_size=32))
    assert result.best.epoch == best
    assert result.best is result.history[best - 1]
    assert weights(result.model).equal(after[best - 1])
    assert not after[0].equal(after[2])


def test_the_figures_of_the_best_epoch_are_those_of_the_returned_model(trained, small):
    answers = networks.logits(trained.model, small.validation.images)
    accuracy = (answers.argmax(dim=1) == small.validation.labels).double().mean().item()
    assert trained.best.validation_accuracy == accuracy
    loss = nn.functional.cross_entropy(answers, small.validation.labels).item()
    assert trained.best.validation_loss == pytest.approx(loss, abs=1e-5)


def test_answers_are_the_digits_it_reads_in_images_as_drawn(small):
    scramble = Permutation.random(1)
    model = networks.build("convnet", seed=0)
    settings = TrainingSettings(epochs=1, batch_size=50)
    result = train(model, TrainingData(small.train, small.validation, scramble), settings, show_progress=False)
    images = small.validation.images[:40]
    answers = result.predictions(images)
    assert (answers.shape, answers.dtype) == ((40,), np.int64)
    wanted = networks.logits(result.model, scramble.apply(images)).argmax(dim=1)
    assert answers.tolist() == wanted.tolist()
    assert answers.tolist() != networks.logits(result.model, images).argmax(dim=1).tolist()


# --- what is told -----------------------------------------------------------------------------------------------------


def test_on_epoch_sees_the_history_grow(small):
    seen = []
    result = fit(small, settings=TrainingSettings(epochs=3, batch_size=32), on_epoch=seen.append)
    assert [len(history) for history in seen] == [1, 2, 3]
    assert seen[-1] == result.history
    assert [epoch.epoch for epoch in result.history] == [1, 2, 3]


def test_the_train_loss_is_the_mean_over_images_not_over_batches(small):
    # Without learning, it is the loss of the untrained model over all 320 images: 3 batches of 100 and one of 20.
    model = networks.build("fully-connected")
    result = fit(small, model, settings=TrainingSettings(epochs=1, batch_size=100, learning_rate=1e-30))
    answers = networks.logits(model, small.train.images[:320])
    loss = nn.functional.cross_entropy(answers, small.train.labels[:320]).item()
    assert result.history[0].train_loss == pytest.approx(loss, rel=1e-5)


def test_the_rate_rises_to_its_peak_and_falls_to_almost_nothing(small, monkeypatch):
    rates = []
    step = torch.optim.AdamW.step

    def note(self, *args, **kwargs):
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", note)
    result = fit(small, settings=TrainingSettings(epochs=2, batch_size=32, learning_rate=0.02))
    assert len(rates) == 20
    assert max(rates) == pytest.approx(0.02, rel=0.05)
    assert rates[0] < 0.001
    assert rates[-1] < 0.001
    peak = rates.index(max(rates))
    assert 0 < peak < 10
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert 0 <= result.history[-1].learning_rate < 0.001


def test_the_result_says_how_it_came_about(trained):
    assert trained.settings == TrainingSettings(epochs=1, batch_size=32)
    assert trained.device == "cpu"
    assert trained.threads == torch.get_num_threads()
    assert trained.seconds > 0
    assert trained.permutation.is_identity
    assert trained.normalisation == Normalisation()
    rows = json.loads(json.dumps(trained.table()))
    assert [row["epoch"] for row in rows] == [1]
    assert set(rows[0]) == {"epoch", "train_loss", "validation_loss", "validation_accuracy", "learning_rate", "seconds"}


def test_the_time_to_an_accuracy_ends_with_the_first_epoch_that_has_it(trained):
    history = [
        dataclasses.replace(trained.best, validation_accuracy=accuracy, seconds=seconds)
        for accuracy, seconds in ((0.5, 1.0), (0.9, 2.0), (0.8, 4.0), (0.95, 8.0))
    ]
    training = dataclasses.replace(trained, history=tuple(history))
    assert [training.seconds_to(accuracy) for accuracy in (0.4, 0.9, 0.91, 0.96)] == [1, 3, 15, None]


def test_progress_is_shown_unless_switched_off(small, capsys, monkeypatch):
    monkeypatch.setenv("MNISTLAB_HEADLESS", "1")
    fit(small, show_progress=True, description="teaching")
    shown = capsys.readouterr().out
    assert "teaching" in shown
    assert "10/10" in shown
    assert "epoch 1/1, validation" in shown
    fit(small)
    assert capsys.readouterr() == ("", "")


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({"epochs": 0}, "epochs", "epochs is a whole number, 1 or more, not 0"),
        ({"epochs": 1.5}, "epochs", r"not 1\.5"),
        ({"epochs": True}, "epochs", "not True"),
        ({"epochs": "3"}, "epochs", "not '3'"),
        ({"batch_size": 0}, "batch_size", "batch_size is a whole number, 1 or more, not 0"),
        ({"batch_size": -5}, "batch_size", "not -5"),
        ({"seed": -1}, "seed", "seed is a whole number from 0 to 4,294,967,295, not -1"),
        ({"learning_rate": float("nan")}, "learning_rate", "learning_rate is a finite number above 0, not nan"),
        ({"learning_rate": float("inf")}, "learning_rate", "not inf"),
        ({"learning_rate": 0}, "learning_rate", "not 0"),
        ({"learning_rate": -0.1}, "learning_rate", r"not -0\.1"),
        ({"learning_rate": "0.1"}, "learning_rate", r"not '0\.1'"),
        ({"learning_rate": True}, "learning_rate", "not True"),
        ({"average": 1.0}, "average", r"average is a share from 0 to below 1, not 1\.0"),
        ({"average": -0.1}, "average", r"not -0\.1"),
        ({"average": float("nan")}, "average", "not nan"),
        ({"average": None}, "average", "not None"),
    ],
)
def test_settings_that_cannot_work_are_refused(arguments, code, message):
    with pytest.raises(TrainingError, match=message) as caught:
        TrainingSettings(**arguments)
    assert caught.value.code == code


def test_a_batch_larger_than_the_data_is_refused_and_one_as_large_works(small):
    with pytest.raises(TrainingError, match="batch_size is 321, but there are only 320 training digits") as caught:
        fit(small, settings=TrainingSettings(epochs=1, batch_size=321))
    assert caught.value.code == "batch_size"
    assert len(fit(small, settings=TrainingSettings(epochs=1, batch_size=320)).history) == 1


@pytest.mark.parametrize(("part", "name"), [(0, "training"), (1, "validation")])
def test_no_digits_are_refused(small, part, name):
    parts = [small.train, small.validation]
    parts[part] = parts[part][:0]
    with pytest.raises(TrainingError, match=f"there are no {name} digits") as caught:
        TrainingData(*parts)
    assert caught.value.code == "empty"


@pytest.mark.parametrize("device", ["tpu", "cuda", "mps", "", "CPU"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(small, monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(TrainingError, match=f"device '{device}' cannot be used here; choose from cpu, auto") as caught:
        fit(small, device=device)
    assert caught.value.code == "device"


def test_auto_is_the_best_device_there_is(small, monkeypatch):
    monkeypatch.setattr(loop, "best_device", lambda: "cpu")
    assert fit(small, device="auto").device == "cpu"


def test_a_rate_so_high_that_the_loss_is_lost_is_an_error(small):
    with pytest.raises(
        TrainingError, match=r"no longer a finite number .*a learning rate below 1e\+30 may help"
    ) as caught:
        fit(small, networks.build("convnet"), settings=TrainingSettings(epochs=2, batch_size=32, learning_rate=1e30))
    assert caught.value.code == "loss"


class Spoiled(nn.Module):
    """A linear net that goes wrong in one training step: in its answer, or only in its gradient."""

    def __init__(self, step: int, *, only_gradient: bool) -> None:
        super().__init__()
        self.linear, self.step, self.only_gradient, self.steps = nn.Linear(784, 10), step, only_gradient, 0

    def forward(self, x):
        answer = self.linear(x.flatten(1))
        if not self.training:
            return answer
        self.steps += 1
        if self.steps != self.step:
            return answer
        if self.only_gradient:
            return answer + torch.sqrt(0 * self.linear.bias)  # adds nothing, but its slope there is infinite times 0
        return answer * float("nan")


def test_a_loss_lost_in_the_middle_is_noticed_in_its_epoch(small):
    with pytest.raises(TrainingError, match=r"by step 50 of epoch 2; a learning rate below 0\.01 may help"):
        fit(small, Spoiled(100, only_gradient=False), settings=TrainingSettings(epochs=3, batch_size=4))


def test_weights_lost_in_the_very_last_step_are_noticed(small):
    with pytest.raises(TrainingError, match="validation loss was no longer a finite number after epoch 1") as caught:
        fit(small, Spoiled(10, only_gradient=True))
    assert caught.value.code == "loss"


def test_numbers_from_numpy_are_no_whole_numbers_here():
    # papermill gives plain ones; anything else would not survive the manifest.
    with pytest.raises(TrainingError):
        TrainingSettings(epochs=np.int64(3))
