"""Load pickles from strangers: numpy, scipy.sparse and chumpy arrays and plain containers, nothing else.

Files in SMPL's format, SMIL's pose prior and AH-CoLT's labels are pickles, some of them Python 2's with
objects of chumpy, which no longer installs. :func:`load` rebuilds the few classes that such files hold from
their data without importing any of them. Everything else is refused by name, and nothing is executed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from syrip_gen.pickle_machine import (
    Admitted,
    Pending,
    PickleMachine,
    UnsafePickleError,
    plain_dictionary,
    plain_key,
)

__all__ = ["PickledObject", "UnsafePickleError", "load"]

MAX_BYTES = 1 << 30
MAX_DEPTH = 60
MAX_ELEMENTS = 50_000_000
_DTYPE = re.compile(r"[<>|=]?(?:[?biufc][0-9]{0,2}|[SU][1-9][0-9]{0,3})")
_CHUMPY = {
    "chumpy.ch": ("Ch", "MatVecMult"),
    "chumpy.reordering": ("Select", "Reorder", "transpose", "reshape"),
}
_SPARSE = ("csc", "csr", "coo")
_STUBS = ("Mahalanobis",)
_CODECS = ("latin1", "latin-1", "iso-8859-1")


class PickledObject:
    """An instance of a class that is known by name only: its attributes, without any behaviour."""

    __slots__ = ("attributes", "class_name")

    def __init__(self, class_name: str, attributes: dict[str, Any]) -> None:
        self.class_name = class_name
        self.attributes = attributes

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.attributes:
            return self.attributes[name]
        raise AttributeError(f"pickled {self.class_name} has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"PickledObject({self.class_name}, {sorted(self.attributes)})"


def load(path_or_bytes: str | os.PathLike[str] | bytes, max_bytes: int = MAX_BYTES) -> Any:
    """Load a pickle without executing anything in it.

    Python 2's strings become text (latin-1), arrays numpy arrays, scipy's sparse matrices scipy's own,
    chumpy's arrays and selections numpy arrays, and SMIL's ``Mahalanobis`` a :class:`PickledObject`.

    Args:
        path_or_bytes: A file, or the pickle itself.
        max_bytes: Larger files are refused.

    Raises:
        FileNotFoundError: When there is no such file.
        UnsafePickleError: When the pickle holds another class or function (a :class:`ValueError`).
        ValueError: When it is broken, too large or too deeply nested.
    """
    source = "pickle"
    try:
        if isinstance(path_or_bytes, bytes | bytearray):
            data = bytes(path_or_bytes)
        else:
            path = Path(path_or_bytes)
            source = str(path)
            if path.stat().st_size > max_bytes:
                raise ValueError(f"{path.stat().st_size} bytes, at most {max_bytes} are read")
            data = path.read_bytes()
        if len(data) > max_bytes:
            raise ValueError(f"{len(data)} bytes, at most {max_bytes} are read")
        value = PickleMachine(data, _find).run()
        return _Finisher().finish(value)
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{source}: refused: {error}") from None
    except ValueError as error:
        raise ValueError(f"{source}: not a readable pickle: {error}") from None


class _Dtype(Pending):
    """numpy.dtype, of plain numbers and strings only."""

    __slots__ = ("dtype",)

    def __init__(self, name: Any, *_flags: Any) -> None:
        text = name.decode("latin1") if isinstance(name, bytes) else name
        if not isinstance(text, str) or not _DTYPE.fullmatch(text):
            raise UnsafePickleError(f"arrays of type {text!r}; only numbers, booleans and strings are read")
        self.dtype = np.dtype(text)

    def set_state(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise UnsafePickleError("arrays of a structured type")
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "=", "|"):
            raise ValueError(f"byte order {order!r}")
        self.dtype = self.dtype.newbyteorder(order)


def _array(raw: Any, shape: Any, dtype: Any, fortran: Any) -> np.ndarray:
    """Check and build an array from its bytes."""
    if not isinstance(dtype, _Dtype):
        raise UnsafePickleError(f"an array whose type is a {type(dtype).__name__}")
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    if not isinstance(raw, bytes):
        raise UnsafePickleError(f"array data held in a {type(raw).__name__}")
    if not isinstance(shape, tuple) or len(shape) > 16 or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"array shape {shape!r}")
    count = 1
    for n in shape:
        count *= n
    if count * dtype.dtype.itemsize != len(raw) or max(shape, default=0) > max(len(raw), 1 << 16):
        raise ValueError(f"an array of shape {shape} and type {dtype.dtype} with {len(raw)} bytes")
    flat = np.frombuffer(raw, dtype.dtype)
    native = flat.astype(dtype.dtype.newbyteorder("="))
    return native.reshape(shape, order="F" if fortran else "C")


class _Array(Pending):
    """numpy.ndarray."""

    __slots__ = ("value",)

    def __init__(self, *_args: Any) -> None:
        self.value = np.zeros(0)

    def set_state(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("array state of unknown form")
        _version, shape, dtype, fortran, raw = state
        self.value = _array(raw, shape, dtype, fortran)


class _Instance(Pending):
    """An object that holds a dictionary of attributes: sparse matrices, chumpy's arrays, known stubs."""

    __slots__ = ("attributes", "class_name", "module")

    def __init__(self, module: str, class_name: str) -> None:
        self.module, self.class_name, self.attributes = module, class_name, {}

    def set_state(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) == 2 and state[1] in (None, {}):
            state = state[0]
        if type(state) is not dict or not all(isinstance(key, str) for key in state):
            raise UnsafePickleError(f"the state of a {self.class_name} is not a dictionary")
        self.attributes = state


