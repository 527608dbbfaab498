"""What the server costs and stands: CPU for each request, times under load, memory, its start, and switches of the version.

The server is the real command in a process of its own, on this machine; so are its clients. Times under load are those of the
machine as it is, so its load average stands beside them. CPU is the server's own, whoever else is at work, and the same reading
without HTTP is measured in this process, in turn with it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from mnistlab.common.errors import LabError
from mnistlab.data.drawings import drawing_to_png, load_drawings
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.registry import Registry
from mnistlab.studies.bench.http_load import Clients, Load, Outcome, ask, hammer, http_request, spread
from mnistlab.studies.bench.latency import Timing
from mnistlab.studies.bench.serve_report import Cost, ServeReport, Switches
from mnistlab.studies.bench.server_process import ServerProcess

PATH = "/api/v1/predict"
CLIENTS = (1, 8, 32)
STARTS, ROUNDS, ROUND = 3, 7, 200  # starts; rounds for CPU, and requests in each
SAMPLES = 10  # of the memory, over all requests
HEALTH_PAUSE = 0.005  # s between two questions whether it is alive
SWITCH_WAIT = 20.0  # s that a version may take to come into use


def measure_serve(predictor: Predictor, models: Path, *, requests: int = 6_000, switches: int = 5) -> ServeReport:
    """Start the server, several times, and measure it.

    Parameters
    ----------
    predictor : the version in use in ``models``.
    models : folder of the versions; it is only read.
    requests : of the long run.
    switches : of the version, on a copy of the folder; 0 is none. Each takes a second or two.

    Raises
    ------
    LabError : the server does not start, or a switch does not come into use.
    """
    load_average, bodies = os.getloadavg()[0], example_bodies()
    starts = []
    for _ in range(STARTS - 1):
        with ServerProcess(models) as server:
            starts.append(server.seconds)
    with ServerProcess(models) as server:
        starts.append(server.seconds)
        memory = [server.usage()[1]]
        costs = tuple(measure_cost(server, predictor, kind, bodies[kind]) for kind in bodies)
        mixed = [
            http_request(PATH, body, kind) for pairs in zip(*bodies.values(), strict=False) for kind, body in pairs
        ]
        timings = [measure_clients(server, mixed, n, count=max(200, requests // 10)) for n in CLIENTS]
        outcome, health, steps = measure_long(server, mixed, requests)
    switched = measure_switches(models, mixed, switches) if switches else None
    return ServeReport(
        predictor.version,
        load_average,
        tuple(starts),
        costs,
        (*timings, health),
        len(outcome.milliseconds),
        dict(outcome.failures),
        (*memory, *steps),
        switched,
    )


def example_bodies() -> dict[str, list[tuple[str, bytes]]]:
    """For each kind of request, Content-Types and bodies made from the lab's drawings."""
    drawings = list(load_drawings().values())
    reader = Predictor.load()
    images = [reader.predict_strokes(d.strokes, d.pen_width).image for d in drawings]
    return {
        "array": [("application/json", json.dumps({"image": image.ravel().tolist()}).encode()) for image in images],
        "strokes": [
            (
                "application/json",
                json.dumps({"strokes": [s.tolist() for s in d.strokes], "pen_width": d.pen_width}).encode(),
            )
            for d in drawings
        ],
        "PNG": [("image/png", drawing_to_png(d.strokes, pen_width=d.pen_width)) for d in drawings],
    }


def measure_cost(server: ServerProcess, predictor: Predictor, kind: str, bodies: list[tuple[str, bytes]]) -> Cost:
    """CPU of the server for one kind of request, and of this process for the same readings, in turn; the least of all rounds."""
    requests = [http_request(PATH, body, typed) for typed, body in bodies]
    read = _reading(predictor, kind, [body for _, body in bodies])
    served, alone = [], []
    hammer(Load(server.port, requests, count=50))
    for _ in range(ROUNDS):
        before = server.usage()[0]
        hammer(Load(server.port, requests, count=ROUND))
        served.append((server.usage()[0] - before) / ROUND)
        started = time.process_time()
        for _ in range(ROUND):
            read()
        alone.append((time.process_time() - started) / ROUND)
    return Cost(kind, 1000 * min(served), 1000 * min(alone), {"array": 0.5}.get(kind, 0.25))


