"""Drawings that somebody froze, read again as a hand's would be, by the version in use."""

from __future__ import annotations

import pytest
from made import ROOT

from mnistlab.common import paths
from mnistlab.data.drawings import drawing_from_json
from mnistlab.inference.predictor import Predictor

FROZEN = sorted((ROOT / "tests" / "drawings").glob("*.json"))


@pytest.fixture(scope="module")
def reader() -> Predictor:
    """The committed version that is in use."""
    return Predictor.load(models=paths.models())


@pytest.mark.parametrize("path", FROZEN, ids=lambda path: path.stem)
def test_a_frozen_drawing_is_read_as_it_was_meant(reader, path):
    frozen = drawing_from_json(path.read_bytes())
    assert frozen.name == path.stem
    assert frozen.digit is not None, "a frozen drawing says which digit it is meant to be"
    reading = reader.predict_strokes(frozen.strokes, frozen.pen_width)
    assert reading.digit == frozen.digit, f"meant as {frozen.digit}, version {reader.version} reads {reading}"


def test_there_are_some_and_nothing_else_lies_beside_them():
    assert len(FROZEN) >= 10
    assert {path.suffix for path in FROZEN[0].parent.iterdir()} == {".json"}
