"""Do today's drawings look like those before? Two-sample tests on how they were drawn and on what the network sees in them.

A permutation test of the energy distance (Szekely and Rizzo 2013): if two samples come from one source, who belongs to which
is a matter of chance, so the distance between them should not stand out among those of shuffled samples. It asks for no form
of the distribution and works for one number as for fifty. Several questions asked at once are corrected by Holm (1979).
Drawings count as independent: people who never drew before are rightly noticed, even if all they do is write differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from mnistlab.common.errors import LabError

ALARM = 0.01  # chance of any false alarm in a quiet week; the promise is less than 1 in 20
PERMUTATIONS = 1_999  # the smallest p is 1 in 2,000, which is below ``ALARM`` after 8 questions
MOST = 300  # rows of each sample that are compared, the newest; what 2,000 shuffles take a second for
LEAST = 20  # rows of each sample; fewer say too little
UNITS = {"pen_width": "px", "slant": "degrees", "size": "px", "x": "px", "y": "px"}
NAMES = {
    "pen_width": "pen width",
    "x": "place, across",
    "y": "place, down",
}  # of the terms, where they are not their own


@dataclass(frozen=True)
class DriftFinding:
    """The answer to one question about two samples.

    Attributes
    ----------
    what : ``"pen_width"``, ``"features"``, ...
    p_value : after Holm's correction, 0 to 1; of "nothing has changed".
    words : what the samples are, in a sentence.
    """

    what: str
    p_value: float
    words: str

    @property
    def alarm(self) -> bool:
        """Whether it has changed."""
        return self.p_value < ALARM

    def as_dict(self) -> dict:
        """Plain values, for a JSON file."""
        return {**asdict(self), "alarm": self.alarm}


def energy_test(reference: np.ndarray, today: np.ndarray, *, permutations: int = PERMUTATIONS, seed: int = 0) -> float:
    """p-value of "both samples come from one source", by shuffling them.

    Parameters
    ----------
    reference, today : float (n,) or (n, d) and (m,) or (m, d); columns are scaled by their spread over both.
    permutations : shuffles, >= 1.
    seed : of the shuffles.

    Raises
    ------
    LabError : a sample is empty, their columns differ, or a value is not finite.
    """
    one, two = (np.asarray(sample, dtype=np.float64) for sample in (reference, today))
    one, two = (sample[:, None] if sample.ndim == 1 else sample for sample in (one, two))
    if one.ndim != 2 or one.shape[1:] != two.shape[1:] or not len(one) or not len(two):
        raise LabError(
            f"two samples with the same columns can be compared, not {one.shape} and {two.shape}", code="shape"
        )
    both = np.concatenate([one, two])
    if not np.isfinite(both).all():
        raise LabError("a sample holds a number that is not finite", code="finite")
    spread = both.std(axis=0)
    if not (spread > 0).any():
        return 1.0
    both = both[:, spread > 0] / spread[spread > 0]
    squares = (both**2).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * both @ both.T, 0)).astype(np.float32)
    rng = np.random.default_rng(seed)
    member = np.zeros((permutations + 1, len(both)), dtype=np.float32)
    member[0, len(one) :] = 1
    for row in range(1, permutations + 1):
        member[row, rng.permutation(len(both))[: len(two)]] = 1
    # Sums of distances within `two`, from `two` to all, and overall give the statistic of every shuffle at once.
    to_all = member @ apart
    within = (to_all * member).sum(axis=1, dtype=np.float64)
    from_two = (member * apart.sum(axis=1)).sum(axis=1, dtype=np.float64)
    across, rest = from_two - within, float(apart.sum(dtype=np.float64)) - 2 * from_two + within
    n, m = len(one), len(two)
    energy = 2 * across / (n * m) - within / m**2 - rest / n**2
    slack = 1e-5 * max(abs(float(energy[0])), 1e-3)  # equal splits must count as equal, whatever the rounding
    return float((energy >= energy[0] - slack).mean())


def share_test(before: tuple[int, int], today: tuple[int, int]) -> float:
    """p-value of "the share did not change" (Fisher's exact test, two-sided), from (those that are, all) of each sample."""
    return float(stats.fisher_exact([[before[0], before[1] - before[0]], [today[0], today[1] - today[0]]]).pvalue)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected so that the chance of any false alarm among them is kept (Holm 1979)."""
    corrected, most = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        most = max(most, min(1.0, (len(p_values) - rank) * p_values[name]))
        corrected[name] = most
    return {name: corrected[name] for name in p_values}


def compare_samples(
    before: Mapping[str, Sequence[float] | np.ndarray],
    today: Mapping[str, Sequence[float] | np.ndarray],
    *,
    shares: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] | None = None,
    seed: int = 0,
) -> list[DriftFinding]:
    """Everything that can be asked of two samples, corrected together; what has changed most first.

    Parameters
    ----------
    before, today : one sample for each name, (n,) numbers or (n, d) features; names that lack ``LEAST`` rows are not asked.
    shares : for each name ((those that are, all) before, the same today).
    """
    p_values, words = {}, {}
    for what in before:
        one, two = np.asarray(before[what])[-MOST:], np.asarray(today.get(what, ()))[-MOST:]
        if min(len(one), len(two)) >= LEAST:
            p_values[what], words[what] = energy_test(one, two, seed=seed), _words(what, one, two)
    for what, (one, two) in (shares or {}).items():
        if min(one[1], two[1]) >= LEAST:
            p_values[what] = share_test(one, two)
            words[what] = (
                f"{what}: {100 * two[0] / two[1]:.0f} % of {two[1]:,}, before {100 * one[0] / one[1]:.0f} % of {one[1]:,}"
            )
    found = holm(p_values)
    return [DriftFinding(what, found[what], words[what]) for what in sorted(found, key=found.__getitem__)]


def _words(what: str, before: np.ndarray, today: np.ndarray) -> str:
    if before.ndim > 1:
        return f"what the network sees in {len(today)} drawings, against {len(before)} before"
    unit = UNITS.get(what, "")
    return (
        f"{NAMES.get(what, what)}: {np.median(today):.0f} {unit} in the middle, before {np.median(before):.0f} {unit}"
    )
