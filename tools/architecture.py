"""docs/architecture.md as it should be: the figure and the table of the wings, made from the code and its imports.

    python tools/architecture.py    # or: make architecture

The figure is an SVG drawn here, line by line, so that the same code gives the same bytes on every machine.
"""

from __future__ import annotations

import ast
import textwrap
from functools import cache

import imports
from jinja2 import Environment

# What a wing may import. Arrows run one way, in this order: a wing uses only what stands above it in this list.
ALLOWED = {
    "common": "",
    "data": "common",
    "evaluation": "common data",
    "registry": "common data evaluation",
    "inference": "common data evaluation registry",
    "training": "common data evaluation registry",
    "plots": "common data evaluation registry inference training",
    "feedback": "common data evaluation registry inference training plots",
    "pipeline": "common data evaluation registry inference training plots feedback",
    "web": "common data evaluation registry inference",
    "pad": "common data evaluation registry inference training plots feedback pipeline web",
    "course": "common data evaluation registry inference training plots pad",
    "serve": "common data evaluation registry inference plots feedback web",
    "studies": "common data evaluation registry inference training plots feedback pipeline pad web serve",
    "cli": "common data evaluation registry inference training plots feedback pipeline pad web serve studies",
}
ROOT = imports.PACKAGE.parent
PAGE = ROOT / "docs" / "architecture.md"
FIGURE = ROOT / "docs" / "architecture.svg"
BEGIN, END = "<!-- made by make architecture -->", "<!-- end -->"

# Of the figure, in px: its width, the space around and beside boxes, the gap between floors, and a line of text.
WIDTH, SPACE, GAP, LINE = 960, 20, 32, 18
LETTER = 7.2  # px that a letter of the description takes on average, at most

SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{ width }} {{ height }}" font-family="Helvetica, Arial, sans-serif">
<title>The wings of mnistlab: each arrow points to a wing that is used</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker></defs>
<rect width="{{ width }}" height="{{ height }}" fill="#fff"/>
{% for x1, y1, x2, y2 in arrows %}
<path d="M{{ x1 }},{{ y1 }} L{{ x2 }},{{ y2 }}" stroke="#555" stroke-width="1.5" marker-end="url(#tip)"/>
{% endfor %}
{% for box in boxes %}
<rect x="{{ box.x }}" y="{{ box.y }}" width="{{ box.width }}" height="{{ box.height }}" rx="6" fill="#e8f1f8" stroke="#0072b2"/>
<text x="{{ box.x + 14 }}" y="{{ box.y + 23 }}" font-size="16" font-weight="bold" fill="#111">{{ box.name }}</text>
<text x="{{ box.x + box.width - 14 }}" y="{{ box.y + 23 }}" font-size="12" text-anchor="end" fill="#555">{{ box.note }}</text>
{% for line in box.text %}
<text x="{{ box.x + 14 }}" y="{{ box.y + 44 + line_height * loop.index0 }}" font-size="13" fill="#333">{{ line }}</text>
{% endfor %}
{% endfor %}
</svg>
"""


def wing(module: str) -> str:
    """The wing that a module belongs to: ``"data"`` for ``"data.mnist"``."""
    return module.partition(".")[0]


@cache
def between_wings() -> tuple[imports.Import, ...]:
    """Imports from one wing into another; the package itself and ``python -m`` stand outside."""
    inside = [each for each in imports.imports() if wing(each.source) in ALLOWED]
    return tuple(each for each in inside if wing(each.source) != wing(each.target))


def modules_of(name: str) -> list[str]:
    """The modules of a wing in the order of their names, as ``"bench/latency"``; packages are left out."""
    return [
        module.removeprefix(f"{name}.").replace(".", "/")
        for module, path in imports.modules().items()
        if wing(module) == name and path.name != "__init__.py"
    ]


def about(name: str) -> str:
    """What is in a wing: the first line of its docstring."""
    return (ast.get_docstring(ast.parse(imports.modules()[name].read_text())) or "").partition("\n")[0]


def uses(name: str) -> set[str]:
    """The wings that modules of this one import."""
    return {wing(each.target) for each in between_wings() if wing(each.source) == name}


@cache
def below(name: str) -> frozenset[str]:
    """All wings that this one rests on, over however many others."""
    return frozenset(uses(name).union(*(below(lower) for lower in uses(name))))


def direct(name: str) -> list[str]:
    """The wings it uses that it would not reach through another one: the arrows of the figure."""
    return [low for low in ALLOWED if low in uses(name) and not any(low in below(other) for other in uses(name))]


@cache
def floor(name: str) -> int:
    """How many wings stand below this one, one upon the other."""
    return max((1 + floor(lower) for lower in uses(name)), default=0)


# --- the figure -------------------------------------------------------------------------------------------------------


def places() -> dict[tuple[str, str], tuple[float, float]]:
    """From where to where a box reaches across, in px, by ``(wing, wing)``.

    An arrow that passes a floor gets a place there as well, by ``(source, target)``, so that no box hides it.
    """
    arrows = [(name, lower) for name in ALLOWED for lower in direct(name)]
    found = {}
    for level in range(max(map(floor, ALLOWED)) + 1):
        keys = [(name, name) for name in ALLOWED if floor(name) == level]
        keys += [(name, lower) for name, lower in arrows if floor(lower) < level < floor(name)]
        keys.sort(key=lambda key: list(ALLOWED).index(key[1]))
        width = (WIDTH - SPACE) / len(keys)
        found |= {key: (SPACE + i * width, (i + 1) * width) for i, key in enumerate(keys)}
    return found


def ends(source: tuple[float, float], target: tuple[float, float]) -> tuple[float, float]:
    """Across, in px, where an arrow leaves one box and meets the other: straight down if one lies above the other."""
    left, right = max(source[0], target[0]), min(source[1], target[1])
    if left < right:
        return (left + right) / 2, (left + right) / 2
    return (left + 60, right - 60) if source[0] > target[0] else (right - 60, left + 60)


def figure() -> str:
    """The wings as boxes that stand upon those they use, as SVG."""
    across = places()
    text = {
        name: textwrap.wrap(about(name).replace("``", ""), int((right - left - 28) / LETTER))
        for name in ALLOWED
        for left, right in [across[name, name]]
    }
    top, height, y = {}, {}, SPACE
    for level in reversed(range(max(map(floor, ALLOWED)) + 1)):
        top[level] = y
        height[level] = 40 + LINE * max(len(text[name]) for name in ALLOWED if floor(name) == level)
        y += height[level] + GAP
    boxes = [
        {
            "name": name,
            "note": f"{len(modules_of(name))} modules",
            "text": text[name],
            "x": across[name, name][0],
            "y": top[floor(name)],
            "width": across[name, name][1] - across[name, name][0],
            "height": height[floor(name)],
        }
        for name in ALLOWED
    ]
    arrows = []
    for name in ALLOWED:
        for lower in direct(name):
            start, end = ends(across.get((name, lower), across[name, name]), across[lower, lower])
            arrows.append((start, top[floor(name)] + height[floor(name)], end, top[floor(lower)]))
    values = {"width": WIDTH, "height": y - GAP + SPACE, "line_height": LINE, "boxes": boxes, "arrows": arrows}
    environment = Environment(autoescape=True, trim_blocks=True, keep_trailing_newline=True)
    return environment.from_string(SVG).render(values)


# --- the table --------------------------------------------------------------------------------------------------------


def may_use(name: str) -> str:
    """The wings that it may import, in words."""
    allowed, lower = ALLOWED[name].split(), list(ALLOWED)[: list(ALLOWED).index(name)]
    return "all below" if len(allowed) > 4 and allowed == lower else ", ".join(allowed) or "nothing of ours"


def table() -> str:
    """The wings, the uppermost first, each with what is in it, its modules and what it may use, in Markdown."""
    lines = ["| wing | what is in it | modules | may use |", "|---|---|---|---|"]
    for name in reversed(ALLOWED):
        linked = ", ".join(f"[{each}](../mnistlab/{name}/{each}.py)" for each in modules_of(name))
        lines.append(f"| **{name}** | {about(name).replace('``', '`')} | {linked} | {may_use(name)} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """The page with its table made anew; the rest stays as it is.

    Raises
    ------
    ValueError : the page does not hold the two marks between which the table stands.
    """
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE.name} lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main() -> None:
    """Write both."""
    FIGURE.write_text(figure())
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
