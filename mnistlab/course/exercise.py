"""What an exercise is, and what is said of an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mnistlab.common.html import render


@dataclass(frozen=True)
class Exercise:
    """A question of a notebook that code can judge.

    Attributes
    ----------
    task : in one sentence, as a command.
    hint : what to think of next, without the solution.
    fault : what is wrong with an answer, in a sentence with the figures that show it; None if it is right.
    praise : said of a right answer: what it shows.
    """

    task: str
    hint: str
    fault: Callable[[object], str | None]
    praise: str


@dataclass(frozen=True)
class Assessment:
    """What is said of one answer. True in an ``if`` only where it is right.

    Attributes
    ----------
    name : of the exercise, ``"02a.1"``.
    right : None where there is no answer yet.
    told : why, in a sentence.
    hint : shown on demand with an answer that is not right, and the way to the solution inside it.
    """

    name: str
    right: bool | None
    told: str
    hint: str

    def __bool__(self) -> bool:
        return bool(self.right)

    def _repr_html_(self) -> str:
        return render("course/assessment.html", assessment=self)

    def __repr__(self) -> str:
        return f"{self.name}: {self.told}"
