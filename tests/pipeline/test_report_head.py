"""The head of an executed notebook's page: outcome, accuracy, version, run, and the way to the others."""

from __future__ import annotations

import pytest

from mnistlab.pipeline.report_head import INDEX, put_heads

RUN = "20261121-080901"
PAGE = '<html><head></head><body class="jp-Notebook" data-x="1">\n<main>read</main></body></html>'


@pytest.fixture
def folder(tmp_path):
    for name in ("03_train", "04_evaluate"):
        (tmp_path / RUN).mkdir(exist_ok=True)
        (tmp_path / RUN / f"{name}.html").write_text(PAGE)
    return tmp_path / RUN


def heads(folder, **about) -> tuple[str, str]:
    """The pages of a run with their heads."""
    notebooks = [{"name": name, "headlines": [f"{name} says <b>"]} for name in ("03_train", "04_evaluate", "05_gone")]
    put_heads(folder, RUN, notebooks, about)
    return (folder / "03_train.html").read_text(), (folder / "04_evaluate.html").read_text()


def test_a_run_says_that_it_is_complete_and_leads_to_its_other_pages(folder):
    train, evaluate = heads(folder)
    for page in (train, evaluate):
        assert page.count("<header") == 1
        assert page.index("data-x") < page.index(">complete<") < page.index("<main>")
        assert "run of 2026-11-21 08:09 UTC" in page
        assert f"../{INDEX}" not in page
    assert "03_train says &lt;b&gt;" in train
    assert 'href="04_evaluate.html"' in train
    assert 'href="03_train.html"' in evaluate
    assert "05_gone" not in evaluate


@pytest.mark.parametrize(("outcome", "version"), [("promoted", "0006"), ("refused", None)])
def test_a_retraining_leads_with_its_outcome_and_accuracy(folder, outcome, version):
    decision = {"candidate": "0007", "figures": {"validation": {"correct": 4970, "n": 5000}}}
    page, _ = heads(folder, kind="retrain", outcome=outcome, version=version, decision=decision)
    assert page.index(f">{outcome}<") < page.index("99.40 % [") < page.index("of 5,000 validation images")
    assert ("version 0006" if version else "candidate 0007") in page
    assert f'href="../{INDEX}"' in page
    assert (' class="fault"' in page) == (outcome == "refused")


def test_a_page_of_all_runs_that_is_there_is_led_to(folder):
    (folder.parent / INDEX).write_text("")
    assert f'href="../{INDEX}"' in heads(folder)[0]


def test_a_page_is_dark_where_it_is_asked_for(folder):
    page, _ = heads(folder)
    dark = page.partition('media="(prefers-color-scheme: dark)">')[2].partition("</style>")[0]
    assert "--jp-layout-color0" in dark
