"""All ways to break a module in one place: cosmic-ray's operators, less what changes no behaviour.

cosmic-ray changes numbers, operators, comparisons, ``and``/``or``, ``not``, ``True``/``False``, exceptions caught and loops. A
call that stands alone may also go. One place counts once for a kind of change; the seed draws which of several it gets. Left
out, since no behaviour changes: docstrings, annotations, decorators, ``__all__``, the ``*`` between parameters, what the type
checker alone sees, texts of errors, and a comparison of equality that becomes one of identity, or back. Tables of numbers
between ``# fmt: off`` and ``# fmt: on`` are left out too: they would be most of a wing, and tests hold their sums.
"""

from __future__ import annotations

import ast
import difflib
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Name
from parso.tree import BaseNode, NodeOrLeaf

# They need arguments, or change a decorator.
UNUSED = {"RemoveDecorator", "VariableReplacer", "VariableInserter"}
TABLE = re.compile(r"^# fmt: off$.*?^# fmt: on$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where a kind of change is possible.

    Attributes
    ----------
    file : path from the root of the tree, with /.
    line : from 1.
    column : from 0.
    kind : the operator of cosmic-ray, without what becomes what.
    ways : each an operator, and which of the places it finds in the file.
    """

    file: str
    line: int
    column: int
    kind: str
    ways: tuple[tuple[Operator, int], ...]


@dataclass(frozen=True)
class Mutation:
    """One change of one file: the lines of it before and after, and the whole file as changed."""

    place: Place
    diff: str
    code: str


def places(root: Path, module: Path) -> list[Place]:
    """All places of a module by line, also those where :func:`mutate` will find no change of behaviour."""
    code, provider = module.read_text(), OperatorProvider()
    nodes = list(ast_nodes(parso.parse(code)))
    tables = [range(*(code[:at].count("\n") + 1 for at in table.span())) for table in TABLE.finditer(code)]
    ways: dict[tuple[int, int, str], list[tuple[Operator, int]]] = {}
    for operator in (RemoveCall(), *(provider[name]() for name in provider if name not in UNUSED)):
        kind = type(operator).__name__.partition("_")[0]
        starts = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(starts):
            ways.setdefault((*start, kind), []).append((operator, occurrence))
    file = module.relative_to(root).as_posix()
    wanted = [where for where in sorted(ways) if not any(where[0] in table for table in tables)]
    return [Place(file, *where, tuple(ways[where])) for where in wanted]


def mutate(root: Path, place: Place, seed: int) -> Mutation | None:
    """A change at a place, drawn with the seed; None if none there changes behaviour."""
    code = (root / place.file).read_text()
    ways = random.Random(f"{seed} {place.file} {place.line} {place.column} {place.kind}")
    for operator, occurrence in ways.sample(place.ways, len(place.ways)):
        with suppress(SyntaxError, AttributeError):  # no Python; or exceptions with a dot, at which cosmic-ray fails
            changed = mutate_code(code, operator, occurrence)
            if essence(changed) != essence(code):
                return Mutation(place, _difference(code, changed), changed)
    return None


def _difference(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))
    return "\n".join(line for line in lines[2:] if not line.startswith("@@"))


class RemoveCall(Operator):
    """A call whose result nobody uses becomes ``pass``: cosmic-ray itself removes no statement."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """Where such a call starts and ends."""
        alone = node.type == "atom_expr" and node.parent is not None and node.parent.type == "simple_stmt"
        if alone and isinstance(node, BaseNode) and node.children[-1].get_first_leaf().value == "(":
            yield node.start_pos, node.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """The statement that does nothing."""
        return Name("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """One, as cosmic-ray wants it."""
        return (Example("check(x)", "pass"),)


def essence(code: str) -> str:
    """What a module does, as text: equal for two that differ only in what changes no behaviour.

    Raises
    ------
    SyntaxError : it is no Python.
    """
    return ast.dump(_Essence().visit(ast.parse(code)))


class _Essence(ast.NodeTransformer):
    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            return ast.Pass()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return ast.Pass()
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.Pass()
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args = []
        if isinstance(node, ast.Compare):
            same: dict[type, type] = {ast.Is: ast.Eq, ast.IsNot: ast.NotEq}
            node.ops = [same.get(type(operator), type(operator))() for operator in node.ops]
        if isinstance(node, ast.arguments):  # cosmic-ray takes the * between parameters for a product
            node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            node.defaults = [default for default in (*node.defaults, *node.kw_defaults) if default is not None]
            node.posonlyargs, node.kwonlyargs, node.kw_defaults = [], [], []
        for name, without in (("annotation", None), ("returns", None), ("decorator_list", [])):
            if hasattr(node, name):
                setattr(node, name, without)
        return self.generic_visit(node)
