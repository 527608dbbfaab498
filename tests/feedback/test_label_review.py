import numpy as np
import pytest
import torch

from mnistlab.common.errors import DataError
from mnistlab.data import synthetic
from mnistlab.data.mnist import Digits
from mnistlab.feedback import label_review
from mnistlab.feedback.duplicates import MIN_DRAWINGS
from mnistlab.feedback.label_review import Review, SessionReview, review_labels
from mnistlab.pipeline.finetune import CHANGE
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
@pytest.mark.parametrize("n", [MIN_DRAWINGS, 50, 100])
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
    assert label_review._like(alike, np.ones(6, dtype=int)).tolist() == [3] * 6
    assert label_review._like(alike[:3], np.ones(3, dtype=int)).tolist() == [0] * 3


@pytest.mark.parametrize(("n", "allowed"), [(1, 2), (74, 2), (75, 3), (99, 3), (100, 4), (150, 6)])
@pytest.mark.parametrize("misread", [0, 4])
def test_a_session_may_have_some_labels_contradicted_however_many_are_misread(n, allowed, misread):
    sessions = [SessionReview("a", n, misread, contradicted, 0) for contradicted in (allowed, allowed + 1)]
    assert [session.allowed for session in sessions] == [allowed, allowed]
    assert [session.believed for session in sessions] == [True, False]


@pytest.mark.parametrize(("n", "alone", "misread"), [(30, 3, 7), (75, 3, 18), (100, 4, 25), (10, 3, 4)])
def test_a_session_may_have_a_few_doubted_labels_alone_and_a_quarter_misread(n, alone, misread):
    assert SessionReview("a", n, misread, 0, alone).believed
    assert not SessionReview("a", n, misread, 0, alone + 1).believed
    assert not SessionReview("a", n, misread + 1, 0, alone).believed


def test_the_three_nearest_say_whether_a_label_stands_alone():
    places = np.array([[0.0], [1.0], [2.0], [3.5], [100.0]])  # the first one's nearest are the second to the fourth
    for labels, same in (([1, 1, 1, 0, 1], 2), ([1, 1, 0, 0, 1], 1), ([1, 0, 1, 1, 0], 2), ([1, 1, 1, 1, 0], 3)):
        assert label_review._like(places, np.array(labels))[0] == same
    assert label_review._like(places[:3], np.ones(3, dtype=int)).tolist() == [0, 0, 0]


def unsure(base, n: int = 400) -> tuple[Digits, torch.Tensor]:
    """Drawn digits turned and sheared until many are hard, those the version is least sure of first; and its second choices."""
    digits = synthetic.draw_digits(n, seed=11, show_progress=False)
    digits = Digits(CHANGE(digits.images, torch.Generator().manual_seed(1)), digits.labels)
    probabilities = torch.from_numpy(base.probabilities(digits.images))
    order = probabilities.max(dim=1).values.argsort()
    best, second = probabilities.topk(2, dim=1).indices.T
    wrong = torch.where(second == digits.labels, best, second)
    return digits[order], wrong[order]


@pytest.mark.parametrize("wrong", [15, 25, 45, 60])
def test_wrong_labels_of_drawings_the_network_is_unsure_of_are_refused(base, honest, wrong):
    """45 of 75 of these were all learned once: nothing contradicted them, and they raised what was allowed."""
    hard, second = unsure(base)
    images = torch.cat([hard.images[:wrong], honest.images[: 75 - wrong]])
    labels = torch.cat([second[:wrong], honest.labels[: 75 - wrong]])
    found = review_labels(base, Digits(images, labels), ["a"] * 75)
    assert not found.kept.any()
    assert not found.sessions[0].believed


def test_many_small_sessions_are_looked_at_together(base, honest):
    found = Review(np.ones(300, dtype=bool), tuple(SessionReview(f"{n}", 30, 3, 0, 3) for n in range(10)))
    assert all(session.believed for session in found.sessions)
    assert found.together == "in 10 sessions together 30 doubted labels stand alone; honest people explain 24"
    few = Review(np.ones(60, dtype=bool), found.sessions[:2])
    assert few.together == ""


def test_nobody_and_what_does_not_fit(base, honest):
    assert review_labels(base, honest[:0], []).sessions == ()
    with pytest.raises(DataError, match="100 drawings have a session each, not 1"):
        review_labels(base, honest, ["a"])