def _numpy_scalar(dtype: Any, raw: Any = b"") -> Any:
    return _array(raw, (), dtype, False)[()]


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return _array(raw, shape, dtype, order == "F")


def _reconstruct(kind: Any, *_args: Any) -> _Array:
    if not isinstance(kind, Admitted) or kind.name != "numpy.ndarray":
        raise UnsafePickleError("numpy reconstructs something that is not an ndarray")
    return _Array()


def _reconstructor(kind: Any, base: Any, state: Any = None) -> Any:
    if (
        not isinstance(kind, Admitted)
        or not isinstance(base, Admitted)
        or base.name != "object"
        or state is not None
    ):
        raise UnsafePickleError("copyreg reconstructs something that is not a plain object")
    return kind.make()


def _encode(text: Any, codec: Any = "") -> bytes:
    if not isinstance(text, str) or codec not in _CODECS:
        raise UnsafePickleError(f"_codecs.encode to {codec!r}")
    return text.encode("latin1")


def _plain_set(kind: type) -> Any:
    def make(values: Any = ()) -> Any:
        if not isinstance(values, list | tuple):
            raise UnsafePickleError(f"a {kind.__name__} of a {type(values).__name__}")
        return kind(map(plain_key, values))

    return make


def _ordered(pairs: Any = ()) -> dict[Any, Any]:
    if not isinstance(pairs, list | tuple) or not all(
        isinstance(p, list | tuple) and len(p) == 2 for p in pairs
    ):
        raise UnsafePickleError("an OrderedDict of something that is not a list of pairs")
    return plain_dictionary([part for pair in pairs for part in pair])


def _empty_bytes(*args: Any) -> bytes:
    if args:
        raise UnsafePickleError("bytes made of something")
    return b""


def _complex(real: Any, imaginary: Any) -> complex:
    if not (isinstance(real, float) and isinstance(imaginary, float)):
        raise UnsafePickleError("a complex number of something that is not a number")
    return complex(real, imaginary)


def _no_call(*_args: Any) -> Any:
    raise UnsafePickleError("pickle calls a class that is only a marker")


_ADMITTED = {
    **{(m, "_reconstruct"): _reconstruct for m in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(m, "scalar"): _numpy_scalar for m in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(m, "_frombuffer"): _frombuffer for m in ("numpy.core.numeric", "numpy._core.numeric")},
    **{(m, "_reconstructor"): _reconstructor for m in ("copy_reg", "copyreg")},
    **{(m, "object"): _no_call for m in ("__builtin__", "builtins")},
    **{(m, "set"): _plain_set(set) for m in ("__builtin__", "builtins")},
    **{(m, "frozenset"): _plain_set(frozenset) for m in ("__builtin__", "builtins")},
    **{(m, "bytes"): _empty_bytes for m in ("__builtin__", "builtins")},
    **{(m, "complex"): _complex for m in ("__builtin__", "builtins")},
    ("numpy", "ndarray"): _no_call,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): _ordered,
}
_CLASSES = (
    {(module, name) for module, names in _CHUMPY.items() for name in names}
    | {(f"scipy.sparse.{prefix}{kind}", f"{kind}_matrix") for kind in _SPARSE for prefix in ("", "_")}
    | {("__main__", name) for name in _STUBS}
)


