"""The pages beside the drawing page: nothing from elsewhere, nothing inline, and the report for those with the token."""

from __future__ import annotations

import re

import browser
import pytest
from fastapi.testclient import TestClient
from serving import BEARER, SEVEN, TOKEN, client_of, running, settings

from mnistlab.feedback import consent
from mnistlab.feedback.records import UsesOfDay
from mnistlab.serve import pages
from mnistlab.serve.app import create_app
from mnistlab.serve.monitoring import figures

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return create_app(settings(store=str(tmp_path_factory.mktemp("store") / "feedback.sqlite")))


@pytest.fixture(scope="module")
def client(app):
    with client_of(app) as client:
        answers = [client.post("/predict", json={"strokes": SEVEN}).json()["id"] for _ in range(4)]
        agreed = {"consent": consent.VERSION, "strokes": SEVEN}
        for answer, digit in zip(answers, (7, 7, 1), strict=False):
            client.post("/api/v1/feedback", json={"id": answer, "digit": digit, **agreed})
        yield client


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/monitoring"])
def test_a_page_names_no_other_server_and_holds_no_script(client: TestClient, path):
    page = client.get(path, headers={**BEARER, **HTML})
    assert page.status_code == 200
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []
    assert re.findall(r"<script(?! src=)", page.text) == []
    assert re.findall(r"\son\w+=|\sstyle=", page.text) == []
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_what_the_pages_load_is_there_and_nothing_else(client: TestClient):
    for name in pages.OURS | pages.THEIRS:
        assert client.get(f"/static/{name}").status_code == 200, name
    for name in ("favicon.png", "..%2Fapp.py", "app.py"):
        assert client.get(f"/static/{name}").status_code == 404, name


def test_the_lists_say_what_each_address_is_for(client: TestClient):
    described = client.get("/openapi.json").json()["paths"]
    summaries = [way["summary"] for ways in described.values() for way in ways.values()]
    assert len(set(summaries)) == len(summaries) > 9
    assert {"Read a digit", "Say whether an answer was right", "Can it read?"} <= set(summaries)
    assert all(way["tags"] for ways in described.values() for way in ways.values())


def test_the_page_and_its_files_bear_their_names_in_the_metrics(client: TestClient):
    for path in ("/", "/assets/page.css"):
        assert client.get(path).status_code == client.head(path).status_code == 200
    told = client.get("/metrics").text
    for route in ("/", "/assets/{name}"):
        assert f'method="GET",route="{route}",status="200"' in told


def test_the_report_tells_number_time_and_satisfaction(client: TestClient):
    page = client.get("/monitoring?days=1", headers=BEARER).text
    for words in ("Number of predictions", "4 in 1 days", "Time of inference", "min ", "mean ", "max ", "66.7 % of 3"):
        assert words in page, words
    assert page.count("<title>") == 4  # that of the page, and one for the dot of each figure
    assert "called right" in page
    assert client.get("/monitoring?days=1000", headers=BEARER).status_code == 422


def test_a_browser_without_the_token_is_asked_for_it_and_told_nothing(client: TestClient):
    asked = client.get("/monitoring", headers=HTML)
    assert (asked.status_code, asked.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "predictions" not in asked.text


def test_a_figure_has_a_dot_with_words_for_every_hour_and_a_bar_from_min_to_max():
    hours = [UsesOfDay(f"2026-03-01T{h:02}", "0001", h + 1, 1.0, 2.0, 4.0, h, 1) for h in range(3)]
    hours.append(UsesOfDay("2026-03-01T02", "0002", 1, 8.0, 8.0, 8.0, 0, 0))
    number, spent, satisfaction = figures(hours)
    assert [point["words"] for point in number.points][-1] == "2026-03-01 02:00: 4 predictions"
    assert "min 1.00 ms, mean 3.50 ms, max 8.00 ms" in spent.points[-1]["words"]
    low, middle, high = (spent.points[-1][name] for name in ("low", "y", "high"))
    assert high < middle < low  # y points down
    assert "66.7 % of 3 judged" in satisfaction.points[-1]["words"]
    assert [point["x"] for point in number.points] == sorted({point["x"] for point in number.points})
    assert figures([])[0].points == []


@pytest.mark.browser
def test_the_pages_work_in_a_browser_under_their_policy(app, client):
    executable = browser.find_chromium()
    if executable is None:
        pytest.skip(browser.HELP)
    with running(app) as address, browser.chromium(executable) as chromium, browser.tab(chromium) as page:
        elsewhere = []
        troubles = []
        page.on("console", lambda said: said.type == "error" and troubles.append(said.text))
        page.on("response", lambda answer: answer.url.startswith(address) or elsewhere.append(answer.url))
        page.goto(f"{address}/docs")
        page.get_by_text("/api/v1/predict").first.wait_for()
        page.goto(f"{address}/redoc")
        page.get_by_text("Reads handwritten digits").first.wait_for()
        page.get_by_text("API docs by Redocly").wait_for()
        assert troubles == []
        page.goto(f"{address}/monitoring#token={TOKEN}")
        page.get_by_text("Number of predictions").first.wait_for()
        for term in page.locator("dt").all():  # each stands beside what it names
            beside = term.locator("xpath=following-sibling::dd[1]")
            assert abs(term.bounding_box()["y"] - beside.bounding_box()["y"]) < 3, term.inner_text()
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.goto("about:blank")
        page.goto(f"{address}/monitoring#token=wrong")
        page.get_by_text("does not take this token").wait_for()
        page.get_by_label("token").fill(TOKEN)
        page.get_by_role("button", name="Show").click()
        page.get_by_text("Number of predictions").first.wait_for()
        assert elsewhere == []
