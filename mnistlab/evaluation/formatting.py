"""Figures in words: how notebooks, titles and headlines spell shares, intervals and p-values.

Shares go in as 0 to 1 and come out in per cent; a difference between two shares comes out in points (of a hundred).
"""

from __future__ import annotations

import math

from mnistlab.evaluation.intervals import Accuracy, McNemar, MeanInterval


def percent(share: float, digits: int = 2) -> str:
    """``0.9897`` -> ``"98.97 %"``; what is not known (NaN) becomes ``"unknown"``."""
    return "unknown" if math.isnan(share) else f"{_hundredths(share, digits)} %"


def points(difference: float, digits: int = 2) -> str:
    """``0.0493`` -> ``"4.93 points"``; the sign is kept, unless nothing is left of it."""
    return "unknown" if math.isnan(difference) else f"{_hundredths(difference, digits)} points"


def interval(low: float, high: float, digits: int = 2) -> str:
    """``(0.9875, 0.9915)`` -> ``"[98.75, 99.15]"``, in per cent or points."""
    return f"[{_hundredths(low, digits)}, {_hundredths(high, digits)}]"


def accuracy(judged: Accuracy) -> str:
    """``"98.97 % [98.75, 99.15]"``: a share with its Wilson 95 % interval."""
    return f"{percent(judged.value)} {interval(judged.low, judged.high)}"


def mean(values: MeanInterval) -> str:
    """``"98.80 % [98.61, 98.99]"``: a mean over seeds with its t interval, cut at 0 and 100 %; one seed has none."""
    return f"{percent(values.mean)} {_spread(values, least=0, most=1)}"


def mean_points(values: MeanInterval) -> str:
    """``"4.93 points [4.52, 5.34]"``: a mean difference over seeds with its t interval, cut at 100 points either way."""
    return f"{points(values.mean)} {_spread(values)}"


def p_value(p: float) -> str:
    """``"p < 0.001"`` or ``"p = 0.034"``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def mcnemar(test: McNemar, first: str, second: str) -> str:
    """One sentence on a paired comparison of two named networks."""
    return (
        f"of {test.n:,} images, {first} alone reads {test.only_first:,} right and {second} alone {test.only_second:,}; "
        f"the difference is {points(test.difference)} {interval(test.low, test.high)} "
        f"({p_value(test.p_value)}, exact McNemar)"
    )


def a_digit(digit: int) -> str:
    """``7`` -> ``"a 7"``, ``8`` -> ``"an 8"``."""
    return f"{'an' if digit == 8 else 'a'} {digit}"


def sentence(text: str) -> str:
    """A message as a sentence: a capital first, a full stop last."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"


def _hundredths(value: float, digits: int) -> str:
    # Adding 0 turns the -0.0 that is left of a tiny negative value into 0.0: "-0.00" would claim a sign.
    return f"{round(100 * float(value), digits) + 0.0:.{digits}f}"


def _spread(values: MeanInterval, *, least: float = -1, most: float = 1) -> str:
    if values.n == 1:
        return "(one seed, no interval)"
    return interval(max(least, values.low), min(most, values.high))
