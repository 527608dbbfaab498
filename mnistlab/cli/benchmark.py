"""``mnistlab benchmark``: how well drawings are read, and how fast the lab is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import click

from mnistlab.cli import options
from mnistlab.common.constants import PRESET_NAMES


@click.group(short_help="Measure how well drawings are read, and how fast the lab is.")
def benchmark() -> None:
    """Measure how well drawings are read, and how fast the lab is."""


@benchmark.command("pen", short_help="How well pen strokes are read.")
@click.argument("file", type=click.Path())
@options.version("Which version reads.")
@click.option("--sample", type=click.IntRange(min=0), default=200, help="How many drawings to read in each condition.")
@options.as_json
def benchmark_pen(file: str, version: str, sample: int, as_json: bool) -> None:
    """Replay the drawings in FILE over pen widths, sizes and places, and count what is read right.

    FILE is JSON Lines, gzipped or not: {"label": 8, "writer": 12, "strokes": [[[x, y], ...], ...]}, px of a 280 x 280 canvas,
    y down. Or it is ujipenchars2.txt, of UJI Pen Characters.
    """
    from mnistlab.data.pen_files import read_drawings
    from mnistlab.inference.predictor import Predictor
    from mnistlab.studies.bench.pen_strokes import replay_drawings

    drawings = read_drawings(file)
    _print(replay_drawings(Predictor.load(version), drawings, sample=sample), as_json)


@benchmark.command("personal", short_help="What fine-tuning on a person's writing gains.")
@click.argument("file", type=click.Path())
@options.version("Which version is fine-tuned.")
@click.option(
    "--chosen-on",
    default="1,4,7,10,13,16,19,22,25,28",
    help="Writers on whom the settings were chosen, reported separately; empty for none.",
)
@options.as_json
def benchmark_personal(file: str, version: str, chosen_on: str, as_json: bool) -> None:
    """Fine-tune the model on 10, 25, 50 and 100 drawings of each writer in FILE. Count what it misreads of the writer's next 150,
    and what that costs on MNIST's test images. FILE is as for `mnistlab benchmark pen`.
    """
    from mnistlab.data.mnist import load_mnist
    from mnistlab.data.pen_files import read_drawings
    from mnistlab.inference.predictor import Predictor
    from mnistlab.studies.bench.finetune_writers import WritersReport, measure_writers

    try:
        apart = tuple(int(number) for number in chosen_on.split(",") if number.strip())
    except ValueError:
        raise click.BadParameter(
            f"it takes numbers of writers separated by commas, not {chosen_on!r}", param_hint="'--chosen-on'"
        ) from None
    drawings, reader = read_drawings(file), Predictor.load(version)
    _print(WritersReport(reader.version, measure_writers(reader, drawings, load_mnist()), apart), as_json)


@benchmark.command("poison", short_help="What wrong labels get through, and what they do.")
@click.argument("file", type=click.Path())
@options.version("Which version is attacked.")
@click.option("--repeats", type=click.IntRange(min=1), default=10, help="Groups of writers for each attack.")
@options.as_json
def benchmark_poison(file: str, version: str, repeats: int, as_json: bool) -> None:
    """Give the writers' drawings in FILE wrong labels, in several ways and sizes. Count what the review of labels refuses, what
    the rest does to other writers, and how many honest sessions are refused. FILE is as for `mnistlab benchmark pen`.
    """
    from mnistlab.data.mnist import load_mnist
    from mnistlab.data.pen_files import read_drawings
    from mnistlab.inference.predictor import Predictor
    from mnistlab.studies.bench.poisoning import measure_poisoning

    report = measure_poisoning(Predictor.load(version), read_drawings(file), load_mnist(), repeats=repeats)
    _print(report, as_json)


@benchmark.command("train", short_help="How fast the lab trains, compared with a tutorial.")
@click.option("--laps", type=click.IntRange(min=1), default=3, help="How often to train each way.")
@click.option("--preset", "name", type=click.Choice(PRESET_NAMES), default="fast", help="How the lab trains.")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs of the lab's training, instead of the preset's.")
@click.option("--most-epochs", type=click.IntRange(min=1), default=30, help="Epochs that the tutorial may train.")
@click.option("--device", default="auto", help="cpu, cuda, mps or auto.")
@options.as_json
def benchmark_train(laps: int, name: str, epochs: int | None, most_epochs: int, device: str, as_json: bool) -> None:
    """Train the small ConvNet as the lab does and as tutorials do, in turn, to the same validation accuracy."""
    from mnistlab.common.progress import track
    from mnistlab.data.mnist import load_mnist
    from mnistlab.studies.bench.tutorial_speed import SpeedReport, compare_with_tutorial
    from mnistlab.training import presets

    chosen = presets.preset(name).change(epochs=epochs)
    rounds = compare_with_tutorial(load_mnist(), chosen, rounds=laps, most_epochs=most_epochs, device=device)
    _print(SpeedReport(tuple(track(rounds, total=laps, description="laps"))), as_json)


@benchmark.command("preset", short_help="How accurate and fast a preset is, over seeds.")
@click.argument("name", type=click.Choice(PRESET_NAMES))
@click.option("--seeds", type=click.IntRange(min=1), default=5, help="How many trainings, one after another.")
@click.option("--epochs", type=click.IntRange(min=1), help="Epochs, instead of the preset's.")
@click.option("--train-size", type=click.IntRange(min=1), help="How many training images, instead of all.")
@click.option(
    "--test", is_flag=True, help="Judge the test images as well. For the end, when nothing is left to choose."
)
@click.option("--device", default="cpu", help="cpu, cuda, mps or auto.")
@click.option(
    "--json",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep all figures in this file, seed by seed; seeds it holds already are not trained again.",
)
def benchmark_preset(
    name: str, seeds: int, epochs: int | None, train_size: int | None, test: bool, device: str, file: Path | None
) -> None:
    """Train the small ConvNet by a preset from several seeds, and print how accurate and how fast it was."""
    from mnistlab.data.mnist import load_mnist
    from mnistlab.studies.bench.preset_seeds import measure_seeds
    from mnistlab.training import presets

    chosen, splits = presets.preset(name).change(epochs=epochs), load_mnist()
    if train_size is not None:
        splits = replace(splits, train=splits.train.sample(train_size, seed=0))
    report = measure_seeds(name, chosen, splits, seeds=seeds, test=test, device=device, file=file)
    click.echo("\n".join(report.lines()))


@benchmark.command("latency", short_help="How long reading and explaining take.")
@options.version("Which version reads.")
@click.option("--n", "n", type=click.IntRange(min=10), default=500, help="Readings to time.")
@click.option(
    "--browser",
    is_flag=True,
    help="Also time the way from the pointer to the page, in JupyterLab and a headless Chromium.",
)
@click.option("--drawn", type=click.IntRange(min=1), default=50, help="With --browser: drawings to time.")
@click.option(
    "--seconds", type=click.FloatRange(min=1, max=90), default=30, help="With --browser: seconds of 200 moves each."
)
@click.option(
    "--round-trip",
    type=click.FloatRange(min=0, max=2000),
    default=0,
    help="With --browser: ms that a message to the kernel and its answer take longer.",
)
@click.option("--busy", is_flag=True, help="With --browser: draw while a cell runs.")
@click.option(
    "--starts", type=click.IntRange(min=0), default=5, help="Fresh processes to start of each kind; 0 starts none."
)
@options.as_json
def benchmark_latency(  # one parameter an option
    version: str,
    n: int,
    browser: bool,
    drawn: int,
    seconds: float,
    round_trip: float,
    busy: bool,
    starts: int,
    as_json: bool,
) -> None:
    """Time readings and explanations, in milliseconds on one thread, and what a fresh process takes to its first answer."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before NumPy is imported, which asks once
        os.environ[name] = "1"
    from mnistlab.inference.predictor import Predictor
    from mnistlab.studies.bench import browser_latency, latency, start_up

    reader = Predictor.load(version)
    timings = latency.measure_latency(reader, n=n)
    begun = start_up.measure_start_up(reader.version, repeats=starts) if starts else []
    seen = None
    if browser:
        seen = browser_latency.measure_browser_latency(
            reader.version, n=drawn, seconds=seconds, round_trip=round_trip, busy=busy
        )
    if as_json:
        figures: dict[str, object] = {"version": reader.version, "kernel": [timing.as_dict() for timing in timings]}
        figures |= {"start_up": [row.as_dict() for row in begun]} if begun else {}
        figures |= {"browser": seen.as_dict()} if seen else {}
        click.echo(json.dumps(figures, indent=2, allow_nan=False))
        return
    click.echo(f"version {reader.version}, one thread")
    click.echo("\n".join(latency.timing_table([*timings, seen.ink, seen.answer] if seen else timings)))
    if seen:
        click.echo("\n".join(seen.lines()))
    if begun:
        click.echo("\n".join(start_up.start_up_table(begun)))


