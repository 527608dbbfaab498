"""Who imports whom in the package: read from the code, without running it.

Names are those of modules below ``mnistlab``, as in ``"data.mnist"``. An import is *late* if it stands inside a function, and
none at all if only the type checker sees it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "mnistlab"


@dataclass(frozen=True)
class Import:
    """One module needs another.

    Attributes
    ----------
    source, target : names of modules of the package.
    late : made inside a function, so not before it is called.
    """

    source: str
    target: str
    late: bool


@cache
def modules() -> dict[str, Path]:
    """Every module of the package with its file; a package by its own name, the whole by ``""``."""
    return {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def imports() -> tuple[Import, ...]:
    """All imports between modules of the package, each once, in the order of their names."""
    found = {each for name, path in modules().items() for each in imports_of(name, ast.parse(path.read_text()))}
    return tuple(sorted(found, key=lambda each: (each.source, each.target, each.late)))


def imports_of(source: str, tree: ast.AST, late: bool = False) -> Iterator[Import]:
    """What the code of a module imports from the package; some may come twice."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        targets = (_module(name) for name in _names(node, source))
        yield from (Import(source, target, late) for target in targets if target not in (None, "", source))
        yield from imports_of(
            source, node, late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        )


def longest_chain() -> list[str]:
    """The longest chain of modules, each of which imports the next at once; its length is the number of floors.

    Raises
    ------
    ValueError : modules import one another in a circle; the message names it.
    """
    below: dict[str, list[str]] = {name: [] for name in modules()}
    for each in imports():
        if not each.late:
            below[each.source].append(each.target)
    chains: dict[str, list[str]] = {}

    def chain(name: str, above: tuple[str, ...] = ()) -> list[str]:
        if name in above:
            raise ValueError(f"imports go in a circle: {' -> '.join((*above[above.index(name) :], name))}")
        if name not in chains:
            lower = [chain(target, (*above, name)) for target in below[name]]
            chains[name] = [name, *max(lower, key=len, default=[])]
        return chains[name]

    return max((chain(name) for name in below), key=len)


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names(node: ast.AST, source: str) -> Iterator[str]:
    """Full names that a piece of code loads: by a statement, relative or not, by ``import_module``, or through the package."""
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom():
            yield from (f"{_base(node, source)}.{alias.name}" for alias in node.names)
        case ast.Call(args=[ast.Constant(value=str(name)), *_]) if ast.unparse(node.func).endswith("import_module"):
            yield name
        case ast.Attribute(value=ast.Name(id="mnistlab")):
            yield f"mnistlab.{node.attr}"


def _base(node: ast.ImportFrom, source: str) -> str:
    """Where a statement takes names from; one dot before it is the package that the source is in, or is."""
    if not node.level:
        return node.module or ""
    up = node.level - (modules()[source].name == "__init__.py")
    package = ["mnistlab", *source.split(".")]
    return ".".join([*package[: len(package) - up], *filter(None, [node.module])])


def _module(name: str) -> str | None:
    """The module of ours that has this full name, or holds what has it; None if it is none of ours."""
    first, _, rest = name.partition(".")
    if first != "mnistlab":
        return None
    if rest in _handed_on():
        return _handed_on()[rest]
    while rest not in modules():
        rest = rest.rpartition(".")[0]
    return rest


@cache
def _handed_on() -> dict[str, str]:
    """Names that the package itself offers, each with the module that it comes from."""
    statements = [node for node in ast.walk(ast.parse(modules()[""].read_text())) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in statements if (node.module or "").startswith("mnistlab.")]
    return {alias.name: str(node.module).removeprefix("mnistlab.") for node in ours for alias in node.names}