def _find(module: str, name: str) -> Admitted:
    """Return the stand-in of a class or function, or refuse it."""
    make = _ADMITTED.get((module, name))
    if make is not None:
        label = "object" if name == "object" else f"{module}.{name}"
        return Admitted(label, make)
    if (module, name) in _CLASSES:
        return Admitted(f"{module}.{name}", lambda *_args: _Instance(module, name))
    raise UnsafePickleError(f"it holds {module}.{name}, which is not admitted; nothing was executed")


class _Finisher:
    """Replaces stand-ins by arrays, matrices and plain containers; shared objects stay shared."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, Any, int]] = {}
        self._open: set[int] = set()

    def finish(self, value: Any) -> Any:
        """Return the finished object."""
        return self._visit(value, 0)[0]

    def _visit(self, value: Any, depth: int) -> tuple[Any, int]:
        """Return the finished object and the number of elements it unfolds to."""
        if isinstance(
            value, str | bytes | int | float | complex | bool | np.generic | np.ndarray | type(None)
        ):
            return value, 1
        known = self._done.get(id(value))
        if known is not None:
            return known[1], known[2]
        if depth > MAX_DEPTH or id(value) in self._open:
            raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels or refers to itself")
        self._open.add(id(value))
        result, size = self._convert(value, depth + 1)
        if size > MAX_ELEMENTS:
            raise ValueError(f"it unfolds to more than {MAX_ELEMENTS} elements")
        self._open.discard(id(value))
        # The original is kept so that its id stays taken.
        self._done[id(value)] = (value, result, size)
        return result, size

    def _convert(self, value: Any, depth: int) -> tuple[Any, int]:
        if isinstance(value, _Array):
            return value.value, 1
        if isinstance(value, _Instance):
            return self._instance(value, depth)
        if isinstance(value, dict):
            pairs = [(key, self._visit(item, depth)) for key, item in value.items()]
            return {key: item for key, (item, _) in pairs}, 1 + sum(size for _, (_, size) in pairs)
        if isinstance(value, list | tuple):
            items = [self._visit(item, depth) for item in value]
            return type(value)(item for item, _ in items), 1 + sum(size for _, size in items)
        if isinstance(value, set | frozenset):
            return value, 1 + len(value)
        if isinstance(value, _Dtype):
            return value.dtype, 1
        raise UnsafePickleError(f"it holds a bare {getattr(value, 'name', type(value).__name__)}")

    def _instance(self, value: _Instance, depth: int) -> tuple[Any, int]:
        def field(name: str) -> Any:
            if name not in value.attributes:
                raise ValueError(f"a {value.class_name} lacks its '{name}'")
            return self._visit(value.attributes[name], depth)[0]

        if value.module.startswith("scipy."):
            return _sparse(value.class_name[:3], field, value.attributes), 1
        if value.class_name == "Ch":
            return np.asarray(_numeric(field("x"), "Ch")), 1
        if value.class_name == "Select":
            picked = _numeric(field("a"), "Select").ravel()[
                _numeric(field("idxs"), "Select").astype(np.int64).ravel()
            ]
            shape = value.attributes.get("preferred_shape")
            return (picked if shape is None else picked.reshape(self._visit(shape, depth)[0])), 1
        pairs = {key: self._visit(item, depth) for key, item in value.attributes.items()}
        plain = {key: item for key, (item, _) in pairs.items()}
        return PickledObject(value.class_name, plain), 1 + sum(size for _, size in pairs.values())


def _numeric(value: Any, owner: str) -> np.ndarray:
    if not isinstance(value, np.ndarray | int | float | np.number):
        raise ValueError(f"a chumpy {owner} holds a {type(value).__name__} instead of an array")
    return np.asarray(value)


def _sparse(kind: str, field: Any, attributes: dict[str, Any]) -> Any:
    """Build a checked scipy matrix from the attributes of a pickled one."""
    shape = field("_shape" if "_shape" in attributes else "shape")
    if not isinstance(shape, tuple) or len(shape) != 2 or not all(0 <= int(n) <= 10**8 for n in shape):
        raise ValueError(f"a sparse matrix of shape {shape!r}")
    shape = tuple(int(n) for n in shape)
    data = _numeric(field("data"), f"{kind}_matrix")
    if kind == "coo":
        rows, cols = field("coords") if "coords" in attributes else (field("row"), field("col"))
        matrix = sparse.coo_matrix((data, (np.asarray(rows), np.asarray(cols))), shape=shape)
        return matrix.tocsr()
    parts = (data, np.asarray(field("indices")), np.asarray(field("indptr")))
    matrix = (sparse.csc_matrix if kind == "csc" else sparse.csr_matrix)(parts, shape=shape)
    matrix.check_format(full_check=True)
    return matrix
