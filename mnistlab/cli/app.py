"""``mnistlab app``: the drawing pad by itself, as a web page, for one person or for a class."""

from __future__ import annotations

import click

WARM = "Kernels kept ready for the next visitors, about 90 MB each."
SHARED = """\
Whoever is in this network and has the address, or sees it go by, can draw: it is sent without encryption. A page can draw and
press the pad's buttons; it can run no code of its own. Each visitor takes about 90 MB. Use it in a network you trust."""


@click.command(short_help="Serve the drawing pad as a web page.")
@click.option("--share", is_flag=True, help="Let others in this network in, by an address with a token.")
@click.option("--port", type=click.IntRange(1, 65535), default=8866, help="Port; one near it is taken if it is in use.")
@click.option("--warm", type=click.IntRange(0, 32), default=None, show_default="1; shared 4", help=WARM)
@click.option("--browser/--no-browser", default=True, help="Open the page, or only print its address.")
def app(share: bool, port: int, warm: int | None, browser: bool) -> None:
    """Serve the drawing pad, with no code in sight. Each visitor has a kernel, which ends with the visit. Ctrl-C ends all.

    It listens on this machine only, unless --share is given, and asks for the token that its address holds either way.
    """
    from mnistlab.pad.server import serve_pad

    def tell(address: str) -> None:
        click.echo(f"Draw at {address} (Ctrl-C ends it)")
        if share:
            click.echo(f"\n{qr_code(address)}\n{SHARED}")

    serve_pad(tell, share=share, port=port, warm=(4 if share else 1) if warm is None else warm, browser=browser)


def qr_code(address: str) -> str:
    """An address as a QR code of characters, for the camera of a phone."""
    import io

    import segno

    drawn = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(drawn, compact=True)
    return drawn.getvalue()
