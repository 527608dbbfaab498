"""What settings of a training must be; each check names the setting, what it may be and what it was."""

from __future__ import annotations

import math

from mnistlab.common.errors import TrainingError


def check_whole(name: str, value: object, *, least: int, most: int | None = None) -> None:
    """Whether a setting is an int (no bool) of at least so much, and at most so much.

    Raises
    ------
    TrainingError : it is not; the code is the setting's name.
    """
    if type(value) is not int or value < least or (most is not None and value > most):
        allowed = f", {least} or more" if most is None else f" from {least} to {most:,}"
        raise TrainingError(f"{name} is a whole number{allowed}, not {value!r}", code=name)


def check_finite(name: str, value: object, *, zero: bool = False) -> None:
    """Whether a setting is a finite number above 0, or with ``zero`` of 0 or more.

    Raises
    ------
    TrainingError : it is not; the code is the setting's name.
    """
    number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else value
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        allowed = "of 0 or more" if zero else "above 0"
        raise TrainingError(f"{name} is a finite number {allowed}, not {value!r}", code=name)
