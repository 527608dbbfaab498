"""Recipes: how candidates of a retraining are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mnistlab.common.errors import RunError
from mnistlab.pipeline import runner
from mnistlab.pipeline.parameters import assign

EVALUATE = "04_evaluate"


@dataclass(frozen=True)
class Recipe:
    """How candidates are made."""

    notebook: str  # which one trains; it leaves the name of the version it saved in its figures
    # values for its parameters by name of the size; "full" is for a version to be used
    sizes: Mapping[str, Mapping[str, object]] = field(repr=False)


QUICK = {"epochs": 1, "train_size": 2_000}  # to try the machinery; the gates will refuse what comes out
RECIPES = {
    # That of the version in use: a wide network that learns from MNIST and from drawn digits.
    "drawing": Recipe(
        "studies/handwriting",
        {
            "full": {},
            "quick": {**QUICK, "trial_epochs": 1, "drawn": 500, "nondigits_drawn": 200, "per_style": 4, "average": 0.0},
        },
    ),
    # The small ConvNet on MNIST alone. It competes with whatever is in use, so only where that is such a one, too.
    "plain": Recipe(
        "03_train",
        {"full": {"preset": "best"}, "quick": {**QUICK, "preset": "quick", "comparison_epochs": 1, "n_seeds": 1}},
    ),
}


def notebooks_of(recipe: str, size: str) -> list[runner.Notebook]:
    """The notebook that trains by a recipe, and the one that evaluates.

    Raises
    ------
    RunError : there is no such recipe or size.
    """
    if recipe not in RECIPES:
        raise RunError(f"there is no recipe {recipe!r}; choose from {', '.join(RECIPES)}", code="usage")
    if size not in RECIPES[recipe].sizes:
        allowed = ", ".join(RECIPES[recipe].sizes)
        raise RunError(f"there is no size {size!r}; choose from {allowed}", code="usage")
    return runner.find([RECIPES[recipe].notebook, EVALUATE])


def values_of(
    recipe: str, size: str, given: Mapping[str, object], train: runner.Notebook, evaluate: runner.Notebook
) -> dict[str, dict[str, object]]:
    """Values for both notebooks: those of the size, and over them those given."""
    if any(key.rpartition(".")[2] == "version" for key in given):
        raise RunError("the version that is judged is the one that is trained; it cannot be given", code="usage")
    known = {notebook.name: notebook.parameters for notebook in (train, evaluate)}
    chosen = assign(given, known)
    size_values = {f"{train.name}.{name}": value for name, value in RECIPES[recipe].sizes[size].items()}
    return {name: {**values, **chosen[name]} for name, values in assign(size_values, known).items()}
