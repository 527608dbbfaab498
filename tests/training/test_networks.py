from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from mnistlab.common.errors import LabError
from mnistlab.data.normalisation import Normalisation
from mnistlab.data.permutation import Permutation
from mnistlab.training import networks
from mnistlab.training.networks import ConvNet, FullyConnected, build, convnet_parameters, count_parameters


def test_the_convnet_of_the_lab_has_6422_parameters_by_count_and_by_formula():
    assert count_parameters(ConvNet()) == convnet_parameters() == 6_422


def test_the_fully_connected_net_has_6442():
    assert count_parameters(FullyConnected()) == 6_442
    assert 784 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10 == 6_442


@pytest.mark.parametrize(("kernels", "classes"), [(1, 2), (6, 10), (17, 10), (32, 47)])
def test_the_formula_holds_for_other_sizes(kernels, classes):
    model = ConvNet(n_kernels=kernels, output_size=classes)
    assert count_parameters(model) == convnet_parameters(kernels, output_size=classes)
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, classes)


def test_the_layers_are_those_of_the_course():
    kinds = [type(layer).__name__ for layer in ConvNet().net]
    assert kinds == [
        "Conv2d",
        "MaxPool2d",  # before ReLU, which changes no value: the largest of four stays the largest
        "ReLU",
        "Conv2d",
        "MaxPool2d",
        "ReLU",
        "Flatten",
        "Linear",
        "ReLU",
        "Linear",
    ]
    shapes = {name: tuple(tensor.shape) for name, tensor in ConvNet().state_dict().items() if name.endswith("weight")}
    assert shapes == {
        "net.0.weight": (6, 1, 5, 5),
        "net.3.weight": (6, 6, 5, 5),
        "net.7.weight": (50, 96),
        "net.9.weight": (10, 50),
    }


@pytest.mark.parametrize("name", ["convnet", "fully-connected"])
def test_a_batch_of_any_size_gives_ten_logits_an_image(name):
    model = build(name)
    for n in (0, 1, 5):
        answer = model(torch.zeros(n, 1, 28, 28))
        assert answer.shape == (n, 10)
        assert answer.dtype == torch.float32


@pytest.mark.parametrize("n", [1, 3, 40])
def test_the_convnet_is_its_layers_one_after_another_bit_for_bit(n):
    model = networks.build("convnet", seed=1)
    images = torch.randn(n, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    again = copy.deepcopy(model)
    for net in (model, again):
        assert (net(images) == net.net(images)).all()
    model(images).square().sum().backward()
    again.net(images).square().sum().backward()
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert (one.grad == other.grad).all()
    with torch.no_grad():
        again.net[0].weight.mul_(2)
    assert (again(images) == again.net(images)).all()
    assert (again(images) != model(images)).any()


def test_few_images_leave_the_switches_of_torch_as_they_were():
    model = networks.build("convnet", seed=1)
    images = torch.zeros(1, 28, 28, dtype=torch.uint8)
    for before in (True, False):
        torch.backends.mkldnn.enabled = before
        try:
            networks.logits(model, images)
            assert torch.backends.mkldnn.enabled is before
            with pytest.raises(RuntimeError):
                networks.logits(model, images[:, :7])
            assert torch.backends.mkldnn.enabled is before
        finally:
            torch.backends.mkldnn.enabled = True


def test_the_convnet_refuses_images_of_another_size():
    with pytest.raises(RuntimeError):
        ConvNet()(torch.zeros(1, 1, 32, 32))


def test_feature_maps_are_what_the_convolutions_answer():
    model = build("convnet", n_kernels=4)
    x = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    first, second = model.feature_maps(x)
    assert first.shape == (3, 4, 24, 24)
    assert second.shape == (3, 4, 8, 8)
    assert first.min() >= 0
    assert second.min() >= 0
    pooled = nn.functional.max_pool2d(second, 2)
    assert model.net[6:](pooled).equal(model(x))  # going on from the second gives the answer
    assert first.equal(nn.functional.conv2d(x, model.net[0].weight, model.net[0].bias).relu())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ConvNet(input_size=3), "input_size of convnet is a whole number from 1 to 1, not 3"),
        (lambda: ConvNet(n_kernels=0), "n_kernels of convnet is a whole number from 1 to 256, not 0"),
        (lambda: ConvNet(n_kernels=257), "n_kernels .* not 257"),
        (lambda: ConvNet(n_kernels=6.0), r"n_kernels .* not 6\.0"),
        (lambda: ConvNet(n_kernels=True), "n_kernels .* not True"),
        (lambda: ConvNet(output_size=1), "output_size of convnet is a whole number from 2 to 100, not 1"),
        (lambda: FullyConnected(input_size=783), "input_size of fully-connected is a whole number from 784 to 784"),
        (lambda: FullyConnected(n_hidden=0), "n_hidden of fully-connected is a whole number from 1 to 4096"),
        (lambda: build("resnet"), "there is no architecture 'resnet'; choose from convnet, fully-connected"),
        (lambda: build("convnet", n_hidden=8), "convnet takes input_size, n_kernels, output_size, not n_hidden"),
        (lambda: build("convnet", n_kernels=0), "n_kernels"),
        (lambda: networks.check_arguments("convnet", {}), "convnet takes .*, not nothing"),
    ],
)
def test_bounds_are_kept_and_named(make, message):
    with pytest.raises(LabError, match=message) as caught:
        make()
    assert caught.value.code == "architecture"


