"""How long a reading takes on the page that reads by itself, in a headless Chromium, opened as a file.

Needs Playwright and a Chromium, as ``browser_latency`` does. A browser tells the time to a tenth of a millisecond.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistlab.common.errors import LabError
from mnistlab.data.drawings import StoredDrawing, load_drawings
from mnistlab.registry.registry import Registry
from mnistlab.studies.bench.browser_latency import in_chromium
from mnistlab.studies.bench.latency import Timing, timing_table
from mnistlab.web.export import INDEX, page_files
from mnistlab.web.folder import write_files

if TYPE_CHECKING:
    from playwright.sync_api import Page

WARM_UP = 50  # readings before the first that counts
READY = "#reading:not([aria-busy])"
# Times of the engine alone: of loading a version, of readings, and of every step of an explanation.
ENGINE = """async options => {
  const {drawings, warmUp} = JSON.parse(options);
  const {net, parts, why} = mnistlab;
  const {versions, current} = JSON.parse(document.getElementById('data').textContent);
  const timed = call => { const started = performance.now(); call(); return performance.now() - started; };
  const read = strokes => { for (const steps = parts.read(network, strokes); !steps.next().done;); };
  const started = performance.now();
  const network = await net.load(versions[current]);
  const loaded = performance.now() - started;
  const [readings, explanations, steps] = [[], [], []];
  for (const [k, strokes] of drawings.entries()) {
    if (k % 20 === 0) await new Promise(resume => setTimeout(resume));  // as between two frames
    const time = timed(() => read(strokes));
    if (k >= warmUp) readings.push(time);
    if (k < warmUp || k % 5) continue;
    const explanation = why.attribute(network, strokes), taken = [];
    for (let done = false; !done;) taken.push(timed(() => { ({done} = explanation.next()); }));
    explanations.push(taken.reduce((sum, time) => sum + time, 0));
    steps.push(...taken);
  }
  return {loaded, readings, explanations, steps};
}"""
# The page notes when the last event of the pointer came and when the answer last changed.
WATCH = """() => {
  const noted = window.noted = {pointer: 0, shown: 0};
  for (const kind of ['pointerdown', 'pointermove', 'pointerup'])
    addEventListener(kind, event => { noted.pointer = event.timeStamp; }, true);
  new MutationObserver(() => { noted.shown = performance.now(); })
    .observe(document.getElementById('reading'), {subtree: true, childList: true, attributes: true, characterData: true});
}"""
SETTLED = """async () => {
  while (noted.shown <= noted.pointer || performance.now() - noted.shown < 100) await new Promise(requestAnimationFrame);
  return noted.shown - noted.pointer;
}"""


@dataclass(frozen=True, eq=False)
class PageLatency:
    """What was seen on the page."""

    version: str
    loaded: float  # ms to unpack a version and test it on its stored images
    timings: list[Timing]
    load: float  # of the machine over the last minute, processes that want a core

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        times = [timing.as_dict() for timing in self.timings]
        return {"version": self.version, "loaded": round(self.loaded, 1), "page": times, "load": self.load}

    def lines(self) -> Iterator[str]:
        """The same as a table for a terminal."""
        yield f"version {self.version} in Chromium, ready after {self.loaded:.0f} ms; load of the machine {self.load:.1f}"
        yield from timing_table(self.timings)


def measure_page(registry: Registry | None = None, *, n: int = 500, drawn: int = 50) -> PageLatency:
    """Read ``n`` drawings with the engine of the page, and draw ``drawn`` with the mouse.

    Raises
    ------
    LabError : ``n`` is not 10 or more; code ``"browser"``, there is no Playwright or no Chromium, or the page did not respond.
    RegistryError, CheckpointError : no sound version is in use.
    """
    if n < 10:
        raise LabError(f"to time something takes at least 10 calls, not {n}", code="number")
    registry = registry or Registry()
    drawings = list(load_drawings().values())
    strokes = [[stroke.tolist() for stroke in drawing.strokes] for drawing in drawings]
    with tempfile.TemporaryDirectory(prefix="mnistlab-") as name, in_chromium() as page:
        write_files(Path(name), page_files(registry))
        page.goto((Path(name) / INDEX).as_uri())
        page.locator(READY).wait_for()
        options = {"drawings": list(islice(cycle(strokes), WARM_UP + n)), "warmUp": WARM_UP}
        found = page.evaluate(ENGINE, json.dumps(options))
        answers = _draw(page, list(islice(cycle(drawings), drawn)))
    timings = [
        Timing("strokes to answer", np.array(found["readings"]), {50: 2, 95: 5}),
        Timing("last pointer event to answer", answers, {95: 16}),
        Timing("which ink spoke for it", np.array(found["explanations"]), {}),
        Timing("one step of it", np.array(found["steps"]), {99: 16}),
    ]
    return PageLatency(registry.current(), found["loaded"], timings, os.getloadavg()[0])


def _draw(page: Page, drawings: list[StoredDrawing]) -> np.ndarray:
    """Draw with the mouse; ms from the last pointer event of each to the last change of the answer."""
    page.evaluate(WATCH)
    canvas = page.locator("#canvas").bounding_box()
    assert canvas is not None
    times = []
    for drawing in drawings:
        for stroke in drawing.strokes:
            path = [
                (canvas["x"] + x * canvas["width"] / 280, canvas["y"] + y * canvas["height"] / 280) for x, y in stroke
            ]
            page.mouse.move(*path[0])
            page.mouse.down()
            for point in path[1:]:
                page.mouse.move(*point)
            page.mouse.up()
        times.append(page.evaluate(SETTLED))
        page.locator("#clear").click()
        page.evaluate(SETTLED)
    return np.array(times)
