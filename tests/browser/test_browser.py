"""The pad in a real browser: in the drawing notebook, in a small one, and as a page of its own. One server for each place."""

from __future__ import annotations

import base64
import io
import re
import time
from contextlib import contextmanager
from pathlib import Path

import browser
import numpy as np
import pytest
from PIL import Image

from mnistlab.common import paths
from mnistlab.data.drawings import load_drawings
from mnistlab.data.strokes import rasterise
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.names import version_names
from mnistlab.registry.registry import Registry
from mnistlab.studies import simulated_use
from mnistlab.studies.bench import browser_latency

pytestmark = pytest.mark.browser

INK = (
    "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v > 127).length"
)


TWO = "from mnistlab import DigitPad\nfrom IPython.display import display\na, b = DigitPad(), DigitPad()\ndisplay(a, b)"

BUSY = """import time
from pathlib import Path
from IPython.display import display
from mnistlab import DigitPad
display(DigitPad())
while not Path("../busy-ends").exists():
    time.sleep(0.05)"""

LEARNS = """from pathlib import Path
from IPython.display import display
from mnistlab import DigitPad
from mnistlab.feedback.store import Store
from mnistlab.pad.adapt_button import AdaptButton
pad = DigitPad(models=Path("../learned/models"))
display(pad, AdaptButton(pad, store=Store(Path("../learned/feedback.sqlite"))))"""


@contextmanager
def shown_on_failure(page, folder: Path):
    try:
        yield
    except Exception as error:
        page.screenshot(path=folder / "failed.png")
        error.add_note(f"what the page showed: {folder / 'failed.png'}")
        raise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def page(chromium, folder: Path):
    """``05_draw`` after Run > Run All Cells, with the committed models."""
    with (
        browser.lab(folder, models=paths.models(), two=TWO, learns=LEARNS, busy=BUSY) as address,
        browser.tab(chromium, has_touch=True) as page,
    ):
        with shown_on_failure(page, folder):
            browser.run_all(page, address)
        yield page


@pytest.fixture(scope="module")
def kernel(page, folder: Path) -> Path:
    """The connection file of the kernel of ``05_draw``."""
    (connection,) = (folder / "runtime").glob("kernel-*.json")
    return connection


@pytest.fixture
def pad(page, kernel):
    """The page with an empty canvas, the version that is in use, and all switches off."""
    browser.ask(kernel, "[pad.compare(None), pad.show_why(False), pad.set_version('current'), pad.clear()]")
    if page.locator("button.mod-active", has_text="More").count():
        page.get_by_role("button", name="More").click()
    page.get_by_text("draw a digit", exact=True).wait_for()
    return page


def option(page, version: str) -> str:
    """What a version is called in the lists of the pad."""
    registry = Registry(paths.models())
    return version_names(registry.manifest(each) for each in registry.versions())[version]


def expect_digit(page, digit: int) -> None:
    page.locator(".mnistlab-digit", has_text=re.compile(f"^{digit}$")).wait_for()


def more(page) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Replay").wait_for()


def press(page, *keys: str) -> None:
    """Keys on the canvas: ``"ArrowUp 8"`` is eight of them."""
    page.locator(".mnistlab-wet canvas").focus()
    for entry in keys:
        key, _, times = entry.partition(" ")
        for _ in range(int(times or 1)):
            page.keyboard.press(key)


def expect_ink(page, condition: str, held: int = 0) -> None:
    """Wait until the number of canvas pixels that are not paper fulfils a condition in JavaScript."""
    page.wait_for_function(
        f"held => {{ const ink = ({INK})(document.querySelector('.mnistlab-sheet')); return {condition} }}",
        arg=int(held),
    )


def test_after_run_all_the_pad_is_in_sight_and_has_the_keys(page):
    assert page.evaluate("document.activeElement.matches('.mnistlab-wet canvas')")
    box = page.locator(".mnistlab-sheet").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= page.viewport_size["height"]


