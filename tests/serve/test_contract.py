"""The API against its own description, by schemathesis: whatever fits is taken, whatever does not is refused as described.

``SCHEMATHESIS_EXAMPLES`` is how many requests are tried for each address, times its weight, right ones and wrong ones each:
with 50 some 2,200 in all. ``make contract`` tries more.
"""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis import GenerationMode
from serving import BEARER, running
from serving import settings as serve_settings

from mnistlab.serve.app import create_app

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "50"))


@st.composite
def pictures(draw: st.DrawFn) -> bytes:
    """A small picture of a scribble."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grey = rng.integers(0, 256, draw(st.tuples(st.integers(8, 60), st.integers(8, 60)))).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, draw(st.sampled_from(["PNG", "JPEG"])))
    return file.getvalue()


for kind in ("image/png", "image/jpeg", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, pictures())


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    store = tmp_path_factory.mktemp("store") / "feedback.sqlite"
    with running(create_app(serve_settings(store=str(store)))) as address:
        yield schemathesis.openapi.from_url(f"{address}/openapi.json")


ADDRESSES = {  # by how much they take; a body takes 50 ms to be made up, a query 5
    ("POST", "/api/v1/predict"): 6,
    ("GET", "/api/v1/feedback"): 2,
    ("POST", "/api/v1/feedback"): 3,
    ("DELETE", "/api/v1/feedback"): 2,
    ("GET", "/api/v1/statistics"): 2,
    ("GET", "/api/v1/recent-predictions"): 1,
    ("GET", "/health"): 1,
    ("GET", "/ready"): 1,
    ("GET", "/api/info"): 1,
    ("GET", "/metrics"): 1,
}


def test_every_address_of_the_description_is_tried(api):
    described = {(method.upper(), path) for path, methods in api.raw_schema["paths"].items() for method in methods}
    assert described == set(ADDRESSES)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), list(ADDRESSES))
def test_an_address_keeps_to_its_description(api, method, path, mode):
    operation = api[path][method]

    @settings(
        max_examples=EXAMPLES * ADDRESSES[method, path],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(operation.as_strategy(generation_mode=mode))
    def tried(case):
        # A header made wrong is the token taken away: it must not come back, or the request may be right.
        taken = any(where.name == "HEADER" and part.mode.is_negative for where, part in case.meta.components.items())
        case.call_and_validate(headers={} if taken else BEARER)

    try:
        tried()
    except Unsatisfiable:  # of an address that takes nothing, no request is wrong
        assert mode is GenerationMode.NEGATIVE
        assert not operation.body
