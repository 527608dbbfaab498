from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mnistlab.common.errors import LabError, PermutationError
from mnistlab.data.permutation import Permutation

seeds = st.integers(0, 2**63 - 1)
few = settings(max_examples=25, deadline=None)

# The first places of Permutation.random(42): every saved permuted model is described by such a seed.
RANDOM_42 = [470, 186, 370, 171, 190, 57, 202, 726, 334, 447]
RANDOM_42_SHA256 = "e81f68b477e1ad4377eaab7bd5e404eadfe938782b552ec9182055e27531ec59"


def batch(*shape: int) -> torch.Tensor:
    """Whole numbers that are all different, so that no exchange stays unseen."""
    return torch.arange(int(np.prod(shape))).reshape(shape)


# --- laws -------------------------------------------------------------------------------------------------------------


@few
@given(seeds)
def test_inverse_undoes_and_is_undone(seed):
    permutation = Permutation.random(seed)
    images = batch(2, 28, 28)
    assert permutation.inverse().apply(permutation.apply(images)).equal(images)
    assert permutation.apply(permutation.inverse().apply(images)).equal(images)
    assert permutation.inverse().inverse() == permutation
    assert permutation.compose(permutation.inverse()).is_identity


@few
@given(seeds, seeds, seeds)
def test_compose_applies_the_other_one_first_and_is_associative(a, b, c):
    first, second, third = (Permutation.random(seed) for seed in (a, b, c))
    images = batch(2, 28, 28)
    assert first.compose(second).apply(images).equal(first.apply(second.apply(images)))
    assert first.compose(second).compose(third) == first.compose(second.compose(third))
    assert first.compose(second).inverse() == second.inverse().compose(first.inverse())
    assert first.compose(Permutation.identity()) == first == Permutation.identity().compose(first)


def test_compose_is_not_commutative():
    first, second = Permutation.random(1), Permutation.random(2)
    assert first.compose(second) != second.compose(first)


@few
@given(st.permutations(range(784)))
def test_any_bijection_is_taken_and_kept_as_it_is(order):
    assert Permutation(order).tolist() == order
    assert Permutation(np.array(order, dtype=np.int16)) == Permutation(torch.tensor(order, dtype=torch.int32))


def test_the_identity_changes_nothing():
    images = batch(3, 28, 28)
    assert Permutation.identity().apply(images).equal(images)
    assert Permutation.identity().is_identity
    assert not Permutation.random(0).is_identity


# --- apply ------------------------------------------------------------------------------------------------------------


def test_pixel_i_of_the_result_is_pixel_order_i_of_the_original():
    permutation = Permutation.random(3)
    image = batch(28, 28)  # the value of each pixel is its own position
    assert permutation.apply(image).flatten().tolist() == permutation.tolist()


@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        ((28, 28), "last"),
        ((784,), "last"),
        ((5, 28, 28), "last"),
        ((5, 784), "last"),
        ((2, 3, 28, 28), "last"),
        ((2, 1, 784), "last"),
        ((0, 28, 28), "last"),
        ((28, 28), "first"),
        ((784,), "first"),
        ((28, 28, 5), "first"),
        ((784, 5), "first"),
        ((28, 28, 2, 3), "first"),
        ((784, 0), "first"),
        ((28, 28, 28, 28), "first"),
        ((28, 28, 28, 28), "last"),
        ((28, 28, 784), "last"),
        ((784, 28, 28), "first"),
    ],
)
@pytest.mark.parametrize("kind", ["tensor", "array"])
def test_every_layout_is_reordered_alike(shape, pixels, kind):
    permutation = Permutation.random(7)
    images = batch(*shape) if kind == "tensor" else batch(*shape).numpy()
    result = permutation.apply(images, pixels=pixels)
    assert type(result) is type(images)
    assert result.dtype == images.dtype
    assert tuple(result.shape) == shape
    flat, expected = np.asarray(result), np.asarray(images)
    axis = 28 * 28
    if pixels == "last":
        assert (flat.reshape(-1, axis) == expected.reshape(-1, axis)[:, permutation.tolist()]).all()
    else:
        assert (flat.reshape(axis, -1) == expected.reshape(axis, -1)[permutation.tolist()]).all()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bool, torch.int64])
def test_apply_keeps_the_type_of_a_tensor(dtype):
    images = batch(2, 28, 28).remainder(2).to(dtype)
    assert Permutation.random(1).apply(images).dtype == dtype


def test_apply_gives_a_copy_and_leaves_its_input():
    images = batch(2, 28, 28)
    result = Permutation.random(1).apply(images)
    result.zero_()
    assert images.equal(batch(2, 28, 28))


