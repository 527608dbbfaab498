"""Predictions over HTTP: every form a digit may be sent in, and what is refused."""

from __future__ import annotations

import io

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from serving import SEVEN, TOKEN, client_of, settings

from mnistlab.data.strokes import rasterise
from mnistlab.inference.predictor import Predictor
from mnistlab.serve.app import create_app

INK = rasterise([np.array(stroke) for stroke in SEVEN])


def png(ink: np.ndarray = INK, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(255 - ink).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def client():
    with client_of(create_app(settings())) as client:
        yield client


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """The 7 as the network sees it, uint8 (28, 28)."""
    return Predictor.load().predict_strokes(SEVEN).image


def digit(answer: httpx.Response) -> int | None:
    assert answer.status_code == 200, answer.text
    return answer.json()["digit"]


def refused(answer: httpx.Response, status: int, code: str, words: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"code", "message", "id"}
    assert answer.json()["code"] == code
    assert words in answer.json()["message"]


@pytest.mark.parametrize("path", ["/api/v1/predict", "/api/predict", "/predict"])
def test_strokes_are_read_as_the_predictor_reads_them(client: TestClient, path):
    answer = client.post(path, json={"strokes": SEVEN, "pen_width": 14}).json()
    expected = Predictor.load().predict_strokes(SEVEN, 14)
    assert answer["digit"] == expected.digit == 7
    assert answer["digits"] == list(expected.digits)
    np.testing.assert_allclose(answer["probabilities"], expected.probabilities, atol=1e-6)
    assert answer["confidence"] == pytest.approx(expected.confidence, abs=1e-6)
    assert (answer["version"], answer["reason"]) == (expected.version, "")
    assert answer["permutation"] == Predictor.load().permutation.sha256()
    assert answer["milliseconds"] > 0
    assert len(answer["id"]) == 32


def test_a_picture_is_read_from_a_form_and_raw(client: TestClient):
    assert digit(client.post("/predict", files={"file": ("secret name.png", png())})) == 7
    for kind in ("image/png", "image/jpeg", "image/webp", "application/octet-stream"):
        assert digit(client.post("/predict", content=png(), headers={"Content-Type": kind})) == 7
    assert digit(client.post("/predict", content=png(kind="JPEG"), headers={"Content-Type": "image/jpeg"})) == 7


@pytest.mark.parametrize("form", ["bytes", "fractions", "whole floats", "square"])
def test_784_pixels_are_read_in_every_form(client: TestClient, image, form):
    values = {
        "bytes": image.ravel().tolist(),
        "fractions": (image.ravel() / 255).tolist(),
        "whole floats": image.ravel().astype(float).tolist(),
        "square": image.tolist(),
    }[form]
    answer = client.post("/predict?include=image", json={"image": values})
    assert digit(answer) == 7
    assert answer.json()["image"] == image.ravel().tolist()


def test_an_image_of_zeros_and_ones_is_black_and_white(client: TestClient, image):
    answer = client.post("/predict?include=image", json={"image": (image > 99).astype(int).ravel().tolist()})
    assert set(answer.json()["image"]) == {0, 255}


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ([0.5] + [200] * 783, "mixed", "0.5 and 200 came together"),
        ([-1] + [0] * 783, "value", "greater than or equal to 0; -1 came"),
        ([256] + [0] * 783, "value", "less than or equal to 255; 256 came"),
        ([0] * 783, "value", "784"),
        ([0] * 785, "value", "784"),
        ([[0] * 28] * 27, "value", "28"),
        ([[0] * 27] * 28, "value", "28"),
        ([True] + [0] * 783, "value", "True came"),
        (["0"] + [0] * 783, "value", "a text came"),
        ("0" * 784, "value", "a text came"),
    ],
)
def test_other_pixels_are_refused_with_what_came(client: TestClient, values, code, words):
    refused(client.post("/predict", json={"image": values}), 422, code, words)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "1" * 5000])
def test_what_is_no_finite_number_is_refused(client: TestClient, text):
    body = f'{{"image": [{", ".join(["0"] * 783)}, {text}]}}'
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert set(answer.json()) == {"code", "message", "id"}


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        ({}, 422, "value", "neither came"),
        ({"image": [0] * 784, "strokes": SEVEN}, 422, "value", "both came"),
        ({"strokes": SEVEN, "pen": 3}, 422, "value", "pen"),
        ({"strokes": SEVEN, "pen_width": 61}, 422, "value", "pen_width"),
        ({"strokes": [[[1]]]}, 422, "value", "strokes.0.0"),
        ({"strokes": [[[1, 1e9]]]}, 422, "value", "10000"),
        ({"strokes": [[[0, k % 280] for k in range(11_000)]] * 2}, 422, "too-many", "20,000"),
        ([], 422, "value", "a list"),
    ],
)
def test_other_json_is_refused_with_what_is_allowed(client: TestClient, body, status, code, words):
    refused(client.post("/predict", json=body), status, code, words)


