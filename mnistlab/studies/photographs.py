"""Photographs of one digit, for judging how they are read: made by code, and a few that people took.

``photograph(kind, digit, rng)`` is a picture of one of ``KINDS``: paper, light, rules, surroundings, pens, a turned sheet, JPEG.
All randomness comes from ``rng``, so that each can be made again. ``published`` are crops of other people's pictures; CREDITS.md
beside them says whose. ``WAYS`` are the ways to read one, from the simplest to that of the lab.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from PIL import Image, ImageDraw

from mnistlab.common.errors import ImageError
from mnistlab.data import paper, pieces, preprocess, synthetic, thickness
from mnistlab.data.picture_file import read_grey

SIDE = 400  # px of a picture
FINE = 2  # drawn at so many times the size, so that strokes have soft edges
PAPERS = {"white": (236, 235, 230), "yellow": (238, 222, 150), "grey": (150, 152, 150), "dark": (92, 84, 76)}
INKS = {"black": (28, 28, 30), "blue": (44, 58, 150), "pencil": (120, 120, 122), "white": (235, 235, 232)}


@dataclass
class Scene:
    """What is in front of the camera."""

    paper: str = "white"
    ink: str = "black"
    height: tuple[float, float] = (0.4, 0.7)  # of the digit, share of the picture
    pen: tuple[float, float] = (0.05, 0.12)  # of the height of the path it takes
    rules: str = ""  # "", "lined", "graph"
    box: bool = False
    turn: float = 0.0  # degrees at most, of the sheet
    lean: float = 0.0  # share by which a corner of the sheet moves
    sheet: float = 0.0  # share of the picture around the sheet; 0 shows nothing but paper
    around: tuple[int, int, int] = (84, 60, 40)
    rim: tuple[float, ...] = ()  # share of the picture: left, top, right, bottom, in the colour of ``around``
    fall: float = 0.0  # of the light, from one side to the other
    vignette: float = 0.0
    shadow: float = 1.0  # what light it leaves
    dust: int = 0
    grain: float = 2.5  # greys
    quality: int = 85  # of the JPEG; 0 is a PNG


DARK = (32, 30, 30)
KINDS: dict[str, Scene] = {
    "plain": Scene(),
    "light falls off": Scene(fall=0.3),
    "light falls off on pencil": Scene(fall=0.25, ink="pencil", pen=(0.025, 0.05)),
    "shadow": Scene(shadow=0.6),
    "vignette": Scene(vignette=0.4),
    "lined": Scene(rules="lined"),
    "lined, shadow": Scene(rules="lined", shadow=0.6),
    "graph": Scene(rules="graph"),
    "graph, shadow": Scene(rules="graph", shadow=0.65),
    "lined, turned": Scene(rules="lined", turn=20),
    "frame": Scene(rim=(0.012, 0.012, 0.012, 0.012), around=DARK, grain=0, paper="white"),
    "one px border": Scene(rim=(0.0025, 0.0025, 0.0025, 0.0025), around=(80, 80, 80), grain=0, quality=0),
    "table": Scene(rim=(0.12, 0, 0, 0.08)),
    "scanner rim": Scene(rim=(0, 0.03, 0.05, 0), around=(20, 20, 20), grain=1),
    "dark surround": Scene(sheet=0.12, around=DARK),
    "sheet turned": Scene(sheet=0.17, turn=20),
    "perspective": Scene(sheet=0.12, lean=0.08),
    "form box": Scene(box=True, height=(0.4, 0.6)),
    "pencil": Scene(ink="pencil", pen=(0.02, 0.05)),
    "ballpoint": Scene(ink="blue", pen=(0.0, 0.0), height=(0.55, 0.75)),
    "marker": Scene(pen=(0.28, 0.35), height=(0.5, 0.75)),
    "yellow": Scene(paper="yellow", ink="blue", fall=0.15),
    "grey": Scene(paper="grey", fall=0.15),
    "dark": Scene(paper="dark", fall=0.1),
    "white on black": Scene(paper="dark", ink="white", fall=0.2),
    "dust": Scene(dust=3),
    "small": Scene(height=(0.12, 0.2), fall=0.2),
    "thin line": Scene(pen=(0.008, 0.015), grain=0, paper="white", quality=0),
}


def photograph(kind: str, digit: int, rng: np.random.Generator, *, side: int = SIDE) -> bytes:
    """A file, PNG or JPEG, of a digit drawn by a hand that ``rng`` makes up."""
    return encode(KINDS[kind], shoot(KINDS[kind], digit, rng, side=side))


def published() -> list[tuple[str, int, bytes]]:
    """Name, digit and JPEG of eleven photographs that people took, ordered by name."""
    folder = files("mnistlab.studies") / "photos"
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".jpg"))
    return [(name, int(name[0]), (folder / name).read_bytes()) for name in names]


def by_its_edge(grey: np.ndarray) -> np.ndarray:
    """The digit of uint8 (H, W) if one grey, the median of its edge, is all its paper: uint8 (28, 28)."""
    edge = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    away = grey.astype(int) - int(np.median(edge))
    ink = np.maximum(-away if -away.min() > away.max() else away, 0)
    least = max(6 * int(np.median(np.abs(edge - np.median(edge)))), ink.max() // 8)
    return preprocess.fit((np.where(ink > least, ink, 0) * (255 / max(1, ink.max()))).astype(np.uint8))


def by_the_paper_around(grey: np.ndarray) -> np.ndarray:
    """The digit if each pixel is held against the paper around it."""
    return preprocess.fit(paper.clear(grey))


def without_specks(grey: np.ndarray) -> np.ndarray:
    """The same without specks, and without a form's box."""
    return preprocess.fit(pieces.digit(paper.clear(grey)))


