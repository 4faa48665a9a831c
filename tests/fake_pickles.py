"""Stand-ins for classes that are not installed, so that tests can write pickles that name them."""

import contextlib
import pickle
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["fake_classes", "python2_array"]


def _class(module: str, name: str) -> type:
    return type(name, (), {"__module__": module})


@contextlib.contextmanager
def fake_classes() -> Iterator[types.SimpleNamespace]:
    """Give classes that pickle by the names of chumpy's, old scipy's and SMIL's."""
    names = {
        "Ch": "chumpy.ch", "Select": "chumpy.reordering", "csc_matrix": "scipy.sparse.csc",
        "csr_matrix": "scipy.sparse.csr", "Mahalanobis": "__main__",
    }  # fmt: skip
    saved = {}
    classes = {}
    for name, module in names.items():
        classes[name] = _class(module, name)
        for part in {module.split(".")[0], module}:
            if part not in sys.modules:
                saved.setdefault(part, None)
                sys.modules[part] = types.ModuleType(part)
        target = sys.modules[module]
        saved.setdefault((module, name), vars(target).get(name))
        setattr(target, name, classes[name])
    try:
        yield types.SimpleNamespace(**classes)
    finally:
        for key, value in saved.items():
            if isinstance(key, tuple):
                module, name = key
                if value is None:
                    delattr(sys.modules[module], name)
                else:
                    setattr(sys.modules[module], name, value)
        for key in [k for k in saved if isinstance(k, str)]:
            del sys.modules[key]


def instance(kind: type, **attributes: Any) -> Any:
    """Return an object of a fake class with attributes."""
    obj = kind()
    obj.__dict__.update(attributes)
    return obj


def dump(value: Any, protocol: int) -> bytes:
    """Pickle with Python 2's names for protocols 0 to 2."""
    return pickle.dumps(value, protocol=protocol, fix_imports=True)


def python2_array(array: np.ndarray) -> bytes:
    """Write an array as Python 2's cPickle does in protocol 0 (8-bit strings, old numpy module names)."""
    raw = repr(array.tobytes())[1:].encode("ascii")
    shape = b"".join(b"I%d\n" % n for n in array.shape)
    name = array.dtype.str[1:].encode()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntp3\nS'b'\np4\ntp5\nRp6\n"
        b"(I1\n(" + shape + b"tp7\ncnumpy\ndtype\np8\n(S'" + name + b"'\np9\nI0\nI1\ntp10\nRp11\n"
        b"(I3\nS'<'\np12\nNNNI-1\nI-1\nI0\ntp13\nbI00\nS" + raw + b"\np14\ntp15\nb."
    )