def test_what_is_no_json_and_other_types_are_refused(client: TestClient):
    for body in (b"{", b"\xff\xfe", b"[" * 100_000):
        refused(client.post("/predict", content=body, headers={"Content-Type": "application/json"}), 400, "json")
    refused(
        client.post("/predict", content=b"x", headers={"Content-Type": "text/plain"}), 415, "media-type", "text/plain"
    )
    refused(client.post("/predict", content=b"x"), 415, "media-type", "no Content-Type came")


def test_a_form_must_hold_one_file_and_nothing_else(client: TestClient):
    refused(client.post("/predict", files={"other": png()}), 422, "form", "other came")
    refused(client.post("/predict", files=[("file", png()), ("file", png())]), 422, "form", "file, file came")
    refused(client.post("/predict", files={"file": png()}, data={"a": "b"}), 422, "form")
    kind = {"Content-Type": "multipart/form-data"}
    refused(client.post("/predict", content=b"x", headers=kind), 400, "form")
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(client.post("/predict", content=b"--y\r\n", headers=kind), 400, "form")


@pytest.mark.parametrize("body", [{"strokes": []}, {"strokes": [[[5, 5]]]}, {"image": [0] * 784}])
def test_nothing_to_read_gives_no_digit_and_says_why(client: TestClient, body):
    answer = client.post("/predict", json=body).json()
    assert (answer["digit"], answer["digits"], answer["confidence"]) == (None, [], 0)
    assert answer["reason"]


def test_why_comes_with_strokes_alone(client: TestClient):
    why = client.post("/predict?include=why&include=image", json={"strokes": SEVEN}).json()["why"]
    assert why["digit"] == 7
    assert len(why["pieces"]) == len(why["weights"]) > 5
    assert client.post("/predict?include=why", json={"image": [0] * 784}).json()["why"] is None


def test_another_version_can_be_asked_for_by_name(client: TestClient):
    assert client.post("/predict?version=0002", json={"strokes": SEVEN}).json()["version"] == "0002"
    refused(client.post("/predict?version=9999", json={"strokes": SEVEN}), 404, "unknown", "9999")
    refused(client.post("/predict?version=../0002", json={"strokes": SEVEN}), 422, "query")


def test_a_question_with_unknown_words_is_refused(client: TestClient):
    refused(client.post("/predict?include=everything", json={"strokes": SEVEN}), 422, "query", "everything")
    refused(client.post("/predict?verbose=1", json={"strokes": SEVEN}), 422, "query", "verbose")


def test_a_server_is_told_apart_from_its_page(client: TestClient):
    assert client.get("/health").json() == {"status": "alive"}
    assert client.get("/ready").json()["version"] == Predictor.load().version
    info = client.get("/api/info").json()
    assert info["manifest"]["version"] == info["version"]
    assert "0002" in info["versions"]
    assert TOKEN not in client.get("/api/info").text
    refused(client.get("/nothing"), 404, "not-found")
    refused(client.get("/predict"), 405, "method")
    assert client.get("/predict").headers["Allow"] == "POST"


ONE_AND_SEVEN = [[[40, 60], [40, 200]], [[150, 60], [220, 62], [180, 200]]]


def test_several_digits_are_told_one_by_one(client: TestClient):
    answer = client.post("/api/v1/predict", json={"strokes": ONE_AND_SEVEN}).json()
    assert (answer["digit"], answer["digits"], answer["reason"]) == (None, [], "several digits: 1, then 7")
    assert [(part["digit"], part["line"]) for part in answer["digits_found"]] == [(1, 0), (7, 0)]
    assert answer["digits_found"][1]["box"] == [150, 60, 220, 200]
    assert client.post("/api/v1/predict", json={"strokes": SEVEN}).json()["digits_found"] == []


def test_a_stray_mark_is_left_out_and_told(client: TestClient):
    answer = client.post("/api/v1/predict", json={"strokes": [[[120, 60], [180, 62], [150, 180]], [[20, 274]]]}).json()
    assert (answer["digit"], answer["note"]) == (7, "a stray mark was left out")


def test_a_canvas_of_another_size_is_read_if_its_side_is_told(client: TestClient):
    strokes = [[[4 * x, 4 * y] for x, y in stroke] for stroke in ONE_AND_SEVEN]
    untold = client.post("/api/v1/predict", json={"strokes": strokes}).json()
    assert (untold["digit"], "how large the canvas is" in untold["reason"]) == (None, True)
    told = client.post("/api/v1/predict", json={"strokes": strokes, "canvas": 1120}).json()
    assert [part["digit"] for part in told["digits_found"]] == [1, 7]
    assert told["digits_found"][1]["box"] == [600, 240, 880, 800]
    refused(client.post("/api/v1/predict", json={"strokes": strokes, "canvas": 0}), 422, "value", "canvas")
