from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from mnistlab.common.errors import TrainingError
from mnistlab.registry.registry import Registry
from mnistlab.training import batchnorm, networks
from mnistlab.training.batchnorm import WithBatchNorm
from mnistlab.training.loop import train
from mnistlab.training.records import TrainingData, TrainingSettings

SETTINGS = TrainingSettings(epochs=1, batch_size=32, batch_norm=True)
QUIET = {"device": "cpu", "show_progress": False}


def inputs(small, n: int = 64) -> torch.Tensor:
    return networks.to_input(small.train.images[:n], networks.Permutation.identity(), networks.Normalisation())


@pytest.mark.parametrize("n_kernels", [1, 6])
def test_the_folded_network_is_the_plain_one_and_answers_alike(small, n_kernels):
    normed = WithBatchNorm(networks.build(n_kernels=n_kernels))
    for batch in inputs(small).split(16):
        normed(batch)  # fills the running figures
    folded = normed.eval().fold()
    assert type(folded) is networks.ConvNet
    assert (
        networks.count_parameters(normed) == networks.count_parameters(folded) == networks.convnet_parameters(n_kernels)
    )
    assert torch.allclose(folded(inputs(small)), normed(inputs(small)), atol=1e-5)
    assert not torch.allclose(folded(inputs(small)), normed.net(inputs(small)), atol=1e-2)


def test_folding_changes_nothing_in_the_network_that_learns(small):
    normed = WithBatchNorm(networks.build())
    normed(inputs(small))
    before = [tensor.clone() for tensor in normed.state_dict().values()]
    normed.fold()
    assert all(map(torch.equal, before, normed.state_dict().values()))


def test_while_it_learns_the_layers_have_mean_0_and_spread_1(small, monkeypatch):
    seen = []
    relu = torch.relu
    monkeypatch.setattr(torch, "relu", lambda x: seen.append(x.detach()) or relu(x))
    net = networks.build()
    WithBatchNorm(net)(inputs(small, 512))
    biases = [net.net[0].bias.view(-1, 1, 1), net.net[3].bias.view(-1, 1, 1), net.net[7].bias]
    for answers, bias in zip(seen, biases, strict=True):
        axes = [0, 2, 3][: answers.ndim - 1] if answers.ndim == 4 else [0]
        assert torch.allclose((answers - bias).mean(axes), torch.tensor(0.0), atol=1e-4)
        assert torch.allclose((answers - bias).std(axes), torch.tensor(1.0), atol=0.02)


def test_the_running_figures_are_those_of_pytorchs_own_layer(small):
    normed, own = WithBatchNorm(networks.build()), torch.nn.BatchNorm2d(6, affine=False)
    for batch in inputs(small).split(16):
        normed(batch)
        own(functional.max_pool2d(functional.conv2d(batch, normed.net.net[0].weight), 2))
    torch.testing.assert_close((normed.mean_0, normed.variance_0), (own.running_mean, own.running_var))
    assert own.eps == batchnorm.EPSILON


def test_one_image_alone_is_no_error_and_leaves_the_running_figures(small):
    normed = WithBatchNorm(networks.build())
    normed(inputs(small))
    before = [tensor.clone() for tensor in normed.buffers()]
    assert normed(inputs(small, 1)).isfinite().all()
    assert all(map(torch.equal, before, normed.buffers()))


def test_training_keeps_the_plain_network_and_tells_its_figures(small):
    result = train(networks.build(), TrainingData(small.train, small.validation), SETTINGS, **QUIET)
    assert type(result.model) is networks.ConvNet
    assert not result.model.training
    answers = networks.logits(result.model, small.validation.images)
    assert (answers.argmax(dim=1) == small.validation.labels).double().mean().item() == result.best.validation_accuracy
    loss = functional.cross_entropy(answers, small.validation.labels).item()
    assert loss == pytest.approx(result.best.validation_loss, abs=1e-4)


@pytest.mark.parametrize("average", [0.0, 0.8])
def test_it_learns_at_a_rate_that_the_plain_network_does_not_stand(small, average):
    plain, normed = (
        TrainingSettings(epochs=2, batch_size=32, learning_rate=0.2, average=average, batch_norm=used)
        for used in (False, True)
    )
    judged = [
        train(networks.build(), TrainingData(small.train, small.validation), settings, **QUIET).best.validation_accuracy
        for settings in (plain, normed)
    ]
    assert judged[0] < 0.3
    assert judged[1] > 0.7


def test_the_same_arguments_give_the_same_weights_bit_for_bit(small):
    settings = dataclasses.replace(SETTINGS, average=0.9)
    one, other = (
        train(networks.build(), TrainingData(small.train, small.validation), settings, **QUIET) for _ in range(2)
    )
    assert all(map(torch.equal, one.model.state_dict().values(), other.model.state_dict().values()))


def test_a_last_batch_of_one_image_is_taken(small):
    settings = dataclasses.replace(SETTINGS, batch_size=37)  # 1,000 = 27 x 37 + 1
    assert train(networks.build(), TrainingData(small.train, small.validation), settings, **QUIET).best.epoch == 1


def test_other_networks_and_other_values_are_refused(small):
    with pytest.raises(TrainingError, match="batch_norm is for the ConvNet") as caught:
        train(networks.build("fully-connected"), TrainingData(small.train, small.validation), SETTINGS, **QUIET)
    assert caught.value.code == "batch_norm"
    with pytest.raises(TrainingError, match="batch_norm is True or False, not 1"):
        TrainingSettings(batch_norm=1)


def test_a_saved_version_says_so_and_is_read_like_any_other(small, tmp_path):
    result = train(networks.build(), TrainingData(small.train, small.validation), SETTINGS, **QUIET)
    registry = Registry(tmp_path)
    kept = registry.load(registry.save(result, small))
    assert kept.manifest.training.batch_norm is True
    assert kept.manifest.parameters == 6_422
    expected = networks.logits(result.model, small.validation.images)
    np.testing.assert_allclose(kept.logits(small.validation.images), expected, atol=1e-4, rtol=1e-4)
