"""Features of a network: what its last two layers work on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mnistlab.training import networks
from mnistlab.training.embedding import embed, log_probabilities, split_head


@pytest.mark.parametrize("name", ["convnet", "fully-connected"])
def test_the_two_parts_are_the_network(name):
    model = networks.build(name, seed=0).eval()
    body, head = split_head(model)
    assert [type(layer) for layer in head if isinstance(layer, nn.Linear)] == [nn.Linear] * 2
    assert isinstance(head[0], nn.Linear)
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(head(body(images)), model.net(images))
    torch.testing.assert_close(log_probabilities(head, body(images)).exp(), model.net(images).softmax(dim=1))


def test_features_come_in_the_order_of_the_images_whatever_the_batch(registry, small):
    stored, images = registry.load("0002"), small.test.images[:7]
    version = networks.Classifier.of(stored)
    features = embed(version, images, batch_size=3)
    assert features.dtype == torch.float32
    assert not features.requires_grad
    torch.testing.assert_close(features, embed(version, images))
    head = split_head(version.model)[1]
    torch.testing.assert_close(
        log_probabilities(head, features).exp(), version.probabilities(images), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(features.numpy(), stored.features(images), atol=1e-4, rtol=1e-4)
