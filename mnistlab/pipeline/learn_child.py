"""Learning a hand in a process of its own: ``python -m mnistlab.pipeline.learn_child``, for a pad that stays alive meanwhile.

It is told what to do in one line of JSON on its input, and tells in lines of JSON how far it is, and in the last what came of it.
The versions of the lab stay as they are: the candidate is saved in a copy of them, in a folder it is given.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mnistlab.common.errors import LabError
from mnistlab.data.mnist import load_mnist
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pipeline import gates
from mnistlab.pipeline.adapt import tune_candidate
from mnistlab.pipeline.decision import JudgingData
from mnistlab.registry.registry import Registry

Tell = Callable[[dict[str, object]], None]


def learn(models: Path, store: Store, session: str, folder: Path, tell: Tell) -> dict[str, object]:
    """Tune the version in use to the drawings that one pad kept, and judge it.

    Parameters
    ----------
    models : folder of the lab's versions.
    session : under which the pad kept the drawings.
    folder : empty; the candidate is saved in ``folder / "models"``.
    tell : called with ``{"doing": words, "share": 0 to 1}``.

    Returns
    -------
    ``version``, ``base`` : its number in ``folder / "models"``; that of the version it was made from and compared with.
    ``passed``, ``refusals`` : whether all gates are open; what closed ones say.
    ``ids`` : of the drawings it learned from.
    ``learned``, ``before``, ``after`` : how many these are, and how many of them the version before and this one read right.

    Raises
    ------
    TrainingError, RegistryError, CheckpointError, FeedbackError : as for ``adapt.tune_candidate`` and ``Store.corrections``.
    """
    tell({"doing": "reading your drawings", "share": 0.1})
    registry = Registry(models)
    staged = registry.copy(folder / "models")
    own = [each for each in store.corrections() if each.session == session]
    splits = load_mnist()
    tell({"doing": "learning", "share": 0.3})
    candidate = tune_candidate(own, staged, splits)
    tell({"doing": "asking whether it forgot anything", "share": 0.7})
    path = staged.root / candidate.version
    best = gates.best_in(registry, path)
    decision = gates.decide(path, registry.root / candidate.base, JudgingData.of(splits), best=best)
    decision = replace(decision, verdicts=(*decision.verdicts, *candidate.verdicts))
    readers = [Predictor(staged.load(version)) for version in (candidate.base, candidate.version)]
    learned = [each for each in own if each.id in set(candidate.learned_from)]
    before, after = (
        sum(reader.predict_strokes(each.strokes, each.pen_width).digit == each.digit for each in learned)
        for reader in readers
    )
    return {
        "version": candidate.version,
        "base": candidate.base,
        "passed": decision.passed,
        "refusals": list(decision.refusals),
        "ids": list(candidate.learned_from),
        "learned": len(learned),
        "before": before,
        "after": after,
    }


def main() -> None:
    """Read what to do, do it, and tell."""

    def tell(message: dict[str, object]) -> None:
        print(json.dumps(message), flush=True)

    asked = json.loads(sys.stdin.readline())
    try:
        store = Store(asked["store"])
        tell({"done": learn(Path(asked["models"]), store, asked["session"], Path(asked["folder"]), tell)})
    except LabError as error:
        tell({"fault": str(error)})


if __name__ == "__main__":
    main()
