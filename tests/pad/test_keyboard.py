"""What keys mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistlab.pad.keyboard import HELP, action


@pytest.mark.parametrize(
    ("key", "options", "expected"),
    [
        ("ArrowLeft", {}, ("step", -10, 0)),
        ("ArrowDown", {"shift": True}, ("step", 0, 2)),
        (" ", {}, ("pen",)),
        ("7", {}, ("correct", 7)),
        ("z", {}, ("undo",)),
        ("z", {"control": True}, ("undo",)),
        ("Z", {"meta": True}, ("undo",)),
        ("Backspace", {}, ("clear",)),
        ("Tab", {}, ("leave", True)),
        ("Tab", {"shift": True}, ("leave", False)),
        ("Escape", {"shift": True}, ("leave", True)),
        ("7", {"control": True}, None),  # the browser's own
        ("Delete", {"meta": True}, None),
        ("a", {}, None),
        ("", {}, None),
        ("12", {}, None),
        (7, {}, None),
    ],
)
def test_a_key_means_one_thing(key, options, expected):
    assert action(key, **options) == expected


@given(st.text(max_size=8) | st.none() | st.integers(), st.booleans(), st.booleans(), st.booleans())
def test_no_key_makes_it_raise_and_tab_always_leaves(key, shift, control, meta):
    action(key, shift=shift, control=control, meta=meta)
    assert action("Tab", shift=shift, control=control, meta=meta)[0] == "leave"
    assert action("Escape", shift=shift, control=control, meta=meta)[0] == "leave"


def test_the_help_names_every_key():
    told = " ".join(key for key, _ in HELP)
    assert all(word in told for word in ("arrows", "Space", "0 to 9", "z", "Delete", "Tab", "Esc"))
