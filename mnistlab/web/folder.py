"""Files that a command writes into a folder of a person's, without touching anything else that lies there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mnistlab.common.errors import LabError
from mnistlab.common.files import write_atomic


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole or not at all, in their order; older ones of the same names are replaced.

    Parameters
    ----------
    folder : made if it is missing; its parent must be there.
    files : by their names. Put the file that asks for the others last: then none is asked for before it is there.

    Raises
    ------
    LabError : the folder holds anything else (``"foreign"``), or cannot be written (``"write"``).
    """
    try:
        folder.mkdir(exist_ok=True)
        foreign = sorted(path.name for path in folder.iterdir() if path.name not in files or not path.is_file())
        if foreign:
            raise LabError(
                f"{folder} holds {foreign[0]!r}, which is not of this export; name a new folder or an empty one",
                code="foreign",
            )
        for name, content in files.items():
            write_atomic(folder / name, content)
    except OSError as error:
        raise LabError(f"{folder} cannot be written ({error.strerror})", code="write") from error
