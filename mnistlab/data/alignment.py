"""The sheet in a photograph, laid straight: what lies around it cut away, its perspective and its turn undone.

What is straightened is the sheet, never the digit, whose slant is the hand's own: four edges against what lies around, or the
rules printed on the paper. A sheet that shows neither stays as it lies.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

THUMB = 128  # px of the longer side at which a sheet is looked for
AREA = (0.12, 0.93)  # share of the picture that a sheet takes
DARKER = 0.75  # what lies around has at most this share of the sheet's light, or the other way round
ALIKE = 0.94  # share of sheet and four-sided figure together that both cover
INSET = 0.015  # of the sheet's sides, cut off so that no edge is left
TURN = 22  # degrees either way in which rules are looked for
RULES = 224  # px of the longer side at which they are
RULE = 0.03  # of the paper's light; a fainter rule is none
CLEAR = 3.0  # times as strong as at other angles


def straighten(grey: np.ndarray) -> np.ndarray:
    """The sheet alone and upright: uint8 (h, w); the picture itself if it shows no edges of a sheet and no turned rules."""
    found = corners(grey)
    return grey if found is None else _flat(grey, found)


def corners(grey: np.ndarray) -> np.ndarray | None:
    """Where the sheet's corners are: float64 (4, 2), x and y in px, from the upper left one anticlockwise; None without a sheet.

    A sheet is one piece of paper in the middle, four-sided, which the picture's edges cut on one side at most.
    """
    from scipy import ndimage

    thumb = _thumb(grey)
    calm = ndimage.median_filter(thumb, 5)
    middle = calm > _otsu(calm)
    centre = middle[tuple(slice(side // 3, side - side // 3) for side in middle.shape)]
    if centre.mean() < 0.5:
        middle = ~middle
    labels, n = ndimage.label(middle)
    if not n:
        return None
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    sheet = ndimage.binary_fill_holes(labels == areas.argmax())
    cut = [sheet[0], sheet[-1], sheet[:, 0], sheet[:, -1]]
    if not AREA[0] < sheet.mean() < AREA[1] or sum(side.mean() > 0.05 for side in cut) > 1:
        return None
    inside, around = np.median(thumb[sheet]), np.median(thumb[~sheet])
    if min(inside, around) > DARKER * max(inside, around):
        return None
    y, x = np.nonzero(sheet)
    found = np.array([[x[i], y[i]] for i in ((x + y).argmin(), (x - y).argmin(), (x + y).argmax(), (x - y).argmax())])
    found = found + 0.5 + 0.5 * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
    if not _is_like(sheet, found):
        return None
    return found * np.array(grey.shape[::-1]) / np.array(thumb.shape[::-1])


def turn(shade: np.ndarray) -> float:
    """By how many degrees the paper's rules are turned anticlockwise, -22 to 22; 0 if it has none.

    At each angle what nearly the whole of a row has in common is taken for a rule, which no stroke of a digit is.

    Parameters
    ----------
    shade : float32 (h, w), how much darker than its paper each pixel is.
    """
    if not _reaches_edges(shade):
        return 0.0
    scale = min(1.0, RULES / max(shade.shape))
    height, width = (max(1, round(side * scale)) for side in shade.shape)
    small = Image.fromarray(shade.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    angles = np.arange(-TURN, TURN + 1)
    strengths = np.array([_ruled(small, float(angle)) for angle in angles])
    best = int(strengths.argmax())
    if strengths[best] < max(CLEAR * float(np.median(strengths)), 0.004):
        return 0.0
    near = [angles[best] + step for step in (-0.6, -0.3, 0.3, 0.6)]
    fine = {angle: _ruled(small, angle) for angle in near} | {float(angles[best]): strengths[best]}
    return -float(max(fine, key=lambda angle: fine[angle]))


def turned(picture: np.ndarray, angle: float) -> np.ndarray:
    """The picture turned clockwise by some degrees, its corners filled with what lies beside them."""
    reach = [round(side * 0.2) for side in picture.shape]
    framed = Image.fromarray(np.pad(picture, [(each, each) for each in reach], mode="reflect"))
    height, width = picture.shape
    return np.asarray(framed.rotate(-angle, Image.Resampling.BILINEAR))[
        reach[0] : reach[0] + height, reach[1] : reach[1] + width
    ]


def _reaches_edges(shade: np.ndarray) -> bool:
    """Whether lines reach both edges left and right, as rules do; it saves trying all angles on plain paper."""
    band = max(1, shade.shape[1] // 40)
    sides = shade[:, :band].mean(axis=1), shade[:, -band:].mean(axis=1)
    return all(bool((side > RULE).mean() > 0.01) for side in sides)


def _ruled(small: Image.Image, angle: float) -> float:
    """How much of the picture's darkness is rules when it is turned by an angle."""
    rotated = np.asarray(small.rotate(angle, Image.Resampling.BILINEAR))
    height, width = rotated.shape
    part = rotated[height // 8 : height - height // 8, width // 6 : width - width // 6]
    common = np.partition(part, part.shape[1] // 5, axis=1)[:, part.shape[1] // 5]
    around = np.convolve(np.pad(common, 4, mode="edge"), np.full(9, 1 / 9), mode="valid")
    return float(np.square(np.maximum(common - around, 0)).mean() ** 0.5)


def _thumb(grey: np.ndarray) -> np.ndarray:
    scale = min(1.0, THUMB / max(grey.shape))
    height, width = (max(1, round(side * scale)) for side in grey.shape)
    return np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BOX))


def _otsu(grey: np.ndarray) -> int:
    """The grey that parts a picture into its two most different halves (Otsu 1979)."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    below = counts.cumsum()
    total = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (total[-1] * below - total * below[-1]) ** 2 / (below * (below[-1] - below))
    return int(np.nanargmax(np.where(np.isfinite(between), between, -1)))


def _is_like(sheet: np.ndarray, found: np.ndarray) -> bool:
    """Whether the sheet is the four-sided figure with these corners."""
    from PIL import ImageDraw

    drawn = Image.new("1", sheet.shape[::-1])
    ImageDraw.Draw(drawn).polygon([tuple(corner) for corner in found.tolist()], fill=1)
    figure = np.asarray(drawn)
    return bool((figure & sheet).sum() > ALIKE * (figure | sheet).sum())


def _flat(grey: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The four-sided figure as a rectangle."""
    left, bottom, right, top = np.hypot(*(np.roll(found, -1, axis=0) - found).T)
    height, width = round(max(left, right)), round(max(bottom, top))
    inset = INSET * np.array([width, height])
    target = np.array([[0, 0], [0, height], [width, height], [width, 0]]) * (1 + 2 * INSET) - inset
    flat = Image.fromarray(grey).transform(
        (width, height), Image.Transform.PERSPECTIVE, _homography(target, found), Image.Resampling.BILINEAR
    )
    return np.asarray(flat)


def _homography(source: np.ndarray, target: np.ndarray) -> list[float]:
    """The eight numbers with which Pillow finds the place of ``target`` that a place of ``source`` shows."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(source.tolist(), target.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return [float(number) for number in np.linalg.solve(np.array(rows), target.ravel())]