def with_a_standard_pen(grey: np.ndarray) -> np.ndarray:
    """The same with the pen of redrawn strokes."""
    return preprocess.fit(thickness.standard(pieces.digit(paper.clear(grey))))


def as_the_lab_does(grey: np.ndarray) -> np.ndarray:
    """The same after the sheet is laid straight, clean pictures by their edge."""
    return preprocess.as_digit(preprocess.to_ink(grey))


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "one grey is the paper": by_its_edge,
    "the paper around each pixel": by_the_paper_around,
    "no specks, no box": without_specks,
    "a standard pen": with_a_standard_pen,
    "the sheet laid straight": as_the_lab_does,
}


def prepared(way: str, picture: bytes) -> np.ndarray:
    """What one of ``WAYS`` makes of a picture: uint8 (28, 28), all 0 if it finds no ink."""
    try:
        return WAYS[way](read_grey(picture))
    except ImageError:
        return np.zeros((28, 28), np.uint8)


def shoot(scene: Scene, digit: int, rng: np.random.Generator, *, side: int = SIDE) -> np.ndarray:
    """What the camera sees: uint8 (side, side, 3)."""
    colour = np.array(PAPERS[scene.paper], dtype=float) * rng.uniform(0.92, 1.04)
    picture = np.ones((side, side, 1)) * colour
    if scene.grain:
        picture += _clouds(side, rng)[..., None]
    _rule(picture, scene, rng)
    covered = _ink(scene, digit, rng, side)[..., None]
    if scene.ink == "pencil":
        covered = covered * np.clip(rng.normal(0.75, 0.18, (side, side, 1)), 0, 1)
    picture += covered * (np.array(INKS[scene.ink]) - picture)
    picture = _place(picture, scene, rng)
    picture *= _light(scene, side, rng)[..., None]
    picture += rng.normal(0, 1, (side, side, 1)) * scene.grain
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def encode(scene: Scene, picture: np.ndarray) -> bytes:
    """The file of a picture, as the scene says: PNG or JPEG."""
    file = io.BytesIO()
    if scene.quality:
        Image.fromarray(picture).save(file, "JPEG", quality=scene.quality)
    else:
        Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def _ink(scene: Scene, digit: int, rng: np.random.Generator, side: int) -> np.ndarray:
    """How much of each pixel is ink: (side, side), 0 to 1."""
    strokes = synthetic.draw(digit, rng)
    points = np.concatenate(strokes)
    low, high = points.min(axis=0), points.max(axis=0)
    height = rng.uniform(*scene.height) * side
    pen = rng.uniform(*scene.pen)
    pen = pen / (1 + pen) * height or 0.007 * side
    scale = (height - pen) / max(high - low)
    room = np.maximum(0.5 * side - (high - low) * scale / 2 - pen / 2 - _margin(scene) * side, 0)
    middle = side / 2 + rng.uniform(-0.8, 0.8, 2) * room
    paper = Image.new("L", (FINE * side, FINE * side))
    draw = ImageDraw.Draw(paper)
    for stroke in strokes:
        line = ((stroke - (low + high) / 2) * scale + middle) * FINE
        radius = max(FINE * pen / 2, 1.0)
        draw.line(line.ravel().tolist(), fill=255, width=max(1, round(2 * radius)))
        for box in np.hstack([line - radius, line + radius]).tolist():
            draw.ellipse(box, fill=255)
    for _ in range(scene.dust):
        at, radius = rng.uniform(0.02, 0.98, 2) * side * FINE, rng.uniform(0.6, 2.5) * FINE
        draw.ellipse([*(at - radius), *(at + radius)], fill=255)
    if scene.box:
        inset = rng.uniform(0.08, 0.12) * side * FINE
        draw.rectangle(
            [inset, inset, FINE * side - inset, FINE * side - inset], outline=255, width=round(rng.uniform(2, 8)) * FINE
        )
    return np.asarray(paper.resize((side, side), Image.Resampling.BOX)) / 255


