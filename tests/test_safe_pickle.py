import collections
import copy
import os
import pickle
import struct
import subprocess

import numpy as np
import pytest
from scipy import sparse

from syrip_gen import safe_pickle
from syrip_gen.safe_pickle import UnsafePickleError, load
from tests.fake_pickles import dump, fake_classes, instance, python2_array


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        {
            "a": [1, -2, 3.5, None, True, False],
            "b": ("x", b"\x00\xff", 2**70, -(2**40)),
            "c": {1, 2},
            "d": 1 + 2j,
        },
        [[], {}, (), frozenset({"k"}), "grüße ☃", "line\nbreak\\"],
        list(range(300)),
        {(1, "a"): {"nested": [{"deep": [()]}]}},
    ],
)
def test_plain_values_round_trip(value, protocol):
    assert load(dump(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i4", "<u2", "|b1", ">f8", "<c16", "<U5", "|S4"])
def test_arrays_round_trip(dtype, protocol):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    loaded = load(dump({"array": array, "t": array.T, "empty": array[:0]}, protocol))
    np.testing.assert_array_equal(loaded["array"], array)
    np.testing.assert_array_equal(loaded["t"], array.T)
    assert loaded["empty"].shape == (0, 4)
    assert type(loaded["array"]) is np.ndarray


def test_numpy_scalars_and_ordered_dictionaries_load():
    value = collections.OrderedDict([("x", np.float32(1.5)), ("n", np.int64(7)), ("flag", np.bool_(True))])
    assert load(dump(value, 2)) == {"x": 1.5, "n": 7, "flag": True}


def test_python2_array_in_protocol_0_loads():
    array = np.array([[1.5, -2e300], [np.pi, 0.0]])
    np.testing.assert_array_equal(load(python2_array(array)), array)


def test_python2_byte_strings_become_text():
    assert load(b"(lp0\nS'caf\\xe9'\np1\naU\x03abca.") == ["café", "abc"]


def test_shared_objects_stay_shared():
    inner = [1, 2]
    first, second = load(dump([inner, inner], 2))
    assert first is second


@pytest.mark.parametrize("protocol", [0, 2])
def test_chumpy_and_scipy_objects_become_arrays(protocol):
    x = np.arange(24.0).reshape(4, 6)
    matrix = sparse.random(5, 7, 0.4, format="csc", random_state=0)
    with fake_classes() as fake:
        ch = instance(fake.Ch, x=x, _dirty_vars=set(), _itr=None)
        blob = dump(
            {
                "ch": ch,
                "select": instance(fake.Select, a=ch, idxs=np.array([0, 7, 23]), preferred_shape=(3, 1)),
                "sparse": instance(
                    fake.csc_matrix, format="csc", _shape=(5, 7), maxprint=50,
                    data=matrix.data, indices=matrix.indices, indptr=matrix.indptr,
                ),
                "prior": instance(fake.Mahalanobis, 
                    mean=np.zeros(69), prec=instance(fake.Ch, x=np.eye(69)), prefix=3,
                ),
            },
            protocol,
        )  # fmt: skip
    loaded = load(blob)
    np.testing.assert_array_equal(loaded["ch"], x)
    np.testing.assert_array_equal(loaded["select"], [[0.0], [7.0], [23.0]])
    assert sparse.issparse(loaded["sparse"])
    np.testing.assert_array_equal(loaded["sparse"].toarray(), matrix.toarray())
    assert loaded["prior"].class_name == "Mahalanobis"
    np.testing.assert_array_equal(loaded["prior"].prec, np.eye(69))
    assert loaded["prior"].prefix == 3
    with pytest.raises(AttributeError, match="no attribute 'weights'"):
        _ = loaded["prior"].weights


def test_known_objects_can_be_copied_without_behaviour():
    with fake_classes() as fake:
        prior = load(dump(instance(fake.Mahalanobis, mean=np.ones(3), __reduce__="x"), 2))
    twin = copy.deepcopy(prior)
    np.testing.assert_array_equal(twin.mean, prior.mean)
    assert prior.__reduce__ != "x"  # attributes of the file never stand in for Python's own


def test_real_scipy_matrices_of_today_load():
    for kind in ("csc", "csr", "coo"):
        matrix = sparse.random(6, 5, 0.5, format=kind, random_state=1)
        np.testing.assert_array_equal(load(dump(matrix, 4)).toarray(), matrix.toarray())


class _Executes:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def _marker(tmp_path):
    return tmp_path / "executed"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "make, names",
    [
        (lambda p: _Executes(os.system, f"touch {p}"), "system"),
        (lambda p: _Executes(eval, f"open({str(p)!r}, 'w')"), "eval"),
        (lambda p: _Executes(exec, f"open({str(p)!r}, 'w')"), "exec"),
        (lambda p: _Executes(open, str(p), "w"), "open"),
        (lambda p: _Executes(subprocess.Popen, ["touch", str(p)]), "Popen"),
        (lambda p: _Executes(np.fromfile, str(p)), "fromfile"),
        (lambda p: {"weights": np.zeros(3), "J": _Executes(os.system, f"touch {p}")}, "system"),
    ],
)
def test_calls_are_refused_and_nothing_runs(make, names, protocol, tmp_path):
    value = make(_marker(tmp_path))
    blob = pickle.dumps(value, protocol)
    with pytest.raises(UnsafePickleError, match=names):
        load(blob)
    assert not _marker(tmp_path).exists()


HOSTILE = {
    "os.system by hand": b"cos\nsystem\n(S'true'\ntR.",
    "nested attribute": b"\x80\x04\x8c\x08builtins\x8c\x0fobject.__class__\x93.",
    "attribute of an admitted class": b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__init__\x93.",
    "admitted module, other name": b"cnumpy\nload\n(S'x'\ntR.",
    "numpy.testing's exec": b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "getattr of an admitted class": b"c__builtin__\ngetattr\n(cnumpy\nndarray\nS'tofile'\ntR.",
    "import by a reduction": b"c__builtin__\n__import__\n(S'os'\ntR.",
    "scipy subclass": b"cscipy.sparse.csc\n_cs_matrix\n(tR.",
    "scipy function": b"cscipy.sparse\nload_npz\n(S'x'\ntR.",
    "chumpy expression": b"cchumpy.utils\nrow\n(tR.",
    "reconstruct another class": b"cnumpy.core.multiarray\n_reconstruct\n(c__builtin__\nobject\n(tS'b'\ntR.",
    "copyreg with another base": b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\ncnumpy\nndarray\nNtR.",
    "copyreg.__newobj__": b"ccopy_reg\n__newobj__\n(tR.",
    "call of a string": b"(S'system'\n(tR.",
    "call of a loaded list": b"(l(tR.",
    "build on a dictionary": b"(dp0\n(dS'x'\nI1\nsb.",
    "build on a class": b"cnumpy\nndarray\n(dS'__array__'\nI1\nsb.",
    "append to a class": b"cnumpy\nndarray\nI1\na.",
    "class as a key": b"(dcnumpy\nndarray\nI1\ns.",
    "deep tuple as a key": b"(d" + b")" + b"\x85" * 100_000 + b"I1\ns.",
    "codec that decompresses": b"c_codecs\nencode\n(S'x'\nS'zip'\ntR.",
    "persistent id": b"Pwhatever\n.",
    "binary persistent id": b"I1\nQ.",
    "extension registry": b"\x82\x01.",
    "out-of-band buffer": b"\x97.",
    "old-style instance": b"(S'x'\nios\nsystem\n.",
    "object opcode": b"(cos\nsystem\nS'x'\no.",
    "keyword arguments": b"\x80\x04cnumpy\ndtype\n)(dS'align'\nI1\ns\x92.",
    "object array": pickle.dumps(np.array([{}, None], dtype=object)),
    "dtype of objects": pickle.dumps(np.dtype("O")),
    "structured array": pickle.dumps(np.zeros(2, dtype=[("a", "f4")])),
    "void dtype": pickle.dumps(np.zeros(2, dtype="V8")),
    "datetime array": pickle.dumps(np.zeros(2, dtype="M8[s]")),
    "numpy matrix": b"cnumpy.matrixlib.defmatrix\nmatrix\n(tR.",
    "bare class": b"cnumpy\nndarray\n.",
    "bytearray of a size": b"c__builtin__\nbytearray\n(I100000000\ntR.",
    "range": b"c__builtin__\nxrange\n(I100000000\ntR.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused(name):
    with pytest.raises(UnsafePickleError):
        load(HOSTILE[name])


BROKEN = {
    "empty": b"",
    "text": b"hello",
    "truncated": pickle.dumps({"a": np.zeros(100)})[:-40],
    "no object": b".",
    "unknown memo": b"h\x05.",
    "huge memo index": b"N" + b"r\xff\xff\xff\xff" + b"j\xfe\xff\xff\xff.",
    "huge announced string": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
    "unbalanced mark": b"t.",
    "odd dictionary": b"(I1\nd.",
    "itself": b"(lp0\ng0\na.",
    "array too short": python2_array(np.zeros(4)).replace(b"I4\n", b"I9\n"),
    "array with a negative size": python2_array(np.zeros(4)).replace(b"I4\n", b"I-4\n"),
    "empty array of astronomic size": python2_array(np.zeros((0, 3))).replace(b"I3\n", b"I999999999999\n"),
    "future protocol": b"\x80\x09N.",
    "deep list": b"(l" * 5000 + b"a" * 4999 + b".",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pickles_are_value_errors(name):
    with pytest.raises(ValueError, match=r"readable pickle|refused"):
        load(BROKEN[name])


def test_shared_lists_that_unfold_exponentially_are_refused():
    blob = b"(lp0\nI1\na" + b"".join(b"(lp%d\n" % i + b"g%d\na" % (i - 1) * 10 for i in range(1, 12)) + b"."
    with pytest.raises(ValueError, match="unfolds to more than"):
        load(blob)


def test_sparse_matrix_with_indices_out_of_range_is_refused():
    with fake_classes() as fake:
        blob = dump(
            instance(
                fake.csc_matrix,
                _shape=(2, 2),
                data=np.ones(2),
                indices=np.array([0, 9]),
                indptr=np.array([0, 1, 2]),
            ),
            2,
        )
    with pytest.raises(ValueError, match="readable pickle"):
        load(blob)


def test_files_are_named_in_errors(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(HOSTILE["os.system by hand"])
    with pytest.raises(UnsafePickleError, match=r"model\.pkl: refused: it holds os\.system"):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "absent.pkl")


def test_files_over_the_limit_are_refused(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(b"x" * 1000))
    with pytest.raises(ValueError, match="at most 100 are read"):
        load(path, max_bytes=100)


def test_unsafe_is_a_value_error():
    assert issubclass(UnsafePickleError, ValueError)
    assert safe_pickle.MAX_BYTES == 1 << 30


@pytest.mark.parametrize("protocol", range(6))
def test_object_arrays_are_read_when_asked_for(protocol):
    table = np.empty((2, 2), dtype=object)
    for i in range(2):
        table[i, 0], table[i, 1] = [], {"pose": np.full((3, 4), float(i))}
    loaded = load(dump(table, protocol), object_arrays=True)
    assert loaded.shape == (2, 2)
    assert loaded[1, 0] == []
    np.testing.assert_array_equal(loaded[1, 1]["pose"], 1.0)


def test_object_arrays_hold_no_strangers():
    blob = pickle.dumps(np.array([print, None], dtype=object))
    with pytest.raises(UnsafePickleError, match="print"):
        load(blob, object_arrays=True)


def test_object_array_of_the_wrong_size():
    good = pickle.dumps(np.array([None, None, None], dtype=object), protocol=2)
    with pytest.raises(ValueError, match="objects"):
        load(good.replace(b"K\x03", b"K\x04"), object_arrays=True)