@pytest.mark.parametrize("name", ["three", "zero", "seven"])
def test_a_digit_drawn_with_the_mouse_is_read(pad, name):
    drawing = load_drawings()[name]
    browser.draw(pad, drawing.strokes)
    pad.locator(".mnistlab-settled").wait_for()  # the pen is up
    expect_digit(pad, drawing.digit)
    held = 4 * np.count_nonzero(rasterise(drawing.strokes, pen_width=20))  # canvas px are half as wide
    expect_ink(pad, "ink >= 0.9 * held && ink <= 1.1 * held", held)


def test_it_is_read_while_the_button_is_still_down(pad):
    browser.draw(pad, load_drawings()["seven"].strokes, lift=False)
    try:
        expect_digit(pad, 7)
        assert pad.locator(".mnistlab-settled").count() == 0
    finally:
        pad.mouse.up()
    pad.locator(".mnistlab-settled").wait_for()


def test_undo_takes_back_one_stroke_and_clear_all(pad):
    four = load_drawings()["four closed at the top"]
    browser.draw(pad, four.strokes)
    expect_digit(pad, 4)
    pad.get_by_role("button", name="Undo").click()
    held = 4 * np.count_nonzero(rasterise(four.strokes[:1], pen_width=20))
    expect_ink(pad, "ink >= 0.9 * held && ink <= 1.1 * held", held)
    pad.get_by_role("button", name="Clear").click()
    pad.get_by_text("draw a digit", exact=True).wait_for()
    expect_ink(pad, "ink == 0")


def test_a_permuted_version_shows_what_it_sees(pad):
    permuted = Registry(paths.models()).latest(permuted=True)
    browser.draw(pad, load_drawings()["three"].strokes)
    expect_digit(pad, 3)
    pad.get_by_label("Version").select_option(label=option(pad, permuted))
    pad.get_by_alt_text("The same pixels, scrambled").wait_for()
    pad.locator(f".mnistlab-readout[data-version='{permuted}']").wait_for()
    expect_digit(pad, 3)


def load(pad, name: str, content: bytes) -> None:
    with pad.expect_file_chooser() as chooser:
        pad.locator(".mnistlab-pad").get_by_role("button", name="Picture").click()
    chooser.value.set_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})


def test_a_picture_file_is_read(pad):
    more(pad)
    file = io.BytesIO()
    Image.fromarray(255 - rasterise(load_drawings()["eight"].strokes)).save(file, "PNG")
    for content, check in (
        (file.getvalue(), lambda: expect_digit(pad, 8)),
        (b"no picture", lambda: pad.get_by_text("This is text, not a picture; PNG, JPEG").wait_for()),
    ):
        load(pad, "digit.png", content)
        check()


@pytest.mark.parametrize("key", ["Tab", "Escape"])
def test_the_keyboard_gets_out_of_the_canvas(pad, key):
    pad.locator(".mnistlab-wet canvas").focus()
    pad.keyboard.press(key)
    left = (
        "document.activeElement.textContent.trim() == 'Undo'"
        if key == "Tab"
        else "!document.activeElement.closest('.mnistlab-pad')"
    )
    pad.wait_for_function(f"() => {left}")


def test_a_finger_draws_and_leaves_one_stroke_for_each_touch(pad, kernel):
    four = load_drawings()["four closed at the top"]
    browser.touch(pad, four.strokes)
    expect_digit(pad, 4)
    assert browser.ask(kernel, "len(pad.drawing)") == str(len(four.strokes))


def test_a_seven_is_drawn_with_the_keyboard_alone(pad):
    press(pad, "ArrowUp 8", "ArrowLeft 6", "Space", "ArrowRight 12")
    press(pad, *["ArrowDown 2", "ArrowLeft"] * 7, "Space")
    pad.locator(".mnistlab-settled").wait_for()
    expect_digit(pad, 7)
    press(pad, "7")
    pad.get_by_text("you meant a 7").wait_for()
    press(pad, "7")
    pad.get_by_text("you meant a 7").wait_for(state="detached")
    press(pad, "z")
    pad.get_by_text("draw a digit", exact=True).wait_for()


