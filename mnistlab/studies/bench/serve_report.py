"""The figures of ``mnistlab benchmark serve``, as a table for a terminal and as plain values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from mnistlab.studies.bench.latency import Timing, timing_table


@dataclass(frozen=True)
class Cost:
    """CPU of one kind of request.

    Attributes
    ----------
    kind : array, strokes or PNG.
    server, reading : ms of CPU for a request, and for the same reading without HTTP; the least of several rounds, since a busy
        machine can only add to it.
    aim : what ``server`` should stay within (array), or how far above ``reading`` (the others).
    """

    kind: str
    server: float
    reading: float
    aim: float

    @property
    def judged(self) -> float:
        """The figure the aim is for, ms."""
        return self.server if self.kind == "array" else self.server - self.reading

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        rounded = {"server_ms": round(self.server, 4), "reading_ms": round(self.reading, 4)}
        return {"kind": self.kind, **rounded, "aim_ms": self.aim, "above": self.kind != "array"}


@dataclass(frozen=True)
class Switches:
    """Versions switched under load.

    Attributes
    ----------
    n : switches that came into use.
    requests, failures : meanwhile.
    seconds : from the pointer's move until the new version answered, median.
    """

    n: int
    requests: int
    failures: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class ServeReport:
    """All figures of one run.

    Attributes
    ----------
    version : in use.
    load_average : of the last minute, before anything was measured.
    starts : seconds from the start of the process until it was ready.
    costs : CPU for each request.
    timings : for each number of clients, and of ``/health`` while eight ask.
    requests, failures : of the long run.
    memory : MB, resident, before the first request and then in steps of the long run.
    switches : None if none were asked for.
    """

    version: str
    load_average: float
    starts: tuple[float, ...]
    costs: tuple[Cost, ...]
    timings: tuple[Timing, ...]
    requests: int
    failures: dict[str, int]
    memory: tuple[float, ...]
    switches: Switches | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a JSON file."""
        return {
            **vars(self),
            "costs": [cost.as_dict() for cost in self.costs],
            "timings": [timing.as_dict() for timing in self.timings],
            "switches": vars(self.switches) if self.switches else None,
        }

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        yield f"version {self.version}, load average {self.load_average:.2f} on {os.cpu_count()} cores"
        yield f"start to ready: {median(self.starts):.2f} s, median of {len(self.starts)}; aim <= 1 s"
        yield ""
        yield "CPU, ms       request  reading  difference  aim"
        for cost in self.costs:
            aim = f"{'request' if cost.kind == 'array' else 'difference'} <= {cost.aim:g}"
            missed = "" if cost.judged <= cost.aim else ", missed"
            figures = f"{cost.server:9.3f}{cost.reading:9.3f}{cost.server - cost.reading:12.3f}"
            yield f"{cost.kind:<12}{figures}  {aim}{missed}"
        yield ""
        yield from timing_table(self.timings)
        yield ""
        yield f"{self.requests:,} requests of 8 clients: {_failed(self.failures)}; aim 0"
        grown = f"{self.memory[-1] - self.memory[1]:+.1f} MB from the first tenth to the end"
        steps = ", ".join(f"{mb:.0f}" for mb in self.memory)
        yield f"memory: {steps} MB, {grown}; aim <= 130 MB and flat"
        if self.switches:
            done = (
                f"{self.switches.n} switches of the version, each in use after {self.switches.seconds:.2f} s (median)"
            )
            yield f"{done}, under {self.switches.requests:,} requests: {_failed(self.switches.failures)}; aim 0"


def _failed(failures: dict[str, int]) -> str:
    return ", ".join(f"{n} x {name}" for name, n in sorted(failures.items())) or "none failed"
