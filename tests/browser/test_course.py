"""What the notebooks give their readers to do, in a real JupyterLab: a film to step through, a kernel to paint."""

from __future__ import annotations

import re

import browser
import pytest

from mnistlab.common import paths

pytestmark = pytest.mark.browser

FILM = """import matplotlib.pyplot as plt
from mnistlab.course.film import shoot
figure, ax = plt.subplots(figsize=(3, 1))
shoot(figure, ax.set_title, ["one", "two", "three"], name="moment", description="a title that changes")"""
PAINT = """import numpy as np
from mnistlab.course.painter import KernelPainter
painter = KernelPainter(np.zeros((5, 5)))
painter"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with both notebooks."""
    with browser.lab(tmp_path_factory.mktemp("course"), models=paths.models(), film=FILM, paint=PAINT) as address:
        yield address


@pytest.fixture
def page(chromium):
    with browser.tab(chromium) as page:
        yield page


def opened(page, address: str, name: str, ready: str) -> None:
    alone = address.replace("/lab/tree/05_draw", f"/doc/tree/{name}")  # not those of earlier tests as well
    browser.run_all(page, alone, last="", ready=ready)


def test_a_film_is_stepped_through_with_the_keys_and_plays(lab, page):
    opened(page, lab, "film", ".mnistlab-film input")
    slider, caption = page.get_by_role("slider", name="moment"), page.locator(".mnistlab-film [data-part=caption]")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert caption.inner_text() == "two"
    page.keyboard.press("Home")
    assert caption.inner_text() == "one"
    page.locator(".mnistlab-film").get_by_role("button", name="Play").press("Enter")
    caption.get_by_text("three").wait_for()
    page.locator(".mnistlab-film").get_by_role("button", name="Play").wait_for()  # it has stopped at its end


def test_a_kernel_is_painted_with_mouse_and_keys_and_tab_leads_out(lab, page):
    opened(page, lab, "paint", ".mnistlab-painter")
    page.get_by_text("the map is empty").wait_for()
    weights = page.locator(".mnistlab-painter canvas").nth(1)
    box = weights.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_text("strongest answer 1.00").wait_for()
    weights.focus()
    for key in ("ArrowUp", "+"):
        page.keyboard.press(key)
    page.get_by_text(re.compile(r"strongest answer (1\.\d|2\.00)")).wait_for()
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.textContent.includes('Clear the kernel')")