def test_apply_takes_images_that_are_not_contiguous():
    images = batch(28, 28, 4).permute(2, 0, 1)
    permutation = Permutation.random(1)
    assert permutation.apply(images).equal(permutation.apply(images.contiguous()))
    assert (permutation.apply(images.numpy()) == permutation.apply(images).numpy()).all()


@pytest.mark.parametrize(
    ("shape", "pixels", "message"),
    [
        ((5, 27, 28), "last", r"the last axes must be 784 or 28 x 28; this batch has shape \(5, 27, 28\)"),
        ((28, 28, 5), "last", "the last axes"),
        ((5, 28, 28), "first", r"the first axes must be .* shape \(5, 28, 28\)"),
        ((5, 783), "last", "784 or 28 x 28"),
        ((28,), "last", "784 or 28 x 28"),
        ((), "last", "784 or 28 x 28"),
        ((5, 784), "middle", 'pixels is "last" or "first", not \'middle\''),
    ],
)
def test_apply_refuses_other_layouts(shape, pixels, message):
    with pytest.raises(PermutationError, match=message):
        Permutation.identity().apply(torch.zeros(shape), pixels=pixels)


# --- faults -----------------------------------------------------------------------------------------------------------


def spoiled(**places: int) -> list[int]:
    order = list(range(784))
    for place, value in places.items():
        order[int(place[1:])] = value
    return order


@pytest.mark.parametrize(
    ("order", "code", "message"),
    [
        (spoiled(_5=784), "range", "position 5 holds 784; only 0 to 783 are pixels"),
        (spoiled(_9=-1, _300=900), "range", "position 9 holds -1; only 0 to 783"),
        (spoiled(_3=700), "not-a-bijection", "pixel 700 appears twice, at positions 3 and 700, and pixel 3 never"),
        (spoiled(_10=4, _2=8), "not-a-bijection", "pixel 4 appears twice, at positions 4 and 10, and pixel 2 never"),
        (list(range(783)), "shape", r"has shape \(784,\), not \(783,\)"),
        (list(range(785)), "shape", r"not \(785,\)"),
        ([], "type", "whole numbers"),  # torch takes an empty list for floating point
        (torch.arange(784).reshape(28, 28), "shape", r"not \(28, 28\)"),
        (torch.tensor(3), "shape", r"not \(\)"),
        (torch.arange(784).float(), "type", "holds whole numbers, not float32"),
        (torch.arange(784).to(torch.complex64), "type", "whole numbers, not complex64"),
        (torch.ones(784, dtype=torch.bool), "type", "whole numbers, not bool"),
        (np.full(784, np.nan), "type", "whole numbers, not float64"),
        (None, "type", "whole numbers"),
        ("none", "type", "whole numbers"),
        (["a"] * 784, "type", "whole numbers"),
    ],
)
def test_what_is_no_bijection_is_refused_with_its_first_fault(order, code, message):
    with pytest.raises(PermutationError, match=message) as caught:
        Permutation(order)
    assert caught.value.code == code
    assert isinstance(caught.value, LabError)


@few
@given(st.integers(0, 783), st.integers(-(10**6), 10**6))
def test_one_changed_place_is_always_noticed(place, value):
    order = list(range(784))
    if value == place:
        return
    order[place] = value
    with pytest.raises(PermutationError):
        Permutation(order)


def test_the_order_cannot_be_changed_from_outside():
    order = torch.arange(784)
    permutation = Permutation(order)
    order[0] = 5
    assert permutation.is_identity
    with pytest.raises(AttributeError):
        permutation.order = order


# --- random, partial, parse -------------------------------------------------------------------------------------------


def test_random_of_a_seed_never_changes():
    permutation = Permutation.random(42)
    assert permutation.tolist()[:10] == RANDOM_42
    assert permutation.sha256() == RANDOM_42_SHA256
    assert permutation.seed == 42


def test_random_leaves_the_global_random_state_alone():
    state = torch.get_rng_state()
    Permutation.random(1)
    Permutation.partial(1, 0.5)
    assert torch.get_rng_state().equal(state)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", None, True])
def test_random_refuses_what_is_no_seed(seed):
    with pytest.raises(PermutationError, match=r"a seed is a whole number from 0 to 2\*\*63 - 1, not"):
        Permutation.random(seed)


@few
@given(seeds, st.floats(0, 1))
def test_partial_moves_at_most_its_share(seed, share):
    moved = (Permutation.partial(seed, share).order != np.arange(784)).sum().item()
    assert moved <= round(share * 784)


def test_partial_goes_from_order_to_disorder():
    moved = [int((Permutation.partial(1, s).order != np.arange(784)).sum()) for s in (0, 0.25, 0.5, 0.75, 1)]
    assert moved[0] == 0
    assert moved == sorted(moved)
    assert moved[-1] > 770
    assert Permutation.partial(1, 0.5) == Permutation.partial(1, 0.5)
    assert Permutation.partial(1, 0.5) != Permutation.partial(2, 0.5)


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan"), float("inf")])
def test_partial_refuses_other_shares(share):
    with pytest.raises(PermutationError, match="share must lie between 0 and 1"):
        Permutation.partial(0, share)


