"""What Python makes of many drawings and pictures, for the page's engine to be held against.

    python tools/page_vectors.py vectors.json --drawings 2000

Tests make the same by ``readings`` and ``pixels``: the engine must give these pixels, probabilities and answers, in Node and in a
real browser.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from mnistlab.common.constants import CANVAS, PEN_WIDTH, SIDE
from mnistlab.common.errors import ImageError
from mnistlab.data import outliers, segments, synthetic
from mnistlab.data.drawings import load_drawings
from mnistlab.data.picture_file import read_grey
from mnistlab.data.preprocess import bounds, clean_ink, fit, is_plain, shrink
from mnistlab.data.strokes import MANY_POINTS, MAX_POINTS, rasterise, rasterise_standard
from mnistlab.inference.attribution import attribute
from mnistlab.inference.predictor import NO_DIGIT, Predictor
from mnistlab.web.export import version_data

SEED = 1
REACH = 40  # px; lines of every direction up to this far, across and down
WINDOW = slice(CANVAS // 2 - REACH - 13, CANVAS // 2 + REACH + 14)  # all that their ink reaches
# Long lines whose edges fall on another px when they are reckoned in double precision; dx, dy in px.
LONG = (
    (-175, 84),
    (-174, 132),
    (-172, 40),
    (-171, -126),
    (-170, 28),
    (-169, 78),
    (-168, -80),
    (-176, 160),
    (-175, -42),
    (-170, -124),
)
REASONS = {  # for no digit, as the page calls them
    "": "",
    "the canvas is empty": "empty",
    "that is only a dot": "dot",
    NO_DIGIT: "not-a-digit",
}
Strokes = list[np.ndarray]


def readings(*, drawings: int, whys: int, version: str = "current", seed: int = SEED) -> dict[str, object]:
    """What a version reads, as plain values for JSON.

    Parameters
    ----------
    drawings : how many are made from the seed, beside those stored and the special cases.
    whys : of how many the ink is explained.
    """
    reader = Predictor.load(version)
    cases = [*special(), *stored(), *made(drawings, seed), *together(drawings // 2, seed)]
    chosen = cases[:: max(1, len(cases) // whys)][:whys]
    return {
        "data": version_data(reader.checkpoint),
        "drawings": [_read(reader, name, strokes, pen) for name, strokes, pen in cases],
        "whys": [_explained(reader, strokes, pen) for _, strokes, pen in chosen],
    }


def pixels(*, pictures: int, seed: int = SEED) -> dict[str, object]:
    """What becomes of pictures, of ink of other sizes, and of single lines, whatever version reads."""
    seen = [_seen(rgba) for rgba in painted(pictures, seed)]
    inked = {"sizes": list(_resized(seed)), "lines": list(_lines()), "long": list(_long())}
    return {"pictures": seen, **inked, "layouts": list(_laid_out(seed))}


def special() -> Iterator[tuple[str, Strokes, float]]:
    """Cases at the edge of a rule, each by its name."""
    one = [np.array([[100.0, 60.0], [110.0, 220.0]])]
    along = np.linspace(0, 12 * np.pi, 3000)
    spiral = np.stack([140 + 2 * along * np.cos(along), 140 + 3 * along * np.sin(along)], axis=1)
    shapes: dict[str, Strokes] = {
        "nothing": [],
        "a stroke without points": [np.zeros((0, 2))],
        "one point": [np.array([[140.0, 140.0]])],
        "a dot at the bound": [np.array([[100.0, 100.0], [100 + PEN_WIDTH / 2, 100.0]])],
        "just more than a dot": [np.array([[100.0, 100.0], [100 + PEN_WIDTH / 2 + 1e-9, 100.0]])],
        "points that repeat": [np.repeat(one[0], 3, axis=0)],
        "a line and a point": [*one, np.array([[180.0, 140.0]])],
        "upright": [np.array([[140.0, 10.0], [140.0, 270.0]])],
        "flat": [np.array([[10.0, 140.0], [270.0, 140.0]])],
        "beyond the canvas": [np.array([[-500.0, 140.0], [900.0, 150.0]]), np.array([[140.0, -1e300], [150.0, 1e300]])],
        "along the edges": [np.array([[0, 0], [280, 0], [280, 280], [0, 280], [0, 0]], dtype=float)],
        "twice as high as wide": [np.array([[100, 100], [164, 264], [100, 264], [164, 100]], dtype=float)],
        "half a px of 28": [np.array([[100, 50], [100, 226], [181, 226]], dtype=float)],
        "as many points as are drawn one by one": [spiral[: MANY_POINTS - 1]],
        "the last that is drawn one by one": [spiral[:MANY_POINTS]],
        "the first that is not": [spiral[: MANY_POINTS + 1]],
        "many points": [spiral[::2], spiral[1::2] + 5],
        "as many as there may be": [np.resize(spiral + np.array([3.3, 0.7]), (MAX_POINTS, 2))],
    }
    for name, strokes in shapes.items():
        yield name, strokes, PEN_WIDTH
    yield "a dot of a thick pen", [np.array([[100.0, 100.0], [130.0, 100.0]])], 60
    yield "no dot of a thin one", [np.array([[100.0, 100.0], [102.5, 100.0]])], 4


def stored() -> Iterator[tuple[str, Strokes, float]]:
    """The drawings that come with the lab."""
    for name, drawing in load_drawings().items():
        yield name, drawing.strokes, drawing.pen_width


def made(n: int, seed: int) -> Iterator[tuple[str, Strokes, float]]:
    """Digits in many hands, sizes and places; every fifth is a scribble, every tenth points at random."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        if number % 10 == 9:
            counts = rng.integers(1, 40, rng.integers(1, 4))
            strokes = [rng.uniform(-40, CANVAS + 40, (count, 2)) for count in counts]
        else:
            strokes = outliers.scribble(rng) if number % 5 == 4 else synthetic.draw(number % 10, rng)
            scale, shift = rng.uniform(0.15, 1.1), rng.uniform(-80, 80, 2)
            strokes = [(stroke - CANVAS / 2) * scale + CANVAS / 2 + shift for stroke in strokes]
        if number % 3:  # as the page has them: hundredths of a px, or whole ones
            strokes = [np.round(stroke, 2 * (number % 3 - 1)) for stroke in strokes]
        yield f"made {number}", strokes, float(rng.integers(4, 61))


