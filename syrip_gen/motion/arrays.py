"""Read .npy and .npz files from strangers: sizes are checked before memory is taken, nothing is executed."""

import errno
import math
import os
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from syrip_gen import safe_pickle

__all__ = ["is_npy", "is_zip", "read_npy", "read_npz"]

MAX_BYTES = 2 << 30
"""Most bytes of one array; (200,000, 17, 3) of float64 are 82 MB."""
MAX_MEMBERS = 10_000


def is_npy(head: bytes) -> bool:
    """Whether a file that starts like this is a .npy file."""
    return head.startswith(b"\x93NUMPY")


def is_zip(head: bytes) -> bool:
    """Whether a file that starts like this is a zip archive, as .npz files are."""
    return head.startswith(b"PK")


def read_npy(path: Path) -> np.ndarray:
    """Return the array of a .npy file; one of objects is rebuilt by :mod:`syrip_gen.safe_pickle`.

    Raises:
        ValueError: If it is no whole .npy file, is too large or holds what is not admitted.
    """
    with path.open("rb") as file:
        return _read_array(file, os.fstat(file.fileno()).st_size, str(path))


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file by name; members that are no arrays are left out.

    Raises:
        ValueError: If it is no sound archive, or an array in it is broken, too large or not admitted.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _members(archive, path)
    except OSError as error:
        # A damaged directory sends the reader to a place that no file has.
        if error.errno != errno.EINVAL:
            raise
        raise ValueError(f"{path}: not a readable .npz archive: {error.strerror}") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, zlib.error, RuntimeError) as error:
        raise ValueError(f"{path}: not a readable .npz archive: {error}") from error


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, np.ndarray]:
    members = [m for m in archive.infolist() if m.filename.endswith(".npy")]
    if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_BYTES:
        raise ValueError(f"{path}: too large: {len(members)} arrays, at most {MAX_MEMBERS} of 2 GiB")
    arrays = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        with archive.open(member) as file:
            arrays[name] = _read_array(file, member.file_size, f"{path}: '{name}'")
    return arrays


def _read_array(file: IO[bytes], size: int, source: str) -> np.ndarray:
    shape, fortran, dtype, header_size = _read_header(file, source)
    body = size - header_size
    if body > MAX_BYTES:
        raise ValueError(f"{source}: {body} bytes of data, at most {MAX_BYTES} are read")
    if dtype.hasobject:
        content = safe_pickle.load(_take(file, body, source), object_arrays=True, name=source)
        if not isinstance(content, np.ndarray):
            raise ValueError(
                f"{source}: a pickled {type(content).__name__} stands where an array was announced"
            )
        return content
    expected = math.prod(shape) * dtype.itemsize
    if expected > body:
        raise ValueError(
            f"{source}: the file ends early: shape {shape} of {dtype} needs {expected} bytes, found {body}"
        )
    flat = np.frombuffer(_take(file, expected, source), dtype=dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _read_header(file: IO[bytes], source: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Return shape, whether in Fortran's order, type, and the header's size in bytes."""
    try:
        version = np.lib.format.read_magic(file)
        reader = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            reader = np.lib.format.read_array_header_2_0
        shape, fortran, dtype = reader(file)
    except (
        ValueError, TypeError, SyntaxError, OverflowError, MemoryError, RecursionError, tokenize.TokenError,
    ) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{source}: not a sound .npy array: {reason}") from error
    if any(n < 0 for n in shape):
        raise ValueError(f"{source}: not a sound .npy array: shape {shape}")
    return shape, fortran, dtype, file.tell()


def _take(file: IO[bytes], count: int, source: str) -> Any:
    data = file.read(count)
    if len(data) < count:
        raise ValueError(f"{source}: the file ends early: {count} bytes announced, {len(data)} found")
    return data
