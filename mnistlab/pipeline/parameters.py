"""What a notebook can be asked with: its cell tagged ``parameters``, read without running it, and values checked against it.

One literal per line, ``epochs: int = 3  # passes over the training set``. papermill has a reader of its own, which takes any name
and any type when it runs; it misses lines with two ``=``, and ``int | None``, for which ``Optional[int]`` is written here. This
one reads the syntax tree.
"""

from __future__ import annotations

import ast
import difflib
import io
import math
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from mnistlab.common.errors import RunError

TAG, INJECTED = "parameters", "injected-parameters"
EXAMPLES = {"int": "3", "float": "0.01", "bool": "true", "str": "any text", "None": "none"}
NOTHING = {"none": None}
TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell."""

    name: str  # as the notebook calls it
    kinds: tuple[str, ...]  # what it takes, in the order written: ``("int",)``, ``("int", "None")``
    default: object  # its literal in the notebook
    meaning: str = ""  # the comment beside it, may be empty

    def __str__(self) -> str:
        return f"{self.name}: {' | '.join(self.kinds)} = {self.default!r}"

    def convert(self, value: object) -> object:
        """The value with the type the notebook expects. Text is read as that type; a ``str`` keeps its text.

        Raises
        ------
        RunError : with code ``"parameter-value"``, naming value, type and an example.
        """
        if not set(self.kinds) <= set(EXAMPLES):
            raise RunError(
                f"parameter {self.name} is written as {' | '.join(self.kinds)} and can only be changed in the notebook; "
                f"from outside one can set {', '.join(EXAMPLES)}",
                code="parameter-value",
            )
        for kind in sorted(self.kinds, key=list(READERS).index):
            try:
                return READERS[kind](value)
            except (ValueError, KeyError, OverflowError):
                continue
        kinds, examples = " or ".join(self.kinds), " or ".join(EXAMPLES[kind] for kind in self.kinds)
        raise RunError(
            f"parameter {self.name} takes {kinds}, not {str(value)[:50]!r}; for example {self.name}={examples}",
            code="parameter-value",
        )


def read_parameters(notebook: NotebookNode, name: str = "the notebook") -> dict[str, Parameter]:
    """The parameters of a notebook by name, in the order written; none if no cell is tagged.

    Raises
    ------
    RunError : the cell is no Python.
    """
    cell = next((c for c in notebook.cells if TAG in c.metadata.get("tags", [])), None)
    if cell is None:
        return {}
    lines = cell.source.splitlines()
    source = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)  # IPython's own syntax
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise RunError(
            f"the parameters cell of {name} is not valid Python in line {error.lineno}", code="unreadable"
        ) from None
    comments = {
        token.start[0]: token.string.lstrip("# ").rstrip()
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    parameters: dict[str, Parameter] = {}
    for statement in statements:
        for parameter in _parameters(statement, comments.get(statement.end_lineno or 0, "")):
            parameters[parameter.name] = parameter
    return parameters


def assign(values: Mapping[str, object], known: Mapping[str, Mapping[str, Parameter]]) -> dict[str, dict[str, object]]:
    """Which notebook gets which value, before anything runs.

    Parameters
    ----------
    values : by ``"name"``, for every notebook that has it, or by ``"notebook.name"``, for that one.
    known : the parameters of each selected notebook, by its name.

    Returns
    -------
    For each notebook the values to set, converted; a qualified one wins over a plain one.

    Raises
    ------
    RunError : no selected notebook has such a parameter (``"unknown-parameter"``), or the value has the wrong type
        (``"parameter-value"``).
    """
    given: dict[str, dict[str, object]] = {notebook: {} for notebook in known}
    for key in sorted(values, key=lambda key: "." in key):
        prefix, _, name = key.rpartition(".")
        takers = [n for n in known if name in known[n] and (not prefix or _is_called(n, prefix))]
        if not takers:
            raise RunError(_unknown(key, known), code="unknown-parameter")
        for notebook in takers:
            given[notebook][name] = known[notebook][name].convert(values[key])
    return given


def _is_called(notebook: str, text: str) -> bool:
    return notebook == text or notebook.startswith(f"{text}_")


def _unknown(key: str, known: Mapping[str, Mapping[str, Parameter]]) -> str:
    prefix, _, name = key.rpartition(".")
    chosen = {n: parameters for n, parameters in known.items() if not prefix or _is_called(n, prefix)}
    if not chosen:
        return f"parameter {key!r}: no notebook {prefix!r} is among those to run, {', '.join(known)}"
    names = sorted({name for parameters in chosen.values() for name in parameters})
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    allowed = "; ".join(f"{n} takes {', '.join(parameters) or 'none'}" for n, parameters in chosen.items())
    return f"no notebook to run has a parameter {name!r}{hint} {allowed}"


def _parameters(statement: ast.stmt, meaning: str) -> list[Parameter]:
    """Those of one statement. A value that is not a literal would stay as it is when another is injected: no parameter."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return []
    try:
        default = ast.literal_eval(statement.value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return []
    if isinstance(statement, ast.AnnAssign):
        targets: tuple[ast.expr, ...] = (statement.target,)
        kinds = _kinds(statement.annotation)
    else:
        targets, kinds = tuple(statement.targets), (type(default).__name__,)
    return [Parameter(target.id, kinds, default, meaning) for target in targets if isinstance(target, ast.Name)]


def _kinds(annotation: ast.expr) -> tuple[str, ...]:
    text = annotation.value if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
    text = str(text)
    if text.startswith("Optional[") and text.endswith("]"):
        text = f"{text[len('Optional[') : -1]} | None"
    return tuple(part.strip() for part in text.split("|"))


def _reader(*types: type, read: Callable[[Any], object]) -> Callable[[object], object]:
    """A value of one of these types, or a text, as what ``read`` makes of it; True is no number."""

    def checked(value: object) -> object:
        if not isinstance(value, (*types, str)) or (isinstance(value, bool) and bool not in types):
            raise ValueError
        return read(value)

    return checked


def _finite(value: float | str) -> float:
    if not math.isfinite(number := float(value)):
        raise ValueError
    return number


# Tried in this order where a parameter takes several: text fits every other kind too, so it comes last.
READERS: dict[str, Callable[[object], object]] = {
    "None": _reader(type(None), read=lambda value: NOTHING[str(value).strip().lower()]),
    "int": _reader(int, read=int),
    "float": _reader(int, float, read=_finite),
    "bool": _reader(bool, read=lambda value: TRUTH[str(value).strip().lower()]),
    "str": _reader(read=str),
}
