"""Matlab files: what scipy writes is read as scipy reads it, and no damage does more than an error."""

import struct

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from fidip.data.layouts.mat_files import MAX_DEPTH, load_mat

CONTENT = {
    "numbers": np.arange(6.0).reshape(2, 3),
    "one": np.array([[2.5]]),
    "row": np.array([[1, 2, 3]], np.uint8),
    "solid": np.arange(24, dtype=np.int16).reshape(2, 3, 4),
    "single": np.float32([[0.5, -1e30]]),
    "truth": np.array([[True, False]]),
    "complex": np.array([[1 + 2j, 3]]),
    "empty": np.zeros((0, 0)),
    "text": "héé",
    "struct": {"x": 1.0, "name": "a", "inner": {"y": np.arange(3.0)}},
}
KINDS = list(CONTENT)


@pytest.fixture(params=[False, True], ids=["plain", "compressed"])
def file(tmp_path, request):
    cells = np.empty((2, 1), object)
    cells[0, 0], cells[1, 0] = np.ones((4, 2)), "b"
    people = np.array([(1.0, "a"), (2.0, "b")], [("x", object), ("name", object)])
    path = tmp_path / "a.mat"
    savemat(path, CONTENT | {"cells": cells, "people": people}, do_compression=request.param)
    return path


@pytest.mark.parametrize("name", KINDS)
def test_simple_values_are_scipys(file, name):
    wanted, got = loadmat(file, simplify_cells=True)[name], load_mat(file)[name]
    if name == "struct":
        assert got.keys() == wanted.keys()
        assert (got["x"], got["name"]) == (1.0, "a")
        np.testing.assert_array_equal(got["inner"]["y"], [0, 1, 2])
    elif name == "empty":
        assert np.size(got) == np.size(wanted) == 0
    else:
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in ("text", "struct")])
def test_whole_arrays_keep_shape_and_type(file, name):
    wanted, got = loadmat(file)[name], load_mat(file, simplify=False)[name]
    np.testing.assert_array_equal(got, wanted)
    assert got.shape == wanted.shape


def test_cells_and_structs(file):
    simple, whole = load_mat(file), load_mat(file, simplify=False)
    assert simple["people"] == [{"x": 1.0, "name": "a"}, {"x": 2.0, "name": "b"}]
    assert simple["cells"][1] == "b"
    assert whole["cells"].shape == (2, 1)
    assert whole["cells"][0, 0].shape == (4, 2)


def test_big_endian(tmp_path):
    def element(kind, data):
        return struct.pack(">II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    array = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", 1, 2)) + element(1, b"x")
    array += element(9, struct.pack(">dd", 1.5, -2))
    header = b"MATLAB 5.0".ljust(124) + struct.pack(">H", 0x0100) + b"MI"
    (tmp_path / "a.mat").write_bytes(header + element(14, array))
    assert load_mat(tmp_path / "a.mat")["x"].tolist() == [1.5, -2]


def test_damaged_files_are_refused_or_read(file):
    """Scipy dies of a segmentation fault on some of these."""
    content, rng = file.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        broken = bytearray(content)
        for place in rng.integers(124, len(content), rng.integers(1, 4)):
            broken[place] = rng.integers(256)
        file.write_bytes(broken[: rng.integers(len(content) // 2, len(content) + 1)])
        try:
            load_mat(file)
        except ValueError as error:
            refused += "a.mat: not a readable Matlab file: " in str(error)
    assert refused > 50


def header(version=0x0100):
    return b"MATLAB".ljust(124) + struct.pack("<H", version) + b"IM"


def array_of(kind, shape, rest=b""):
    body = struct.pack("<IIII", 6, 8, kind, 0) + struct.pack("<II", 5, 4 * len(shape))
    body += struct.pack(f"<{len(shape)}i", *shape).ljust(8, b"\0") + struct.pack("<II", 1, 0) + rest
    return struct.pack("<II", 14, len(body)) + body


def nested(depth):
    inner = array_of(6, (1, 1), struct.pack("<IId", 9, 8, 1.0))
    for _ in range(depth):
        inner = array_of(1, (1, 1), inner)
    return inner


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "it has 0 bytes, its header alone has 128"),
        (b"MATLAB 4".ljust(200), "does not begin like one of version 5 to 7"),
        (header(0x0200), r"version 7\.3 \(HDF5\), which is not read; save it with -v7"),
        (header() + array_of(1, (2**31 - 1, 2**31 - 1)), "entries do not fit in 0 bytes"),
        (
            header() + array_of(6, (1000, 1000), struct.pack("<IId", 9, 8, 1)),
            "8 bytes of numbers in an array",
        ),
        (header() + array_of(6, (-1, 5)), r"an array of shape \(-1, 5\)"),
        (header() + array_of(6, (7,)), r"an array of shape \(7,\)"),
        (header() + array_of(6, (1, 1), struct.pack("<IId", 77, 8, 1)), "numbers of the unknown type 77"),
        (header() + array_of(4, (1, 1), struct.pack("<IId", 9, 8, 1)), "characters of the unknown type 9"),
        (
            header() + array_of(2, (1, 1), struct.pack("<IIII", 5, 4, 0, 0) + b"\1\0\0\0" + b"\0" * 4),
            "length 0",
        ),
        (header() + struct.pack("<II", 14, 10**9), "it ends too early"),
        (header() + struct.pack("<II", 15, 8) + b"12345678", "incorrect header"),
        (header() + nested(MAX_DEPTH + 1), "nested deeper than"),
    ],
)
def test_impossible_files_say_what_is_wrong(tmp_path, content, words):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=f"a.mat: not a readable Matlab file: .*{words}"):
        load_mat(tmp_path / "a.mat")


def test_objects_and_functions_are_left_out(tmp_path):
    (tmp_path / "a.mat").write_bytes(header() + array_of(16, (1, 1)) + nested(1))
    assert load_mat(tmp_path / "a.mat") == {"": [1.0]}
