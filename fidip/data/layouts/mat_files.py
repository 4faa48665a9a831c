"""Load Matlab files (version 7 and older) of unknown origin; nothing in them is executed.

Scipy reads them in a child process: on some damaged files its reader dies of a segmentation fault.
"""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

from fidip.data.layouts import mat_child

__all__ = ["load_mat"]

MAX_BYTES = 1 << 31
TIMEOUT_S = 600


def load_mat(path: Path, *, simplify: bool = True) -> dict[str, Any]:
    """Return the variables of a .mat file.

    Args:
        path: The file.
        simplify: Structs become dictionaries, arrays lose axes of length 1; else all arrays keep Matlab's
            shape (at least 2D), cells are arrays of objects.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a Matlab file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES >> 30} GiB")
    form = "simplify" if simplify else "whole"
    command = [sys.executable, "-I", mat_child.__file__, str(path.absolute()), form]
    try:
        child = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise ValueError(f"{path}: not a readable Matlab file: not read in {TIMEOUT_S} s") from None
    if child.returncode != 0:
        raise ValueError(f"{path}: not a readable Matlab file: scipy's reader died of it")
    content = pickle.loads(child.stdout)  # written by our own child, not by the file's author
    if isinstance(content, str):
        raise ValueError(f"{path}: not a readable Matlab file: {content}")
    return content
