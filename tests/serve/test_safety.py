"""What keeps a server safe: who may ask, how much, and how little an error tells."""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import nullcontext

import numpy as np
import pytest
from pictures import animation, bomb, encode, seven, variants
from PIL import Image
from serving import BEARER, SEVEN, TOKEN, client_of, settings

from mnistlab.data import picture_file
from mnistlab.inference.predictor import Predictor
from mnistlab.serve.app import create_app
from mnistlab.serve.errors import ApiError
from mnistlab.serve.limits import Rate
from mnistlab.serve.logs import JsonLines

DRAWN = {"strokes": SEVEN}


@pytest.fixture(scope="module")
def client():
    with client_of(create_app(settings())) as client:
        yield client


def send(client, picture: bytes):
    return client.post("/predict", content=picture, headers={"Content-Type": "application/octet-stream"})


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [
        (b"", 422, "unreadable"),
        (b"not a picture", 422, "unreadable"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", 422, "unreadable"),
        (encode(Image.fromarray(seven()), format="ICO"), 422, "unreadable"),
        (encode(Image.fromarray(seven()))[:-200], 422, "unreadable"),
        (encode(Image.fromarray(np.zeros((7, 100), np.uint8))), 422, "size"),
        (bomb(), 422, "size"),
        (animation(), 422, "frames"),
        (bytes(picture_file.MAX_BYTES + 1), 422, "too-large"),
        (bytes(picture_file.MAX_BYTES + 2**17), 413, "too-large"),
    ],
)
def test_hostile_pictures_are_refused_in_the_one_form(client, picture, status, code):
    for answer in (send(client, picture), client.post("/predict", files={"file": ("../../x.png", picture)})):
        assert answer.status_code == status, answer.text
        assert set(answer.json()) == {"code", "message", "id"}
        assert answer.json()["code"] == code


@pytest.mark.parametrize("name", [name for name, picture in variants().items() if isinstance(picture, bytes)])
def test_every_encoding_is_read_over_http_as_by_the_predictor(client, name):
    answer = client.post("/predict?include=image", content=variants()[name], headers={"Content-Type": "image/png"})
    expected = Predictor.load().predict_image(variants()[name])
    assert answer.json()["digit"] == expected.digit
    assert answer.json()["image"] == expected.image.ravel().tolist()


def test_damaged_pictures_never_fail_the_server(client):
    rng = np.random.default_rng(0)
    for seed in range(60):
        file = bytearray(variants()["JPEG" if seed % 2 else "RGBA"])
        for position in rng.integers(0, len(file), 8):
            file[position] = rng.integers(256)
        assert send(client, bytes(file)).status_code in (200, 422)


# --- who may ask ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.evil", "[::2]"]
)
def test_another_name_for_this_machine_is_refused(client, host):
    answer = client.get("/health", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "host")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "localhost:1", "[::1]", "[::1]:8000"])
def test_names_of_this_machine_are_taken(client, host):
    assert client.get("/health", headers={"Host": host}).status_code == 200


