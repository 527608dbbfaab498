"""What people say over HTTP: counted, kept under consent alone, told to those with the token, erased for good."""

from __future__ import annotations

import secrets
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest
from fastapi.testclient import TestClient
from serving import BEARER, SEVEN, client_of, settings

from mnistlab.common.errors import FeedbackError
from mnistlab.feedback import consent
from mnistlab.feedback.store import Store
from mnistlab.serve.app import create_app
from mnistlab.serve.bodies import FeedbackBody
from mnistlab.serve.feedback import take

FEEDBACK = "/api/v1/feedback"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "feedback.sqlite"


@pytest.fixture
def client(path):
    with client_of(create_app(settings(store=str(path)))) as client:
        yield client


@pytest.fixture
def store(client, path) -> Store:
    return Store(path)


def read(client: TestClient, **query: str) -> dict:
    return client.post("/predict", json={"strokes": SEVEN}, params=query).json()


def say(client: TestClient, answer_id: str, **said: object) -> httpx.Response:
    return client.post(FEEDBACK, json={"id": answer_id, **said})


def test_without_consent_a_verdict_is_counted_and_nothing_else_is_kept(client, store, path):
    answer = read(client)
    said = say(client, answer["id"], verdict="wrong", digit=1, comment="my secret", strokes=SEVEN)
    assert said.status_code == 200, said.text
    assert (said.json()["kept"], said.json()["session"]) == (False, None)
    (use,) = store.uses()
    assert (use.verdict, use.version, use.session, use.digit) == ("wrong", answer["version"], None, None)
    assert use.milliseconds == pytest.approx(answer["milliseconds"], abs=0.001)
    assert store.corrections() == []
    assert b"secret" not in path.read_bytes()


def test_under_consent_the_drawing_is_kept_as_it_was_read(client, store):
    answer = read(client)
    mine = secrets.token_hex(16)
    agreed = {"consent": consent.VERSION, "session": mine, "strokes": SEVEN, "pen_width": 14}
    said = say(client, answer["id"], digit=1, comment="a one", **agreed).json()
    assert said == {"id": answer["id"], "verdict": "wrong", "kept": True, "session": mine, "note": ""}
    (kept,) = store.corrections()
    assert (kept.digit, kept.predicted, kept.comment, kept.pen_width, kept.consent) == (1, 7, "a one", 14, "1")
    assert (kept.session, kept.key) == (mine, answer["id"])
    assert [stroke.tolist() for stroke in kept.strokes] == SEVEN
    (use,) = store.uses()
    assert (use.verdict, use.digit, use.session) == ("wrong", 7, mine)
    say(client, answer["id"], verdict="right", **agreed)  # said again, it replaces what was said
    (kept,) = store.corrections()
    assert kept.digit == 7
    assert say(client, answer["id"], **agreed).json()["note"] == "taken back"
    assert store.corrections() == []
    assert [use.verdict for use in store.uses()] == [None]


def test_of_verdicts_at_the_same_moment_one_is_the_first(client, monkeypatch):
    service = client.app.state.service
    answer, told, known = read(client), [], service.tally.known
    monkeypatch.setattr(service.rollout, "told", lambda version, *, wrong: told.append(wrong))
    monkeypatch.setattr(service.tally, "known", lambda name: (known(name), time.sleep(0.2))[0])
    sent = FeedbackBody(id=answer["id"], verdict="wrong")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: take(service, sent), range(4)))
    assert told == [True]


def test_any_server_takes_a_drawing_that_comes_again(client, store):
    elsewhere = secrets.token_hex(16)
    refused = say(client, elsewhere, verdict="right")
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown-id")
    said = say(client, elsewhere, verdict="right", consent=consent.VERSION, strokes=SEVEN).json()
    assert said["kept"]
    assert len(said["session"]) == 32
    assert [correction.digit for correction in store.corrections()] == [7]


def test_an_answer_that_another_process_gave_is_known_from_the_store(client, store, path):
    answer = read(client)
    client.get("/api/v1/statistics", headers=BEARER)  # writes what was counted
    with client_of(create_app(settings(store=str(path)))) as other:
        assert say(other, answer["id"], verdict="wrong").status_code == 200
        without = say(other, answer["id"], digit=7)
        assert (without.status_code, without.json()["code"]) == (404, "verdict")
    assert [use.verdict for use in store.uses()] == ["wrong"]


def test_what_is_said_first_of_an_answer_is_told_to_the_watch_over_versions(client, monkeypatch):
    told = []
    monkeypatch.setattr(client.app.state.service.rollout, "told", lambda version, wrong: told.append((version, wrong)))
    answer = read(client)
    for verdict in ("wrong", "right", "wrong"):
        say(client, answer["id"], verdict=verdict)
    say(client, secrets.token_hex(16), digit=1, consent=consent.VERSION, strokes=SEVEN)  # an answer nobody gave
    assert told == [(answer["version"], True)]


def test_a_picture_is_counted_but_not_kept(client, store):
    answer = client.post("/predict", json={"image": [0, 255] * 392}).json()
    said = say(client, answer["id"], digit=3, consent=consent.VERSION, image=[0, 255] * 392).json()
    assert (said["kept"], said["verdict"]) == (False, "wrong")
    assert "not pictures" in said["note"]
    assert store.corrections() == []


def test_wrong_without_the_digit_is_counted_and_says_what_is_missing(client, store):
    said = say(client, read(client)["id"], verdict="wrong", consent=consent.VERSION, strokes=SEVEN).json()
    assert "say which digit" in said["note"]
    assert store.corrections() == []