def _reading(predictor: Predictor, kind: str, bodies: list[bytes]) -> Callable[[], object]:
    """The same without HTTP, one body after another; JSON is read beforehand."""
    if kind == "PNG":
        turns = cycle(bodies)
        return lambda: predictor.predict_image(next(turns))
    values = [json.loads(body) for body in bodies]
    if kind == "array":
        images = cycle([np.array(value["image"], np.uint8).reshape(28, 28) for value in values])
        return lambda: predictor.predict_digit(next(images))
    drawings = cycle([([np.array(s) for s in value["strokes"]], value["pen_width"]) for value in values])
    return lambda: predictor.predict_strokes(*next(drawings))


def measure_clients(server: ServerProcess, requests: list[bytes], clients: int, *, count: int) -> Timing:
    """Times of so many clients that ask at once, all kinds of request in turn."""
    with Clients(*spread(Load(server.port, requests, clients, count))) as running:
        outcome = _sum(running.outcomes())
    name = f"{clients} client" + "s" * (clients > 1)
    return Timing(name, np.array(outcome.milliseconds), {})


def measure_long(server: ServerProcess, requests: list[bytes], count: int) -> tuple[Outcome, Timing, list[float]]:
    """Eight clients for long, in steps: their outcome, how long ``/health`` took meanwhile, and the memory after each step."""
    outcome, memory = Outcome(), []
    alive = Load(server.port, [http_request("/health")], pause=HEALTH_PAUSE)
    with Clients(alive) as watch:
        for step in range(SAMPLES):
            share = count * (step + 1) // SAMPLES - count * step // SAMPLES
            with Clients(*spread(Load(server.port, requests, 8, share))) as running:
                for found in running.outcomes():
                    outcome.add(found)
            memory.append(server.usage()[1])
        watch.stop()
        health = _sum(watch.outcomes())
    outcome.failures.update({f"/health {name}": n for name, n in health.failures.items()})
    return outcome, Timing("/health, 8 clients", np.array(health.milliseconds), {99: 10}), memory


def measure_switches(models: Path, requests: list[bytes], n: int) -> Switches:
    """Switch to and fro between the two newest versions of a copy while eight clients ask.

    Raises
    ------
    LabError : there are not two versions, or one did not come into use in time.
    """
    with TemporaryDirectory(prefix="mnistlab-switches-") as folder:
        registry = Registry(models).copy(Path(folder) / "models")
        now = registry.current()
        names = [*[name for name in registry.versions() if name != now][-1:], now]
        if len(names) < 2:
            raise LabError("to switch takes two versions", code="version")
        seconds = []
        with ServerProcess(registry.root) as server, Clients(*spread(Load(server.port, requests, 8))) as running:
            for name in islice(cycle(names), n):
                started = time.perf_counter()
                registry.promote(name)
                _wait_for(server, name)
                seconds.append(time.perf_counter() - started)
            running.stop()
            outcome = _sum(running.outcomes())
    if strangers := set(outcome.versions) ^ set(names):
        outcome.failures["answers of another version"] += len(strangers)
    return Switches(n, len(outcome.milliseconds), dict(outcome.failures), median(seconds))


def _wait_for(server: ServerProcess, version: str) -> None:
    end = time.monotonic() + SWITCH_WAIT
    while json.loads(ask(server.port, http_request("/ready"))[1])["version"] != version:
        if time.monotonic() > end:
            raise LabError(f"version {version} did not come into use within {SWITCH_WAIT:g} s", code="server")
        time.sleep(0.02)


def _sum(outcomes: list[Outcome]) -> Outcome:
    total = Outcome()
    for outcome in outcomes:
        total.add(outcome)
    return total