def together(n: int, seed: int) -> Iterator[tuple[str, Strokes, float]]:
    """Two or three digits, beside each other or on two lines, close and far apart; every third is one digit and some taps."""
    rng = np.random.default_rng(seed + 1)
    for number in range(n):
        strokes: Strokes = []
        if number % 3 == 2:
            taps = rng.uniform(0, CANVAS, (rng.integers(1, 4), 2))
            place = (*rng.uniform(60, 160, 2), rng.uniform(60, 120))
            strokes = [
                *_at(synthetic.draw(number % 10, rng), *place),
                *(tap + rng.uniform(-3, 3, (2, 2)) for tap in taps),
            ]
        else:
            left, height = rng.uniform(0, 20), rng.uniform(50, 120)
            for k in range(2 + number % 2):
                top = 90 + rng.uniform(-0.2, 0.2) * height if number % 7 else 20 + 130 * (k % 2)
                digit = _at(synthetic.draw(int(rng.integers(10)), rng), left, top, height * rng.uniform(0.8, 1.1))
                strokes += digit
                left = max(stroke[:, 0].max() for stroke in digit) + rng.uniform(-0.15, 0.5) * height
        yield f"together {number}", [np.round(stroke, 2) for stroke in strokes], PEN_WIDTH


def _at(strokes: Strokes, left: float, top: float, height: float) -> Strokes:
    """A digit this high, with its upper left corner at this place."""
    points = np.concatenate(strokes)
    low, scale = points.min(axis=0), height / np.ptp(points[:, 1])
    return [(stroke - low) * scale + (left, top) for stroke in strokes]


def painted(n: int, seed: int) -> Iterator[np.ndarray]:
    """Pictures, uint8 (H, W, 4): ink and paper of any colour, grain, holes, blank ones and full ones."""
    rng = np.random.default_rng(seed)
    for number in range(n):
        height, width = rng.integers(8, 90, 2) if number % 4 else (28, 28)
        ink = Image.fromarray(rasterise(synthetic.draw(number % 10, rng), pen_width=float(rng.uniform(10, 40))))
        share = np.asarray(ink.resize((int(width), int(height))))[..., None] / 255
        pen, paper = rng.integers(0, 256, 3), rng.integers(0, 256, 3)
        grain = rng.normal(0, rng.choice([0, 0, 3, 10]), (height, width, 1))
        if number == 4:  # stretched by one and a half, so that greys fall between two
            pen, paper, grain = np.full(3, 30), np.full(3, 200), np.zeros(grain.shape)
        colour = paper + (pen - paper) * share + grain
        opacity = {0: 255 * share, 1: rng.integers(0, 256, share.shape)}.get(number % 5, np.full(share.shape, 255))
        if number % 11 == 5:
            colour, opacity = np.full(colour.shape, 40.0), np.full(share.shape, 255)
        if number % 11 == 10:
            colour, opacity = np.full(colour.shape, 40.0), np.full(share.shape, 255)
            colour[[0, -1]] = colour[:, [0, -1]] = 250
        yield np.clip(np.rint(np.concatenate([colour, opacity], axis=2)), 0, 255).astype(np.uint8)


