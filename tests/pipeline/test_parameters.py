"""Parameters: what a cell offers, what a text becomes, and what is refused before anything runs."""

from __future__ import annotations

import pytest
from made import notebook

from mnistlab.common.errors import RunError
from mnistlab.pipeline import parameters
from mnistlab.pipeline.parameters import Parameter, assign

CELL = """# settings, one a line
%matplotlib inline
epochs: int = 3  # passes over the training set, >= 1
rate: float = 0.01
plain: bool = True  # or = False
version: str = "latest # not newest"  # a version
seed: int | None = None  # none or >= 0
old: "Optional[int]" = 5
n_kernels = 6
scale = -1.5
shapes: list[int] = [1, 2]
derived = epochs * 2
later: int
"""


def known(**cells: str) -> dict[str, dict[str, Parameter]]:
    return {name: parameters.read_parameters(notebook(parameters=cell), name) for name, cell in cells.items()}


def test_a_cell_is_read_whole_where_papermill_misses_half():
    found = parameters.read_parameters(notebook(parameters=CELL))
    assert list(found) == ["epochs", "rate", "plain", "version", "seed", "old", "n_kernels", "scale", "shapes"]
    assert found["epochs"] == Parameter("epochs", ("int",), 3, "passes over the training set, >= 1")
    assert found["plain"].meaning == "or = False"
    assert found["version"].default == "latest # not newest"
    assert found["seed"].kinds == ("int", "None")
    assert found["old"].kinds == ("int", "None")
    assert found["n_kernels"].kinds == ("int",)
    assert (found["scale"].kinds, found["scale"].default) == (("float",), -1.5)
    assert str(found["seed"]) == "seed: int | None = None"


def test_a_notebook_without_a_tagged_cell_has_none():
    assert parameters.read_parameters(notebook("epochs = 3")) == {}


def test_a_cell_that_is_no_python_is_refused_with_its_line():
    with pytest.raises(RunError, match="parameters cell of 03_train is not valid Python in line 2") as caught:
        parameters.read_parameters(notebook(parameters="a = 1\nb = = 2"), "03_train")
    assert caught.value.code == "unreadable"


@pytest.mark.parametrize(
    ("kinds", "text", "value"),
    [
        (("int",), "10", 10),
        (("int",), "-1", -1),
        (("int",), 10, 10),
        (("float",), "3", 3.0),
        (("float",), "1e-3", 0.001),
        (("float",), 3, 3.0),
        (("bool",), "true", True),
        (("bool",), "False", False),
        (("bool",), "0", False),
        (("bool",), "1", True),
        (("bool",), "yes", True),
        (("bool",), " No ", False),
        (("bool",), True, True),
        (("str",), "0003", "0003"),
        (("str",), "1.10", "1.10"),
        (("str",), "none", "none"),
        (("str",), "", ""),
        (("str",), "a=b", "a=b"),
        (("int", "None"), "none", None),
        (("int", "None"), "7", 7),
        (("None", "str"), "7", "7"),
        (("str", "int"), "7", 7),
    ],
)
def test_a_text_becomes_what_the_notebook_expects(kinds, text, value):
    converted = Parameter("p", kinds, None).convert(text)
    assert (converted, type(converted)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", "two"),
        ("int", "3.0"),
        ("int", "1e3"),
        ("int", ""),
        ("int", 3.0),
        ("int", True),
        ("int", None),
        ("float", "nan"),
        ("float", "inf"),
        ("float", "1,5"),
        ("float", True),
        ("float", 10**400),
        ("bool", "maybe"),
        ("bool", 1),
        ("str", 3),
        ("str", None),
    ],
)
def test_a_value_of_another_type_is_refused_with_an_example(kind, value):
    with pytest.raises(RunError, match=rf"parameter p takes {kind}, not .*; for example p=") as caught:
        Parameter("p", (kind,), None).convert(value)
    assert caught.value.code == "parameter-value"


def test_a_type_that_no_text_can_give_is_refused():
    with pytest.raises(RunError, match=r"shapes is written as list\[int\] and can only be changed in the notebook"):
        parameters.read_parameters(notebook(parameters=CELL))["shapes"].convert("[1]")


def test_each_notebook_gets_what_it_has_and_a_qualified_value_wins():
    cells = known(**{"03_train": "epochs: int = 3\nrate: float = 0.1", "04_evaluate": "epochs: int = 1"})
    given = assign({"03_train.epochs": "9", "epochs": "2", "rate": "1"}, cells)
    assert given == {"03_train": {"epochs": 9, "rate": 1.0}, "04_evaluate": {"epochs": 2}}
    assert assign({"04.epochs": "5"}, cells) == {"03_train": {}, "04_evaluate": {"epochs": 5}}
    assert assign({}, cells) == {"03_train": {}, "04_evaluate": {}}


def test_a_misspelt_name_is_refused_with_the_nearest_and_the_list():
    cells = known(**{"03_train": "epochs: int = 3\nrate: float = 0.1", "04_evaluate": "bins: int = 1"})
    with pytest.raises(RunError) as caught:
        assign({"epcohs": "2"}, cells)
    assert str(caught.value) == (
        "no notebook to run has a parameter 'epcohs'; did you mean 'epochs'? 03_train takes epochs, rate; "
        "04_evaluate takes bins"
    )
    assert caught.value.code == "unknown-parameter"


def test_a_qualified_name_must_name_a_notebook_to_run_that_has_it():
    cells = known(**{"03_train": "epochs: int = 3", "04_evaluate": "bins: int = 1"})
    with pytest.raises(RunError, match="'05_draw' is among those to run, 03_train, 04_evaluate"):
        assign({"05_draw.epochs": "2"}, cells)
    with pytest.raises(RunError, match=r"has a parameter 'epochs'\. 04_evaluate takes bins$"):
        assign({"04_evaluate.epochs": "2"}, cells)