@benchmark.command("serve", short_help="What the server costs and stands.")
@click.option(
    "--requests",
    type=click.IntRange(min=100),
    default=6_000,
    show_default=True,
    help="Requests of the long run, for errors and memory; 100000 takes some minutes.",
)
@click.option(
    "--switches",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Switches of the version under load, on a copy of models/; each takes a second or two.",
)
@options.as_json
def benchmark_serve(requests: int, switches: int, as_json: bool) -> None:
    """Start `mnistlab serve` and measure it by clients in processes of their own, all on this machine: CPU for each request,
    times with 1, 8 and 32 clients, /health under load, memory, failed requests, the start, and switches of the version.
    """
    from mnistlab.common import paths
    from mnistlab.inference.predictor import Predictor
    from mnistlab.studies.bench.serve import measure_serve

    _print(measure_serve(Predictor.load(), paths.models(), requests=requests, switches=switches), as_json)


@benchmark.command("page", short_help="How long reading takes on the page, in a browser.")
@click.option("--n", "n", type=click.IntRange(min=10), default=500, help="Readings to time.")
@click.option("--drawn", type=click.IntRange(min=1), default=50, help="Drawings to draw with the mouse.")
@options.as_json
def benchmark_page(n: int, drawn: int, as_json: bool) -> None:
    """Open the page that `mnistlab export web` writes in a headless Chromium, and time it: p50, p95 and p99 in milliseconds."""
    from mnistlab.studies.bench.page_latency import measure_page

    _print(measure_page(n=n, drawn=drawn), as_json)


class _Report(Protocol):
    def as_dict(self) -> dict[str, Any]: ...

    def lines(self) -> Iterator[str]: ...


def _print(report: _Report, as_json: bool) -> None:
    click.echo(json.dumps(report.as_dict(), indent=2, allow_nan=False) if as_json else "\n".join(report.lines()))
