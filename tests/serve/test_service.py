"""What a server does beside the requests."""

from __future__ import annotations

import asyncio
import threading

from serving import settings

from mnistlab.serve import service as module
from mnistlab.serve.service import Service


def test_whatever_goes_wrong_the_books_are_kept_on(tmp_path, monkeypatch):
    service = Service(settings(store=str(tmp_path / "feedback.sqlite")))
    written, faults = threading.Event(), [MemoryError(), RuntimeError()]

    def write() -> None:
        if faults:
            raise faults.pop()
        written.set()

    async def keep() -> None:
        books = asyncio.create_task(service.keep_books())
        while not books.done() and not written.is_set():
            await asyncio.sleep(0.01)
        books.cancel()

    monkeypatch.setattr(service.tally, "write", write)
    monkeypatch.setattr(module, "WRITE", 0.01)
    asyncio.run(asyncio.wait_for(keep(), 20))
    assert written.is_set()
    service.close()
