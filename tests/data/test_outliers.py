from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import torch

from mnistlab.common.errors import LabError
from mnistlab.data import outliers


def test_the_same_seed_draws_the_same_pictures():
    first, again, other = (outliers.draw_outliers(40, seed=seed, show_progress=False) for seed in (1, 1, 2))
    assert first.shape == (40, 28, 28)
    assert first.dtype == torch.uint8
    assert first.equal(again)
    assert not first.equal(other)


def test_every_picture_has_ink_and_fits_the_box_of_mnist():
    pictures = outliers.draw_outliers(200, seed=0, show_progress=False).numpy()
    for picture in pictures:
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20


def test_the_letters_and_signs_are_those_that_the_committed_versions_were_judged_on():
    # A change here changes what "outliers" means in every stored report, and needs another sum.
    text = json.dumps([outliers.LETTERS, outliers.SIGNS])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "c294d32a7c673b90"


@pytest.mark.parametrize("name", [*outliers.LETTERS, *outliers.SIGNS])
def test_each_shape_is_drawn_with_all_its_strokes(name):
    shape = {**outliers.LETTERS, **outliers.SIGNS}[name]
    strokes = outliers.letter(name, np.random.default_rng(0))
    assert len(strokes) == len(shape)
    assert all(np.isfinite(stroke).all() and len(stroke) >= 2 for stroke in strokes)


def test_no_letter_is_one_that_a_digit_may_look_like():
    assert not set(outliers.LETTERS) & set("BbDGgIiJlOoQqSsYyZzaC0123456789" + outliers.CLOSE)


def test_letters_can_be_left_out_and_half_of_the_pictures_are_letters(monkeypatch):
    drawn = []
    write = outliers.letter
    monkeypatch.setattr(outliers, "letter", lambda name, rng: drawn.append(name) or write(name, rng))
    outliers.draw_outliers(400, seed=3, letters=("X", "k"), show_progress=False)
    letters = [name for name in drawn if name in outliers.LETTERS]
    assert set(letters) == {"X", "k"}
    assert set(drawn) - {"X", "k"} == set(outliers.SIGNS)
    assert len(letters) / 400 == pytest.approx(0.5, abs=0.07)
    assert 1 - len(drawn) / 400 == pytest.approx(0.3, abs=0.07)  # scribbles


def test_no_scribble_is_so_narrow_that_it_could_be_a_1():
    rng = np.random.default_rng(0)
    sizes = np.array([np.ptp(np.concatenate(outliers.scribble(rng)), axis=0) for _ in range(300)])
    assert (sizes[:, 0] / sizes[:, 1]).min() > 0.35
    assert len({len(outliers.scribble(rng)) for _ in range(50)}) > 3  # several short strokes, or one


def test_printed_letters_differ_from_face_to_face():
    letters = outliers.printed("AX")
    assert letters.shape == (2 * len(outliers.FACES), 28, 28)
    assert len({picture.numpy().tobytes() for picture in letters}) == len(letters)
    assert (letters[0].float() - letters[0].flip(1).float()).abs().mean() < 6  # an A


def test_what_is_not_there_is_refused():
    with pytest.raises(LabError, match="no letter or sign '8'"):
        outliers.letter("8", np.random.default_rng(0))
    with pytest.raises(LabError, match="0 or more, not -1"):
        outliers.draw_outliers(-1, seed=0)
    with pytest.raises(LabError, match="at least one letter"):
        outliers.printed("")


def test_a_seed_scribbles_the_same_in_every_release():
    scribbles = [outliers.scribble(np.random.default_rng(seed)) for seed in range(50)]
    assert sum(np.concatenate(strokes).sum() for strokes in scribbles) == pytest.approx(1587761.41, abs=0.1)  # px
