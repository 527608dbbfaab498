"""The page as a server sends it, without one: requests of the browser are answered here. It can be busy, or gone."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from mnistlab.common.errors import LabError
from mnistlab.inference.attribution import attribute
from mnistlab.inference.predictor import Prediction, Predictor
from mnistlab.registry.registry import Registry
from mnistlab.serve.predict import as_answer
from mnistlab.web import page as web

ADDRESS = "http://localhost/"
TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


class ServedHome:
    """Give it to ``context.route("**/*", home)``, and open ``ADDRESS``.

    Attributes
    ----------
    calls : (method, path with its query, headers, JSON or bytes of the body) of every request for an answer.
    gone : nothing answers.
    refusal : status, headers and error of every answer; None for true ones.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._readers = {name: Predictor.load(name, models=registry.root) for name in ("current", *web.twins(registry))}
        self._page = web.served_html(registry, registry.current())
        self.calls: list[tuple[str, str, Mapping[str, str], object]] = []
        self.gone = False
        self.refusal: tuple[int, dict[str, str], dict[str, str]] | None = None

    def __call__(self, route) -> None:
        path = route.request.url.removeprefix(ADDRESS)
        if path.startswith(("api/", "health")):
            self._answer(route, path)
        elif not path:
            route.fulfill(body=self._page, content_type="text/html")
        else:
            route.fulfill(body=web.asset(path.removeprefix("assets/")), content_type=TYPES[path.rpartition(".")[2]])

    @property
    def opinions(self) -> list[dict]:
        """What was sent as feedback."""
        return [body for method, path, _, body in self.calls if path.startswith("api/v1/feedback") and method == "POST"]

    def _answer(self, route, path: str) -> None:
        request = route.request
        is_json = request.headers.get("content-type") == "application/json"
        body = json.loads(request.post_data) if is_json else request.post_data_buffer
        self.calls.append((request.method, path, request.headers, body))
        if self.gone:
            return route.abort()
        if self.refusal:
            status, headers, error = self.refusal
            return route.fulfill(status=status, headers=headers, json=error)
        if not path.startswith("api/v1/predict"):
            return route.fulfill(json={})
        asked = dict(part.split("=") for part in path.partition("?")[2].split("&"))
        reader = self._readers[asked.get("version", "current")]
        try:
            route.fulfill(json=self._read(reader, body, asked["include"]))
        except LabError as error:
            route.fulfill(status=422, json={"code": error.code, "message": str(error), "id": "1"})

    def _read(self, reader: Predictor, body, include: str) -> dict:
        if isinstance(body, bytes):
            return self._as_answer(reader, reader.predict_image(body))
        if "image" in body:
            return self._as_answer(
                reader, reader.predict_digit(np.array(body["image"], dtype=np.uint8).reshape(28, 28))
            )
        answer = self._as_answer(reader, reader.predict_strokes(body["strokes"], body["pen_width"], body["canvas"]))
        if include == "why":
            found = attribute(reader, body["strokes"], pen_width=body["pen_width"])
            pieces = [piece.tolist() for piece in found.pieces]
            answer["why"] = {"digit": found.digit, "pieces": pieces, "weights": found.weights.tolist()}
        return answer

    def _as_answer(self, reader: Predictor, prediction: Prediction) -> dict:
        answer = as_answer(prediction, reader, f"{len(self.calls):032x}")
        return {**answer, "image": prediction.image.ravel().tolist()}
