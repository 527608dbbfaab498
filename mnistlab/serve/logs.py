"""Log lines as JSON, one a request: its id, what it asked, what came of it. Never a drawing, a comment, a name or an address."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any

LOGGER = logging.getLogger("mnistlab.serve")


class JsonLines(logging.Formatter):
    """A line of JSON for each message, the server's own included."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, with what ``extra={"fields": ...}`` holds."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1]:
            line |= _traced(record.exc_info[1])
        return json.dumps(line | getattr(record, "fields", {}), ensure_ascii=False)


def set_up_logs() -> None:
    """Send the lines to stderr, those of uvicorn too; its own line for each request is left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in (LOGGER.name, "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    logging.getLogger("uvicorn.access").disabled = True
    # Nothing of it is in our lines, and to find it out is a third of the cost of one.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def log_request(method: str, route: str, status: int, seconds: float, state: Mapping[str, Any]) -> None:
    """One request. ``route`` is the pattern of the address, never what a client wrote."""
    fields = {"id": state["id"], "method": method, "route": route, "status": status}
    LOGGER.info("request", extra={"fields": fields | {"milliseconds": round(1000 * seconds, 2)}})


def log_traceback(error: Exception, answer_id: str) -> None:
    """An error that nobody foresaw."""
    LOGGER.error("failed", exc_info=error, extra={"fields": {"id": answer_id}})


def _traced(error: BaseException) -> dict[str, Any]:
    """Where an error was raised, without its words, which may hold what a client sent."""
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return {"error": type(error).__name__, "at": places[-8:]}
