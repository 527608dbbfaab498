"""What a page sends of a pen, and what the pad makes of it, with no browser; and the script of the page, in Node."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.data import polyline
from mnistlab.data.drawings import load_drawings
from mnistlab.pad import wet_ink
from mnistlab.pad.widget import DigitPad

LINE = [(100.0, 40.0), (120.0, 120.0), (140.0, 240.0)]


class Page:
    """Sends as a page does, and hears what is acknowledged."""

    def __init__(self, pad: DigitPad, monkeypatch, session: str = "page") -> None:
        self.pad, self.session, self.number, self.heard = pad, session, 0, []
        monkeypatch.setattr(pad.wet, "send", self.hear)

    def hear(self, content: dict) -> None:
        self.heard.append((content["session"], content["through"], len(self.pad.drawing)))

    def message(self, *events: list) -> dict:
        self.number += 1
        return {"session": self.session, "number": self.number, "events": list(events)}

    def send(self, *events: list) -> None:
        self.deliver(self.message(*events))

    def deliver(self, message: dict) -> None:
        self.pad.wet._handle_custom_msg(json.loads(json.dumps(message)), [])

    def draw(self, points=LINE) -> None:
        self.send(["press", *points[0]])
        self.send(["move", *np.ravel(points[1:]).tolist()])
        self.send(["release"])


@pytest.fixture
def pad(registry):
    pad = DigitPad(models=registry.root)
    yield pad
    pad.close()


@pytest.fixture
def page(pad, monkeypatch) -> Page:
    return Page(pad, monkeypatch)


def test_what_a_page_kept_is_drawn_on_an_empty_pad_alone(pad, page, registry):
    assert pad.wet.drawn == ""
    page.draw()
    kept, before = pad.wet.drawn, pad.drawing.strokes
    later = DigitPad(models=registry.root)
    try:
        later.wet.receive({"session": "b", "number": 1, "events": [["restore", "no drawing"]]})
        assert later.document.is_empty
        later.wet.receive({"session": "b", "number": 2, "events": [["restore", kept], ["restore", "{}"]]})
        assert [stroke.tolist() for stroke in later.drawing.strokes] == [stroke.tolist() for stroke in before]
        later.clear()
        assert later.wet.drawn == ""
    finally:
        later.close()


def test_a_stroke_of_a_page_is_read_as_one_of_the_mouse(pad, page):
    strokes = load_drawings()["four"].strokes
    for stroke in strokes:
        page.draw(stroke.tolist())
    assert [stroke.tolist() for stroke in pad.drawing.strokes] == [stroke.tolist() for stroke in strokes]
    expected = pad.predictor.predict_strokes(strokes)
    np.testing.assert_array_equal(pad.prediction.probabilities, expected.probabilities)


def test_it_is_acknowledged_after_it_was_painted(pad, page, monkeypatch):
    order, redraw = [], pad.canvas.redraw
    monkeypatch.setattr(pad.canvas, "redraw", lambda *given, **more: order.append("painted") or redraw(*given, **more))
    monkeypatch.setattr(pad.wet, "send", lambda content: order.append(content["through"]))
    page.draw()
    assert order == [1, 2, "painted", 3]


def test_a_lost_message_is_waited_for_and_doubles_leave_no_second_stroke(pad, page):
    press, move, release = (page.message(*events) for events in ([["press", 9, 9]], [["move", 9, 90]], [["release"]]))
    for message in (press, release):
        page.deliver(message)
    assert pad.drawing.is_open
    assert page.heard[-1][1] == 1
    for message in (press, move, release):  # sent again
        page.deliver(message)
    assert [stroke.tolist() for stroke in pad.drawing.strokes] == [[[9, 9], [9, 90]]]
    assert not pad.drawing.is_open
    assert page.heard[-1][1] == 3


def test_undo_and_clear_come_where_they_were_pressed(pad, page):
    strokes = [[(50 + x, 40), (50 + x, 200)] for x in (0, 50, 100)]
    messages = []
    for stroke, name in zip(strokes, ("undo", "clear", None), strict=True):
        messages.append(page.message(["press", *stroke[0]], ["move", *stroke[1]], ["release"]))
        messages += [page.message([name])] if name else []
    for message in (messages[0], messages[2], messages[4], messages[3], messages[1]):
        page.deliver(message)
    assert [stroke.tolist() for stroke in pad.drawing.strokes] == [np.array(strokes[2]).tolist()]


def test_keys_of_a_page_do_what_they_do_on_the_canvas(pad, page):
    page.send(["key", " ", False], ["key", "ArrowDown", False], ["key", "ArrowRight", True])
    np.testing.assert_array_equal(pad.drawing.strokes[0], [(140, 140), (140, 150), (142, 150)])


def test_the_moves_of_a_second_page_do_not_go_on_with_the_stroke_of_the_first(pad, page, monkeypatch):
    other = Page(pad, monkeypatch, session="other")
    page.send(["press", 10, 10])
    other.send(["press", 200, 10])
    page.send(["move", 10, 90], ["release"])
    other.send(["move", 200, 90], ["release"])
    assert [stroke.tolist() for stroke in pad.drawing.strokes] == [[[10, 10]], [[200, 10], [200, 90]]]


def test_a_new_page_begins_at_one_again(pad, page, monkeypatch):
    page.draw()
    Page(pad, monkeypatch, session="reloaded").draw([(30, 30), (60, 60)])
    assert len(pad.drawing) == 2


def test_what_comes_after_an_event_that_fails_is_done_and_acknowledged(pad, page, monkeypatch):
    page.draw()
    monkeypatch.setattr(pad.document, "undo", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pad.wet.receive(page.message(["undo"], ["clear"]))
    assert len(pad.drawing) == 0
    assert page.heard[-1][1] == 4


anything = st.sampled_from(["press", "move", "release", "key", "undo", None, True, [], {}, "a", float("nan"), 10**400])
anything |= st.floats()
events = st.lists(st.lists(anything, max_size=6) | anything, max_size=6)


def test_no_message_makes_it_raise(pad, monkeypatch):
    heard = []
    monkeypatch.setattr(pad.wet, "send", heard.append)
    numbers = iter(range(1, 10_000))

    @given(events, anything | st.dictionaries(st.sampled_from(["session", "number", "events"]), anything))
    def check(several, whole):
        number = next(numbers)
        pad.wet.receive({"session": "a", "number": number, "events": several})
        pad.wet.receive(whole)
        assert heard[-1] == {"session": "a", "through": number}

    check()
    assert pad.message == ""


def test_the_ink_of_the_page_is_as_wide_as_that_of_the_kernel(pad):
    pad.controls.pen.value = 33
    assert pad.wet.pen_width == 33
    pad.set_pen_width(12.5)
    assert pad.wet.pen_width == 12.5


# --- the script -------------------------------------------------------------------------------------------------------

CHECK = """
require(process.argv[1]);
const { lines, firsts } = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(lines.map((line, k) => mnistlab.curve.through(line, firsts[k]))));
"""


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("no Node.js: the script of the pad is not tested; `apt-get install nodejs`")
    return found


def test_the_page_draws_the_same_curve_as_the_kernel(node):
    chance = np.random.default_rng(0)
    lines = [stroke for drawing in load_drawings().values() for stroke in drawing.strokes]
    lines += [np.rint(np.cumsum(chance.uniform(-3, 4, (n, 2)), axis=0)) for n in (1, 2, 3, 60)]
    lines += [np.array([(5.0, 5.0), (5.0, 5.0), (200.0, 9.0), (201.0, 10.0)])]
    firsts = [min(k % 5, len(line) - 1) for k, line in enumerate(lines)]
    given = json.dumps({"lines": [line.tolist() for line in lines], "firsts": firsts})
    curve = wet_ink.files("mnistlab.web") / "static" / "curve.js"
    done = subprocess.run([node, "-e", CHECK, str(curve)], input=given, capture_output=True, text=True, check=True)
    for line, first, drawn in zip(lines, firsts, json.loads(done.stdout), strict=True):
        np.testing.assert_allclose(drawn, polyline.ink(line, first=first), atol=1e-9)


def test_the_script_is_a_module_that_gives_what_the_page_asks_for(node, tmp_path):
    (tmp_path / "script.mjs").write_text(wet_ink.script())
    check = f"import({json.dumps((tmp_path / 'script.mjs').as_uri())}).then(m => console.log(typeof m.default.render))"
    done = subprocess.run([node, "-e", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "function"


# A page whose time stands still until it is put forward: what it sends, and what it says, at every moment of a script.
LINK = """
let now = 0, timers = [];
globalThis.setTimeout = (call, wait) => timers.push({call, at: now + wait});
globalThis.clearTimeout = (k) => { if (k) timers[k - 1].at = Infinity; };
globalThis.requestAnimationFrame = (call) => setTimeout(call, 16);
globalThis.cancelAnimationFrame = clearTimeout;
globalThis.crypto ??= require("crypto").webcrypto;
performance.now = () => now;
require(process.argv[1]);
let hear, sent = [], said = "", dead = false;
const model = {
  send: (message) => { if (dead) throw new Error("Cannot send"); sent.push(message); },
  on: (_, call) => { hear = call; }, off: () => {},
};
const link = new mnistlab.link.Link(model, (state) => { said = state; }, () => {});
const acts = {
  put: (event) => link.put(event),
  wait: (ms) => {
    for (let due; (due = timers.filter((one) => one.at <= now + ms).sort((a, b) => a.at - b.at)[0]);) {
      [now, ms, due.at] = [due.at, ms - (due.at - now), Infinity];
      due.call();
    }
    now += ms;
  },
  hear: (through) => hear({session: sent[0].session, through}),
  other: (through) => hear({session: "another page", through}),
  die: () => { dead = true; },
};
let seen = 0;
const told = JSON.parse(require("fs").readFileSync(0, "utf8")).map(([name, value]) => {
  acts[name](value);
  const news = sent.slice(seen).map(({number, events}) => [number, events]);
  seen = sent.length;
  return {sent: news, said, full: link.isFull, lost: link.isLost};
});
process.stdout.write(JSON.stringify(told));
"""


def link(node: str, *acts: tuple[str, object]) -> list[dict]:
    """What a page has sent and says after each act."""
    script = str(wet_ink.files("mnistlab.pad") / "link.js")
    given = json.dumps(acts)
    done = subprocess.run([node, "-e", LINK, script], input=given, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_moves_go_once_a_frame_and_a_silent_kernel_is_waited_for(node):
    told = link(
        node,
        ("put", ["press", 1, 2]),
        ("put", ["move", 3, 4]),
        ("put", ["move", 5, 6]),
        ("wait", 16),
        ("wait", 200),
        ("hear", 1),
        ("wait", 100),
        ("hear", 3),
    )
    assert [one["sent"] for one in told[:4]] == [[[1, [["press", 1, 2]]]], [], [], [[2, [["move", 3, 4, 5, 6]]]]]
    assert [one["said"] for one in told] == ["", "", "", "", "", "", "waiting", ""]


def test_what_is_not_acknowledged_is_sent_again_and_seldomer_each_time(node):
    told = link(
        node,
        ("wait", 1_000),  # two messages without events, for the kernel to learn where the page is
        ("hear", 2),
        ("put", ["press", 1, 2]),
        ("put", ["release"]),
        ("other", 4),
        ("hear", 3),
        ("wait", 1_999),
        ("wait", 1),
        ("wait", 3_999),
        ("wait", 1),
        ("hear", 4),
        ("wait", 60_000),
    )
    again = [[4, [["release"]]]]
    assert [one["sent"] for one in told[6:]] == [[], again, [], again, [], []]
    assert [one["said"] for one in told[6:]] == ["waiting"] * 4 + ["", ""]


def test_there_is_an_end_to_what_is_kept_and_a_dead_kernel_is_said_to_be_one(node):
    _, full, heard = link(node, ("put", ["move", *[1] * 10_000]), ("wait", 400), ("hear", 2))
    assert (full["full"], full["said"]) == (True, "full")
    assert (heard["full"], heard["said"]) == (False, "")
    assert link(node, ("die", None), ("put", ["clear"]))[1] == {"sent": [], "said": "lost", "full": False, "lost": True}
