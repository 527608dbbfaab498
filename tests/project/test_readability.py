"""What is measured of the notebooks: each figure on a case that can be counted by hand."""

from __future__ import annotations

import nbformat
import pytest
import readability
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import numpy as np\nx = 1", 1),
        ("assert x == 1\nassert y", 2),
        ('Markdown(\n    f"one {x}"\n    f"two {y}"\n)', 4),
        ('title = f"{x} of {y}"\nax = plots.grid(x, title=title)', 1),
        ('told = [f"{x}" for x in xs]', 1),
        ("if x < 0:\n    raise ValueError(x)", 2),
        ("if x < 0:\n    x = 0", 0),
        ("values = {}\nwrite_results('a', values)", 2),
        ("def f(x):\n    return x  # why", 0),
    ],
)
def test_scaffolding_is_what_serves_the_notebook_alone(source, lines):
    assert readability.scaffolding(source) == lines


@pytest.mark.parametrize(
    ("word", "n"), [("cat", 1), ("kernel", 2), ("make", 1), ("table", 2), ("the", 1), ("convolution", 4)]
)
def test_syllables_are_groups_of_vowels(word, n):
    assert readability.syllables(word) == n


def test_short_words_in_short_sentences_read_easily():
    assert readability.flesch("The cat sat. The dog ran.") == pytest.approx(206.835 - 1.015 * 3 - 84.6)
    hard = "Multidimensional representations necessitate considerable computational infrastructure."
    assert readability.flesch(hard) < 0


def test_code_formulas_tables_and_addresses_are_no_prose():
    source = "# A title\n\nSee [this page](http://x.y/z) and `f(x)`.\n\n| a | b |\n\n```\ncode()\n```\n\n$$y = x$$\n"
    words = readability.prose(source).split()
    assert words == ["A", "title.", "See", "this", "page", "and", "it."]


def test_a_notebook_is_measured_as_a_whole(tmp_path):
    cells = [
        new_markdown_cell("# A cat sat here.", id="title"),
        new_code_cell("import os", id="imports"),
        new_markdown_cell("It ran.", id="text"),
        new_code_cell("x = 1\n\n# why\ny = 2\nz = 3", id="told"),
        new_code_cell("x = 2\nassert x", id="untold"),
    ]
    path = tmp_path / "a.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    found = readability.measure(path)
    assert (found["lines"], found["after prose"]) == (2, 50)
    assert found["scaffolding"] == pytest.approx(100 * 2 / 6)
    assert "50.0*" in "\n".join(readability.rows([path]))
