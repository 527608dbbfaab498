"""Small notebooks made up for the tests of the runner, a look at which processes still live, and what is committed."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import nbformat
import PIL
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mnistlab.data.pen_files import PenDrawing
from mnistlab.evaluation.intervals import Accuracy

ROOT = Path(__file__).resolve().parents[2]
KERNELSPEC = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def notebook(*sources: str, parameters: str | None = None, metadata: dict | None = None) -> nbformat.NotebookNode:
    """A notebook of code cells; a source that starts with # and a space is Markdown."""
    cells = [new_markdown_cell(s) if s.startswith("# ") else new_code_cell(s) for s in sources]
    if parameters is not None:
        cells.insert(0, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    return new_notebook(cells=cells, metadata=metadata if metadata is not None else {"kernelspec": KERNELSPEC})


def write(folder: Path, name: str, *sources: str, **options) -> Path:
    """The same, as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook(*sources, **options), path)
    return path


def noting(path: Path) -> str:
    """Source of a cell that notes the kernel's process id and that of a child it starts."""
    return (
        "import os, pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        f"note = pathlib.Path({str(path)!r})\n"
        "note.with_suffix('.new').write_text(f'{os.getpid()} {child.pid}')\n"
        "note.with_suffix('.new').rename(note)"
    )


def processes(path: Path) -> list[int]:
    """The noted ids, once they are there."""
    wait_for(path.exists, "the kernel never ran its first cell", seconds=60)
    return [int(text) for text in path.read_text().split()]


def lives(process: int) -> bool:
    """Whether there is such a process and it is more than a corpse nobody has collected."""
    try:
        os.kill(process, 0)
        if Path("/proc/self/stat").exists():
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def wait_for(condition, complaint: str, seconds: float = 10) -> None:
    """Until it holds; an assertion if it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, complaint
        time.sleep(0.05)


def committed(name: str, into: Path) -> Path:
    """A copy of one of the tree's folders as it is committed or about to be, without what runs have left there."""
    if (ROOT / ".git").exists():
        listed = ["git", "ls-files", "-z", name]
        files = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
        checkout = ["git", "checkout-index", "-z", "--stdin", f"--prefix={into}/"]
        subprocess.run(checkout, cwd=ROOT, input=files, check=True)
    else:  # unpacked from an archive, where nobody has worked
        shutil.copytree(ROOT / name, into / name)
    return into / name


def tracked(name: str, suffix: str) -> list[Path]:
    """The files of one of the tree's folders that are committed or about to be, in order."""
    if (ROOT / ".git").exists():
        listed = ["git", "ls-files", "-z", name]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
        paths = [ROOT / found for found in names if found]
    else:
        paths = list((ROOT / name).rglob("*"))
    return sorted(path for path in paths if path.suffix == suffix and path.is_file())


def write_drawings(path: Path, drawings: list[PenDrawing]) -> Path:
    """A file of pen strokes, gzipped if its name says so."""
    rows = [{"label": d.label, "writer": d.writer, "strokes": [s.tolist() for s in d.strokes]} for d in drawings]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def page_levels() -> int:
    """Greys by which the page may differ from Python: none with the Pillow that was tried, one with another."""
    (pinned,) = re.findall(r"^pillow==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    return int(PIL.__version__ != pinned)


MANIFEST_FIELDS: dict[str, Any] = {  # of a version that never was, known in full
    "schema_version": 1,
    "version": "0042",
    "created": "2026-01-02T03:04:05Z",
    "architecture": {"name": "convnet", "arguments": {"input_size": 1, "n_kernels": 6, "output_size": 10}},
    "parameters": 6422,
    "normalisation": {"mean": 0.1307, "std": 0.3081},
    "permutation": {"kind": "permuted", "seed": 42, "sha256": "0123456789abcdef" * 4},
    "data": {
        "name": "mnist",
        "split_seed": 0,
        "n_train": 55_000,
        "n_validation": 5_000,
        "train_sha256": "fedcba9876543210" * 4,
    },
    "training": {
        "epochs": 7,
        "best_epoch": 6,
        "batch_size": 128,
        "learning_rate": 0.01,
        "seed": 3,
        "device": "cpu",
        "threads": 2,
        "seconds": 61.4,
        "note": "a note",
    },
    "metrics": {"validation": Accuracy(4_900, 5_000).as_dict(), "test": Accuracy(9_800, 10_000).as_dict()},
    "run": "2026-01-02_03-04-05",
    "libraries": {"torch": "2.14.1", "numpy": "2.4.6"},
    "git_commit": "0123456789abcdef0123456789abcdef01234567",
    "weights_sha256": "ab" * 32,
    "probe": {"images": ["AA=="], "logits": [[0.0, 1.0]]},
}
