import numpy as np
import pytest
import torch

from mnistlab.common.errors import DataError
from mnistlab.data import synthetic
from mnistlab.data.mnist import Digits
from mnistlab.feedback import label_review
from mnistlab.feedback.label_review import review_labels
from mnistlab.pipeline import adapt
from mnistlab.registry.registry import Registry


@pytest.fixture(scope="module")
def base():
    return Registry().load("0003")


@pytest.fixture(scope="module")
def honest() -> Digits:
    """A hundred drawings of one hand: each digit ten times, in one style."""
    rng = np.random.default_rng(3)
    style = {digit: next(s.name for s in synthetic.STYLES if s.digit == digit) for digit in range(10)}
    labels = [number % 10 for number in range(100)]
    images = [synthetic.training_image(synthetic.draw(d, rng, style=style[d]), pen=0.12) for d in labels]
    return Digits(torch.from_numpy(np.stack(images)), torch.tensor(labels))


def spoiled(digits: Digits, share: float, seed: int = 0) -> Digits:
    """The same with this share of the labels wrong, at random."""
    generator = torch.Generator().manual_seed(seed)
    labels = digits.labels.clone()
    chosen = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    labels[chosen] = (labels[chosen] + torch.randint(1, 10, (len(chosen),), generator=generator)) % 10
    return Digits(digits.images, labels)


def test_honest_labels_are_believed(base, honest):
    found = review_labels(base, honest, ["a"] * 50 + ["b"] * 50)
    assert [session.believed for session in found.sessions] == [True, True]
    assert [session.name for session in found.sessions] == ["a", "b"]
    assert found.kept.sum() >= 98


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("n", [adapt.MIN_DRAWINGS, 50, 100])
def test_a_prankster_is_left_out(base, honest, share, n):
    digits = spoiled(honest[:n], share)
    found = review_labels(base, digits, ["a"] * n)
    assert not found.sessions[0].believed
    assert not found.kept.any()
    assert str(found.sessions[0]).startswith(f"left out: of {n} labels the network is sure that ")


@pytest.mark.parametrize("digit", range(10))
def test_one_digit_called_another_throughout_is_left_out(base, honest, digit):
    labels = honest.labels.clone()
    labels[labels == digit] = (digit + 1) % 10
    found = review_labels(base, Digits(honest.images, labels), ["a"] * 100)
    assert not found.sessions[0].believed


def test_one_prankster_does_not_spoil_the_others(base, honest):
    digits = Digits(honest.images, torch.cat([honest.labels[:50], spoiled(honest[50:], 0.3).labels]))
    found = review_labels(base, digits, ["honest"] * 50 + ["prank"] * 50)
    assert [session.believed for session in found.sessions] == [True, False]
    assert found.kept[:50].sum() >= 49
    assert not found.kept[50:].any()


def test_a_single_slip_is_left_out_and_a_way_of_writing_is_not(base, honest):
    labels = honest.labels.clone()
    labels[7] = 2  # a 7 called a 2, once: a slip
    found = review_labels(base, Digits(honest.images, labels), ["a"] * 100)
    assert found.sessions[0].believed
    assert found.sessions[0].contradicted >= 1
    assert not found.kept[7]
    alike = torch.zeros(6, 4)
    assert label_review._supported(alike, torch.tensor([1, 1, 1, 1, 1, 1])).all()
    assert not label_review._supported(alike[:3], torch.tensor([1, 1, 1])).any()


@pytest.mark.parametrize(
    ("n", "misread", "allowed"),
    [(1, 0, 1), (99, 0, 1), (100, 0, 2), (149, 0, 2), (150, 0, 3), (30, 7, 1), (30, 8, 2), (30, 12, 3), (60, 27, 6)],
)
def test_an_honest_session_may_have_a_fiftieth_of_its_labels_contradicted_or_a_quarter_of_its_misreadings(
    n, misread, allowed
):
    flags = torch.arange(n) < misread
    found = label_review._review_session("a", flags, flags)
    assert (found.drawings, found.misread, found.contradicted, found.allowed) == (n, misread, misread, allowed)
    assert [label_review.SessionReview("a", n, misread, c, allowed).believed for c in (allowed, allowed + 1)] == [
        True,
        False,
    ]


def test_more_than_half_of_the_three_nearest_support_a_label():
    places = torch.tensor([[0.0], [1.0], [2.0], [3.5], [100.0]])  # the first one's nearest are the second to the fourth
    for labels, supported in (([1, 1, 1, 0, 1], True), ([1, 1, 0, 0, 1], False), ([1, 0, 1, 1, 0], True)):
        assert bool(label_review._supported(places, torch.tensor(labels))[0]) is supported
    assert not label_review._supported(places[:3], torch.tensor([1, 1, 1])).any()
    assert label_review._supported(places[:4], torch.tensor([1, 1, 1, 1])).all()


def test_nobody_and_what_does_not_fit(base, honest):
    assert review_labels(base, honest[:0], []).sessions == ()
    with pytest.raises(DataError, match="100 drawings have a session each, not 1"):
        review_labels(base, honest, ["a"])
