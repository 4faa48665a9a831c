"""Load Matlab files (version 7 and older) of unknown origin; nothing in them is executed."""

from pathlib import Path
from typing import Any

__all__ = ["load_mat"]

MAX_BYTES = 1 << 31


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
    from scipy.io import loadmat

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a Matlab file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES >> 30} GiB")
    try:
        return loadmat(str(path), simplify_cells=simplify)
    except NotImplementedError:
        raise ValueError(f"{path}: Matlab 7.3 (HDF5) files are not read; save it with -v7") from None
    except Exception as error:  # scipy raises a dozen kinds for broken files
        raise ValueError(f"{path}: not a readable Matlab file: {error}") from None
