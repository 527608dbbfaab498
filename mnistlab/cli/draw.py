"""``mnistlab draw``: the page in a browser, at once."""

from __future__ import annotations

import click


@click.command(short_help="Draw a digit in the browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on this machine; 0 takes a free one.")
@click.option("--browser/--no-browser", default=True, help="Open the page, or only print its address.")
def draw(port: int, browser: bool) -> None:
    """Open a page that reads what you draw. The network runs in the browser; nothing is sent or kept. Ctrl-C ends it."""
    import webbrowser

    from mnistlab.registry.registry import Registry
    from mnistlab.web.export import page_files
    from mnistlab.web.local import page_server

    with page_server(page_files(Registry()), port) as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        click.echo(f"Draw at {address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)
        server.serve_forever()