def test_a_session_is_erased_by_those_who_know_its_name(client, store):
    said = say(client, secrets.token_hex(16), verdict="right", consent=consent.VERSION, strokes=SEVEN).json()
    assert client.delete(FEEDBACK, params={"session": secrets.token_hex(16)}).json() == {"erased": 0}
    assert len(store.corrections()) == 1
    assert client.delete(FEEDBACK, params={"session": said["session"]}).json() == {"erased": 1}
    assert (store.corrections(), store.uses()) == ([], [])
    assert client.delete(FEEDBACK).status_code == 422


@pytest.mark.parametrize(
    "said",
    [
        {"id": "x"},
        {"verdict": "maybe"},
        {"digit": 10},
        {"digit": "7"},
        {"comment": 501 * "x"},
        {"comment": "\0"},
        {"consent": "2"},
        {"consent": True},
        {"consent": "1", "strokes": []},
        {"session": "me"},
        {"file_name": "me.png"},
    ],
)
def test_what_is_said_in_another_form_is_refused_and_a_comment_is_not_shown(client, store, said):
    refused = client.post(FEEDBACK, json={"id": read(client)["id"], "verdict": "right", **said})
    assert refused.status_code == 422, refused.text
    assert "xxx" not in refused.text
    assert client.post(FEEDBACK, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_figures_are_told_with_the_token_and_only_with_it(client):
    ids = [read(client)["id"] for _ in range(3)]
    say(client, ids[0], verdict="right")
    say(client, ids[1], verdict="wrong")
    for address in ("/api/v1/statistics", "/api/v1/recent-predictions", FEEDBACK, "/monitoring"):
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": f"Basic {BEARER['Authorization'][7:]}"},
        ):
            refused = client.get(address, headers=headers)
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), address
    told = client.get("/api/statistics", headers=BEARER).json()
    assert told["predictions"] == 3
    assert told["satisfaction"] == {"right": 1, "judged": 2, "share": 0.5}
    assert 0 < told["milliseconds"]["min"] <= told["milliseconds"]["mean"] <= told["milliseconds"]["max"]
    assert sum(day["n"] for day in told["days"]) == 3
    last = client.get("/api/recent-predictions", headers=BEARER).json()["predictions"]
    assert [each["id"] for each in last] == ids[::-1]
    assert set(last[0]) == {"id", "digit", "confidence", "milliseconds", "version"}
    assert client.get("/api/v1/statistics?days=0", headers=BEARER).status_code == 422


@pytest.mark.parametrize(
    "number", ["", "0", "-1", "+1", " 1", "1e1", "1_0", "٣", "1001", "9" * 5000, f"{1:09}{0:05000}", f"{1:09}{0:020}"]
)
@pytest.mark.parametrize("question", [f"{FEEDBACK}?limit=", "/api/v1/statistics?days=", "/monitoring?days="])
def test_a_number_in_a_question_is_one_that_is_allowed(client, question, number):
    refused = client.get(question + quote(number), headers=BEARER)
    assert (refused.status_code, refused.json()["code"]) == (422, "query")


def test_only_the_last_hundred_answers_are_told(client):
    for _ in range(105):
        read(client)
    assert len(client.get("/api/recent-predictions", headers=BEARER).json()["predictions"]) == 100


def test_corrections_are_listed_without_their_drawings(client):
    for digit in (1, 2):
        say(client, secrets.token_hex(16), digit=digit, consent=consent.VERSION, strokes=SEVEN)
    told = client.get(FEEDBACK, headers=BEARER, params={"limit": 1}).json()["corrections"]
    assert [(each["digit"], each["predicted"]) for each in told] == [(2, 7)]
    assert set(told[0]) == {"id", "created", "version", "digit", "predicted", "comment"}
    assert client.get(FEEDBACK, headers=BEARER, params={"limit": 1001}).status_code == 422


def test_a_drawing_that_grows_is_counted_once(client):
    own = secrets.token_hex(16)
    assert {read(client, id=own)["id"] for _ in range(5)} == {own}
    assert client.get("/api/statistics", headers=BEARER).json()["predictions"] == 1
    assert client.post("/predict?id=x", json={"strokes": SEVEN}).status_code == 422


def test_what_was_counted_is_written_when_the_server_ends(path):
    with client_of(create_app(settings(store=str(path)))) as client:
        read(client)
    assert len(Store(path).uses()) == 1


def test_without_its_store_the_server_reads_and_says_that_it_is_not_ready(tmp_path):
    sqlite3.connect(tmp_path / "foreign.sqlite").execute("CREATE TABLE theirs (id)").connection.commit()
    with client_of(create_app(settings(store=str(tmp_path / "foreign.sqlite")))) as client:
        assert read(client)["digit"] == 7
        for answer in (client.get("/ready"), client.get("/api/statistics", headers=BEARER)):
            assert answer.status_code == 503
            assert str(tmp_path) not in answer.text
        assert client.get("/health").status_code == 200


def test_what_the_store_cannot_take_now_is_counted_when_it_can(client, store, monkeypatch):
    def fail(*_: object) -> None:
        raise FeedbackError("kept busy by others", code="busy")

    answer = read(client)
    tally = client.app.state.service.tally
    with monkeypatch.context() as broken:
        broken.setattr(Store, "count_all", fail)
        with pytest.raises(FeedbackError, match="busy"):
            tally.write()
    tally.write()
    assert [use.key for use in store.uses()] == [answer["id"]]
