"""The page in a real browser, in both of its homes: answered by a server, and by itself."""

from __future__ import annotations

import io
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path

import browser
import numpy as np
import pytest
import served_home
import serving
from PIL import Image
from served_home import ServedHome

from mnistlab.common import paths
from mnistlab.data.drawings import load_drawings
from mnistlab.data.strokes import rasterise
from mnistlab.feedback import consent
from mnistlab.feedback.fields import COMMENT
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.registry.names import version_names
from mnistlab.registry.registry import Registry
from mnistlab.serve.app import create_app
from mnistlab.web.export import INDEX, page_files

pytestmark = pytest.mark.browser
both = pytest.mark.parametrize("address", ["served", "alone"], indirect=True)
by_itself = pytest.mark.parametrize("address", ["alone"], indirect=True)

DOUBTFUL = [[(90, 60), (85, 100), (95, 130), (130, 135), (165, 125)], [(90, 60), (110, 50), (125, 60)]]
DOUBTFUL += [[(168, 55), (165, 125), (150, 225)]]
UNREADABLE = "This file cannot be read as a picture. PNG, JPEG, WEBP, GIF and BMP files can."
SCRIBBLE = [[(60, 60), (220, 220), (60, 220), (220, 60), (140, 40), (140, 240), (40, 140), (240, 140)]]
SEEN = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 == 0)"
COLOURS = """canvas => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const found = {ink: 0, blue: 0, orange: 0};
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) {
    found.ink += 1;
    if (data[i + 2] - data[i] > 60) found.blue += 1;
    if (data[i] - data[i + 2] > 60) found.orange += 1;
  }
  return found;
}"""


@pytest.fixture(scope="module")
def reader() -> Predictor:
    return Predictor.load(models=paths.models())


@pytest.fixture(scope="module")
def served() -> ServedHome:
    return ServedHome(Registry(paths.models()))


@pytest.fixture
def home(served: ServedHome) -> ServedHome:
    served.calls.clear()
    served.gone, served.refusal = False, None
    return served