def test_a_button_released_outside_ends_the_stroke(pad, kernel):
    at = browser.place(pad.locator(".mnistlab-sheet"))
    pad.mouse.move(*at(140, 60))
    pad.mouse.down()
    pad.mouse.move(*at(140, 200))
    pad.mouse.move(*at(140, 330))  # below the canvas
    pad.mouse.up()
    pad.locator(".mnistlab-settled").wait_for()
    expect_digit(pad, 1)
    pad.mouse.move(*at(60, 60))  # back, with no button pressed
    pad.mouse.move(*at(220, 100))
    browser.draw(pad, [[(30, 30), (40, 30)]])  # comes after all of that
    pad.wait_for_function("() => document.querySelector('.mnistlab-answer').textContent != ''")
    assert browser.ask(kernel, "[len(pad.drawing), pad.drawing.strokes[0][:, 0].tolist()]").startswith("[2, [140.0")


def test_moves_faster_than_any_hand_lose_no_point_and_the_last_is_read(pad, kernel):
    pad.locator(".mnistlab-wet canvas").hover()  # a synthetic event needs a pointer that is there
    sent, _ = pad.evaluate(browser_latency.STORM, 3)
    pad.locator(".mnistlab-settled").wait_for()  # the pen is up
    assert int(browser.ask(kernel, "pad.drawing.n_points")) == sent + 1
    same = "(pad.prediction.probabilities == pad.predictor.predict_strokes(pad.drawing.strokes).probabilities).all()"
    assert "True" in browser.ask(kernel, same)


def test_why_colours_the_ink_and_shows_the_edit(pad):
    browser.draw(pad, load_drawings()["seven"].strokes)
    expect_digit(pad, 7)
    coloured = """() => {
      const c = document.querySelector('.mnistlab-sheet');
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200 && d[i + 2] - d[i] > 60) return true;
      return false;
    }"""
    assert not pad.evaluate(coloured)
    pad.get_by_role("button", name="Why").click()
    pad.wait_for_function(coloured)
    pad.get_by_text("spoke for the 7").wait_for()
    pad.locator(".mnistlab-edit figcaption").wait_for()
    assert pad.locator(".mnistlab-film figure").count() == 5  # four steps and the edit
    pad.get_by_role("button", name="Why").click()
    pad.wait_for_function(f"() => !({coloured})()")
    pad.get_by_text("spoke for the 7").wait_for(state="hidden")


def test_two_models_read_the_same_strokes_side_by_side(pad):
    permuted = Registry(paths.models()).latest(permuted=True)
    more(pad)
    pad.get_by_label("Versus").select_option(label=option(pad, permuted))
    browser.draw(pad, load_drawings()["three"].strokes)
    pad.locator(".mnistlab-permuted .mnistlab-digit", has_text=re.compile("^3$")).wait_for()
    pad.locator(".mnistlab-plain .mnistlab-digit", has_text=re.compile("^3$")).wait_for()
    boxes = """() => ['plain', 'permuted'].map(kind => {
      const box = document.querySelector(`.mnistlab-${kind} .mnistlab-bars`).getBoundingClientRect();
      return [box.left, box.width];
    })"""
    first, second = pad.evaluate(boxes)  # both at one moment: a reading puts new elements in their place
    assert first == second  # one above the other, so that the bars of a digit can be compared
    pad.get_by_label("Versus").select_option(label="none")
    pad.locator(".mnistlab-permuted").wait_for(state="hidden")