def test_the_bounds_themselves_are_allowed():
    assert ConvNet(n_kernels=1).arguments == {"input_size": 1, "n_kernels": 1, "output_size": 10}
    assert FullyConnected(n_hidden=1).arguments == {"input_size": 784, "n_hidden": 1, "output_size": 10}


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.flatten() for parameter in model.parameters()])


@pytest.mark.parametrize("name", ["convnet", "fully-connected"])
def test_the_seed_fixes_the_weights_and_the_callers_random_state_stays(name):
    torch.manual_seed(123)
    state = torch.get_rng_state()
    first = weights(build(name, seed=1))
    assert torch.get_rng_state().equal(state)
    torch.manual_seed(456)
    assert weights(build(name, seed=1)).equal(first)
    assert not weights(build(name, seed=2)).equal(first)


def test_build_passes_its_arguments_on():
    assert build("convnet", n_kernels=3).arguments == {"input_size": 1, "n_kernels": 3, "output_size": 10}
    assert isinstance(build("fully-connected"), FullyConnected)


# --- from images to answers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "wide"), [(ConvNet(), False), (ConvNet(n_kernels=48), True), (FullyConnected(), False)]
)
def test_the_order_in_memory_follows_the_width_and_changes_no_answer(model, wide):
    order = networks.layout(model)
    assert order == (torch.channels_last if wide else torch.contiguous_format)
    images = torch.rand(20, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    reordered = copy.deepcopy(model).to(memory_format=order)
    torch.testing.assert_close(reordered(images), model(images))


def test_from_sixteen_kernels_on_channels_stand_side_by_side():
    orders = [networks.layout(ConvNet(n_kernels=n_kernels)) for n_kernels in (15, 16)]
    assert orders == [torch.contiguous_format, torch.channels_last]


def test_up_to_eight_images_go_without_onednn():
    class Note(nn.Linear):
        def forward(self, x):
            seen.append(torch.backends.mkldnn.enabled)
            return super().forward(x.flatten(1))

    seen = []
    for n in (1, 8, 9):
        networks.logits(Note(784, 10), torch.zeros(n, 28, 28, dtype=torch.uint8))
    assert seen == [False, False, True]


def test_to_input_permutes_first_and_normalises_then(small):
    images, permutation = small.test.images[:5], Permutation.random(1)
    expected = Normalisation(0.2, 0.5).apply(permutation.apply(images))
    assert networks.to_input(images, permutation, Normalisation(0.2, 0.5)).equal(expected)
    assert networks.to_input(images, Permutation.identity(), Normalisation()).equal(Normalisation().apply(images))


def test_logits_are_the_models_on_prepared_images_in_any_batch_size(small):
    model, permutation = build("convnet"), Permutation.random(1)
    images = small.test.images[:50]
    with torch.no_grad():
        expected = model(networks.to_input(images, permutation, Normalisation()))
    for batch_size in (1_000, 50, 7):
        got = networks.logits(model, images, permutation=permutation, batch_size=batch_size)
        assert got.dtype == torch.float32
        assert not got.requires_grad
        torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(networks.logits(model, images), expected, atol=1e-2)


def test_no_images_give_no_answers():
    assert networks.logits(build("convnet"), torch.zeros(0, 28, 28, dtype=torch.uint8)).shape == (0, 10)


def test_probabilities_sum_to_one(small):
    classifier = networks.Classifier(build("convnet"), Permutation.random(1), Normalisation(0.2, 0.4))
    images = small.test.images[:20]
    probabilities = classifier.probabilities(images)
    assert probabilities.shape == (20, 10)
    assert probabilities.min() >= 0
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(20))
    wanted = classifier.model(Normalisation(0.2, 0.4).apply(Permutation.random(1).apply(images)))
    torch.testing.assert_close(classifier.logits(images), wanted)
    assert classifier.predictions(images).tolist() == wanted.argmax(dim=1).tolist()


def test_answers_are_given_in_evaluation_mode(small):
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10)).train()
    assert networks.logits(model, small.test.images[:5]).equal(networks.logits(model, small.test.images[:5]))


# --- what the permutation does to each net ----------------------------------------------------------------------------


def test_a_fully_connected_net_with_permuted_columns_is_the_same_function_on_permuted_pixels(small):
    permutation = Permutation.random(42)
    plain, permuted = build("fully-connected", seed=3), build("fully-connected", seed=3)
    first = permuted.net[1]
    first.weight.data = permutation.apply(first.weight.data)
    images = small.test.images[:100]
    torch.testing.assert_close(
        networks.logits(permuted, images, permutation=permutation), networks.logits(plain, images), atol=1e-5, rtol=1e-5
    )
    assert not torch.allclose(
        networks.logits(plain, images, permutation=permutation), networks.logits(plain, images), atol=1e-2
    )


def test_a_permuted_image_changes_the_answers_of_a_convnet(small):
    model, images = build("convnet", seed=3), small.test.images[:20]
    assert not torch.allclose(
        networks.logits(model, images), networks.logits(model, images, permutation=Permutation.random(42)), atol=1e-2
    )


# --- devices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_best_device_is_the_fastest_there_is(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert networks.best_device() == expected
