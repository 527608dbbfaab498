from __future__ import annotations

import numpy as np
import pytest
import torch

from mnistlab.common.errors import LabError
from mnistlab.training import features
from mnistlab.training.networks import build


def test_kernels_and_maps_have_the_shapes_of_the_layers():
    model = build("convnet", n_kernels=3)
    assert features.first_kernels(model).shape == (3, 5, 5)
    first, second = features.maps(model, torch.zeros(2, 1, 28, 28))
    assert (first.shape, second.shape) == ((2, 3, 24, 24), (2, 3, 8, 8))


def test_a_map_is_what_its_kernel_answers_and_never_below_0():
    model, picture = build("convnet", seed=1), torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    first, second = features.maps(model, picture)
    kernel, bias = features.first_kernels(model)[2], model.net[0].bias[2].item()
    by_hand = (picture[0, 0, 3:8, 7:12].numpy() * kernel).sum() + bias
    assert first[0, 2, 3, 7] == pytest.approx(max(0, by_hand), abs=1e-5)
    assert first.min() == second.min() == 0


def test_neighbour_correlation_of_known_pictures():
    ramp = np.add.outer(np.arange(28), np.arange(28))
    assert features.neighbour_correlation(ramp) == pytest.approx(1)
    board = ramp % 2
    assert features.neighbour_correlation(board) == pytest.approx(-1, abs=0.01)
    noise = np.random.default_rng(0).normal(size=(200, 28, 28))
    assert abs(features.neighbour_correlation(noise)) < 0.01
    # Rows are alike, columns independent: one kind of neighbour has correlation 1, the other 0.
    stripes = np.broadcast_to(np.random.default_rng(0).normal(size=(500, 1, 20)), (500, 20, 20))
    assert features.neighbour_correlation(stripes) == pytest.approx(0.5, abs=0.03)


def test_pictures_are_told_apart():
    """The last row of one picture is no neighbour of the first row of the next."""
    apart = np.stack([np.full((2, 2), value) for value in (0.0, 5.0, 1.0, 9.0)])
    assert features.neighbour_correlation(apart) == pytest.approx(1)


def test_a_tensor_and_its_array_give_the_same():
    pictures = torch.rand(3, 6, 6, generator=torch.Generator().manual_seed(0))
    assert features.neighbour_correlation(pictures) == features.neighbour_correlation(pictures.numpy())


@pytest.mark.parametrize("shape", [(5,), (5, 1), (0, 5, 5)])
def test_what_has_no_neighbours_is_refused(shape):
    with pytest.raises(LabError, match="at least 2 x 2"):
        features.neighbour_correlation(np.zeros(shape))


def test_what_never_varies_is_refused():
    with pytest.raises(LabError, match="all values are equal"):
        features.neighbour_correlation(np.ones((4, 5, 5)))


def test_a_summary_is_what_the_last_layer_gets():
    model, given = build("convnet", seed=1), torch.randn(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    summary = features.summaries(model, given, batch_size=2)
    assert summary.shape == (5, 50)
    with torch.no_grad():
        assert torch.allclose(model.net[-1](summary), model(given), atol=1e-6)


def test_the_nearest_come_first():
    known = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert features.nearest(torch.tensor([[0.0, 0.2], [9.0, 9.0]]), known, 3).tolist() == [[0, 2, 1], [1, 2, 0]]
    for n in (0, 4):
        with pytest.raises(LabError, match="1 to 3 can be nearest"):
            features.nearest(known, known, n)


def test_typical_is_what_is_furthest_ahead_not_what_is_largest():
    logits = torch.zeros(5, 10)
    logits[:, 3] = torch.tensor([9.0, 5.0, 7.0, 99.0, 98.0])
    logits[0, 8] = 8.0
    assert features.typical(logits, torch.tensor([3, 3, 3, 1, 7]), 3, n=2).tolist() == [2, 1]


def test_occlusion_falls_where_the_ink_was_that_spoke_for_the_digit():
    def read(images):
        """Knows a 7 by the ink of one pixel."""
        logits = torch.zeros(len(images), 10)
        logits[:, 7] = images[:, 10, 20].float() / 255
        return logits

    picture = torch.zeros(28, 28, dtype=torch.uint8)
    picture[10, 20] = picture[20, 5] = 255
    weights = features.occlusion(read, picture, 7, side=3)
    wanted = np.zeros((28, 28), bool)
    wanted[9:12, 19:22] = True
    assert np.array_equal(weights > 0.5, wanted)
    assert np.allclose(weights[~wanted], 0)
    with pytest.raises(LabError, match="odd and above 0"):
        features.occlusion(read, picture, 7, side=4)


def test_the_strongest_places_are_where_the_ink_is_that_a_map_answers_to():
    model = build("convnet", seed=1)
    pictures = torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for layer, side in enumerate(features.FIELDS):
        found = features.strongest(model, pictures, layer=layer, n=3, batch_size=4)
        assert found.shape == (6, 3, 3)
        for k, of_map in enumerate(found):
            best = torch.from_numpy(features.maps(model, pictures)[layer][:, k]).flatten(1).max(dim=1).values
            assert best[of_map[:, 0]].tolist() == pytest.approx(best.topk(3).values.tolist())
            for picture, row, column in of_map.tolist():
                only = torch.zeros(1, 1, 28, 28)  # whatever stands outside the piece, the answer there is the same
                piece = (0, 0, slice(row, row + side), slice(column, column + side))
                only[piece] = pictures[picture, *piece[1:]]
                step = layer + 1
                answer = features.maps(model, only)[layer][0, k, row // step, column // step]
                assert answer == pytest.approx(best[picture].item(), abs=1e-5)


def test_patches_are_what_stands_there():
    pictures = torch.arange(2 * 28 * 28).view(2, 28, 28)
    places = torch.tensor([[[1, 3, 4], [0, 0, 0]]])
    found = features.patches(pictures, places, 5)
    assert found.shape == (1, 2, 5, 5)
    assert torch.equal(found[0, 0], pictures[1, 3:8, 4:9])
    assert torch.equal(found[0, 1], pictures[0, :5, :5])


def test_the_strongest_of_no_layer_and_of_too_few_pictures_is_refused():
    model, pictures = build("convnet"), torch.zeros(2, 1, 28, 28)
    with pytest.raises(LabError, match="a layer with maps is 0 or 1, not 2"):
        features.strongest(model, pictures, layer=2)
    for n in (0, 3):
        with pytest.raises(LabError, match="1 to 2 can be the strongest"):
            features.strongest(model, pictures, layer=0, n=n)