@pytest.fixture(scope="module")
def window(chromium):
    with browser.tab(chromium) as page:
        yield page


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page that reads by itself, in a folder."""
    folder = tmp_path_factory.mktemp("page")
    for name, content in page_files(Registry(paths.models())).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def address(request: pytest.FixtureRequest, alone: Path) -> str:
    """Of the page in the home that a test asks for by a parameter, or the one with a server."""
    return (alone / INDEX).as_uri() if getattr(request, "param", "") == "alone" else served_home.ADDRESS


@pytest.fixture
def page(window, address: str, home: ServedHome, tmp_path: Path):
    """The page as it is when one comes to it, in a window that all tests share; it may complain of nothing."""
    with opened(window, address, home, tmp_path) as page:
        yield page


@pytest.fixture
def open_page(chromium, address: str, home: ServedHome, tmp_path: Path):
    """The same in a window of its own, for a browser with other settings."""
    with ExitStack() as windows:
        yield lambda place="", **options: windows.enter_context(
            opened(windows.enter_context(browser.tab(chromium, **options)), address + place, home, tmp_path)
        )


@contextmanager
def opened(page, address: str, home: ServedHome, folder: Path):
    complaints: list[str] = []
    listeners = {
        "pageerror": lambda error: complaints.append(str(error)),
        "console": lambda said: complaints.append(said.text) if said.type == "error" else None,
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    page.context.route(f"{served_home.ADDRESS}**", home)
    page.goto(address)
    try:
        page.locator("#reading:not([aria-busy])").wait_for()
        yield page
    except Exception as error:
        page.screenshot(path=folder / "failed.png")
        error.add_note(f"what the page showed: {folder / 'failed.png'}")
        raise
    finally:
        page.context.unroute(f"{served_home.ADDRESS}**", home)
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
    assert [told for told in complaints if "Failed to load resource" not in told] == []  # a server that is gone


def few(stroke) -> list:
    """Fewer points than a hand leaves: every one takes its time."""
    return [*stroke[:-1:4], stroke[-1]] if len(stroke) > 12 else list(stroke)


def draw(page, strokes, **options) -> None:
    """With the mouse."""
    browser.draw(page, [few(stroke) for stroke in strokes], canvas=page.locator("#canvas"), **options)


def expect(page, words: str) -> None:
    """Wait until an answer is announced."""
    page.locator("#spoken", has_text=re.compile(words)).wait_for(state="attached")


def digits(page) -> str:
    return page.locator("#digit").inner_text()


def press(page, *keys: str) -> None:
    """Keys on the canvas: ``"ArrowUp 8"`` is eight of them."""
    page.locator("#canvas").focus()
    for entry in keys:
        key, _, times = entry.partition(" ")
        for _ in range(int(times or 1)):
            page.keyboard.press(key)


def colours(page) -> dict[str, int]:
    return page.locator("#canvas").evaluate(COLOURS)


def explained(page) -> None:
    """Why and the scrambled pixels are shown as well."""
    for name in ("why", "scramble"):
        page.locator(f"#{name}").click()
    page.locator("#legend-keys").wait_for()
    page.locator("#twin-digit-1", has_text=re.compile(r"\d")).wait_for()


def png(ink: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(255 - ink).save(file, "PNG")
    return file.getvalue()


def give(page, content: bytes, name: str = "digit.png", kind: str = "image/png") -> None:
    page.locator("#file").set_input_files({"name": name, "mimeType": kind, "buffer": content})


@both
@pytest.mark.parametrize("name", ["three", "zero"])
def test_a_digit_drawn_with_the_mouse_is_read(page, reader, name):
    drawing = load_drawings()[name]
    draw(page, drawing.strokes)
    expect(page, f"^{name}, (fairly )?sure$")
    assert digits(page) == str(drawing.digit)
    digit, _, share = page.locator("#digit").get_attribute("title").partition(": ")
    assert digit == str(drawing.digit)
    assert re.fullmatch("\\d+\\.\\d\u00a0%", share)
    meter = page.locator("#bars li.top").get_by_role("meter")
    assert meter.get_attribute("aria-valuetext") == share
    assert meter.get_attribute("title") == f"{drawing.digit}:\u00a0{share}"
    assert page.locator("#bars li.top").inner_text().strip().startswith(str(drawing.digit))
    seen = np.array(page.locator("#seen").evaluate(SEEN)).reshape(28, 28)
    np.testing.assert_allclose(seen, reader.predict_strokes(map(few, drawing.strokes)).image, atol=64)  # by whole px
    held = np.count_nonzero(rasterise(drawing.strokes))
    scale = (page.locator("#canvas").evaluate("canvas => canvas.width") / 280) ** 2
    assert colours(page)["ink"] == pytest.approx(held * scale, rel=0.1)


@by_itself
def test_it_is_read_while_the_button_is_still_down_but_not_announced(page):
    draw(page, load_drawings()["seven"].strokes, lift=False)
    page.locator("#digit", has_text="7").wait_for()
    page.wait_for_timeout(500)
    assert "7" not in page.locator("#spoken").text_content()
    page.mouse.up()
    expect(page, "^seven, (fairly )?sure$")


@both
def test_a_finger_draws(open_page):
    page = open_page(has_touch=True)
    browser.touch(page, map(few, load_drawings()["four"].strokes), canvas=page.locator("#canvas"))
    expect(page, "^four, (fairly )?sure$")


@by_itself
def test_a_seven_is_drawn_with_the_keyboard_alone(page):
    press(page, "ArrowUp 8", "ArrowLeft 6", "Space", "ArrowRight 12")
    assert page.locator("#pen-spoken").text_content() == "Pen down"
    press(page, *["ArrowDown 2", "ArrowLeft"] * 7, "Enter")
    expect(page, "^seven, (fairly )?sure$")
    press(page, "z")
    expect(page, "^Draw a digit$")
    press(page, "Shift+Z")
    expect(page, "^seven, (fairly )?sure$")
    press(page, "Delete")
    expect(page, "^Draw a digit$")


@by_itself
def test_the_keyboard_gets_out_of_the_canvas(page):
    focused = "() => document.activeElement.id"
    press(page, "Tab")
    assert page.evaluate(focused) == "undo"
    press(page, "Shift+Tab")
    assert page.evaluate(focused) == "language"
    press(page, "Escape")
    assert page.evaluate(focused) == "pick"


def test_a_stroke_that_leaves_the_canvas_goes_on_until_the_button_is_released(page, home):
    at = browser.place(page.locator("#canvas"))
    page.mouse.move(*at(140, 60))
    page.mouse.down()
    page.mouse.move(*at(140, 320))
    page.mouse.move(*at(140, 200))
    page.mouse.move(*at(-30, 400))
    page.mouse.up()
    page.mouse.move(*at(60, 60))  # back, with no button pressed
    expect(page, "")
    page.mouse.click(*at(200, 200), button="right")
    page.wait_for_timeout(100)
    (stroke,) = home.calls[-1][3]["strokes"]
    assert [round(y) for _, y in stroke] == [60, 320, 200, 400]


@both
def test_undo_redo_and_clear(page):
    four = load_drawings()["four closed at the top"]
    draw(page, four.strokes)
    expect(page, "^four, (fairly )?sure$")
    whole = colours(page)["ink"]
    page.get_by_role("button", name="Undo").click()
    assert 0 < colours(page)["ink"] < whole
    page.get_by_role("button", name="Redo").click()
    assert colours(page)["ink"] == pytest.approx(whole, rel=0.01)  # of the edges, as they are drawn in one go
    page.get_by_role("button", name="Clear").click()
    assert colours(page)["ink"] == 0
    expect(page, "^Draw a digit$")
    page.keyboard.press("Control+z")
    expect(page, "^four, (fairly )?sure$")
    assert colours(page)["ink"] == pytest.approx(whole, rel=0.01)


@both
def test_a_doubtful_digit_has_two_names_and_a_scribble_none(page):
    draw(page, DOUBTFUL)
    expect(page, "^four or nine, in doubt$|^nine or four, in doubt$")
    assert re.fullmatch("4 or 9|9 or 4", digits(page))
    page.get_by_role("button", name="Clear").click()
    draw(page, SCRIBBLE)
    expect(page, "^Not sure. It does not look like a digit.$")
    page.get_by_role("button", name="Clear").click()
    draw(page, [[(100, 100), (101, 100)]])
    expect(page, "^Not sure. That is only a dot.$")


@both
def test_several_digits_are_read_one_by_one_and_said_in_both_languages(page):
    draw(page, [[(60, 70), (60, 200)], [(150, 70), (220, 70), (175, 200)]])
    expect(page, "^Several digits: one, then seven$")
    assert digits(page) == "17"
    assert page.locator("#sure").inner_text() == "Several digits"
    assert page.locator("#also").inner_text() == "1, then 7"
    assert page.locator("#bars li.top").count() == 0
    page.get_by_role("button", name="Why").click()
    page.get_by_text("Only the ink of a single digit").wait_for()
    page.get_by_role("button", name="Français").click()
    assert page.locator("#also").inner_text() == "1, puis 7"
    expect(page, "^Plusieurs chiffres\u00a0: un, puis sept$")


@both
def test_a_stray_mark_is_left_out_and_said_to_be(page):
    draw(page, [[(150, 70), (220, 70), (175, 200)], [(10, 270), (12, 271)]])
    expect(page, "^seven, sure. a stray mark was left out$")
    assert digits(page) == "7"
    assert "a stray mark was left out" in page.locator("#time").inner_text()
    page.get_by_role("button", name="Why").click()
    page.locator("#legend-keys").wait_for()


@both
def test_a_picture_is_read_and_can_be_undone(page):
    give(page, png(rasterise(load_drawings()["eight"].strokes)))
    expect(page, "^eight, (fairly )?sure$")
    page.get_by_role("button", name="Why").click()
    page.get_by_text("not a picture").wait_for()
    page.get_by_role("button", name="Undo").click()
    expect(page, "^Draw a digit$")


@by_itself
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no picture", UNREADABLE),
        (b"", "This file is empty: it has 0 bytes."),
        (png(np.zeros((40, 40), np.uint8))[:60], UNREADABLE),
        (png(np.zeros((7, 40), np.uint8)), "This picture has 40 by 7\u00a0px; sides of 8 to 12,000\u00a0px"),
        (b"\x89PNG" + bytes(25 * 2**20), "This file has 25.0\u00a0MB; at most 24\u00a0MB are allowed."),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_leaves_the_drawing(page, content, words):
    draw(page, load_drawings()["seven"].strokes)
    give(page, content)
    page.get_by_role("alert").filter(has_text=words).wait_for()
    expect(page, "^seven, (fairly )?sure$")
    draw(page, [[(100, 140), (180, 140)]])
    page.get_by_role("alert").filter(has_text=re.compile("^$")).wait_for(state="attached")


@both
def test_a_blank_picture_has_no_digit(page):
    give(page, png(np.zeros((40, 40), np.uint8)))
    expect(page, "^Not sure. The picture is empty: nothing stands out from its paper.$")


@by_itself
def test_a_picture_is_dropped_or_pasted(page):
    transfer = page.evaluate_handle(
        """bytes => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(bytes)], 'digit.png', {type: 'image/png'}));
          return transfer;
        }""",
        list(png(rasterise(load_drawings()["five"].strokes))),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    expect(page, "^five, (fairly )?sure$")
    page.get_by_role("button", name="Clear").click()
    expect(page, "^Draw a digit$")
    page.evaluate("data => dispatchEvent(new ClipboardEvent('paste', {clipboardData: data}))", transfer)
    expect(page, "^five, (fairly )?sure$")
    page.evaluate("() => dispatchEvent(new ClipboardEvent('paste', {clipboardData: new DataTransfer()}))")
    page.get_by_role("alert").filter(has_text="There is no picture").wait_for()


@both
def test_scrambled_pixels_are_read_beside_plain_ones(page, reader):
    three = load_drawings()["three"]
    draw(page, three.strokes)
    expect(page, "^three, (fairly )?sure$")
    switch = page.get_by_role("button", name="Scramble the pixels")
    switch.click()
    assert switch.get_attribute("aria-pressed") == "true"
    registry = Registry(paths.models())
    called = version_names(registry.manifest(version) for version in registry.versions())
    for k, version in enumerate(("0001", "0002")):
        page.locator(f"#twin-digit-{k}", has_text="3").wait_for()
        page.locator(f"#twin-of-{k}", has_text=re.compile(f"^{called[version]}: 9")).wait_for()
    plain, scrambled = (np.array(page.locator(f"#twin-seen-{k}").evaluate(SEEN)) for k in (0, 1))
    permutation = Predictor.load("0002", models=paths.models()).permutation
    np.testing.assert_array_equal(permutation.apply(plain.reshape(28, 28)).ravel(), scrambled)
    assert (plain != scrambled).any()
    switch.click()
    page.locator("#twins").wait_for(state="hidden")


@both
def test_why_colours_the_ink_by_what_it_says_and_tells_it_in_words(page):
    draw(page, load_drawings()["seven"].strokes)
    expect(page, "^seven, (fairly )?sure$")
    before = colours(page)
    assert before["blue"] == 0
    page.get_by_role("button", name="Why a 7?").click()
    page.get_by_text("The ink that says most for the 7 is").wait_for()
    assert colours(page)["blue"] > 1000
    page.get_by_text("hollow, orange: spoke against it").wait_for()
    page.get_by_role("button", name="Why a 7?").click()
    assert colours(page)["blue"] == 0
    page.get_by_text("spoke for the 7").wait_for(state="hidden")


@by_itself
def test_it_speaks_the_language_of_the_browser_and_changes_it(open_page):
    page = open_page(locale="fr-CA")
    assert page.evaluate("document.documentElement.lang") == "fr"
    draw(page, load_drawings()["seven"].strokes)
    expect(page, "^sept, sûr$")
    assert re.fullmatch("7: \\d+,\\d\u00a0%", page.locator("#digit").get_attribute("title"))
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Why a 7?").wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_role("button", name="Français").click()
    page.get_by_role("button", name="Pourquoi un 7\u00a0?").wait_for()


@by_itself
def test_all_languages_have_the_same_texts_with_the_same_values(page):
    texts = page.evaluate("mnistlab.text")
    assert set(texts) == {"en", "fr"}
    values = {name: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts[name].items()} for name in texts}
    assert values["en"] == values["fr"]
    shown = [texts["en"][f"consent.{k}"] for k in range(1, len(consent.TEXTS[consent.VERSION]) + 1)]
    assert tuple(shown) == consent.TEXTS[consent.VERSION]
    assert {texts[name]["consent.version"] for name in texts} == {consent.VERSION}


@both
@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_a_narrow_page_needs_no_scrolling_sideways(open_page, locale):
    page = open_page(viewport={"width": 360, "height": 800}, locale=locale)
    draw(page, DOUBTFUL)
    explained(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@both
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(open_page, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    for has_ink in (False, True):
        if has_ink:
            draw(page, load_drawings()["seven"].strokes)
            expect(page, "^seven, (fairly )?sure$")
            explained(page)
        found = Axe().run(page, options={"preload": False})  # it would fetch styles, which the page forbids
        assert found.violations_count == 0, found.generate_report()


def test_what_is_said_is_sent_without_the_drawing_unless_agreed(page, home):
    seven = load_drawings()["seven"]
    draw(page, seven.strokes)
    expect(page, "^seven, (fairly )?sure$")
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("It was counted; nothing about the drawing is kept.").wait_for()
    (counted,) = home.opinions
    assert counted["verdict"] == "right"
    assert counted["digit"] == 7
    assert counted["consent"] is None
    assert not {"strokes", "image", "session"} & set(counted)
    page.get_by_role("checkbox").check()
    page.get_by_text("Drawings kept so far: 1.").wait_for()  # what is marked already
    page.get_by_role("button", name="It is a 1").click()
    page.wait_for_function("() => document.querySelector('#chips [aria-pressed=true]')?.textContent === '1'")
    first, second = home.opinions[1:]
    for opinion, verdict, digit in ((first, "right", 7), (second, "wrong", 1)):
        assert (opinion["id"], opinion["verdict"], opinion["digit"]) == (counted["id"], verdict, digit)
        assert opinion["consent"] == consent.VERSION
        assert len(opinion["strokes"]) == len(seven.strokes)
        assert re.fullmatch("[0-9a-f]{32}", opinion["session"])


def test_what_was_kept_is_erased(page, home):
    draw(page, load_drawings()["seven"].strokes)
    expect(page, "^seven, (fairly )?sure$")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("Drawings kept so far: 1.").wait_for()
    page.get_by_role("button", name="Erase").click()
    page.get_by_text("Everything kept from this page is erased").wait_for()
    method, path, _, _ = home.calls[-1]
    assert (method, path) == ("DELETE", f"api/v1/feedback?session={home.opinions[0]['session']}")
    assert not page.get_by_role("checkbox").is_checked()


def test_a_comment_goes_along_with_a_drawing_that_is_kept_and_is_gone_with_it(page, home):
    draw(page, load_drawings()["seven"].strokes)
    expect(page, "^seven, (fairly )?sure$")
    page.get_by_role("checkbox").check()
    comment = page.get_by_role("textbox", name="Comment")
    assert int(comment.get_attribute("maxlength")) == COMMENT
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("Drawings kept so far: 1.").wait_for()
    comment.fill(" with a bar ")
    comment.press("Enter")  # it was marked before
    page.wait_for_function("() => document.activeElement.id === 'comment'")
    assert [opinion["comment"] for opinion in home.opinions] == [None, "with a bar"]
    draw(page, [[(100, 140), (180, 140)]])
    page.wait_for_function("() => document.getElementById('comment').value === ''")


def test_without_consent_no_comment_is_asked_for_or_sent(page, home):
    draw(page, load_drawings()["seven"].strokes)
    expect(page, "^seven, (fairly )?sure$")
    assert not page.get_by_role("textbox", name="Comment").is_visible()
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("It was counted; nothing about the drawing is kept.").wait_for()
    assert home.opinions[0]["comment"] is None


def test_who_has_the_name_erases_what_an_earlier_visit_kept(chromium, tmp_path):
    store = Store(tmp_path / "feedback.sqlite")
    app = create_app(serving.settings(store=str(tmp_path / "feedback.sqlite")))
    with serving.running(app) as address, browser.tab(chromium) as page:
        page.goto(address)
        draw(page, load_drawings()["seven"].strokes)
        expect(page, "^seven, (fairly )?sure$")
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="Yes").click()
        page.get_by_text("Drawings kept so far: 1.").wait_for()
        name = page.locator("#session").inner_text()
        assert [correction.session for correction in store.corrections()] == [name]
        page.reload()
        page.get_by_text("Erase what was kept on an earlier visit").click()
        field = page.get_by_role("textbox", name="Name")
        for given, said in (
            (name[:-1], "this has 31 characters"),
            (name[:-1] + "x", "only digits and letters from a to f"),
            ("0" * 32, "Nothing is kept under this name."),
        ):
            field.fill(given)
            field.press("Enter")
            page.get_by_text(said).wait_for()
            assert len(store.corrections()) == 1
        field.fill(f" {name.upper()} ")
        page.get_by_role("button", name="Erase it").click()
        page.get_by_text("Erased: 1 drawing.").wait_for()
        assert store.corrections() == []


def test_the_digit_that_was_meant_is_said_with_a_key_and_a_new_stroke_begins_anew(page, home):
    draw(page, load_drawings()["seven"].strokes)
    expect(page, "^seven, (fairly )?sure$")
    press(page, "1")
    page.get_by_text("It was counted").wait_for()
    assert home.opinions[0]["verdict"] == "wrong"
    draw(page, [[(100, 140), (180, 140)]])
    page.locator("#chips [aria-pressed=true]").wait_for(state="detached")


def test_a_server_that_is_gone_is_told_and_tried_again(page, home):
    home.gone = True
    draw(page, load_drawings()["seven"].strokes)
    page.get_by_role("alert").filter(has_text="The server does not answer.").wait_for()
    before = colours(page)["ink"]
    assert before > 0
    home.gone = False
    page.get_by_role("button", name="Try now").click()
    expect(page, "^seven, (fairly )?sure$")
    page.get_by_role("alert").filter(has_text="The server answers again.").wait_for()
    home.gone = True
    draw(page, [[(100, 140), (180, 140)]])
    page.get_by_role("button", name="Try now").wait_for()
    home.gone = False
    page.get_by_role("alert").filter(has_text="The server answers again.").wait_for()  # by itself


def test_a_busy_server_is_asked_again_when_it_says(page, home):
    home.refusal = (503, {"Retry-After": "1"}, {"code": "busy", "message": "later", "id": "1"})
    draw(page, load_drawings()["seven"].strokes)
    page.get_by_role("alert").filter(
        has_text="The server is busy. Your drawing stays here; next try in 1 s."
    ).wait_for()
    home.refusal = None
    expect(page, "^seven, (fairly )?sure$")


def test_the_token_is_taken_from_the_fragment_of_the_address(open_page, home):
    page = open_page("#token=secret")
    page.get_by_role("link", name="Version").click()  # which has a fragment of its own
    draw(page, load_drawings()["seven"].strokes)
    expect(page, "^seven, (fairly )?sure$")
    assert {headers["authorization"] for _, _, headers, _ in home.calls} == {"Bearer secret"}
    home.refusal = (401, {}, {"code": "token", "message": "no token", "id": "1"})
    draw(page, [[(100, 140), (180, 140)]])
    page.get_by_role("alert").filter(has_text="This server asks for its token").wait_for()


def test_with_a_real_server_it_reads_and_what_is_said_reaches_the_store(chromium, tmp_path):
    store = tmp_path / "feedback.sqlite"
    with serving.running(create_app(serving.settings(store=str(store)))) as address, browser.tab(chromium) as page:
        page.goto(address)
        draw(page, load_drawings()["seven"].strokes)
        expect(page, "^seven, (fairly )?sure$")
        explained(page)
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name="It is a 1").click()
        page.get_by_text("Drawings kept so far: 1.").wait_for()
        (correction,) = Store(store).corrections()
        assert (correction.digit, correction.predicted) == (1, 7)
        page.get_by_role("button", name="Erase").click()
        page.get_by_text("Everything kept from this page is erased").wait_for()
        assert Store(store).corrections() == []
