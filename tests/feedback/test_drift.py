import numpy as np
import pytest
from scipy.stats import energy_distance

from mnistlab.common.errors import LabError
from mnistlab.feedback import drift
from mnistlab.feedback.drift import compare_samples, energy_test, holm, share_test

WIDTHS = (12.0, 20.0, 20.0, 20.0, 28.0)


def week(rng: np.random.Generator, n: int, *, wider: float = 1.0) -> dict[str, np.ndarray]:
    """How n drawings of one and the same group of people may look."""
    return {
        "pen_width": rng.choice(WIDTHS, n) * wider,
        "slant": rng.normal(8, 12, n),
        "size": rng.normal(170, 25, n),
        "x": rng.normal(140, 15, n),
        "y": rng.normal(140, 12, n),
        "features": rng.gamma(1.0, 1.0, (n, 20)),
    }


def test_quiet_weeks_raise_fewer_than_one_alarm_in_twenty():
    rng = np.random.default_rng(0)
    weeks = 60
    raised = sum(
        any(f.alarm for f in compare_samples(week(rng, 60), week(rng, 30), seed=number)) for number in range(weeks)
    )
    assert raised < weeks / 20


def test_a_pen_twice_as_thick_is_noticed_within_fifty_drawings():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        found = compare_samples(week(rng, 150), week(rng, 50, wider=2.0), seed=seed)
        assert found[0].what == "pen_width"
        assert found[0].alarm
        assert found[0].words == "pen width: median 40 px, before 20 px"
        assert not any(f.alarm for f in found[1:])


def test_the_p_value_is_as_often_small_as_it_says():
    rng = np.random.default_rng(1)
    values = [energy_test(rng.normal(size=25), rng.normal(size=25), permutations=199, seed=i) for i in range(300)]
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert min(values) >= 1 / 200


def test_the_statistic_is_that_of_scipy():
    """Among all shuffles of few values, those at least as far apart by SciPy's distance are counted."""
    rng = np.random.default_rng(2)
    one, two = rng.normal(0, 1, 12), rng.normal(1.2, 1, 9)
    both, counted = np.concatenate([one, two]), 1
    shuffles = np.random.default_rng(0)
    for _ in range(499):
        member = np.zeros(21, dtype=bool)
        member[shuffles.permutation(21)[:9]] = True
        counted += energy_distance(both[~member], both[member]) >= energy_distance(one, two) - 1e-9
    assert energy_test(one, two, permutations=499) == pytest.approx(counted / 500)


def test_what_never_varies_has_not_changed():
    assert energy_test(np.full(30, 20.0), np.full(40, 20.0)) == 1.0
    assert energy_test(np.full(30, 20.0), np.full(40, 40.0)) < 0.001


@pytest.mark.parametrize(
    ("one", "two", "message"),
    [
        (np.zeros((3, 2)), np.zeros((3, 3)), "same columns"),
        (np.zeros(0), np.zeros(3), "same columns"),
        (np.array([1.0, np.nan]), np.zeros(3), "not finite"),
    ],
)
def test_samples_that_cannot_be_compared_are_refused(one, two, message):
    with pytest.raises(LabError, match=message):
        energy_test(one, two)


def test_holm_keeps_the_order_and_the_names():
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_too_few_drawings_are_not_asked():
    rng = np.random.default_rng(0)
    assert compare_samples(week(rng, 100), week(rng, drift.MIN_ROWS - 1)) == []
    assert compare_samples({}, {}) == []
    shares = {"called right": ((90, 100), (10, 40))}
    (found,) = compare_samples({}, {}, shares=shares)
    assert found.alarm
    assert found.words == "called right: 25 % of 40, before 90 % of 100"
    assert share_test((5, 10), (50, 100)) == 1.0


def test_the_smallest_sample_is_asked_and_of_a_large_one_the_newest_rows():
    few = {"size": np.arange(float(drift.MIN_ROWS))}
    assert [finding.what for finding in compare_samples(few, few)] == ["size"]
    shares = {"called right": ((drift.MIN_ROWS, drift.MIN_ROWS), (0, drift.MIN_ROWS))}
    assert compare_samples({}, {}, shares=shares)[0].alarm
    shares = {"called right": ((drift.MIN_ROWS - 1, drift.MIN_ROWS - 1), (0, drift.MIN_ROWS))}
    assert compare_samples({}, {}, shares=shares) == []
    old, new = np.full(500, np.nan), np.full(drift.MAX_ROWS, 170.0)
    (finding,) = compare_samples({"size": np.concatenate([old, new])}, {"size": new})
    assert finding.words == "size: median 170 px, before 170 px"
    assert finding.p_value == 1.0
    with pytest.raises(LabError, match="not finite"):  # one of the old rows is among them
        compare_samples({"size": np.concatenate([old, new[1:]])}, {"size": new})


def test_an_alarm_is_a_p_value_below_the_level_and_eight_questions_can_reach_it():
    assert drift.DriftFinding("size", 0.0099, "").alarm
    assert not drift.DriftFinding("size", 0.01, "").alarm
    assert 8 / (drift.PERMUTATIONS + 1) < drift.ALARM < 1 / 20
    assert drift.DriftFinding("size", 0.5, "words").as_dict() == {
        "what": "size",
        "p_value": 0.5,
        "words": "words",
        "alarm": False,
    }
