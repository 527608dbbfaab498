"""Kernels of visitors: when one ends, without a server."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from mnistlab.pad import visitors
from mnistlab.pad.visitors import LOST, NEVER, Goodbye, VisitorKernels


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(visitors, "time", clock)
    return clock


@pytest.fixture
def kernels(monkeypatch) -> VisitorKernels:
    """One kernel, "a", that is idle and has no visitor; what is ended is noted in ``ended``."""
    kernels = VisitorKernels()
    kernels._kernels = {"a": SimpleNamespace(execution_state="idle")}
    kernels._kernel_connections = {"a": 0}
    kernels.__dict__["ended"] = []

    async def shut_down(kernel_id, now=False):
        kernels.__dict__["ended"].append((kernel_id, now))
        del kernels._kernels[kernel_id]

    async def idle(self, kernel_id):
        """It has not been unused for long."""

    monkeypatch.setattr(kernels, "shutdown_kernel", shut_down)
    monkeypatch.setattr(visitors.AsyncMappingKernelManager, "cull_kernel_if_idle", idle)
    return kernels


def ask(kernels: VisitorKernels) -> list:
    if "a" in kernels:
        asyncio.run(kernels.cull_kernel_if_idle("a"))
    return kernels.__dict__["ended"]


def test_a_kernel_that_no_page_ever_reached_ends(kernels, clock):
    assert ask(kernels) == []
    clock.now += NEVER - 1
    assert ask(kernels) == []
    clock.now += 2
    assert ask(kernels) == [("a", True)]


def test_a_kernel_whose_page_is_still_being_made_does_not_end(kernels, clock):
    kernels._kernels["a"].execution_state = "busy"
    for _ in range(4):
        assert ask(kernels) == []
        clock.now += NEVER - 1


def test_a_connection_that_was_cut_may_come_back(kernels, clock):
    kernels._kernel_connections["a"] = 1
    ask(kernels)
    kernels._kernel_connections["a"] = 0
    clock.now += LOST - 1
    assert ask(kernels) == []
    kernels._kernel_connections["a"] = 1
    clock.now += LOST
    assert ask(kernels) == []
    kernels._kernel_connections["a"] = 0
    clock.now += LOST + 1
    assert ask(kernels) == [("a", True)]


def test_a_page_that_is_left_ends_its_kernel_and_twice_is_as_once(kernels):
    asyncio.run(kernels.end("a"))
    asyncio.run(kernels.end("a"))
    assert kernels.__dict__["ended"] == [("a", True)]


def test_only_the_address_that_ends_a_kernel_goes_without_the_guard():
    from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler

    assert "check_xsrf_cookie" in vars(Goodbye)
    assert "check_xsrf_cookie" not in vars(VoilaShutdownKernelHandler)
    assert hasattr(Goodbye.post, "__wrapped__")  # for those with the token alone
