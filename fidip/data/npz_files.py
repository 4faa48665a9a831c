"""Load .npz files of unknown origin: plain arrays only, nothing larger than it may be."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

__all__ = ["load_arrays"]

MAX_BYTES = 1 << 32


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name. Nothing in it is executed.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read, holds objects, or unpacks to more than 4 GiB.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected an .npz of arrays")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(item.file_size for item in archive.infolist())
        if size > MAX_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_BYTES >> 30} GiB")
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files}
    except MemoryError:
        raise ValueError(f"{path}: not a readable .npz: an array is larger than its file says") from None
    except (
        *(ValueError, TypeError, KeyError, OSError, EOFError, RuntimeError, NotImplementedError),
        *(SyntaxError, zipfile.BadZipFile, zlib.error),
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path}: not a readable .npz of plain arrays: {reason}") from None
    others = sorted(name for name, value in arrays.items() if not isinstance(value, np.ndarray))
    if others:
        raise ValueError(f"{path}: not a readable .npz of plain arrays: {others[0]} is none")
    return arrays
