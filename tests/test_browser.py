"""The drawing notebook in a real JupyterLab, drawn on with the mouse in a real browser. One server and one page for all."""

from __future__ import annotations

import io
import os
import re

import browser
import numpy as np
import pytest
from PIL import Image

from mnistlab import drawings, paths
from mnistlab.registry import Registry
from mnistlab.strokes import rasterise

pytestmark = pytest.mark.browser

INK = (
    "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v > 127).length"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory):
    """``05_draw`` after Run > Run All Cells, with the committed models."""
    executable = browser.find_chromium()
    if executable is None:
        if os.environ.get("CI") == "true":
            pytest.fail(browser.HELP)
        pytest.skip(browser.HELP)
    pytest.importorskip("playwright", reason="no Playwright: `pip install playwright`")
    folder = tmp_path_factory.mktemp("lab")
    with (
        browser.lab(folder, models=paths.ROOT / "models") as address,
        browser.chromium(executable) as page,
    ):
        try:
            browser.run_all(page, address)
        except Exception as error:
            page.screenshot(path=folder / "failed.png")
            error.add_note(f"what the page showed: {folder / 'failed.png'}")
            raise
        yield page


@pytest.fixture
def pad(page):
    """The page with an empty canvas, and the version that is in use."""
    current = Registry(paths.ROOT / "models").current()
    choose = page.get_by_label("Model")
    choose.select_option(label=option(page, current))
    page.locator(".mnistlab-foot", has_text=current).wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("draw a digit", exact=True).wait_for()
    return page


def option(page, version: str) -> str:
    """The text of a version in the list of models."""
    return page.get_by_label("Model").locator("option", has_text=re.compile(f"^{version}:")).inner_text()


def expect_digit(page, digit: int) -> None:
    page.locator(".mnistlab-digit", has_text=re.compile(f"^{digit}$")).wait_for()


def expect_ink(page, condition: str, held: int = 0) -> None:
    """Wait until the number of canvas pixels that are not paper fulfils a condition in JavaScript."""
    page.wait_for_function(
        f"held => {{ const ink = ({INK})(document.querySelector('.mnistlab-sheet')); return {condition} }}",
        arg=int(held),
    )


@pytest.mark.parametrize("name", ["three", "zero", "seven"])
def test_a_digit_drawn_with_the_mouse_is_read(pad, name):
    drawing = drawings.load()[name]
    browser.draw(pad, drawing.strokes)
    pad.locator(".mnistlab-readout [role=status]").wait_for()  # the pen is up
    expect_digit(pad, drawing.digit)
    held = 4 * np.count_nonzero(rasterise(drawing.strokes, pen_width=20))  # canvas px are half as wide
    expect_ink(pad, "ink >= 0.9 * held && ink <= 1.1 * held", held)


def test_it_is_read_while_the_button_is_still_down(pad):
    browser.draw(pad, drawings.load()["seven"].strokes, lift=False)
    try:
        expect_digit(pad, 7)
        assert pad.locator(".mnistlab-readout [role=status]").count() == 0
    finally:
        pad.mouse.up()
    pad.locator(".mnistlab-readout [role=status]").wait_for()


def test_undo_takes_back_one_stroke_and_clear_all(pad):
    four = drawings.load()["four closed at the top"]
    browser.draw(pad, four.strokes)
    expect_digit(pad, 4)
    pad.get_by_role("button", name="Undo").click()
    held = 4 * np.count_nonzero(rasterise(four.strokes[:1], pen_width=20))
    expect_ink(pad, "ink >= 0.9 * held && ink <= 1.1 * held", held)
    pad.get_by_role("button", name="Clear").click()
    pad.get_by_text("draw a digit", exact=True).wait_for()
    expect_ink(pad, "ink == 0")


def test_a_permuted_version_shows_what_it_sees(pad):
    permuted = Registry(paths.ROOT / "models").latest(permuted=True)
    browser.draw(pad, drawings.load()["zero"].strokes)
    expect_digit(pad, 0)
    pad.get_by_label("Model").select_option(label=option(pad, permuted))
    pad.get_by_text("scrambled, as it sees it").wait_for()
    pad.locator(".mnistlab-foot", has_text=permuted).wait_for()
    expect_digit(pad, 0)


def test_a_picture_file_is_read(pad):
    file = io.BytesIO()
    Image.fromarray(255 - rasterise(drawings.load()["eight"].strokes)).save(file, "PNG")
    for content, check in (
        (file.getvalue(), lambda: expect_digit(pad, 8)),
        (b"no picture", lambda: pad.get_by_text("This is no PNG or JPEG.").wait_for()),
    ):
        with pad.expect_file_chooser() as chooser:
            pad.get_by_role("button", name="Picture").click()
        chooser.value.set_files({"name": "digit.png", "mimeType": "image/png", "buffer": content})
        check()


@pytest.mark.parametrize("key", ["Tab", "Escape"])
def test_the_keyboard_gets_out_of_the_canvas(pad, key):
    pad.locator(".mnistlab-sheet").focus()
    pad.keyboard.press(key)
    pad.wait_for_function("() => document.activeElement.textContent.trim() == 'Undo'")


def test_a_reloaded_page_has_its_ink_and_its_reading_again(pad):
    browser.draw(pad, drawings.load()["three"].strokes)
    expect_digit(pad, 3)
    pad.get_by_role("button", name="Undo").focus()  # out of the canvas, which swallows every key
    pad.keyboard.press("Control+s")
    pad.locator(".jp-mod-dirty").wait_for(state="detached")
    pad.reload()
    pad.locator(".mnistlab-sheet").wait_for()
    expect_digit(pad, 3)
    expect_ink(pad, "ink > 0")