@pytest.mark.parametrize("kind", ["PNG", "strokes"])
def test_a_drawing_is_saved_and_loaded_again(pad, kernel, kind):
    browser.draw(pad, load_drawings()["three"].strokes)
    expect_digit(pad, 3)
    more(pad)
    with pad.expect_download() as download:
        pad.get_by_role("link", name=f"as {kind}").click()
    assert download.value.suggested_filename == {"PNG": "drawing.png", "strokes": "drawing.json"}[kind]
    content = download.value.path().read_bytes()
    before = browser.ask(kernel, "pad.drawing.strokes[0].tolist()")
    pad.get_by_role("button", name="Clear").click()
    pad.get_by_text("draw a digit", exact=True).wait_for()
    load(pad, download.value.suggested_filename, content)
    expect_digit(pad, 3)
    assert browser.ask(kernel, "pad.drawing.strokes[0].tolist()") == before


def test_a_replay_draws_it_once_more(pad):
    browser.draw(pad, load_drawings()["seven"].strokes)
    expect_digit(pad, 7)
    more(pad)
    pad.get_by_role("button", name="Replay").click()
    pad.get_by_role("button", name="Stop").wait_for()
    pad.get_by_role("button", name="Replay").wait_for()
    expect_digit(pad, 7)
    assert pad.get_by_role("button", name="Freeze").count() == 0  # the pad of others keeps nothing without consent


def test_a_drawing_is_kept_with_consent_only_and_erased_again(pad, folder):
    store = Store(folder / "feedback.sqlite")
    told = pad.locator(".mnistlab-told")
    browser.draw(pad, load_drawings()["seven"].strokes)
    expect_digit(pad, 7)
    box = pad.get_by_label("Keep what I mark")
    assert not box.is_checked()
    pad.get_by_role("button", name="Yes").click()
    told.get_by_text("Nothing about the drawing is kept").wait_for()
    assert store.corrections() == []
    box.check()
    told.get_by_text("Saved as a 7").wait_for()
    press(pad, "1")  # on the canvas
    told.get_by_text("Saved as a 1").wait_for()
    (kept,) = store.corrections()
    assert (kept.digit, kept.predicted) == (1, 7)
    assert told.get_attribute("role") == "status"
    pad.get_by_role("button", name="Erase", exact=True).click()
    told.get_by_text("1 drawing erased").wait_for()
    assert not box.is_checked()
    assert store.corrections() == []
    assert kept.session.encode() not in store.path.read_bytes()


def test_a_dark_theme_has_dark_paper_and_readable_words(pad):
    colours = """() => {
      const of = (query, name) => getComputedStyle(document.querySelector(query)).getPropertyValue(name);
      return [of('.mnistlab-paper', 'filter'), of('.mnistlab-words', 'color'), of('.mnistlab-lead', 'color')];
    }"""
    assert pad.evaluate(colours) == ["invert(0) hue-rotate(0deg)", "rgb(21, 24, 30)", "rgb(84, 93, 107)"]
    browser.choose(pad, "Settings", "Theme", "JupyterLab Dark")
    pad.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    try:
        assert pad.evaluate(colours) == [
            "invert(0.92) hue-rotate(180deg)",
            "rgb(238, 241, 246)",
            "rgb(164, 173, 187)",
        ]
    finally:
        browser.choose(pad, "Settings", "Theme", "JupyterLab Light")
        pad.locator("body[data-jp-theme-light=true]").wait_for(state="attached")


def test_a_reloaded_page_has_its_ink_and_its_reading_again(pad):
    browser.draw(pad, load_drawings()["three"].strokes)
    expect_digit(pad, 3)
    pad.get_by_role("button", name="Undo").focus()  # out of the canvas, which swallows every key
    pad.keyboard.press("Control+s")
    pad.locator(".jp-mod-dirty").wait_for(state="detached")
    pad.reload()
    pad.locator(".mnistlab-wet canvas").wait_for()
    expect_digit(pad, 3)
    expect_ink(pad, "ink > 0")


