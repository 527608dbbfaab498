"""What the keys on the canvas mean. The canvas swallows every key, so those that lead out of it are here too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnistlab.pad.widget import DigitPad

STEP, SMALL_STEP = 10, 2  # px of the canvas
ARROWS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}
DIGITS = "0123456789"

HELP = (
    ("arrows", f"move the pen by {STEP} px, with Shift by {SMALL_STEP}"),
    ("Space", "put the pen down or lift it"),
    ("0 to 9", "say which digit you meant"),
    ("z, Shift + z", "undo, redo"),
    ("n", "next digit"),
    ("Delete", "clear"),
    ("Tab, Esc", "leave the canvas"),
)


Action = tuple[str] | tuple[str, int] | tuple[str, int, int]


def action(key: object, *, shift: bool = False, control: bool = False, meta: bool = False) -> Action | None:
    """What to do on a key, as a tuple of a name and its values; None for nothing.

    ``("step", dx, dy)`` in px, ``("pen",)``, ``("correct", digit)``, ``("undo",)``, ``("redo",)``, ``("next",)``, ``("clear",)``,
    and ``("leave", forward)``.

    Parameters
    ----------
    key : as the browser names it, ``"ArrowLeft"``, ``" "``, ``"7"``; anything that is no text means nothing.
    """
    if not isinstance(key, str):
        return None
    if key in ("Tab", "Escape"):
        return ("leave", not (key == "Tab" and shift))
    if key in ("z", "Z"):
        return ("redo",) if shift else ("undo",)
    if control or meta:
        return None
    if key in ARROWS:
        length = SMALL_STEP if shift else STEP
        dx, dy = ARROWS[key]
        return ("step", length * dx, length * dy)
    if key in ("n", "N"):
        return ("next",)
    if key == " ":
        return ("pen",)
    if key in ("Delete", "Backspace"):
        return ("clear",)
    if len(key) == 1 and key in DIGITS:
        return ("correct", int(key))
    return None


def perform(pad: DigitPad, action: Action | None) -> None:
    """Do on a pad what a key means."""
    match action:
        case ("step", dx, dy):
            pad.step(dx, dy)
        case ("pen",):
            pad.toggle_pen()
        case ("correct", digit):
            pad.correct(digit)
        case ("undo",):
            pad.undo()
        case ("redo",):
            pad.redo()
        case ("clear",):
            pad.clear()
        case ("next",):
            pad.transcript.next_digit()
        case ("leave", forward):
            pad.controls.undo.focus() if forward else pad.canvas.blur()
