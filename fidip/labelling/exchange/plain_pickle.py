"""Pickles of plain containers and arrays that any Python 3 with any numpy opens."""

import io
import pickle
import pickletools
from typing import Any

__all__ = ["plain_pickle"]

PROTOCOL = 3
"""Known since Python 3.0; later ones need newer readers."""
NEW_NAME, OLD_NAME = b"cnumpy._core.", b"cnumpy.core."
"""numpy 2 names its array builder by a module that numpy 1 lacks; both know the older name."""


def plain_pickle(value: Any) -> bytes:
    """Return a pickle of dicts, lists, numbers, texts and numeric arrays."""
    buffer = io.BytesIO()
    pickle.Pickler(buffer, protocol=PROTOCOL).dump(value)
    raw = buffer.getvalue()
    parts, start = [], 0
    for opcode, _, position in pickletools.genops(raw):
        if opcode.name == "GLOBAL" and position is not None and raw.startswith(NEW_NAME, position):
            parts += [raw[start:position], OLD_NAME]
            start = position + len(NEW_NAME)
    return b"".join([*parts, raw[start:]])