def violations(page) -> list[tuple[str, str]]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".mnistlab-pad").response["violations"]
    return [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]


def test_nothing_on_the_pad_is_a_fault_to_axe_whatever_is_open_in_light_and_dark(pad, kernel):
    assert violations(pad) == []
    browser.draw(pad, load_drawings()["seven"].strokes)
    expect_digit(pad, 7)
    more(pad)
    browser.ask(kernel, "[pad.show_why(True), pad.compare('0002'), pad.feedback.agree(True)]")
    pad.locator(".mnistlab-permuted").wait_for()
    pad.get_by_text("spoke for the 7").wait_for()
    try:
        assert violations(pad) == []
        browser.choose(pad, "Settings", "Theme", "JupyterLab Dark")
        pad.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
        assert violations(pad) == []
    finally:
        browser.choose(pad, "Settings", "Theme", "JupyterLab Light")
        pad.locator("body[data-jp-theme-light=true]").wait_for(state="attached")
        browser.ask(kernel, "pad.feedback.agree(False)")


def test_the_keyboard_walks_from_the_sheet_past_the_tools_to_the_answer(pad):
    browser.draw(pad, load_drawings()["seven"].strokes)
    expect_digit(pad, 7)
    pad.locator(".mnistlab-wet canvas").focus()
    walked = []
    for _ in range(10):
        pad.keyboard.press("Tab")
        name = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
        walked.append(pad.evaluate(name))
    tools = ["Undo", "Redo", "Clear", "Picture", "Camera", "More"]  # this browser has touch, so there is a camera
    assert walked == [*tools, "Why a 7?", "Next digit", "Copy", "Scramble the pixels"]


def test_the_answer_is_said_by_one_live_region_that_stays(pad):
    region = pad.locator(".mnistlab-spoken [role=status]")
    pad.evaluate("window.region = document.querySelector('.mnistlab-spoken [role=status]')")
    for name, words in (("seven", "seven, sure"), ("three", "three, sure")):
        browser.draw(pad, load_drawings()[name].strokes)
        region.get_by_text(words).or_(region.filter(has_text=words)).first.wait_for(state="attached")
        pad.get_by_role("button", name="Clear").click()
        pad.get_by_text("draw a digit", exact=True).wait_for()
    assert pad.evaluate("window.region.isConnected && window.region.getAttribute('role') === 'status'")


def test_a_picture_that_is_dropped_or_pasted_is_read(pad):
    file = io.BytesIO()
    Image.fromarray(255 - rasterise(load_drawings()["eight"].strokes)).save(file, "PNG")
    give = """([kind, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], "digit.png", {type: "image/png"}));
      const options = {bubbles: true, cancelable: true};
      const event = kind === "drop" ? new DragEvent("drop", {...options, dataTransfer: data})
        : new ClipboardEvent("paste", {...options, clipboardData: data});
      document.querySelector(".mnistlab-wet canvas").dispatchEvent(event);
    }"""
    for kind in ("drop", "paste"):
        pad.evaluate(give, [kind, base64.b64encode(file.getvalue()).decode()])
        expect_digit(pad, 8)
        pad.get_by_role("button", name="Clear").click()
        pad.get_by_text("draw a digit", exact=True).wait_for()


# --- two pads in a notebook, and a kernel that ends -------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(page, folder):
    """A notebook with two pads, in a tab of its own."""
    tab = page.context.new_page()
    with shown_on_failure(tab, folder):
        address = page.url.partition("/lab/")[0] + "/doc/tree/two.ipynb"
        browser.run_all(tab, address, last="")
        tab.locator(".mnistlab-wet canvas").nth(1).wait_for()
    yield tab
    tab.close()


