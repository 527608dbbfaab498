"""Is it alive, is it ready, what is it: ``/health``, ``/ready``, ``/api/info`` and ``/metrics``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import mnistlab
from mnistlab.feedback import consent
from mnistlab.registry.card import model_card
from mnistlab.serve.tally import STORE_SECONDS
from mnistlab.serve.versions import permutation_hash

if TYPE_CHECKING:
    from mnistlab.serve.service import Service


async def health(request: Request) -> Response:
    """The server is alive. This waits for nothing."""
    return Response('{"status": "alive"}', media_type="application/json")


async def ready(request: Request) -> Response:
    """A version is loaded and passed its self-test, and the store of feedback answers."""
    service: Service = request.app.state.service
    await service.storing.run(STORE_SECONDS, lambda: service.tally.store.answers())
    return JSONResponse({"status": "ready", "version": service.versions.current.version})


async def info(request: Request) -> Response:
    """What the server reads with."""
    service: Service = request.app.state.service
    return JSONResponse(await service.work.run(service.settings.read_seconds, lambda: describe(service)))


async def metrics(request: Request) -> Response:
    """Counters in the format of Prometheus."""
    return Response(request.app.state.service.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def describe(service: Service) -> dict[str, Any]:
    """The version in use with its manifest, card and hashes; the other versions and what became of them; the text of consent."""
    reader = service.versions.current
    manifest = reader.checkpoint.manifest
    return {
        "name": "mnistlab",
        "release": mnistlab.__version__,
        "version": reader.version,
        "versions": service.versions.names(),
        **service.rollout.info(),
        "permutation": permutation_hash(reader),
        "metrics": manifest.model_dump(mode="json")["metrics"],
        "manifest": manifest.model_dump(mode="json"),
        "card": model_card(manifest),
        "consent": {"version": consent.VERSION, "question": consent.QUESTION, "text": consent.TEXTS[consent.VERSION]},
    }
