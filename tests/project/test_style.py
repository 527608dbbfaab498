"""The form of the code that no linter holds: one name for one thing, nothing that is too long to be read."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import imports
import pytest

LINES, BODY, PARAMETERS = 300, 50, 7
# Words that said too little, or something else than the field means by them.
BANNED = {
    "bulletin",
    "strip",
    "tint",
    "later",
    "sheet",
    "sketch",
    "readers",
    "race",
    "trials",
    "record",
    "terms",
    "wording",
}
BANNED |= {"older", "lesson", "lap", "rival"}
PUBLIC = re.compile(r"[A-Za-z]")


# Functions that take whatever they are given, and why.
OPEN = {
    ("common.html", "render"): "the values of a template, which refuses what it lacks",
}


def modules() -> dict[str, tuple[Path, ast.Module]]:
    return {name: (path, ast.parse(path.read_text())) for name, path in imports.modules().items()}


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function and method with the name of its module."""
    for name, (_, tree) in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def definitions(kind: type | tuple[type, ...]) -> Iterator[tuple[str, str]]:
    """(module, name) of what stands at the top of a module and is public."""
    for name, (_, tree) in modules().items():
        for node in tree.body:
            if isinstance(node, kind) and PUBLIC.match(node.name):
                yield name, node.name


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function from the first statement after its docstring to the last."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1
    return node.end_lineno - (node.body[1] if documented else first).lineno + 1


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument.arg for argument in named if argument.arg not in ("self", "cls")]


def is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A click command has a parameter for each of its options."""
    return any("command" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_no_class_has_the_name_of_another():
    places = defaultdict(list)
    for module, name in definitions(ast.ClassDef):
        places[name].append(module)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def words(name: str) -> set[str]:
    """The words of a name, in whichever case it is written."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}


@pytest.mark.parametrize(("name", "found"), [("read_terms", {"read", "terms"}), ("LastRecord", {"last", "record"})])
def test_a_name_is_taken_apart(name, found):
    assert words(name) == found


def test_names_are_terms_of_the_field():
    # call_later is asyncio's.
    named = [(module, module.rpartition(".")[2]) for module in imports.modules()]
    named += definitions((ast.ClassDef, ast.FunctionDef))
    assert [(module, name) for module, name in named if words(name.replace("call_later", "")) & BANNED] == []


def test_no_module_is_too_long_to_be_read():
    lengths = {name: len(path.read_text().splitlines()) for name, path in imports.modules().items()}
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_no_function_is_too_long_to_be_read():
    assert [(module, node.name, body_lines(node)) for module, node in functions() if body_lines(node) > BODY] == []


def test_no_function_takes_more_than_one_can_keep_in_mind():
    many = [(module, node) for module, node in functions() if len(parameters(node)) > PARAMETERS]
    assert [(module, node.name, len(parameters(node))) for module, node in many if not is_command(node)] == []


def test_no_function_passes_on_options_that_nobody_checks():
    loose = {"object", "Any", "dict", ""}
    passed = [
        (module, node.name)
        for module, node in functions()
        if node.args.kwarg and (ast.unparse(node.args.kwarg.annotation) if node.args.kwarg.annotation else "") in loose
    ]
    assert set(passed) == set(OPEN)


def test_html_is_made_by_templates_alone():
    """No string of Python code opens a tag; ``<svg`` is found in what Matplotlib draws."""
    tag = re.compile(r"<(?!svg)[a-z][a-z0-9]*[\s>/]")
    found = []
    for module, (_, tree) in modules().items():
        documented = {id(node.body[0].value) for node in ast.walk(tree) if has_docstring(node)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            if id(node) not in documented and tag.search(text):
                found.append((module, node.lineno, text[:40]))
    assert found == []


def has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node) is not None