def test_a_press_on_a_button_learns_a_hand_and_the_pad_reads_with_what_came_of_it(page, folder):
    place = folder / "learned"
    place.mkdir()
    registry, store = Registry(paths.models()).copy(place / "models"), Store(place / "feedback.sqlite")
    registry.promote("0001")
    for day in simulated_use.simulate_days(Predictor(registry.load()), list(load_drawings().values()), 4):
        for one in day:
            store.add(one)
    tab = page.context.new_page()
    with shown_on_failure(tab, folder):
        browser.run_all(tab, page.url.partition("/lab/")[0] + "/doc/tree/learns.ipynb", last="")
        tab.locator(".mnistlab-readout[data-version='0001']").wait_for()
        tab.get_by_role("button", name="Learn my handwriting").click()
        said = tab.get_by_role("status").get_by_text("reads on this pad now: 0001, tuned to")
        said.wait_for(timeout=120_000)
        (version,) = re.findall(r"Version (\d{4}) reads", said.inner_text())
        tab.locator(f".mnistlab-readout[data-version='{version}']").wait_for()
        browser.draw(tab, load_drawings()["seven"].strokes)
        tab.locator(".mnistlab-digit", has_text=re.compile("^7$")).wait_for()
    tab.close()
    assert registry.current() == "0001"  # elsewhere, until a person promotes the new one
    assert version not in Registry(paths.models()).versions()
    assert store.marked()[version][0] >= 40


def test_a_pad_reads_while_the_cells_after_it_run(page, folder):
    tab = page.context.new_page()
    with shown_on_failure(tab, folder):
        tab.goto(page.url.partition("/lab/")[0] + "/doc/tree/busy.ipynb")
        tab.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        browser.wait_for_idle(tab)
        browser.choose(tab, "Run", "Run All Cells")
        tab.locator(".mnistlab-wet canvas").wait_for()
        browser.draw(tab, load_drawings()["seven"].strokes)
        expect_digit(tab, 7)
        tab.get_by_role("button", name="Clear").click()
        tab.get_by_text("draw a digit", exact=True).wait_for()
        assert tab.locator(".jp-InputPrompt").first.inner_text() == "[*]:"
        (folder / "busy-ends").touch()
        tab.locator(".jp-InputPrompt", has_text="[1]:").wait_for()
    tab.close()


def ink_of(page) -> list[int]:
    return page.evaluate(f"() => [...document.querySelectorAll('.mnistlab-sheet')].map({INK})")


def test_two_pads_do_not_disturb_each_other(two):
    canvases, readouts = two.locator(".mnistlab-sheet"), two.locator(".mnistlab-pad")
    for index, name in enumerate(("three", "seven")):
        browser.draw(two, load_drawings()[name].strokes, canvas=canvases.nth(index))
    for index, digit in enumerate((3, 7)):
        readouts.nth(index).locator(".mnistlab-digit", has_text=re.compile(f"^{digit}$")).wait_for()
    two.wait_for_function(
        f"() => [...document.querySelectorAll('.mnistlab-sheet')].map({INK}).every(ink => ink > 5000)"
    )
    readouts.nth(0).get_by_role("button", name="Clear").click()
    readouts.nth(0).get_by_text("draw a digit", exact=True).wait_for()
    two.wait_for_function(f"() => ({INK})(document.querySelector('.mnistlab-sheet')) == 0")
    assert ink_of(two)[1] > 5000
    readouts.nth(1).locator(".mnistlab-digit", has_text=re.compile("^7$")).wait_for()


