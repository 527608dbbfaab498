"""``mnistlab serve``: the HTTP API and its page."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import click

from mnistlab.cli import options
from mnistlab.common.errors import LabError

GRACE = 10  # seconds that requests may take to end once the server is to stop


@click.command(short_help="Serve the HTTP API and the page in front of it.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; beyond this machine a token is needed."
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 is any free one.")
@click.option(
    "--token-file", type=click.Path(path_type=Path), help="File that holds the token, instead of MNISTLAB_TOKEN."
)
@click.option(
    "--rate",
    default="200/second",
    show_default=True,
    help="Requests of one client; off for no limit, on this machine alone.",
)
@click.option("--allow-origin", "origins", multiple=True, help="Another origin whose pages may ask (CORS).")
@click.option(
    "--ab", metavar="VERSION=PERCENT", help="Another version that reads a share of the requests, as 0004=10%."
)
@click.option("--shadow", metavar="VERSION", help="Another version that reads everything aside and only measures.")
@click.option(
    "--returns/--no-returns",
    default=True,
    show_default=True,
    help="Go back by itself from a new version that fails, is slow or is often called wrong.",
)
@options.store
def serve(
    host: str,
    port: int,
    token_file: Path | None,
    rate: str,
    origins: tuple[str, ...],
    ab: str | None,
    shadow: str | None,
    returns: bool,
    store: str | None,
) -> None:
    """Serve predictions over HTTP until Ctrl-C or SIGTERM; requests under way are answered first.

    Statistics and feedback always need a token; beyond this machine everything does that reads or tells. It comes from
    --token-file or MNISTLAB_TOKEN; on this machine a random one is made without them, and printed at the start.

    Another version comes into use without a restart, as soon as `mnistlab models promote` has named it.
    """
    try:
        import uvicorn

        from mnistlab.serve.app import create_app
        from mnistlab.serve.configuration import ServeSettings, new_token
        from mnistlab.serve.logs import set_up_logs
        from mnistlab.serve.protocol import BoundedProtocol
        from mnistlab.serve.share import Share
    except ModuleNotFoundError as error:
        raise LabError(
            f"the server needs the package {error.name}: pip install 'mnistlab[serve]'", code="unavailable"
        ) from None
    token = _token(token_file)
    settings = ServeSettings(
        host=host,
        token=new_token() if token is None else token,
        rate=None if rate == "off" else rate,
        origins=origins,
        ab=Share.parse(ab) if ab else None,
        shadow=shadow,
        returns=returns,
        store=store,
    )
    if token is None and not settings.is_loopback:
        raise LabError(f"to listen on {host} a token is needed: --token-file or MNISTLAB_TOKEN", code="usage")
    if settings.rate is None and not settings.is_loopback:
        raise LabError(f"to listen on {host} the requests of one client need a limit: --rate 200/second", code="usage")
    app = create_app(settings)
    set_up_logs()
    if token is None:
        click.echo(f"mnistlab: token {settings.token} (for statistics, corrections and /monitoring)", err=True)
    gc.collect()
    gc.freeze()  # what is here now stays: to look through it again and again takes 30 ms each time
    uvicorn.run(
        app,
        http=BoundedProtocol,
        ws="none",
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Else whoever asks from this machine is, for the limit on the rate, who they say they are.
        proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
        timeout_graceful_shutdown=GRACE,
    )


def _token(file: Path | None) -> str | None:
    """The token that was given, or None."""
    if file is None:
        return os.environ.get("MNISTLAB_TOKEN") or None
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or error) if isinstance(error, OSError) else "it is not text"
        raise LabError(f"the token cannot be read from {file}: {why}", code="usage") from error
