"""Load pickles from strangers: numpy, scipy.sparse and chumpy arrays and plain containers, nothing else.

Files in SMPL's format, SMIL's pose prior and AH-CoLT's labels are pickles, some of them Python 2's with
objects of chumpy, which no longer installs. :func:`load` rebuilds the few classes that such files hold from
their data without importing any of them. Everything else is refused by name, and nothing is executed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from syrip_gen.pickle_machine import PickleMachine, UnsafePickleError
from syrip_gen.pickled_classes import (
    ArrayStandIn,
    DtypeStandIn,
    InstanceStandIn,
    ObjectItems,
    find_admitted,
)

__all__ = ["PickledObject", "UnsafePickleError", "load"]

MAX_BYTES = 1 << 30
MAX_DEPTH = 60
MAX_ELEMENTS = 50_000_000


class PickledObject:
    """An instance of a class that is known by name only: its attributes, without any behaviour."""

    __slots__ = ("attributes", "class_name")

    def __init__(self, class_name: str, attributes: dict[str, Any]) -> None:
        self.class_name = class_name
        self.attributes = attributes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in self.__slots__:
            raise AttributeError(name)
        if name in self.attributes:
            return self.attributes[name]
        raise AttributeError(f"pickled {self.class_name} has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"PickledObject({self.class_name}, {sorted(self.attributes)})"


def load(
    path_or_bytes: str | os.PathLike[str] | bytes,
    max_bytes: int = MAX_BYTES,
    *,
    object_arrays: bool = False,
    name: str = "pickle",
) -> Any:
    """Load a pickle without executing anything in it.

    Python 2's strings become text (latin-1), arrays numpy arrays, scipy's sparse matrices scipy's own,
    chumpy's arrays and selections numpy arrays, and SMIL's ``Mahalanobis`` a :class:`PickledObject`.

    Args:
        path_or_bytes: A file, or the pickle itself.
        max_bytes: Larger files are refused.
        object_arrays: Admit numpy arrays of objects (of what is admitted elsewhere); else they are refused.
        name: What messages call a pickle that is given as bytes.

    Raises:
        FileNotFoundError: When there is no such file.
        UnsafePickleError: When the pickle holds another class or function (a :class:`ValueError`).
        ValueError: When it is broken, too large or too deeply nested.
    """
    source = name
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
        value = PickleMachine(data, find_admitted).run()
        return _Finisher(object_arrays).finish(value)
    except UnsafePickleError as error:
        raise UnsafePickleError(f"{source}: refused: {error}") from None
    except ValueError as error:
        raise ValueError(f"{source}: not a readable pickle: {error}") from None


class _Finisher:
    """Replaces stand-ins by arrays, matrices and plain containers; shared objects stay shared."""

    def __init__(self, object_arrays: bool) -> None:
        self._object_arrays = object_arrays
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
        if isinstance(value, ArrayStandIn):
            return (
                self._objects(value.value, depth)
                if isinstance(value.value, ObjectItems)
                else (value.value, 1)
            )
        if isinstance(value, InstanceStandIn):
            return self._instance(value, depth)
        if isinstance(value, dict):
            pairs = [(key, self._visit(item, depth)) for key, item in value.items()]
            return {key: item for key, (item, _) in pairs}, 1 + sum(size for _, (_, size) in pairs)
        if isinstance(value, list | tuple):
            items = [self._visit(item, depth) for item in value]
            return type(value)(item for item, _ in items), 1 + sum(size for _, size in items)
        if isinstance(value, set | frozenset):
            return value, 1 + len(value)
        if isinstance(value, DtypeStandIn) and value.dtype is not None:
            return value.dtype, 1
        raise UnsafePickleError(f"it holds a bare {getattr(value, 'name', type(value).__name__)}")

    def _objects(self, value: ObjectItems, depth: int) -> tuple[np.ndarray, int]:
        """Return an array of finished objects."""
        if not self._object_arrays:
            raise UnsafePickleError("arrays of objects; only numbers, booleans and strings are read")
        items = [self._visit(item, depth) for item in value.items]
        array = np.empty(len(items), dtype=object)
        for i, (item, _) in enumerate(items):
            array[i] = item
        return array.reshape(value.shape), 1 + sum(size for _, size in items)

    def _instance(self, value: InstanceStandIn, depth: int) -> tuple[Any, int]:
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