def test_a_pad_whose_kernel_ended_looks_it_and_comes_back_when_run_again(two):
    browser.choose(two, "Kernel", "Restart Kernel…")
    two.get_by_role("button", name="Confirm Kernel Restart").click()
    two.locator(".mnistlab-pad.jupyter-widgets-disconnected").first.wait_for()
    two.get_by_text("the kernel was restarted: run the cell again").first.wait_for()
    chain = "getComputedStyle(document.querySelector('.mnistlab-pad .mnistlab-left'), '::before').content"
    assert two.evaluate(chain) == "none"  # the word stands in place of broken chains
    browser.wait_for_idle(two)
    browser.draw(two, [[(100, 40), (140, 200)]], canvas=two.locator(".mnistlab-sheet").first)  # nobody is listening
    assert two.locator(".jp-Dialog").count() == 0
    browser.choose(two, "Run", "Run All Cells")
    two.locator(".mnistlab-pad:not(.jupyter-widgets-disconnected) .mnistlab-wet canvas").nth(1).wait_for()
    browser.wait_for_idle(two)
    browser.draw(two, load_drawings()["three"].strokes, canvas=two.locator(".mnistlab-sheet").nth(1))
    two.locator(".mnistlab-pad").nth(1).locator(".mnistlab-digit", has_text=re.compile("^3$")).wait_for()


# --- as a page of its own ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def app(chromium, app_folder: Path):
    """What ``make app`` serves, on a page as wide as a phone's, with the address of the server."""
    size = {"width": 360, "height": 720}
    with (
        browser.app(app_folder, models=paths.models()) as address,
        browser.tab(chromium, viewport=size, has_touch=True) as page,
    ):
        with shown_on_failure(page, app_folder):
            page.goto(address, wait_until="commit")
            page.locator(".mnistlab-answer").wait_for()
        yield page, address


def test_the_page_has_the_pad_and_no_code(app):
    page, _ = app
    browser.touch(page, load_drawings()["three"].strokes)
    expect_digit(page, 3)
    expect_ink(page, "ink > 5000")
    assert page.locator(".jp-CodeCell .jp-InputArea").count() == 0
    assert "import" not in page.locator("body").inner_text()
    assert page.locator("h1").inner_text().startswith("Draw a digit")


def test_a_phone_shows_all_of_it_with_nothing_cut_off(app):
    page, _ = app
    page.get_by_role("button", name="More").click()
    page.get_by_label("Versus").select_option(index=1)
    page.get_by_role("button", name="Why").click()
    page.locator(".mnistlab-why").wait_for()
    outside = """() => [...document.querySelectorAll('.mnistlab-pad *')].filter(one => {
      const box = one.getBoundingClientRect();
      return box.width > 0 && (box.left < 0 || box.right > innerWidth + 1);
    }).map(one => one.className || one.tagName)"""
    assert page.evaluate(outside) == []
    sheet, answer = (page.locator(f".mnistlab-{part}").first.bounding_box() for part in ("sheet", "answer"))
    assert answer["y"] + answer["height"] - sheet["y"] < 600  # in sight while one draws, whatever is open
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360


def test_nobody_gets_in_without_the_token(app, chromium):
    _, address = app
    with browser.tab(chromium) as stranger:
        stranger.goto(address.partition("?")[0])
        assert stranger.locator(".mnistlab-pad").count() == 0
        assert "login" in stranger.url or "token" in stranger.content().lower()


def test_a_drawing_outlives_its_page_and_ten_reloads_leave_one_kernel(app, app_folder):
    page, _ = app

    def kernels(at_most: int) -> set[str]:
        """Those that run, as soon as they are no more than that; or after a while, since a full machine takes its time."""
        deadline = time.monotonic() + 30
        while len(found := {path.name for path in app_folder.glob("tmp/voila_*/kernel-*.json")}) > at_most:
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        return found

    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.get_by_text("draw a digit", exact=True).wait_for()
    browser.draw(page, load_drawings()["seven"].strokes)
    expect_digit(page, 7)
    page.wait_for_function("sessionStorage.length == 1")  # the pen is up
    for _ in range(10):
        page.reload()
    expect_digit(page, 7)
    expect_ink(page, "ink > 3000")
    here = kernels(at_most=2)
    assert len(here) == 2  # this page's, and one that is ready for the next visitor
    page.goto("about:blank")
    assert len(kernels(at_most=1)) == 1
    assert kernels(at_most=1) < here
