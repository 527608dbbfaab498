"""Reading by NumPy alone: the same answers as PyTorch, of every version, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mnistlab.common.errors import ImageError
from mnistlab.data.mnist import Splits
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.evaluation import conformal
from mnistlab.registry.network import BATCH
from mnistlab.registry.registry import Registry
from mnistlab.training import networks

TOLERANCE = 1e-4  # of a logit; PyTorch differs from itself by 5e-6 between a batch and a single image


def fresh(name: str, **sizes: int) -> networks.Classifier:
    """A network with random weights, a permutation and a normalisation of its own."""
    return networks.Classifier(
        networks.build(name, seed=3, **sizes).eval(), Permutation.random(7), Normalisation(0.2, 0.4)
    )


@pytest.mark.parametrize("version", ["0002", "0005"])
def test_on_all_test_images_it_reads_as_pytorch_does(version, splits: Splits, capsys):
    stored = Registry().load(version)
    images = splits.test.images
    found, wanted = stored.logits(images), networks.Classifier.of(stored).logits(images).numpy()
    assert np.abs(found - wanted).max() <= TOLERANCE
    scores, expected = conformal.nonconformity(found), conformal.nonconformity(wanted)
    calibration = stored.calibration
    limits = [*calibration.thresholds.values(), -np.log(calibration.confidence)]
    close = (np.abs(expected[..., None] - limits) <= TOLERANCE).any(axis=(1, 2))
    differs = (scores.argmin(axis=1) != expected.argmin(axis=1)) | (
        calibration.is_digit(found) != calibration.is_digit(wanted)
    )
    differs |= (calibration.sets(found) != calibration.sets(wanted)).any(axis=1)
    with capsys.disabled():
        print(
            f"\nversion {version}: {int(differs.sum())} of {len(images):,} answers differ, {int(close.sum())} lie near a limit"
        )
    assert not (differs & ~close).any()


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("convnet", {"n_kernels": 1, "output_size": 2}),
        ("convnet", {"n_kernels": 5}),
        ("fully-connected", {"n_hidden": 3}),
    ],
)
def test_any_network_that_can_be_stored_is_read(name, sizes, small: Splits):
    classifier = fresh(name, **sizes)
    network, images = classifier.network(), small.test.images[: BATCH + 3]
    np.testing.assert_allclose(network.logits(images), classifier.logits(images), atol=1e-5)
    np.testing.assert_allclose(network.probabilities(images).sum(axis=1), 1, atol=1e-6)
    assert network.predictions(images).tolist() == classifier.predictions(images).tolist()
    assert network.logits(images[:0]).shape == (0, sizes.get("output_size", 10))


def test_a_batch_reads_as_its_images_do_one_by_one(small: Splits):
    network, images = fresh("convnet").network(), small.test.images[: 2 * BATCH + 1].numpy()
    single = np.concatenate([network.logits(image[None]) for image in images])
    np.testing.assert_allclose(network.logits(images), single, atol=1e-5)


def test_the_layers_of_a_convnet_are_those_of_pytorch(small: Splits):
    classifier = fresh("convnet", n_kernels=4)
    image = small.test.images[3]
    found = {layer.name: layer.values for layer in classifier.network().layers(image)}
    x = networks.to_input(image[None], classifier.permutation, classifier.normalisation)
    net = classifier.model.net
    with torch.no_grad():
        first, second = classifier.model.feature_maps(x)
        pooled = net[:3](x), net[:6](x)
        wanted = {
            "input": x[0, 0],
            "convolution 1": first[0],
            "pooling 1": pooled[0][0],
            "convolution 2": second[0],
            "pooling 2": pooled[1][0],
            "hidden 1": net[:9](x)[0],
            "logits": net(x)[0],
        }
    assert list(found) == list(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


def test_the_layers_of_a_fully_connected_net_are_its_units(small: Splits):
    classifier = fresh("fully-connected", n_hidden=6)
    layers = classifier.network().layers(small.test.images[0])
    assert [(layer.name, layer.values.shape) for layer in layers] == [
        ("input", (28, 28)),
        ("hidden 1", (6,)),
        ("hidden 2", (6,)),
        ("logits", (10,)),
    ]
    np.testing.assert_allclose(layers[-1].values, classifier.logits(small.test.images[:1])[0], atol=1e-5)


def test_the_head_and_the_features_are_the_network(small: Splits):
    network, images = fresh("convnet", n_kernels=3).network(), small.test.images[:4]
    features = network.features(images)
    assert (features.shape, features.dtype, features.min() >= 0) == ((4, 48), np.float32, True)
    np.testing.assert_array_equal(network.head(features), network.logits(images))
    assert network.hidden(features).shape == (4, 50)


def test_what_goes_to_pytorch_and_comes_back_is_the_same():
    network = fresh("convnet").network()
    back = networks.Classifier.of(network).network()
    assert back.arguments == network.arguments
    assert all((back.weights[name] == weight).all() for name, weight in network.weights.items())
    networks.Classifier.of(network).model.net[0].weight.data.zero_()  # training one leaves the other as it is
    assert network.weights["net.0.weight"].any()


@pytest.mark.parametrize(
    "images", [np.zeros((1, 28, 28)), np.zeros((28, 28), np.uint8), np.zeros((1, 27, 28), np.uint8), 3, [[1], [1, 2]]]
)
def test_what_are_no_images_is_refused(images):
    with pytest.raises(ImageError, match=r"images must be uint8 \(N, 28, 28\), not"):
        fresh("convnet").network().logits(images)


@pytest.mark.parametrize("image", [3, [[1], [1, 2]], np.zeros((28, 28)), np.zeros((1, 28, 28), np.uint8)])
def test_the_layers_of_what_is_no_image_are_refused(image):
    with pytest.raises(ImageError, match="images must be uint8"):
        fresh("convnet").network().layers(image)
