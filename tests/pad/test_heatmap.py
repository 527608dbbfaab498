"""The colours of ink, and of the page around it."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pytest

from mnistlab.data import polyline
from mnistlab.data.drawings import load_drawings
from mnistlab.inference import attribution
from mnistlab.inference.attribution import Attribution
from mnistlab.inference.predictor import Predictor
from mnistlab.pad import heatmap

LOOK = (files("mnistlab.web") / "static" / "look.css").read_text(encoding="utf-8")
HOST = {"light": "#ffffff", "dark": "#212121"}  # of Voila's page, where something of the pad may stand beside its own


def luminance(colour: str) -> float:
    """Of ``"#rrggbb"``, as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colours(theme: str) -> dict[str, str]:
    """The colours of a theme, by name."""
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{3,6}), (#[0-9a-f]{3,6})\);", LOOK)
    return {name: dark if theme == "dark" else light for name, light, dark in found}


def test_the_measure_of_contrast():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_graphics_pass_wcag_aa(theme):
    found = colours(theme)
    for page in (found["page"], found["paper"], HOST[theme]):
        for text in ("ink", "soft", "accent"):
            assert contrast(found[text], page) >= 4.5, text
        for graphic in ("edge", "fault", "good", "for", "against", "little"):  # a pale digit is large text
            assert contrast(found[graphic], page) >= 3, graphic
    for bar in ("accent", "against", "good"):
        assert contrast(found[bar], found["track"]) >= 3, bar
    assert contrast(found["accent-ink"], found["accent"]) >= 4.5  # the button of the digit that was meant
    assert contrast(found["ink"], found["track"]) >= 4.5  # a button under the mouse


def test_both_themes_set_the_same_colours():
    assert list(colours("light")) == list(colours("dark"))
    assert len(colours("light")) == LOOK.count("--") == 14


def test_ink_of_every_colour_shows_on_paper():
    for share in np.linspace(-1, 1, 21):
        r, g, b = heatmap.colour(np.array([share]))[0]
        assert contrast(f"#{r:02x}{g:02x}{b:02x}", "#ffffff") >= 3


def test_the_colour_says_how_much_and_which_way():
    full = heatmap.colour(np.array([1.0, -1.0, 0.0, 5.0]))
    np.testing.assert_array_equal(full, [heatmap.FOR, heatmap.AGAINST, heatmap.NEUTRAL, heatmap.FOR])


def test_all_ink_is_covered_and_no_two_strokes_are_joined():
    strokes = load_drawings()["four"].strokes
    found = attribution.attribute(Predictor.load(), strokes)
    lines, shades = heatmap.shade(found)
    assert lines.shape == (len(shades), 2, 2)
    assert (np.hypot(*(lines[:, 1] - lines[:, 0]).T) < 12).all()  # nothing leads from one stroke to the next
    drawn = np.hypot(*(lines[:, 1] - lines[:, 0]).T).sum()
    assert drawn == pytest.approx(sum(polyline.length(polyline.smooth(s)) for s in strokes), rel=0.02)


def test_a_dot_among_the_strokes_has_a_colour_too():
    found = Attribution(1, [np.array([(5.0, 5.0)]), np.array([(50.0, 50.0), (50.0, 90.0)])], np.array([-3.0, 3.0]))
    lines, shades = heatmap.shade(found)
    np.testing.assert_allclose(lines[0], [(5, 5), (5, 5)], atol=0.02)
    np.testing.assert_array_equal(shades[[0, -1]], [heatmap.AGAINST, heatmap.FOR])


def test_without_pieces_there_is_no_colour():
    lines, shades = heatmap.shade(Attribution(None, [], np.zeros(0)))
    assert (lines.shape, shades.shape) == ((0, 2, 2), (0, 3))


def test_ink_that_said_little_stays_pale_even_if_nothing_said_more():
    found = Attribution(1, [np.array([(50.0, 50.0), (50.0, 90.0)])], np.array([0.1]))
    assert (np.abs(heatmap.shade(found)[1].astype(int) - heatmap.NEUTRAL) < 20).all()