@pytest.mark.parametrize("text", ["none", "None", " NONE "])
def test_parse_none_is_the_identity(text):
    assert Permutation.parse(text).is_identity


@pytest.mark.parametrize("text", ["42", " 42 ", 42])
def test_parse_takes_a_seed(text):
    assert Permutation.parse(text) == Permutation.random(42)
    assert Permutation.parse(text).seed == 42


@pytest.mark.parametrize("text", ["", "4.2", "-1", "random", "nan", -1, 4.0, "1e3", True, 2**63])
def test_parse_refuses_the_rest(text):
    with pytest.raises(PermutationError, match='permutation is "none" or a seed such as "42", not') as caught:
        Permutation.parse(text)
    assert caught.value.code == "text"


# --- as a value -------------------------------------------------------------------------------------------------------


def test_equality_and_hash_go_by_the_order_not_by_the_seed():
    by_seed, by_order = Permutation.random(5), Permutation(Permutation.random(5).tolist())
    assert by_order.seed is None
    assert by_seed == by_order
    assert hash(by_seed) == hash(by_order)
    assert len({by_seed, by_order, Permutation.random(6)}) == 2
    assert by_seed != by_seed.tolist()


def test_fingerprint_is_that_of_little_endian_int64():
    expected = hashlib.sha256(np.arange(784, dtype="<i8").tobytes()).hexdigest()
    assert Permutation.identity().sha256() == expected
    assert Permutation.identity().sha256() == "b608df37c700252ea49c332221bee218c64831224cf032c2b64703afbd789d0a"


def test_repr_says_how_it_can_be_made_again():
    assert repr(Permutation.identity()) == "Permutation.identity()"
    assert repr(Permutation.random(42)) == "Permutation.random(42)"
    assert repr(Permutation.random(42).inverse()).startswith("Permutation(")
    assert Permutation.random(42).inverse().seed is None


# --- partly in order --------------------------------------------------------------------------------------------------


def neighbours_kept(permutation: Permutation) -> tuple[float, float]:
    """Which share of pixels side by side, and one above the other, still stand so."""
    rows, columns = np.divmod(permutation.order.reshape(28, 28), 28)
    beside = (rows[:, 1:] == rows[:, :-1]) & (columns[:, 1:] - columns[:, :-1] == 1)
    below = (columns[1:] == columns[:-1]) & (rows[1:] - rows[:-1] == 1)
    return beside.mean(), below.mean()


def test_rows_that_change_places_stay_whole():
    permutation = Permutation.rows(3)
    rows, columns = np.divmod(permutation.order.reshape(28, 28), 28)
    assert (columns == np.arange(28)).all()
    assert (rows == rows[:, :1]).all()
    assert neighbours_kept(permutation)[1] < 0.2


def test_columns_are_rows_turned():
    order = Permutation.rows(3).order.reshape(28, 28)
    turned = Permutation.columns(3).order.reshape(28, 28)
    assert (turned % 28 == order.T // 28).all()
    assert (turned // 28 == np.arange(28)[:, None]).all()


@pytest.mark.parametrize("size", [1, 2, 4, 7, 14, 28])
def test_blocks_change_places_and_stay_whole(size):
    squares = Permutation.blocks(5, size).apply(batch(28, 28)).unfold(0, size, size).unfold(1, size, size)
    inside = squares - squares[..., :1, :1]
    assert (inside == batch(28, 28)[:size, :size]).all()
    corners = squares[..., 0, 0].flatten()
    assert corners.sort().values.equal(batch(28, 28)[::size, ::size].flatten())
    assert Permutation.blocks(5, size).is_identity == (size == 28)


def test_the_larger_the_blocks_the_more_neighbours_stay():
    kept = [sum(neighbours_kept(Permutation.blocks(1, size))) for size in (1, 2, 4, 7, 28)]
    assert kept == sorted(kept)
    assert kept[-1] == 2


@pytest.mark.parametrize("size", [0, 3, 56, -7, True, 7.0, "7"])
def test_a_block_that_does_not_tile_the_picture_is_refused(size):
    with pytest.raises(PermutationError, match="1, 2, 4, 7, 14, 28 pixels") as caught:
        Permutation.blocks(0, size)
    assert caught.value.code == "size"


@pytest.mark.parametrize("make", [Permutation.rows, Permutation.columns, lambda seed: Permutation.blocks(seed, 7)])
def test_their_seeds_fix_them_and_are_checked(make):
    assert make(1) == make(1) != make(2)
    with pytest.raises(PermutationError, match="a seed is"):
        make(-1)
