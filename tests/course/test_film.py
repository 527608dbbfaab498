"""Films: one picture a caption, laid out alike, in a fragment that reads without scripts."""

from __future__ import annotations

import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from mnistlab.common.errors import LabError
from mnistlab.course.film import shoot


def film(n: int = 3):
    figure, ax = plt.subplots(figsize=(2, 1), layout="constrained")
    bar = ax.bar([0], [0])[0]
    ax.set_ylim(0, n + 1)
    return shoot(
        figure,
        lambda index: bar.set_height(index + 1),
        [f"height <{index + 1}>" for index in range(n)],
        name="height",
        description='a bar that "grows"',
    )


def test_each_caption_has_a_picture_of_its_own_and_all_are_of_one_size():
    frames = [np.asarray(Image.open(io.BytesIO(frame)).convert("L")).astype(int) for frame in film().frames]
    assert {frame.shape for frame in frames} == {(160, 320)}
    ink = [(frame < 200).sum() for frame in frames]
    assert ink[0] < ink[1] < ink[2]
    assert plt.get_fignums() == []


def test_without_scripts_the_last_picture_and_its_caption_are_seen_and_nothing_that_does_not_work():
    page = film()._repr_html_()
    before, _, script = page.partition("<script")
    assert before.count("data:image/webp;base64,") == 1
    assert script.count("data:image/webp;base64,") == 3
    assert before.index("display: none") < before.index("<input")
    assert "height &lt;3&gt;" in before
    assert 'alt="a bar that &#34;grows&#34;"' in before


def test_the_slider_has_a_name_and_a_place_for_each_picture():
    page = film(5)._repr_html_()
    assert re.search(r'<input type="range" min="0" max="4" value="4"[^>]* aria-label="height"', page)


def test_a_film_of_nothing_is_refused():
    with pytest.raises(LabError, match="one caption for each picture"):
        film(0)