def test_beyond_this_machine_all_but_the_pages_and_health_need_the_token():
    with client_of(create_app(settings(host="0.0.0.0")), base_url="http://digits.example") as client:
        for path in ("/health", "/ready", "/docs", "/redoc", "/openapi.json", "/static/docs.js"):
            assert client.get(path).status_code == 200, path
        for path in ("/api/info", "/metrics", "/monitoring", "/nothing", "/health/"):
            assert client.get(path).status_code == 401, path
        for word in (
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {TOKEN[:-1]}",
            f"Bearer {TOKEN}x",
            f"Token {TOKEN}",
            "Bearer \xe9",
        ):
            headers = {"Authorization": word.encode("latin-1")}
            assert client.post("/predict", json=DRAWN, headers=headers).status_code == 401, word
        assert client.post("/predict", json=DRAWN, headers=BEARER).json()["digit"] == 7
        assert client.post("/predict", json=DRAWN, headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


def test_no_other_origin_may_ask_unless_it_is_named():
    ask = {
        "Origin": "https://a.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    with client_of(create_app(settings())) as client:
        assert "access-control-allow-origin" not in client.options("/predict", headers=ask).headers
        assert "access-control-allow-origin" not in client.get("/health", headers=ask).headers
    with client_of(create_app(settings(origins=("https://a.example",)))) as client:
        asked = client.options("/predict", headers=ask)
        assert asked.status_code == 200, asked.text
        assert asked.headers["access-control-allow-origin"] == "https://a.example"
        other = client.options("/predict", headers=ask | {"Origin": "https://b.example"})
        assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(
    "path",
    ["/", "/health", "/ready", "/api/info", "/metrics", "/docs", "/static/docs.js", "/assets/page.js", "/openapi.json"],
)
def test_head_answers_as_get_without_the_body(client, path):
    asked, got = client.head(path), client.get(path)
    assert (asked.status_code, asked.headers["content-type"]) == (200, got.headers["content-type"])


@pytest.mark.parametrize("path", ["/api/v1/feedback", "/api/statistics", "/api/recent-predictions", "/monitoring"])
def test_head_needs_the_token_where_get_does(client, path):
    assert client.head(path).status_code == 401
    assert client.head(path, headers=BEARER).status_code == 200


# --- how much ---------------------------------------------------------------------------------------------------------


def test_a_client_that_asks_too_often_is_told_when_to_come_back():
    with client_of(create_app(settings(rate="3/minute"))) as client:
        assert [client.post("/predict", json=DRAWN).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = client.post("/predict", json=DRAWN)
        assert refused.json()["code"] == "rate"
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert client.get("/ready").status_code == 429
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # one household
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_addresses_that_one_client_may_choose_from_are_counted_as_one(first, second, same):
    rate = Rate("1/minute")
    rate.check(first)
    with pytest.raises(ApiError, match="too many") if same else nullcontext():
        rate.check(second)


def test_more_work_than_can_be_done_is_turned_away_and_health_answers(monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(Predictor, "predict_image", lambda self, image: go.wait(20) and self.predict_strokes(SEVEN))
    with client_of(create_app(settings(in_flight=3))) as client:
        answers: list = []
        asking = [threading.Thread(target=lambda: answers.append(send(client, b"x"))) for _ in range(3)]
        for thread in asking:
            thread.start()
        deadline = time.monotonic() + 10
        while (refused := client.get("/metrics")).status_code != 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert refused.json()["code"] == "busy"
        assert refused.headers["Retry-After"] == "1"
        assert client.get("/health").status_code == 200
        go.set()
        for thread in asking:
            thread.join()
        assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_a_picture_that_takes_too_long_is_given_up_and_the_next_is_read(monkeypatch):
    go = threading.Event()
    read = Predictor.predict_image
    monkeypatch.setattr(Predictor, "predict_image", lambda self, image: go.wait(20) and read(self, image))
    with client_of(create_app(settings(read_seconds=0.2))) as client:
        late = send(client, variants()["L"])
        assert (late.status_code, late.json()["code"]) == (503, "timeout")
        go.set()
        assert client.post("/predict", json=DRAWN).status_code == 200


# --- what an error tells ----------------------------------------------------------------------------------------------


def test_a_fault_of_ours_tells_no_path_no_traceback_and_nothing_that_was_sent(monkeypatch, caplog):
    def fail(*_: object) -> None:
        raise RuntimeError("in /some/where with my-drawing")

    with client_of(create_app(settings()), raise_server_exceptions=False) as client:
        monkeypatch.setattr(Predictor, "predict_strokes", fail)
        monkeypatch.setattr(logging.getLogger("mnistlab.serve"), "propagate", True)
        answer = client.post("/predict", json=DRAWN)
    assert answer.status_code == 500
    assert set(answer.json()) == {"code", "message", "id"}
    assert answer.json()["code"] == "internal"
    assert not {"/", "Traceback", "RuntimeError", "my-drawing"} & set(answer.json()["message"].split())
    assert answer.headers["X-Request-Id"] == answer.json()["id"]
    (record,) = [each for each in caplog.records if each.getMessage() == "failed"]
    line = JsonLines().format(record)
    assert json.loads(line)["id"] == answer.json()["id"]
    assert json.loads(line)["error"] == "RuntimeError"
    assert "my-drawing" not in line


@pytest.mark.parametrize("path", ["/health", "/nothing", "/docs", "/predict"])
def test_every_answer_has_the_headers_that_keep_a_browser_in_bounds(client, path):
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert len(headers["X-Request-Id"]) == 32
