"""The page at ``/``, and the files that it asks for."""

from __future__ import annotations

import json
import re

import pytest
from serving import BEARER, client_of, settings

from mnistlab.serve.app import create_app
from mnistlab.serve.share import Share
from mnistlab.web import page


@pytest.fixture(scope="module", params=["127.0.0.1", "0.0.0.0"], ids=["this machine", "a network"])
def client(request, tmp_path_factory):
    store = str(tmp_path_factory.mktemp("store") / "feedback.sqlite")
    with client_of(create_app(settings(store=store, host=request.param))) as client:
        yield client


def test_anybody_gets_the_page_and_its_files(client):
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    asked = re.findall(r'(?:src|href)="([^#"]+)"', answer.text)
    assert set(asked) == set(page.assets("served"))
    for name, kind in (("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
        answer = client.get(f"/assets/{name}")
        assert answer.content == page.asset(name)
        assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(("path", "route"), [("/", "/"), ("/assets/page.js", "/assets/{name}")])
def test_the_page_is_counted_under_its_address(client, path, route):
    assert client.head(path).status_code == client.get(path).status_code == 200
    counted = client.get("/metrics", headers=BEARER).text
    assert f'mnistlab_requests_total{{method="GET",route="{route}",status="200"}}' in counted


@pytest.mark.parametrize("name", ["nothing.js", "page.py", "..%2Fpage.py"])
def test_what_is_no_file_of_the_page_is_not_found(client, name):
    answer = client.get(f"/assets/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not-found"


def test_the_page_shows_the_version_in_use(registry, tmp_path):
    app = create_app(settings(store=str(tmp_path / "feedback.sqlite"), models=registry.root))
    with client_of(app) as client:
        assert '"current": "0001"' in client.get("/").text
        registry.promote("0002")
        app.state.service.versions.look()
        assert '"current": "0002"' in client.get("/").text


def test_the_page_knows_the_candidate_that_reads_a_share(tmp_path):
    with client_of(create_app(settings(store=str(tmp_path / "f.sqlite"), ab=Share("0003", 0.5)))) as client:
        data = json.loads(re.search(r'id="data">(.*?)</script>', client.get("/").text)[1])
    assert data["current"] != "0003"
    assert "0003" not in data["twins"]
    assert set(data["versions"]["0003"]["card"]) == {"created", "parameters", "metrics"}


def test_without_the_folder_of_versions_the_page_is_refused_and_no_folder_named(registry, tmp_path):
    with client_of(create_app(settings(models=registry.root, store=str(tmp_path / "store.sqlite")))) as client:
        registry.root.rename(tmp_path / "elsewhere")
        refused = client.get("/")
        assert (refused.status_code, refused.json()["code"]) == (503, "versions")
        assert str(registry.root) not in refused.text
        (tmp_path / "elsewhere").rename(registry.root)
        assert client.get("/").status_code == 200