def _margin(scene: Scene) -> float:
    """Share of the picture at each edge where no digit stands."""
    return max(
        [
            0.03,
            scene.sheet + 0.1 if scene.sheet else 0,
            0.15 if scene.box else 0,
            0.1 if scene.turn else 0,
            *[each + 0.03 for each in scene.rim],
        ]
    )


def _rule(picture: np.ndarray, scene: Scene, rng: np.random.Generator) -> None:
    """Lines of the paper, drawn on it."""
    if not scene.rules:
        return
    side = len(picture)
    step, width = side * rng.uniform(0.055, 0.1), max(1, round(side * rng.uniform(0.002, 0.005)))
    strength = rng.uniform(0.25, 0.55)
    blue, red = np.array([120, 150, 205.0]), np.array([215, 110, 120.0])
    for at in np.arange(rng.uniform(0, step), side - width, step).astype(int):
        picture[at : at + width] += strength * (blue - picture[at : at + width])
        if scene.rules == "graph":
            picture[:, at : at + width] += strength * (blue - picture[:, at : at + width])
    if scene.rules == "lined":
        at = round(side * rng.uniform(0.08, 0.14))
        picture[:, at : at + width] += strength * (red - picture[:, at : at + width])


def _place(picture: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The sheet as it lies: turned, leaning, on something else."""
    side = len(picture)
    around = np.array(scene.around, dtype=float)
    if scene.turn or scene.lean or scene.sheet:
        corners = np.array([[0, 0], [0, side], [side, side], [side, 0]], dtype=float)
        angle = np.deg2rad(rng.uniform(0.3, 1) * scene.turn * rng.choice([-1, 1]))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        kept = 1 - 2 * scene.sheet if scene.sheet else abs(np.cos(angle)) + abs(np.sin(angle))
        seen = (corners - side / 2) * kept @ turn.T + side / 2 + rng.uniform(-1, 1, (4, 2)) * scene.lean * side
        flat = Image.merge(
            "RGBA",
            [
                *(Image.fromarray(np.clip(picture[..., c], 0, 255).astype(np.uint8)) for c in range(3)),
                Image.new("L", (side, side), 255),
            ],
        )
        moved = np.asarray(
            flat.transform(
                (side, side), Image.Transform.PERSPECTIVE, homography(seen, corners), Image.Resampling.BICUBIC
            ),
            dtype=float,
        )
        table = around + _clouds(side, rng)[..., None] * 2
        picture = np.where(moved[..., 3:] > 127, moved[..., :3], table)
    left, top, right, bottom = (round(share * side) for share in scene.rim or (0, 0, 0, 0))
    for part in (np.s_[:, :left], np.s_[:top], np.s_[:, side - right :], np.s_[side - bottom :]):
        picture[part] = around + rng.normal(0, 1, picture[part].shape) * scene.grain
    return picture


def homography(source: np.ndarray, target: np.ndarray) -> list[float]:
    """The eight numbers with which Pillow takes a place of ``source`` to one of ``target``."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return np.linalg.solve(np.array(rows), np.array(wanted)).tolist()


def _light(scene: Scene, side: int, rng: np.random.Generator) -> np.ndarray:
    """What share of the light reaches each pixel: (side, side)."""
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y
    light = 1 - scene.fall * (along / (abs(np.cos(angle)) + abs(np.sin(angle))) + 1) / 2
    light *= 1 - scene.vignette * (x**2 + y**2) / 2
    if scene.shadow < 1:
        edge = np.clip((along - rng.uniform(-0.5, 0.5)) / rng.uniform(0.01, 0.08) + 0.5, 0, 1)
        light *= 1 - (1 - scene.shadow) * edge
    return light


def _clouds(side: int, rng: np.random.Generator) -> np.ndarray:
    """The paper's own unevenness, in greys: (side, side)."""
    coarse = rng.normal(0, 1, (2, 12, 12)).astype(np.float32)
    fine = rng.normal(0, 1, (side // 4, side // 4)).astype(np.float32)
    big = np.asarray(Image.fromarray(coarse[0]).resize((side, side), Image.Resampling.BICUBIC))
    return 1.2 * big + 1.0 * np.asarray(Image.fromarray(fine).resize((side, side), Image.Resampling.BICUBIC))
