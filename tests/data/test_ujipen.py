import gzip

import numpy as np
import pytest

from mnistlab.common.errors import DataError
from mnistlab.data.pen_files import read_drawings

# Made up, in the shape of the real file.
TEXT = """// ASCII char: a
WORD a trn_UJI_W03-01
  NUMSTROKES 1
  POINTS 2 # 100 200 300 400
// Non-ASCII char: ntilde
WORD Å trn_UJI_W03-01
  NUMSTROKES 1
  POINTS 1 # 5 6

// ASCII char: 7
WORD 7 tst_UPV_W41-02
  NUMSTROKES 2
  POINTS 3 # 800 640 1000 640 -20 1200
  POINTS 2 # 700 900 880 890
WORD 1 tst_UPV_W41-01
  NUMSTROKES 1
  POINTS 1 # 500 500
"""


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("zipped", [False, True])
def test_the_digits_of_the_file_are_read_and_nothing_else(tmp_path, encoding, zipped):
    path = tmp_path / ("uji.txt.gz" if zipped else "uji.txt")
    content = TEXT.encode(encoding)
    path.write_bytes(gzip.compress(content) if zipped else content)
    seven, one = read_drawings(path)
    assert (seven.label, seven.writer, one.label, one.writer) == (7, 41, 1, 41)
    np.testing.assert_allclose(seven.strokes[0], [[80, 64], [100, 64], [-2, 120]])
    np.testing.assert_allclose(seven.strokes[1], [[70, 90], [88, 89]])
    assert [len(stroke) for stroke in one.strokes] == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("POINTS 3 #", "POINTS 4 #"), "line 13 of uji.txt has 6 numbers for 4 points"),
        (("NUMSTROKES 2", "NUMSTROKES 3"), "line 15 of uji.txt should begin with POINTS: 'WORD 1"),
        (("WORD 7 tst_UPV_W41-02", "WORD 7"), "line 11 of uji.txt should begin with WORD"),
        (("  NUMSTROKES 1\n  POINTS 2", "  POINTS 2"), "line 3 of uji.txt should begin with NUMSTROKES"),
        (("800 640", "800 x"), "line 13 of uji.txt should begin with POINTS"),
        (("  POINTS 1 # 500 500\n", ""), "uji.txt ends within a character"),
        ((TEXT[TEXT.index("// ASCII char: 7") :], ""), "uji.txt holds no drawing"),
    ],
)
def test_what_is_not_of_the_format_is_refused_with_its_line(tmp_path, change, message):
    path = tmp_path / "uji.txt"
    path.write_text(TEXT.replace(*change), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_drawings(path)
