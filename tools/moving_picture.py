"""Draws a digit on the pad that `mnistlab app` serves, in a real browser, and keeps what is seen as a GIF. For the README.

.venv/bin/python tools/moving_picture.py docs/pad.gif
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from mnistlab.data.drawings import load_drawings
from mnistlab.studies.bench.browser_latency import in_chromium

DRAWN = ("seven with crossbar", "eight")
WIDTH = 720  # px of the picture
EVERY = 3  # moves of the pen between two pictures
FRAME, LAST = 90, 1800  # ms that a picture stands, and the last one of a digit
COLOURS = 64
START = 60_000  # ms in which the pad must be there


@contextmanager
def served() -> Iterator[str]:
    """The address of a pad of its own."""
    command = [sys.executable, "-m", "mnistlab", "app", "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        yield next(word for word in server.stdout.readline().split() if word.startswith("http"))
    finally:
        server.terminate()
        server.wait(20)


def pictures(address: str) -> Iterator[tuple[Image.Image, int]]:
    """What is seen while digits are drawn, each with the milliseconds it stands."""
    stored = load_drawings()
    with in_chromium() as page:
        page.set_viewport_size({"width": WIDTH + 80, "height": 760})
        page.goto(address)
        page.locator(".mnistlab-wet canvas").wait_for(timeout=START)
        page.wait_for_timeout(1000)  # fonts and icons

        def picture() -> Image.Image:
            return Image.open(io.BytesIO(page.locator(".mnistlab-pad").screenshot())).convert("RGB")

        yield picture(), 600
        for name in DRAWN:
            sheet = page.locator(".mnistlab-sheet").bounding_box()
            assert sheet is not None
            scale = sheet["width"] / 280
            for stroke in stored[name].strokes:
                points = [(sheet["x"] + scale * x, sheet["y"] + scale * y) for x, y in stroke.tolist()]
                page.mouse.move(*points[0])
                page.mouse.down()
                for number, point in enumerate(points[1:]):
                    page.mouse.move(*point)
                    if number % EVERY == 0:
                        page.wait_for_timeout(80)  # the reading
                        yield picture(), FRAME
                page.mouse.up()
            page.wait_for_timeout(500)
            yield picture(), LAST
            page.get_by_role("button", name="Clear").click()
            page.wait_for_timeout(300)


def main(target: str) -> None:
    """Write the GIF."""
    with served() as address:
        seen = list(pictures(address))
    width, height = seen[0][0].size
    palette = seen[-1][0].quantize(COLOURS)
    frames = [each.resize((width, height)).quantize(palette=palette, dither=Image.Dither.NONE) for each, _ in seen]
    durations = [milliseconds for _, milliseconds in seen]
    frames[0].save(target, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    print(f"{target}: {Path(target).stat().st_size:,} bytes, {len(frames)} pictures of {width} x {height}")


if __name__ == "__main__":
    main(*sys.argv[1:])