def _read(reader: Predictor, name: str, strokes: Strokes, pen: float) -> dict[str, object]:
    found = reader.predict_strokes(strokes, pen, CANVAS)
    return {
        "name": name,
        "strokes": [stroke.tolist() for stroke in strokes],
        "pen": pen,
        "image": _text(found.image) if found.image.any() else None,
        "digit": found.digit,
        "digits": list(found.digits),
        "logs": np.log(found.probabilities).tolist(),
        "reason": "several" if found.parts else REASONS[found.reason],
        "strays": _strays(found.note),
        "parts": [
            {"digit": part.digit, "digits": list(part.digits), "box": part.box._asdict(), "line": part.line}
            for part in found.parts
        ],
    }


def _strays(note: str) -> int:
    """How many stray marks were left out."""
    return 0 if not note else 1 if note.startswith("a stray") else int(note.split()[0])


def _explained(reader: Predictor, strokes: Strokes, pen: float) -> dict[str, object]:
    found = attribute(reader, strokes, pen_width=pen)
    return {
        "strokes": [stroke.tolist() for stroke in strokes],
        "pen": pen,
        "strays": _strays(reader.predict_strokes(strokes, pen, CANVAS).note),
        "digit": found.digit,
        "pieces": [piece.tolist() for piece in found.pieces],
        "weights": found.weights.tolist(),
    }


def _seen(rgba: np.ndarray) -> dict[str, object]:
    seen: dict[str, object] = {"width": rgba.shape[1], "height": rgba.shape[0], "rgba": _text(rgba)}
    try:
        ink = clean_ink(read_grey(rgba))
    except ImageError as error:
        return {**seen, "image": None, "reason": error.code}
    if ink is None or (min(ink.ink.shape) > 2 * SIDE and not is_plain(ink.ink[bounds(ink.ink)])):
        return {**seen, "image": None, "reason": "photograph"}  # which the page leaves to the lab
    return {**seen, "image": _text(fit(ink.ink)), "reason": None}


def _resized(seed: int) -> Iterator[dict[str, object]]:
    """Ink of many sizes in the box of 20, those that grow and those that tip a rounding among them."""
    rng = np.random.default_rng(seed)
    for number in range(240):
        height, width = rng.integers(1, 20, 2) if number % 3 else rng.integers(40, 120, 2)
        ink = rng.integers(0, 256, (height, width)).astype(np.uint8)
        small = shrink(ink)
        sides = {"height": int(height), "width": int(width), "tall": small.shape[0], "wide": small.shape[1]}
        yield {**sides, "ink": _text(ink), "small": _text(small)}


def _laid_out(seed: int) -> Iterator[dict[str, object]]:
    """Boxes of many sizes, whole px among them so that some are equally near: which are stray, and the pieces of each line."""
    rng = np.random.default_rng(seed)
    for number in range(600):
        count = int(rng.integers(1, 12)) if number else segments.MOST_PIECES + 1
        corners = rng.uniform(0, CANVAS, (count, 2))
        sizes = rng.choice([2, 8, 40, 90], (count, 1)) * rng.uniform(0.3, 1.5, (count, 2))
        sides = np.concatenate([corners, corners + sizes], axis=1)
        boxes = [segments.Box(*row) for row in (np.round(sides / 4) * 4 if number % 3 == 0 else sides).tolist()]
        lines = [[list(piece.members) for piece in line] for line in segments.lines(boxes)]
        yield {"boxes": [box._asdict() for box in boxes], "strays": segments.strays(boxes), "lines": lines}


def _lines() -> Iterator[dict[str, object]]:
    """The ink of every line from the middle to up to 40 px away, as a hash of all that go as far across."""
    middle = CANVAS / 2
    for dx in range(-REACH, REACH + 1):
        digest = hashlib.sha256()
        for dy in range(-REACH, REACH + 1):
            ink = rasterise_standard([np.array([[middle, middle], [middle + dx, middle + dy]])])
            digest.update(np.ascontiguousarray(ink[WINDOW, WINDOW]).data)
        yield {"dx": dx, "sha256": digest.hexdigest()}


def _long() -> Iterator[dict[str, object]]:
    """The ink of long lines about the middle, as hashes."""
    for dx, dy in LONG:
        line = [[float(CANVAS // 2 - dx // 2), float(CANVAS // 2 - dy // 2)]]
        line.append([line[0][0] + dx, line[0][1] + dy])
        yield {"line": line, "sha256": hashlib.sha256(rasterise_standard([np.array(line)]).data).hexdigest()}


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def main() -> None:
    """Write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--drawings", type=int, default=300)
    parser.add_argument("--whys", type=int, default=40)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--version", default="current")
    chosen = parser.parse_args()
    read = readings(drawings=chosen.drawings, whys=chosen.whys, version=chosen.version)
    chosen.file.write_text(json.dumps({**read, **pixels(pictures=chosen.pictures)}, allow_nan=False))


if __name__ == "__main__":
    main()
