"""``mnistlab lab``: JupyterLab on the drawing notebook."""

from __future__ import annotations

import click


@click.command(short_help="Open JupyterLab on the drawing notebook.")
@click.argument("options", nargs=-1, metavar="[-- OPTION ...]")
def lab(options: tuple[str, ...]) -> None:
    """Open JupyterLab on the drawing notebook; Ctrl-C ends it. What stands behind -- goes to JupyterLab.

    An installed package has its notebooks copied into the user's data folder first, to work in.
    """
    from mnistlab.pad.server import open_lab

    raise SystemExit(open_lab(*options))
