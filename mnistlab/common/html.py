"""HTML pages and fragments: templates beside the modules that fill them in, every value escaped.

A template is named by its place below the package, ``"pipeline/history_page.html"``. A whole page extends
``"common/page.html"``, which has the style of all pages, and fills in its blocks ``title`` and ``body``.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def render(template: str, **values: object) -> Markup:
    """A template with its values filled in: HTML that is safe to put into another one.

    Every value is escaped unless it is ``Markup`` already, which only this function and templates should make.

    Raises
    ------
    jinja2.TemplateNotFound, jinja2.UndefinedError : there is no such template; it asks for a value that was not given.
    """
    return Markup(_environment().get_template(template).render(**values))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("mnistlab", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # the pad fills in a template with every reading, and need not ask each time whether it has changed
    )
