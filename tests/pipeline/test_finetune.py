import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from mnistlab.common.errors import TrainingError
from mnistlab.data import synthetic
from mnistlab.data.augmentation import Augmentation
from mnistlab.data.mnist import Digits
from mnistlab.feedback.duplicates import without_near_duplicates
from mnistlab.pipeline import finetune
from mnistlab.pipeline.finetune import FineTuneSettings, Rehearsal, fine_tune
from mnistlab.registry.registry import Registry
from mnistlab.training.embedding import embed, split_head
from mnistlab.training.networks import Classifier

FEW = {"mnist": 300, "drawn": 20, "others": 10}


@pytest.fixture(scope="module")
def base():
    """The version for drawing."""
    return Classifier.of(Registry().load("0003"))


@pytest.fixture(scope="module")
def rehearsal(base, small):
    return Rehearsal.of(base, small.train, **FEW)


@pytest.fixture(scope="module")
def odd() -> Digits:
    """A hand that writes a 1 as a plain horizontal bar, which no version reads, among ordinary 3s."""
    rng = np.random.default_rng(0)
    pictures, labels = [], []
    for number in range(30):
        bar = np.stack([np.linspace(40, 240, 20), 140 + rng.normal(0, 4, 20).cumsum() / 3], axis=1)
        strokes = [bar] if number % 2 else synthetic.draw(3, rng, style="round")
        pictures.append(synthetic.training_image(strokes, pen=0.12))
        labels.append(1 if number % 2 else 3)
    return Digits(torch.from_numpy(np.stack(pictures)), torch.tensor(labels))


def read(model, base, images):
    return split_head(model)[1](embed(base, images)).argmax(dim=1)


def test_the_two_halves_are_the_network(base, small):
    body, head = split_head(base.model)
    images = small.test.images[:20]
    torch.testing.assert_close(head(embed(base, images)), base.logits(images), atol=1e-4, rtol=1e-4)
    assert [type(layer).__name__ for layer in head] == ["Linear", "ReLU", "Linear"]
    assert len(body) + len(head) == len(base.model.net)


def test_a_hand_is_learned_and_mnist_stays(base, rehearsal, odd, small):
    learned, later = odd[:20], odd[20:]
    before = (read(base.model, base, later.images) == later.labels).double().mean()
    model = fine_tune(base, learned, rehearsal, show_progress=False)
    after = (read(model, base, later.images) == later.labels).double().mean()
    assert before < 0.6
    assert after > 0.9
    same = read(model, base, small.test.images) == read(base.model, base, small.test.images)
    assert same.double().mean() > 0.98


def test_without_rehearsal_mnist_would_go(base, rehearsal, odd, small):
    kept, lost = (
        fine_tune(base, odd, rehearsal, settings=FineTuneSettings(distillation=weight), show_progress=False)
        for weight in (10.0, 0.0)
    )
    truth = small.test.labels
    right = [(read(model, base, small.test.images) == truth).sum() for model in (kept, lost)]
    assert right[0] > right[1] + 20


def test_the_version_and_its_convolutions_stay_and_it_repeats(base, rehearsal, odd):
    before = copy.deepcopy(base.model.state_dict())
    one, two = (
        fine_tune(base, odd, rehearsal, settings=FineTuneSettings(steps=5), show_progress=False) for _ in range(2)
    )
    for name, weights in base.model.state_dict().items():
        assert torch.equal(weights, before[name])
        assert torch.equal(one.state_dict()[name], two.state_dict()[name])
        assert torch.equal(one.state_dict()[name], weights) == name.startswith(("net.0", "net.3"))


def test_it_also_tunes_a_permuted_network(registry, small, odd):
    base = Classifier.of(registry.load("0002"))
    rehearsal = Rehearsal.of(base, small.train, **FEW)
    model = fine_tune(base, odd[:20], rehearsal, show_progress=False)
    assert (read(model, base, odd[20:].images) == odd[20:].labels).double().mean() > 0.8


