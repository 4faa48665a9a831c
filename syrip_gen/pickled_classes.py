"""Stand-ins for what admitted pickles name: numpy's, scipy's and chumpy's arrays, plain containers.

None of the real ones is called on what a pickle says; arrays are checked and built from their bytes, arrays
of objects from the list of what they hold.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from syrip_gen.pickle_machine import Admitted, Pending, UnsafePickleError, plain_dictionary, plain_key

__all__ = ["ArrayStandIn", "DtypeStandIn", "InstanceStandIn", "ObjectItems", "find_admitted"]

_DTYPE = re.compile(r"[<>|=]?(?:[?biufc][0-9]{0,2}|[SU][1-9][0-9]{0,3})")
_CHUMPY = {
    "chumpy.ch": ("Ch", "MatVecMult"),
    "chumpy.reordering": ("Select", "Reorder", "transpose", "reshape"),
}
_SPARSE = ("csc", "csr", "coo")
_STUBS = ("Mahalanobis",)
_CODECS = ("latin1", "latin-1", "iso-8859-1")


_OBJECTS = ("O", "O8", "|O")


class ObjectItems:
    """What an array of objects holds, in reading order."""

    __slots__ = ("items", "shape")

    def __init__(self, items: list[Any], shape: tuple[int, ...]) -> None:
        self.items, self.shape = items, shape


class DtypeStandIn(Pending):
    """numpy.dtype, of plain numbers and strings, or of objects (``dtype`` is None)."""

    __slots__ = ("dtype",)

    dtype: np.dtype[Any] | None

    def __init__(self, name: Any, *_flags: Any) -> None:
        text = name.decode("latin1") if isinstance(name, bytes) else name
        if text in _OBJECTS:
            self.dtype = None
            return
        if not isinstance(text, str) or not _DTYPE.fullmatch(text):
            raise UnsafePickleError(f"arrays of type {text!r}; only numbers, booleans and strings are read")
        self.dtype = np.dtype(text)

    def set_state(self, state: Any) -> None:
        """Take the byte order."""
        if not isinstance(state, tuple) or len(state) < 5 or any(part is not None for part in state[2:5]):
            raise UnsafePickleError("arrays of a structured type")
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "=", "|"):
            raise ValueError(f"byte order {order!r}")
        if self.dtype is not None:
            self.dtype = self.dtype.newbyteorder(order)


def _array(raw: Any, shape: Any, dtype: Any, fortran: Any) -> np.ndarray:
    """Check and build an array from its bytes."""
    if not isinstance(dtype, DtypeStandIn) or dtype.dtype is None:
        kind = "object" if isinstance(dtype, DtypeStandIn) else type(dtype).__name__
        raise UnsafePickleError(f"an array whose type is a {kind}")
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


def _object_items(items: Any, shape: Any, fortran: Any) -> ObjectItems:
    """Check what an array of objects says of itself."""
    if type(items) is not list or fortran or type(shape) is not tuple or len(shape) > 16:
        raise ValueError("an array of objects of unknown form")
    count = 1
    for n in shape:
        if type(n) is not int or n < 0:
            raise ValueError(f"array shape {shape!r}")
        count *= n
    if count != len(items) or max(shape, default=0) > max(len(items), 1 << 16):
        raise ValueError(f"an array of shape {shape} of {len(items)} objects")
    return ObjectItems(items, shape)


class ArrayStandIn(Pending):
    """numpy.ndarray; ``value`` is a finished array, or the :class:`ObjectItems` of one of objects."""

    __slots__ = ("value",)

    value: np.ndarray | ObjectItems

    def __init__(self, *_args: Any) -> None:
        self.value = np.zeros(0)

    def set_state(self, state: Any) -> None:
        """Build the array from its bytes."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("array state of unknown form")
        _version, shape, dtype, fortran, raw = state
        if isinstance(dtype, DtypeStandIn) and dtype.dtype is None:
            self.value = _object_items(raw, shape, fortran)
        else:
            self.value = _array(raw, shape, dtype, fortran)


class InstanceStandIn(Pending):
    """An object that holds a dictionary of attributes: sparse matrices, chumpy's arrays, known stubs."""

    __slots__ = ("attributes", "class_name", "module")

    def __init__(self, module: str, class_name: str) -> None:
        self.module, self.class_name, self.attributes = module, class_name, {}

    def set_state(self, state: Any) -> None:
        """Take the attributes."""
        if isinstance(state, tuple) and len(state) == 2 and state[1] in (None, {}):
            state = state[0]
        if type(state) is not dict or not all(isinstance(key, str) for key in state):
            raise UnsafePickleError(f"the state of a {self.class_name} is not a dictionary")
        self.attributes = state


def _numpy_scalar(dtype: Any, raw: Any = b"") -> Any:
    return _array(raw, (), dtype, False)[()]


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return _array(raw, shape, dtype, order == "F")


def _reconstruct(kind: Any, *_args: Any) -> ArrayStandIn:
    if not isinstance(kind, Admitted) or kind.name != "numpy.ndarray":
        raise UnsafePickleError("numpy reconstructs something that is not an ndarray")
    return ArrayStandIn()


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
    ("numpy", "dtype"): DtypeStandIn,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): _ordered,
}
_CLASSES = (
    {(module, name) for module, names in _CHUMPY.items() for name in names}
    | {(f"scipy.sparse.{prefix}{kind}", f"{kind}_matrix") for kind in _SPARSE for prefix in ("", "_")}
    | {("__main__", name) for name in _STUBS}
)


def find_admitted(module: str, name: str) -> Admitted:
    """Return the stand-in of a class or function, or refuse it."""
    make = _ADMITTED.get((module, name))
    if make is not None:
        label = "object" if name == "object" else f"{module}.{name}"
        return Admitted(label, make)
    if (module, name) in _CLASSES:
        return Admitted(f"{module}.{name}", lambda *_args: InstanceStandIn(module, name))
    raise UnsafePickleError(f"it holds {module}.{name}, which is not admitted; nothing was executed")
