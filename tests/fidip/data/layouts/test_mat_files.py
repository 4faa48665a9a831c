"""Matlab files are read as scipy reads them, and no damage does more than an error."""

import struct

import numpy as np
import pytest
from scipy.io import savemat

from fidip.data.layouts.mat_files import load_mat


def test_structs_and_cells_become_dictionaries_and_arrays(tmp_path):
    people = np.array([(1.0, "a"), (2.0, "b")], [("x", object), ("name", object)])
    savemat(tmp_path / "a.mat", {"people": people, "box": {"size": np.arange(6.0).reshape(2, 3)}})
    content = load_mat(tmp_path / "a.mat")
    assert [(p["x"], p["name"]) for p in content["people"]] == [(1.0, "a"), (2.0, "b")]
    np.testing.assert_array_equal(content["box"]["size"], [[0, 1, 2], [3, 4, 5]])


def test_whole_arrays_keep_matlabs_shape(tmp_path):
    cells = np.empty((2, 1), object)
    cells[0, 0], cells[1, 0] = np.ones((4, 2)), "b"
    savemat(tmp_path / "a.mat", {"cells": cells}, do_compression=True)
    content = load_mat(tmp_path / "a.mat", simplify=False)["cells"]
    assert content.shape == (2, 1)
    np.testing.assert_array_equal(content[0, 0], np.ones((4, 2)))


def test_a_file_that_kills_scipy_is_an_error(tmp_path):
    """One wrong byte in the size of an array of truth values, and scipy's reader ends by a signal."""
    path = tmp_path / "a.mat"
    savemat(path, {"truth": np.array([[True, False]])})
    content = bytearray(path.read_bytes())
    content[184] = 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mat: not a readable Matlab file: scipy's reader died of it"):
        load_mat(path)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "Mat file appears to be"),
        (b"MATLAB 4".ljust(200), "Unknown mat file type"),
        (
            b"MATLAB 7.3".ljust(124) + struct.pack("<H", 0x0200) + b"IM",
            r"version 7\.3 \(HDF5\), which is not read; save it with -v7",
        ),
        (
            b"MATLAB".ljust(124)
            + struct.pack("<H", 0x0100)
            + b"IM"
            + struct.pack("<II", 15, 8)
            + b"12345678",
            "Error -3",
        ),
    ],
    ids=["empty", "other", "hdf5", "compressed"],
)
def test_unreadable_files_say_what_is_wrong(tmp_path, content, words):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=f"a.mat: not a readable Matlab file: .*{words}"):
        load_mat(tmp_path / "a.mat")


def test_other_programs_code_beside_the_file_is_not_run(tmp_path, monkeypatch):
    """The child starts isolated: modules of the working folder are none of its business."""
    (tmp_path / "scipy.py").write_text("raise SystemExit('run')")
    savemat(tmp_path / "a.mat", {"x": 1.0})
    monkeypatch.chdir(tmp_path)
    assert load_mat(tmp_path / "a.mat")["x"] == 1.0
