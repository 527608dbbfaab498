"""The exercises of notebook 02b: probabilities, their price, and a mean that follows the weights."""

from __future__ import annotations

import numpy as np

from mnistlab.course.exercise import Exercise

WANTED = (0.7, 0.2, 0.1)  # probabilities that three logits are to give
GIVEN = (0.5, 0.125)  # probabilities of the true digit of two images
NEAR = 0.005  # how far a number may be off


def _softmax_fault(answer: object) -> str | None:
    try:
        logits = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        return f"The answer is three numbers, and this {type(answer).__name__} holds something else."
    if logits.shape != (3,) or not np.isfinite(logits).all():
        return f"The answer is three finite numbers; this has the shape {logits.shape}."
    powers = np.exp(logits - logits.max())
    found = powers / powers.sum()
    if np.allclose(found, WANTED, atol=NEAR):
        return None
    return f"They give {', '.join(f'{p:.3f}' for p in found)}, and not {', '.join(map(str, WANTED))}."


def _loss_fault(answer: object) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, int | float | np.number):
        return f"The answer is a number of nats, not {answer!r}."
    wanted = float(-np.log(GIVEN).mean())
    if abs(float(answer) - wanted) <= NEAR:
        return None
    if abs(float(answer) + np.log(np.mean(GIVEN))) <= NEAR:
        return "That is the surprise at the mean of the two probabilities; asked for is the mean of the two surprises."
    return f"{float(answer):.3f} nats is {'too much' if answer > wanted else 'too little'}."


def _mean_fault(answer: object) -> str | None:
    if not callable(answer):
        return f"The answer is a function running_mean(values, share), not a {type(answer).__name__}."
    values, share = [4.0, 0.0, 8.0, 8.0], 0.5
    wanted = [4.0, 2.0, 5.0, 6.5]
    try:
        found = [float(value) for value in answer(list(values), share)]
    except Exception as error:  # whatever a reader's code may raise
        return f"It stops with {type(error).__name__}: {error}."
    if np.shape(found) == (4,) and np.allclose(found, wanted):
        return None
    return f"Of {values} with a share of {share} it makes {found}; the running mean begins {wanted[:2]}."


EXERCISES = {
    "02b.1": Exercise(
        task="Find three logits to which softmax gives the probabilities 0.7, 0.2 and 0.1.",
        hint="Softmax divides powers of e by their sum. What must z be so that e to the z is 7, or 2, or 1?",
        fault=_softmax_fault,
        praise="Logarithms of the probabilities, or any such three shifted by the same number.",
    ),
    "02b.2": Exercise(
        task="To the true digits of two images a network gives 0.5 and 0.125. What is its mean cross-entropy, in nats?",
        hint="Take the surprise of each, minus the natural logarithm, and only then the mean.",
        fault=_loss_fault,
        praise="One surprise is ln 2, the other ln 8, three times as much; their mean is 2 ln 2.",
    ),
    "02b.3": Exercise(
        task="Write running_mean(values, share): a list that begins with the first value and then moves towards each next one.",
        hint="The new mean is share times the old mean, plus what is left of 1 times the new value.",
        fault=_mean_fault,
        praise="An exponential moving average (EMA). Taken over the weights of a network, it wavers less than they do.",
    ),
}
