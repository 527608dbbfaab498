"""``check("02a.1", answer)``: is the answer to an exercise of the notebooks right, and if not, why?"""

from __future__ import annotations

import difflib

from mnistlab.common.errors import LabError
from mnistlab.course import convolution_exercises, learning_exercises
from mnistlab.course.exercise import Assessment, Exercise

EXERCISES: dict[str, Exercise] = {**convolution_exercises.EXERCISES, **learning_exercises.EXERCISES}


def check(name: str, answer: object) -> Assessment:
    """Judge an answer.

    Parameters
    ----------
    name : notebook and number, ``"02a.1"``.
    answer : what the exercise asks for; None for none yet.

    Raises
    ------
    LabError : there is no such exercise.
    """
    if name not in EXERCISES:
        near = difflib.get_close_matches(str(name), EXERCISES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? Choose from" if near else "choose from"
        raise LabError(f"there is no exercise {name!r}; {hint} {', '.join(EXERCISES)}", code="exercise")
    exercise = EXERCISES[name]
    if answer is None:
        return Assessment(name, None, exercise.task, exercise.hint)
    fault = exercise.fault(answer)
    return Assessment(name, fault is None, exercise.praise if fault is None else fault, exercise.hint)
