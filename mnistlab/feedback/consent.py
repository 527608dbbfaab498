"""What a person agrees to before the lab keeps a drawing, word for word and with a version.

Every correction carries the version of the text that was agreed to. A text that has been shown is never changed: a new wording
gets a new version, and the old one stays here, so that it can be looked up what somebody said yes to.
"""

from __future__ import annotations

RETENTION = 180  # days until what was kept is erased by itself; text 1 names it, so it does not change

QUESTION = "Keep what I mark"

TEXTS = {
    "1": (
        "What is kept: each drawing that you mark as right or wrong while the box is ticked, the one on the sheet included. "
        "That is its strokes, the 28 x 28 pixels the network saw, what the network answered and how long that took, the digit "
        "you say it is, your comment, the time, and a random number for this pad. Of each drawing that was read meanwhile: the "
        "answer, how sure it was, and how wide, slanted, large and where the strokes were. No name, no address, no file name.",
        "Why: so that the lab can learn your handwriting, and see how well it reads.",
        f"How long: {RETENTION} days, then it is erased. Erase does it at once, for all this pad has kept; versions that had "
        "learned from it are marked. Reading works the same without the box.",
        "Without the box nothing about a drawing is kept. What is counted is that a drawing was read: in which hour, by which "
        "version, how long it took, and right or wrong if you say so, under a random number.",
    ),
}
VERSION = "1"  # the text that is shown now
