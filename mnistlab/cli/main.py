"""The command ``mnistlab``: its subcommands put together, and how errors end it.

Results go to stdout, progress and errors to stderr. A refusal or failure that the lab foresees is one sentence; anything else is
a bug and keeps its traceback. Modules are imported where they are used: ``--help`` must not wait for PyTorch.
"""

from __future__ import annotations

import click

from mnistlab import __version__
from mnistlab.cli import (
    app,
    benchmark,
    doctor,
    draw,
    export,
    feedback,
    lab,
    mirror,
    models,
    monitor,
    notebooks,
    predict,
    retrain,
    run,
    serve,
)
from mnistlab.common.errors import LabError

# Exit codes besides 0: 1 what was asked for failed, 2 it was asked for in a wrong way, 75 another process is at it (EX_TEMPFAIL
# of sysexits.h: try again later).
REFUSED = {"usage", "unknown", "unknown-notebook", "unknown-parameter", "parameter-value", "twice"}
BUSY = 75
SIGNALS = {"sigint": 130, "sigterm": 143, "sighup": 129}  # 128 + the signal, as shells have it


# What the core comes without, and the extra that brings it. Others need no word here: these are imported first.
EXTRAS = {
    "torch": ("PyTorch", "train"),
    "papermill": ("papermill", "lab"),
    "matplotlib": ("matplotlib", "lab"),
    "sklearn": ("scikit-learn", "lab"),
    "ipywidgets": ("ipywidgets", "lab"),
    "jupyter_client": ("Jupyter", "lab"),
    "nbformat": ("Jupyter", "lab"),
    "nbclient": ("Jupyter", "lab"),
    "nbconvert": ("Jupyter", "lab"),
    "jupyterlab": ("JupyterLab", "lab"),
    "voila": ("Voila", "lab"),
    "segno": ("segno", "lab"),
    "IPython": ("Jupyter", "lab"),
    "fastapi": ("FastAPI", "serve"),
    "uvicorn": ("uvicorn", "serve"),
}


class _Group(click.Group):
    """Turns the lab's own errors into a sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except LabError as error:
            click.echo(f"mnistlab: {error}", err=True)
            ctx.exit(exit_code(error))
        except ModuleNotFoundError as error:
            name, extra = EXTRAS.get((error.name or "").partition(".")[0], ("", ""))
            if not extra:
                raise
            click.echo(
                f"mnistlab: this needs {name}, which is not installed: pip install 'mnistlab[{extra}]'", err=True
            )
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("mnistlab: stopped by Ctrl-C", err=True)
            ctx.exit(SIGNALS["sigint"])


def exit_code(error: LabError) -> int:
    """The exit code after an error of the lab: 2 for a refusal, 75 for a lock, 128 + n for signal n, 1 for any failure."""
    if error.code == "locked":
        return BUSY
    return SIGNALS.get(error.code, 2 if error.code in REFUSED else 1)


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
)
@click.version_option(__version__, prog_name="mnistlab")
def main() -> None:
    """A lab for handwritten digits: run its notebooks, keep its models, read digits."""


for command in (
    draw.draw,
    app.app,
    lab.lab,
    run.run,
    notebooks.notebooks,
    retrain.retrain,
    models.models,
    predict.predict,
    export.export,
    feedback.feedback,
    monitor.monitor,
    mirror.mirror,
    serve.serve,
    benchmark.benchmark,
    doctor.doctor,
):
    main.add_command(command)
