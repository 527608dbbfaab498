"""The text format of "UJI Pen Characters (Version 2)", strokes of 60 writers at two Spanish universities.

    // ASCII char: 7
    WORD 7 trn_UPV_W41-02
      NUMSTROKES 2
      POINTS 3 # 812 640 790 702 801 760
      POINTS 2 # 700 698 880 690

The format is described with the data (F. Prat, M. J. Castro, D. Llorens, A. Marzal and J. M. Vilar, UCI, CC BY 4.0); none of it
ships with the lab. Of its characters the ten digits are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from mnistlab.common.errors import DataError

PX = 0.1  # px of the 280 x 280 canvas for one unit of the tablet: the longest digit, 172 px, and every place fit
WORD = re.compile(r"WORD (\S+) \w+_W(\d+)-\d+")
COUNT = re.compile(r"NUMSTROKES (\d+)")
POINTS = re.compile(r"POINTS (\d+) #((?: -?\d+)+)")


def is_ujipen(content: bytes) -> bool:
    """Whether a file's bytes begin as one of this format does."""
    return content.lstrip().startswith((b"//", b"WORD "))


def read_ujipen(content: bytes, name: str) -> Iterator[tuple[int, int, list[np.ndarray]]]:
    """Label (0 to 9), number of the writer and strokes (float64 arrays (n, 2), px, y down) of every digit in a file.

    Parameters
    ----------
    content : the whole file. Letters outside ASCII may be in any encoding, since they are passed over.
    name : of the file, for messages.

    Raises
    ------
    DataError : a line is not of the format, or a count does not agree; the message names the line.
    """
    lines = enumerate(content.decode("utf-8", "replace").split("\n"), start=1)
    words = ((number, line.strip()) for number, line in lines if line.strip() and not line.startswith("//"))
    for number, line in words:
        label, writer = _match(WORD, line, number, name)
        n_strokes = int(_match(COUNT, *_next(words, name), name)[0])
        strokes = [_stroke(*_next(words, name), name) for _ in range(n_strokes)]
        if label in set("0123456789") and strokes:
            yield int(label), int(writer), strokes


def _next(words: Iterator[tuple[int, str]], name: str) -> tuple[str, int]:
    number, line = next(words, (0, ""))
    if not number:
        raise DataError(f"{name} ends within a character", code="line")
    return line, number


def _stroke(line: str, number: int, name: str) -> np.ndarray:
    n, numbers = _match(POINTS, line, number, name)
    values = np.array(numbers.split(), dtype=float)
    if len(values) != 2 * int(n):
        raise DataError(f"line {number} of {name} has {len(values)} numbers for {n} points", code="line")
    return PX * values.reshape(-1, 2)


def _match(pattern: re.Pattern[str], line: str, number: int, name: str) -> tuple[str, ...]:
    match = pattern.fullmatch(line)
    if match is None:
        wanted = pattern.pattern.split()[0]
        raise DataError(f"line {number} of {name} should begin with {wanted}: {line[:60]!r}", code="line")
    return match.groups()
