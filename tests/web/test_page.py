"""The page as HTML, its files and its texts."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from mnistlab.common.errors import LabError
from mnistlab.inference import predictor
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.registry import Registry
from mnistlab.web import page as web

HOMES = ("static", "served")


def data_of(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html)[1])


@pytest.fixture(scope="module")
def served() -> str:
    registry = Registry()
    return web.served_html(registry, registry.current())


def test_the_page_knows_its_version_and_a_pair_to_compare(served):
    registry, data = Registry(), data_of(served)
    plain, permuted = data["twins"]
    assert data["current"] == registry.current()
    assert data["versions"][data["current"]]["card"]["metrics"]["test"]["n"] == 10_000
    assert data["versions"][plain]["permutation"] is None
    order = np.array(data["versions"][permuted]["permutation"])
    np.testing.assert_array_equal(order, np.asarray(registry.load(permuted).permutation.order))


def test_a_pair_has_one_size_and_one_recipe():
    registry = Registry()
    plain, permuted = (registry.manifest(name) for name in web.twins(registry))
    assert (plain.permutation.kind, permuted.permutation.kind) == ("identity", "permuted")
    assert plain.architecture == permuted.architecture
    assert plain.training.epochs == permuted.training.epochs


def test_without_a_pair_there_is_nothing_to_compare(registry):
    for path in registry.root.glob("0002/*"):
        path.unlink()
    assert web.twins(registry) == ()
    html = web.served_html(registry, "0001")
    assert data_of(html)["twins"] is None
    assert re.search(r'<button[^>]* id="scramble"[^>]* hidden>', html)


def test_nothing_in_its_data_is_taken_for_html():
    card = {"note": "</script><script>alert(1)</script><!--"}
    html = web.page_html("served", current="0001", versions={"0001": {"card": card}}, twins=())
    assert data_of(html)["versions"]["0001"]["card"] == card
    assert "<script>alert" not in html


@pytest.mark.parametrize("home", HOMES)
def test_all_that_the_page_asks_for_is_there_and_nothing_from_elsewhere(home):
    html = web.page_html(home, current="0001", versions={}, twins=())
    asked = re.findall(r'(?:src|href)="([^#"]+)"', html)
    assert len(asked) > 10
    assert set(asked) <= set(web.assets(home))
    assert "http:" not in html
    assert "https:" not in html


@pytest.mark.parametrize("home", HOMES)
def test_no_script_and_no_style_stands_in_the_page_itself(home):
    html = web.page_html(home, current="0001", versions={}, twins=())
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert re.findall(r"<script(?! src=)([^>]*)>", html) == [' type="application/json" id="data"']


def test_a_file_that_is_not_of_the_page_is_refused():
    with pytest.raises(LabError, match=re.escape("the page has no file '../page.py'")):
        web.asset("../page.py")


def scripts() -> str:
    names = {*web.SCRIPTS["static"], *web.SCRIPTS["served"]} - {*web.TEXTS}
    return "".join(web.asset(name).decode() for name in sorted(names))


def test_every_text_is_used_and_every_one_that_is_used_is_there():
    template = web.page_html("static", current="", versions={}, twins=()) + web.page_html(
        "served", current="", versions={}, twins=()
    )
    texts = set(re.findall(r'^  "?([\w.-]+)"?:', web.asset("text.en.js").decode(), re.M))
    used = set(re.findall(r'data-(?:text|label)="([^"]+)"', template))
    used |= set(re.findall(r'say\(\s*"([^"]+)"', scripts()))
    assert used <= texts
    prefixes = re.findall(r"`([\w.]+)\$\{", scripts())
    quoted = set(re.findall(r'"([\w.-]+)"', scripts()))  # chosen among several
    assert {key for key in texts - used - quoted if not key.startswith(tuple(prefixes))} == set()


def test_the_reasons_that_a_server_gives_are_known_to_the_page():
    table = re.search(r"REASONS = Object\.freeze\(\{(.*?)\}\)", web.asset("api.js").decode(), re.S)[1]
    reasons = dict(re.findall(r'"([^"]+)": "([^"]+)"', table))
    reader = Predictor.load()
    paper, ink = (np.full((40, 40), value, dtype=np.uint8) for value in (255, 0))
    ink[:2] = ink[-2:] = 255
    ink[:, :2] = ink[:, -2:] = 255
    given = {
        "empty": reader.predict_strokes([]),
        "dot": reader.predict_strokes([[(1, 1)]]),
        "blank": reader.predict_image(paper),
        "rim": reader.predict_image(ink),
    }
    assert {key: prediction.reason for key, prediction in given.items()} == {
        key: words for words, key in reasons.items() if key != "not-a-digit"
    }
    assert reasons[predictor.NO_DIGIT] == "not-a-digit"


def test_the_page_knows_what_a_server_says_of_stray_marks():
    reader, digit, taps = Predictor.load(), [(140, 60), (140, 200)], [[(10, 10), (12, 11)], [(270, 10), (271, 12)]]
    one, two = (reader.predict_strokes([digit, *taps[:count]], canvas=280).note for count in (1, 2))
    assert f'note === "{one}" ? 1' in web.asset("api.js").decode()
    assert two == f"2 {one.removeprefix('a ').replace('mark was', 'marks were')}"  # its number comes first
