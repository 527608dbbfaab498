import dataclasses

import numpy as np
import pytest
import torch

from mnistlab.common.errors import DataError
from mnistlab.data.permutation import Permutation
from mnistlab.studies.unscramble import graph, grid
from mnistlab.studies.unscramble.solve import Draft, Unscrambled, score, symmetries, unscramble

SCRAMBLE = Permutation.random(42)


@pytest.fixture(scope="module")
def images(splits):
    return SCRAMBLE.apply(splits.train.sample(2_000, seed=1).images)


@pytest.fixture(scope="module")
def found(images):
    return unscramble(images)


def grid_graph(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, 2) of a full grid, in a random order, and who is next to whom."""
    places = np.stack(np.divmod(np.random.default_rng(0).permutation(rows * columns), columns), axis=1)
    return places, np.abs(places[:, None] - places).sum(axis=2) == 1


def known(permutation: Permutation) -> Unscrambled:
    """A result whose layout is given, with every pixel lit."""
    nothing = np.zeros((0, 2))
    draft = Draft(np.zeros(0, dtype=int), np.zeros((0, 0), dtype=bool), nothing, nothing)
    stage = SimpleStage(permutation)
    return Unscrambled(permutation, (stage,), draft, np.full(784, 1_000))


@dataclasses.dataclass(frozen=True)
class SimpleStage:
    permutation: Permutation


# --- the whole way ----------------------------------------------------------------------------------------------------


def test_two_thousand_digits_are_enough_to_put_nearly_all_pixels_within_one(found):
    judged = score(found, SCRAMBLE)
    assert judged.within_one > 0.9
    assert judged.n == found.identifiable.sum() > 450


def test_the_stages_end_with_the_result_and_the_last_raises_the_objective(found):
    assert found.stages[-1].permutation == found.permutation
    assert found.stages[-1].objective >= found.stages[-2].objective
    assert [stage.seconds for stage in found.stages] == sorted(stage.seconds for stage in found.stages)


def test_the_same_images_give_the_same_layout(images, found):
    assert unscramble(images.view(-1, 784)).permutation == found.permutation


def test_the_permutation_brings_neighbours_together(images, found):
    """Seen without the truth: what stands side by side varies together, which it did not before."""
    from mnistlab.training.features import neighbour_correlation

    assert neighbour_correlation(images[:200]) < 0.2
    assert neighbour_correlation(found.permutation.apply(images[:200])) > 0.6


@pytest.mark.parametrize("shape", [(1, 28, 28), (0, 784), (5, 27, 28), (784,), (5, 1, 28, 28)])
def test_what_are_no_images_is_refused(shape):
    with pytest.raises(DataError, match="two or more images of 784 pixels") as caught:
        unscramble(torch.zeros(shape, dtype=torch.uint8))
    assert caught.value.code == "images"


@pytest.mark.parametrize("grey", [0, 255])
def test_images_without_neighbours_are_refused(grey):
    with pytest.raises(DataError, match="no neighbours") as caught:
        unscramble(torch.full((50, 28, 28), grey, dtype=torch.uint8))
    assert caught.value.code == "no-neighbours"


# --- the score --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symmetry", range(8))
def test_a_turned_or_mirrored_layout_is_as_good_and_is_stood_upright(symmetry):
    turned = symmetries()[symmetry].compose(SCRAMBLE.inverse())
    judged = score(known(turned), SCRAMBLE)
    assert (judged.exact, judged.within_one, judged.furthest, judged.n) == (1, 1, 0, 784)
    picture = torch.arange(784).view(28, 28)
    assert judged.symmetry.apply(turned.apply(SCRAMBLE.apply(picture))).equal(picture)


def test_the_eight_symmetries_are_different_and_keep_neighbours():
    assert len(set(symmetries())) == 8
    for symmetry in symmetries():
        rows, columns = np.divmod(symmetry.order.reshape(28, 28), 28)
        assert (np.abs(np.diff(rows, axis=1)) + np.abs(np.diff(columns, axis=1)) == 1).all()


def test_two_exchanged_pixels_cost_two_and_a_shift_of_one_is_within_one():
    swapped = np.arange(784)
    swapped[[3, 500]] = swapped[[500, 3]]
    judged = score(known(Permutation(swapped)), Permutation.identity())
    assert judged.exact == pytest.approx(782 / 784)
    assert judged.furthest == 21
    assert judged.as_dict() == {"exact": 782 / 784, "within_one": 782 / 784, "furthest": 21, "n": 784}
    shifted = Permutation(np.roll(np.arange(784).reshape(28, 28), 1, axis=0).flatten())
    judged = score(known(shifted), Permutation.identity())
    assert (judged.exact, judged.within_one) == (0, pytest.approx(27 / 28))


def test_pixels_that_are_seldom_lit_do_not_count():
    swapped = np.arange(784)
    swapped[[0, 783]] = swapped[[783, 0]]
    lit = np.full(784, 10)
    lit[[0, 783]] = 9
    found = dataclasses.replace(known(Permutation(swapped)), lit=lit)
    assert score(found, Permutation.identity()).exact == 1
    assert score(dataclasses.replace(found, lit=lit + 1), Permutation.identity()).exact < 1


# --- the graph --------------------------------------------------------------------------------------------------------


def test_lit_together_is_the_correlation_of_being_lit():
    images = (torch.rand(300, 784, generator=torch.Generator().manual_seed(0)) < 0.3).to(torch.uint8) * 9
    images[:, 5] = images[:, 6]
    images[:, 7] = 0
    wanted = np.corrcoef((images.numpy() > 0)[:, [5, 6, 8]], rowvar=False)
    phi = graph.lit_together(images)
    np.fill_diagonal(wanted, 0)
    assert np.allclose(phi[np.ix_([5, 6, 8], [5, 6, 8])], wanted)
    assert not phi[7].any()


def test_correlation_is_that_of_square_roots_and_0_for_what_never_varies():
    images = torch.randint(0, 256, (100, 784), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    images[:, 0] = 77
    found = graph.correlation(images)
    wanted = np.corrcoef(np.sqrt(images[:, 1:4].numpy() / 255), rowvar=False)
    assert np.allclose(found[1:4, 1:4], wanted - np.eye(3), atol=1e-6)
    assert not found[0].any()


def test_partial_correlation_sees_through_a_common_neighbour():
    """In a chain a - b - c the ends vary together only through the middle."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=20_000)
    b = a + rng.normal(size=20_000)
    c = b + rng.normal(size=20_000)
    together = np.corrcoef([a, b, c]) - np.eye(3)
    partial = graph.partial_correlation(together, ridge=1e-6)
    assert together[0, 2] > 0.5
    assert abs(partial[0, 2]) < 0.02
    assert partial[0, 1] > 0.4


