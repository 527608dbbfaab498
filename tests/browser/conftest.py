"""The browser that the tests of this folder share, or the reason why there is none."""

from __future__ import annotations

import os

import browser
import pytest


@pytest.fixture(scope="module")
def chromium():
    executable = browser.find_chromium()
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail(browser.HELP)
        pytest.skip(browser.HELP)
    pytest.importorskip("playwright", reason="no Playwright: `pip install playwright`")
    with browser.chromium(executable) as chromium:
        yield chromium