def test_what_is_tuned_becomes_a_sound_version(base, rehearsal, odd, small, registry):
    settings = FineTuneSettings(steps=5)
    model = fine_tune(base, odd, rehearsal, settings=settings, show_progress=False)
    training, splits = finetune.as_training(base, model, odd, rehearsal, small, settings)
    name = registry.save(training, splits, test=small.test, note="one hand")
    manifest = registry.load(name).manifest
    assert manifest.data.n_train == len(rehearsal.digits) + len(odd)
    assert manifest.training.best_epoch == 1
    assert manifest.training.batch_size == 64 + 512
    assert manifest.training.learning_rate == 0.003
    tuned = dataclasses.replace(base, model=model)
    losses = [
        functional.cross_entropy(tuned.logits(d.images), d.labels).item() for d in (splits.train, small.validation)
    ]
    assert [training.best.train_loss, training.best.validation_loss] == pytest.approx(losses)
    assert training.best.validation_accuracy == manifest.metrics["validation"].value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 1}, "steps is a whole number, 2 or more, not 1"),
        ({"variants": 0}, "variants"),
        ({"batch_size": 0}, "batch_size is a whole number, 1 or more"),
        ({"rehearsal_batch_size": 0}, "rehearsal_batch_size is a whole number, 1 or more"),
        ({"seed": -1}, "seed is a whole number, 0 or more"),
        ({"learning_rate": True}, "learning_rate"),
        ({"distillation": float("inf")}, "distillation"),
        ({"learning_rate": 0.0}, "learning_rate is a finite number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"distillation": -1}, "distillation is a finite number of 0 or more"),
        ({"seed": True}, "seed"),
    ],
)
def test_settings_that_cannot_work_are_refused(given, message):
    with pytest.raises(TrainingError, match=message):
        FineTuneSettings(**given)


def test_the_least_settings_are_allowed():
    FineTuneSettings(steps=2, batch_size=1, rehearsal_batch_size=1, distillation=0, variants=1, seed=0)


def test_what_cannot_be_learned_from_is_refused(base, rehearsal, odd, small):
    with pytest.raises(TrainingError, match="no drawings to learn from"):
        fine_tune(base, odd[:0], rehearsal, show_progress=False)
    with pytest.raises(TrainingError, match="learning rate below"):
        fine_tune(base, odd, rehearsal, settings=FineTuneSettings(learning_rate=1e30), show_progress=False)
    with pytest.raises(TrainingError, match="10 to 1,000"):
        Rehearsal.of(base, small.train, mnist=1_001)


def test_near_duplicates_count_once_and_the_last_word_holds(odd):
    images = odd.images[:6]
    again = images[2].clone()
    again[again > 0] -= 3  # the same drawing through another encoder
    assert without_near_duplicates(torch.cat([images, images[:1], again[None]])) == [1, 3, 4, 5, 6, 7]
    assert without_near_duplicates(images) == list(range(6))
    assert without_near_duplicates(images[:0]) == []
    blank = torch.zeros(2, 28, 28, dtype=torch.uint8)
    assert without_near_duplicates(blank) == [1]


@pytest.mark.parametrize(("other", "kept"), [(151, [1]), (153, [0, 1])])
def test_drawings_less_than_fifteen_hundredths_apart_are_one(other, kept):
    images = np.zeros((2, 28, 28), dtype=np.uint8)
    images[:, :10, :10] = 100  # a length of 1,000
    images[1, 20, 20] = other  # relative distances of 0.1493 and 0.1512
    assert without_near_duplicates(images) == kept


def test_as_many_digits_are_rehearsed_as_were_asked_for(base, small):
    for n in (10, 300, len(small.train)):
        rehearsal = Rehearsal.of(base, small.train, mnist=n, drawn=4, others=3)
        assert len(rehearsal.digits) == n
        assert rehearsal.features.shape[0] == rehearsal.log_probabilities.shape[0] == n + 7
        assert set(rehearsal.digits.labels.tolist()) == set(range(10))
    with pytest.raises(TrainingError, match="10 to 1,000 training digits can be rehearsed, not 9"):
        Rehearsal.of(base, small.train, mnist=9)


def test_by_default_a_tuning_is_the_one_that_was_measured():
    assert FineTuneSettings() == FineTuneSettings(
        steps=200, learning_rate=0.003, batch_size=64, rehearsal_batch_size=512, distillation=10.0, variants=12, seed=0
    )
    assert (finetune.MNIST, finetune.DRAWN, finetune.NONDIGITS) == (5_000, 500, 300)
    assert Augmentation(degrees=12, shear=0.25, scale=0.15, shift=1.5) == finetune.CHANGE
