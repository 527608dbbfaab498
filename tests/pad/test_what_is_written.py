"""Every control of the pad, and every message a page may send: nothing is written but what the person agreed to.

A page sends two kinds: a new value for a trait of a widget, and an event, which may hold anything.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import ipywidgets as widgets
import pytest
from written import written

from mnistlab.common import paths
from mnistlab.data.drawings import drawing_to_json, load_drawings
from mnistlab.data.strokes import Drawing
from mnistlab.feedback.store import Store
from mnistlab.inference.predictor import Predictor
from mnistlab.pad.widget import DigitPad

SEVEN = load_drawings()["seven"].strokes
FILE = {"name": "../../x.json", "type": "", "size": 1, "lastModified": 0, "content": drawing_to_json(SEVEN).encode()}
VALUES = [None, True, 7, -1e308, "", "0001", "../x\u2028</script>", [FILE], {}]
STROKE = [["press", 100, 40], ["move", 120, 120, 140, 240], ["release"]]
EVENTS = [
    {"event": "click"},
    *({"event": name, "x": 100.0, "y": 90.0} for name in ("mouse_down", "mouse_move", "mouse_up", "mouse_out")),
    *(
        {"event": "key_down", "key": key, "shift_key": False, "ctrl_key": False, "meta_key": False}
        for key in ("7", " ", "z")
    ),
    {"event": "client_ready"},
    {"event": "freeze"},
    {"session": "a", "number": 1, "events": [*STROKE, ["key", "7", False], ["undo"], ["clear"], *STROKE, ["freeze"]]},
    {"session": "a", "number": 2, "events": [["save", "x"], None, 5]},
    {"do": "focus"},
    {},
    None,
]


@pytest.fixture(autouse=True)
def _silence():
    """Thousands of messages are refused, each with its traceback in the log."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store" / "feedback.sqlite")


@pytest.fixture
def pad(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DigitPad]:
    monkeypatch.setenv("MNISTLAB_DRAWINGS", str(tmp_path / "drawings"))
    pad = DigitPad(Predictor.load("0003", models=paths.models()), feedback=store)
    pad.replay(SEVEN)
    pad.correct(7)
    yield pad
    pad.close()


def parts(widget: widgets.Widget) -> list[widgets.Widget]:
    """A widget and all that is inside it; those of a pad that it does not show, too."""
    found = [widget, *(part for child in getattr(widget, "children", ()) for part in parts(child))]
    if isinstance(widget, DigitPad):
        found += [control for control in vars(widget.controls).values() if isinstance(control, widgets.Widget)]
    return list(dict.fromkeys(found))


def send_everything(pad: DigitPad) -> int:
    """Every event and a new value for every trait to every widget; how many messages that is."""
    n = 0
    for widget in parts(pad):
        messages = [{"method": "custom", "content": event} for event in EVENTS]
        for name in set(widget.keys) - {"layout", "style", "comm", "children"}:
            messages += [{"method": "update", "state": {name: value}, "buffer_paths": []} for value in VALUES]
        if len(pad.drawing) == 0:  # it may have been cleared
            pad.document.drawing = Drawing(SEVEN)
        pad.document.true_digit = 7
        pad.explanation.switch(False)  # takes long
        for data in messages:
            with suppress(Exception):  # a handler's own; what a trait refuses goes into the log of the kernel
                widget._handle_msg({"content": {"data": data}, "buffers": []})
            n += 1
    return n


def test_without_consent_no_control_and_no_message_writes_anything_but_a_count(pad, store, tmp_path, monkeypatch):
    monkeypatch.setattr(pad.feedback.session, "agree", lambda *arguments: None)  # to tick the box is the consent
    with written() as seen:
        n = send_everything(pad)
    assert n > 5_000
    assert {line for line in seen if str(store.path) not in line} == set()
    assert not (tmp_path / "drawings").exists()
    assert store.corrections() == []
    assert store.uses(consented=True) == []
    pad.clear()
    assert pad.replay(SEVEN).digit in range(10)  # and it still reads, if with another pen


def test_with_consent_the_store_is_all_that_is_written(pad, store, tmp_path):
    pad.feedback.agree(True)
    with written() as seen:
        send_everything(pad)
        pad.replay(SEVEN)
        pad.feedback.agree(True)
        pad.correct(7)
    assert seen
    assert {line for line in seen if str(store.path) not in line} == set()
    assert [correction.digit for correction in store.corrections()][-1] == 7
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["feedback.sqlite", "store"]


def test_freeze_is_neither_shown_nor_obeyed_unless_it_was_asked_for(pad, tmp_path):
    assert pad.controls.freeze not in parts(pad)[: len(parts(pad)) - len(vars(pad.controls))]
    pad.controls.freeze.click()
    assert "DigitPad(freeze=True)" in pad.message
    assert not (tmp_path / "drawings").exists()
    (source,) = re.findall(r"DigitPad\(.*\)", (paths.PACKAGE / "pad" / "app" / "draw.ipynb").read_text())
    assert "freeze" not in source


@pytest.mark.parametrize("comment", [140, None, b"x", ["x"], True])
def test_a_comment_that_is_no_text_is_refused_and_the_pad_goes_on(pad, comment):
    pad.feedback.comment(comment)
    assert "A comment is text" in pad.message
    pad.clear()
    assert pad.replay(SEVEN).digit == 7