def test_a_grid_is_drawn_as_a_grid():
    places, edges = grid_graph(7, 9)
    drawn = graph.snap(graph.embed(edges), edges)
    assert graph.misfits(drawn, edges) == 0
    apart = np.abs(drawn[:, None] - drawn).sum(axis=2)
    assert np.allclose(apart, np.abs(places[:, None] - places).sum(axis=2), atol=0.01)


def test_an_edge_that_is_not_one_long_is_a_misfit():
    places, edges = grid_graph(5, 5)
    edges = edges.copy()
    corner, other = (int(np.flatnonzero((places == place).all(axis=1))[0]) for place in ((0, 0), (4, 4)))
    edges[corner, other] = edges[other, corner] = True
    assert graph.misfits(places.astype(float), edges) == 1


# --- the grid ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ideal():
    """Pixels that are alike exactly where they touch, as similarity of scrambled pixels, with their true cells."""
    cell = SCRAMBLE.order
    return grid.TOUCHING[np.ix_(cell, cell)].astype(float), cell


def test_a_layout_grows_from_a_part_that_is_known(ideal):
    similarity, cell = ideal
    rows, columns = np.divmod(cell, 28)
    inner = (np.abs(rows - 13.5) < 10) & (np.abs(columns - 13.5) < 10)
    assert (grid.grow(similarity, np.where(inner, cell, -1)) == cell).all()


def test_the_room_for_the_rest_is_greatest_where_the_part_belongs(ideal):
    similarity, cell = ideal
    rows, columns = np.divmod(cell, 28)
    inner = (np.abs(rows - 13.5) < 13) & (np.abs(columns - 13.5) < 13)  # all but the margin
    true = np.where(inner, cell, -1)
    moved = np.where(inner, cell + 1, -1)  # the whole part one cell to the right
    assert grid.room(similarity, true) > grid.room(similarity, moved) > 0
    assert grid.room(similarity, cell) == 0  # nobody is left


def test_exchanged_pixels_find_home(ideal):
    similarity, cell = ideal
    spoilt = cell.copy()
    spoilt[[1, 2, 30, 31]] = spoilt[[31, 30, 1, 2]]
    assert grid.objective(similarity, spoilt) < grid.objective(similarity, cell)
    assert (grid.settle(similarity, spoilt) == cell).all()


def test_exchange_only_raises_the_objective_however_noisy(ideal):
    similarity, cell = ideal
    rng = np.random.default_rng(3)
    noise = rng.normal(scale=0.2, size=similarity.shape)
    noisy, spoilt = similarity + noise + noise.T, cell.copy()
    chosen = rng.choice(784, 60, replace=False)
    spoilt[chosen] = rng.permutation(spoilt[chosen])
    after = grid.exchange(noisy, spoilt)
    assert sorted(after) == list(range(784))
    assert grid.objective(noisy, after) > grid.objective(noisy, spoilt)


def test_nearest_leaves_what_was_not_drawn_without_a_cell():
    cell = grid.assign_cells(np.array([[0.2, 0.1], [0.1, 0.2], [27.0, 40.0]]), np.array([5, 9, 700]))
    assert sorted(cell[[5, 9]])[0] == 0
    assert cell[700] == 27 * 28 + 27
    assert (np.delete(cell, [5, 9, 700]) == -1).all()
