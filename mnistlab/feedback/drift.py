"""Do today's drawings look like those before? Two-sample tests on how they were drawn and on what the network sees in them.

A permutation test of the energy distance (Szekely and Rizzo 2013): if two samples come from one source, who belongs to which
is a matter of chance, so the distance between them should not stand out among those of shuffled samples. It asks for no form
of the distribution and works for one number as for fifty. Several questions asked at once are corrected by Holm (1979).
Drawings count as independent: people who never drew before are rightly noticed, even if all they do is write differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist

from mnistlab.common.errors import LabError

ALARM = 0.01  # chance of any false alarm in a quiet week; the promise is less than 1 in 20
PERMUTATIONS = 1_999  # the smallest p is 1 in 2,000, which is below ``ALARM`` after 8 questions
MAX_ROWS = 300  # of each sample that are compared, the newest; what 2,000 shuffles take a second for
MIN_ROWS = 20  # of each sample; fewer say too little
UNITS = {"pen_width": "px", "slant": "degrees", "size": "px", "x": "px", "y": "px"}
NAMES = {"pen_width": "pen width", "x": "horizontal position", "y": "vertical position"}  # where they are not their own

Samples = Mapping[str, Sequence[float] | NDArray[np.floating]]
Share = tuple[int, int]  # (those that are, all)


@dataclass(frozen=True)
class DriftFinding:
    """The answer to one question about two samples."""

    what: str  # ``"pen_width"``, ``"features"``, ...
    p_value: float  # after Holm's correction, 0 to 1; of "nothing has changed"
    words: str  # the two samples, in a sentence

    @property
    def alarm(self) -> bool:
        """Whether it has changed."""
        return self.p_value < ALARM

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a JSON file."""
        return {**asdict(self), "alarm": self.alarm}


def energy_test(
    before: NDArray[np.floating], today: NDArray[np.floating], *, permutations: int = PERMUTATIONS, seed: int = 0
) -> float:
    """p-value of "both samples come from one source", by shuffling them.

    Parameters
    ----------
    before, today : float (n,) or (n, d) and (m,) or (m, d); columns are scaled by their spread over both.
    permutations : shuffles, >= 1.
    seed : of the shuffles.

    Raises
    ------
    LabError : a sample is empty, their columns differ, or a value is not finite.
    """
    pooled, n = _pooled(before, today)
    m = len(pooled) - n
    spread = pooled.std(axis=0)
    if not (spread > 0).any():
        return 1.0
    scaled = pooled[:, spread > 0] / spread[spread > 0]
    distances = cdist(scaled, scaled).astype(np.float32)  # (n + m, n + m)
    rng = np.random.default_rng(seed)
    member = np.zeros((permutations + 1, n + m), dtype=np.float32)  # of today's sample: as it is, then shuffled
    member[0, n:] = 1
    for row in range(1, permutations + 1):
        member[row, rng.permutation(n + m)[:m]] = 1
    # Sums of distances within today's sample, from it to all, and overall give the statistic of every shuffle at once.
    within = ((member @ distances) * member).sum(axis=1, dtype=np.float64)
    to_all = (member * distances.sum(axis=1)).sum(axis=1, dtype=np.float64)
    across, rest = to_all - within, float(distances.sum(dtype=np.float64)) - 2 * to_all + within
    energy = 2 * across / (n * m) - within / m**2 - rest / n**2
    slack = 1e-5 * max(abs(float(energy[0])), 1e-3)  # equal splits must count as equal, whatever the rounding
    return float((energy >= energy[0] - slack).mean())


def share_test(before: Share, today: Share) -> float:
    """p-value of "the share did not change" (Fisher's exact test, two-sided), from (those that are, all) of each sample."""
    return float(stats.fisher_exact([[before[0], before[1] - before[0]], [today[0], today[1] - today[0]]]).pvalue)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """p-values corrected so that the chance of any false alarm among them is kept (Holm 1979)."""
    corrected, largest = {}, 0.0
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}


def compare_samples(
    before: Samples, today: Samples, *, shares: Mapping[str, tuple[Share, Share]] | None = None, seed: int = 0
) -> list[DriftFinding]:
    """Everything that can be asked of two samples, corrected together; what has changed most first.

    Parameters
    ----------
    before, today : one sample for each name, (n,) numbers or (n, d) features; names that lack ``MIN_ROWS`` rows are not asked.
    shares : for each name (before, today); likewise.
    seed : of the shuffles.
    """
    p_values, words = {}, {}
    for what in before:
        old, new = np.asarray(before[what])[-MAX_ROWS:], np.asarray(today.get(what, ()))[-MAX_ROWS:]
        if min(len(old), len(new)) >= MIN_ROWS:
            p_values[what], words[what] = energy_test(old, new, seed=seed), _describe(what, old, new)
    for what, (was, now) in (shares or {}).items():
        if min(was[1], now[1]) >= MIN_ROWS:
            p_values[what] = share_test(was, now)
            words[what] = f"{what}: {_percent(now)}, before {_percent(was)}"
    corrected = holm(p_values)
    return [DriftFinding(what, corrected[what], words[what]) for what in sorted(corrected, key=corrected.__getitem__)]


def _pooled(before: NDArray[np.floating], today: NDArray[np.floating]) -> tuple[NDArray[np.float64], int]:
    """Both samples in one, float64 (n + m, d), and n."""
    samples = [np.asarray(sample, dtype=np.float64) for sample in (before, today)]
    old, new = (sample[:, None] if sample.ndim == 1 else sample for sample in samples)
    if old.ndim != 2 or old.shape[1:] != new.shape[1:] or not len(old) or not len(new):
        raise LabError(
            f"two samples with the same columns can be compared, not {old.shape} and {new.shape}", code="shape"
        )
    pooled = np.concatenate([old, new])
    if not np.isfinite(pooled).all():
        raise LabError("a sample holds a number that is not finite", code="finite")
    return pooled, len(old)


def _describe(what: str, before: NDArray[np.floating], today: NDArray[np.floating]) -> str:
    if before.ndim > 1:
        return f"what the network sees in {len(today)} drawings, against {len(before)} before"
    unit = UNITS.get(what, "")
    return f"{NAMES.get(what, what)}: median {np.median(today):.0f} {unit}, before {np.median(before):.0f} {unit}"


def _percent(share: Share) -> str:
    return f"{100 * share[0] / share[1]:.0f} % of {share[1]:,}"
