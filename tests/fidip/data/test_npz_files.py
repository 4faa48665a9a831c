"""Files of arrays that somebody else made."""

import io
import struct
import zipfile

import numpy as np
import pytest

from fidip.data import npz_files
from fidip.data.npz_files import load_arrays


def good_file(path):
    np.savez_compressed(path, a=np.random.default_rng(0).random((40, 3)), name=np.array("x"))
    return path


def claiming_file(path, shape):
    """Write an array whose header names a shape that the file does not hold."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    data = io.BytesIO()
    data.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", data.getvalue())


def bare_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def damaged(path):
    content = bytearray(good_file(path).read_bytes())
    content[60:300] = bytes(byte ^ 0x5A for byte in content[60:300])
    path.write_bytes(bytes(content))


def with_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", "no array")


def test_arrays_by_name(tmp_path):
    arrays = load_arrays(good_file(tmp_path / "a.npz"))
    assert arrays["a"].shape == (40, 3)
    assert str(arrays["name"]) == "x"


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file; expected an \.npz of arrays"):
        load_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "write",
    [
        bare_array,
        damaged,
        with_text,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("hello"),
        lambda path: path.write_bytes(good_file(path).read_bytes()[:200]),
        lambda path: np.savez(path, a=np.array([{}], object)),
        lambda path: claiming_file(path, "(1000000000, 17, 3)"),
        lambda path: claiming_file(path, "(100000000000000, 17, 3)"),
        lambda path: claiming_file(path, "(-3, 17)"),
    ],
)
def test_broken_files_are_refused_by_name(tmp_path, write):
    write(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.npz: not a readable \.npz"):
        load_arrays(tmp_path / "a.npz")


def test_files_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(npz_files, "MAX_BYTES", 1000)
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros(1000))
    with pytest.raises(ValueError, match="unpacks to more than"):
        load_arrays(tmp_path / "a.npz")
