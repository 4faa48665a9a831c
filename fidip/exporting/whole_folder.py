"""A folder that appears as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["check_is_free", "whole_folder"]


def check_is_free(folder: str | Path) -> Path:
    """Return a folder's absolute path.

    Raises:
        ValueError: If it is a file or not empty.
    """
    folder = Path(os.path.abspath(folder))
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not empty; choose another folder")
    return folder


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write into; it is moved into place when all went well, and removed otherwise.

    Args:
        folder: As :func:`check_is_free` returns it.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
        if folder.is_dir():
            folder.rmdir()
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
