"""What keys do: to a document, and for somebody who wants to get out of the canvas."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.common.constants import CANVAS
from mnistlab.pad.document import Document
from mnistlab.pad.keyboard import HELP, action

MIDDLE = CANVAS / 2
# Keys as a browser names them, by the words of the help.
NAMED = {
    "arrows": ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
    "Space": [" "],
    "0 to 9": list(string.digits),
    "z, Shift + z": ["z", "Z"],
    "n": ["n", "N"],
    "Delete": ["Delete", "Backspace"],
    "Tab, Esc": ["Tab", "Escape"],
}
OTHERS = [*string.printable, "Enter", "Home", "PageUp", "F5", "Dead", "Unidentified", "²", "٣", "10", ""]


def moved(key: str, **modifiers: bool) -> tuple[float, float]:
    """How far a key moves the pen of a document from the middle of the canvas, px to the right and down."""
    document = Document()
    name, *way = action(key, **modifiers)
    assert name == "step"
    document.step(*way)
    x, y = document.cursor
    return x - MIDDLE, y - MIDDLE


def test_the_help_names_every_key_that_does_something_and_no_other():
    helped = {key for words, _ in HELP for key in NAMED[words]}
    assert {key for key in {*helped, *OTHERS} if action(key) is not None} == helped


def test_arrows_move_the_pen_as_far_as_the_help_says_and_less_with_shift():
    far, near = (int(number) for number in re.findall(r"\d+", dict(HELP)["arrows"]))
    assert 0 < near < far
    for shift, step in ((False, far), (True, near)):
        assert moved("ArrowRight", shift=shift) == (step, 0)
        assert moved("ArrowLeft", shift=shift) == (-step, 0)
        assert moved("ArrowDown", shift=shift) == (0, step)
        assert moved("ArrowUp", shift=shift) == (0, -step)


def test_the_digit_keys_say_that_very_digit():
    assert [action(key) for key in string.digits] == [("correct", digit) for digit in range(10)]


def test_the_other_keys_do_one_thing_each_with_shift_or_without():
    for shift in (False, True):
        assert action(" ", shift=shift) == ("pen",)
        assert {action(key, shift=shift) for key in NAMED["z, Shift + z"]} == {("redo",) if shift else ("undo",)}
        assert {action(key, shift=shift) for key in NAMED["n"]} == {("next",)}
        assert {action(key, shift=shift) for key in NAMED["Delete"]} == {("clear",)}


@pytest.mark.parametrize("modifier", ["control", "meta"])
def test_shortcuts_are_left_to_the_browser_but_for_undo(modifier):
    keys = [key for keys in NAMED.values() for key in keys]
    assert {key for key in keys if action(key, **{modifier: True})} == {"z", "Z", "Tab", "Escape"}
    assert action("z", **{modifier: True}) == ("undo",)


def test_tab_and_escape_lead_onwards_and_only_shift_and_tab_back():
    assert action("Tab") == action("Escape") == action("Escape", shift=True) == ("leave", True)
    assert action("Tab", shift=True) == ("leave", False)


@given(st.text(max_size=8) | st.none() | st.integers(), st.booleans(), st.booleans(), st.booleans())
def test_no_key_makes_it_raise_and_tab_always_leaves(key, shift, control, meta):
    action(key, shift=shift, control=control, meta=meta)
    assert action("Tab", shift=shift, control=control, meta=meta)[0] == "leave"
    assert action("Escape", shift=shift, control=control, meta=meta)[0] == "leave"
