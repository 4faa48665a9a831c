"""Load Matlab files (versions 5 to 7) of unknown origin: every size is checked, nothing in them is executed.

A reader of our own, because scipy's crashes the whole process on some damaged files. The format is that of
MathWorks' "MAT-File Format": elements of a type, a size and data; arrays are elements of elements.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["load_mat"]

MAX_BYTES = 1 << 31
HEADER_BYTES = 128
MAX_DEPTH = 32
MAX_NAME = 1024
COMMON_HEAD = 40
"""Bytes of flags, two sizes and no name: how nearly all arrays begin."""
MATRIX, COMPRESSED = 14, 15
SINGLE = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
"""Types of elements that hold numbers, as struct calls them."""
NUMBERS = {kind: np.dtype(code) for kind, code in SINGLE.items()}
TEXTS = {1: "latin-1", 2: "latin-1", 16: "utf-8", 4: "utf-16-{}", 17: "utf-16-{}", 18: "utf-32-{}"}
"""Types of elements that hold characters."""
CELL, STRUCT, CHAR = 1, 2, 4
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""Classes of arrays of numbers; others than these and the three above are left out (None)."""
FLOATS = (6, 7)
COMPLEX_FLAG = 0x0800


def load_mat(path: Path, *, simplify: bool = True) -> dict[str, Any]:
    """Return the variables of a .mat file.

    Args:
        path: The file.
        simplify: Structs become dictionaries, arrays of one number that number, others lose axes of length 1,
            arrays of structs and cells become lists; else all arrays keep Matlab's shape (at least 2D), cells
            and structs are arrays of objects.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a Matlab file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES >> 30} GiB")
    content = path.read_bytes()
    try:
        order = _byte_order(content)
        return dict(_variables(memoryview(content), order, simplify))
    except (ValueError, zlib.error, struct.error, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"{path}: not a readable Matlab file: {error or 'too large'}") from None


def _byte_order(content: bytes) -> str:
    if len(content) < HEADER_BYTES:
        raise ValueError(f"it has {len(content)} bytes, its header alone has {HEADER_BYTES}")
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    version = None if order is None else struct.unpack(f"{order}H", content[124:126])[0]
    if version == 0x0200:
        raise ValueError("it is of version 7.3 (HDF5), which is not read; save it with -v7")
    if version != 0x0100:
        raise ValueError("it does not begin like one of version 5 to 7; save it with -v7")
    return order


def _variables(content: memoryview, order: str, simplify: bool) -> Iterator[tuple[str, Any]]:
    reader, place = _Reader(content, order, simplify), HEADER_BYTES
    while place < len(content):
        kind, begin, end, place = reader.element(place, len(content))
        if kind == COMPRESSED:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(content[begin:end], MAX_BYTES)
            if unpacker.unconsumed_tail:
                raise ValueError(f"a variable unpacks to more than {MAX_BYTES >> 30} GiB")
            inner = _Reader(memoryview(unpacked), order, simplify)
            kind, begin, end, _ = inner.element(0, len(unpacked))
            if kind == MATRIX:
                yield inner.array(begin, end)
        elif kind == MATRIX:
            yield reader.array(begin, end)


class _Head(NamedTuple):
    """What an array says of itself before its content."""

    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    count: int
    name: str


class _Reader:
    """Reads the elements of a piece of a file; places are counted from its begin."""

    def __init__(self, data: memoryview, order: str, simplify: bool) -> None:
        self.data, self.order, self.simplify = data, order, simplify
        self.word = struct.Struct(f"{order}I").unpack_from
        self.two_words = struct.Struct(f"{order}II").unpack_from
        self.number = {kind: struct.Struct(order + code).unpack_from for kind, code in SINGLE.items()}
        self.heads: dict[bytes, _Head] = {}

    def element(self, place: int, end: int) -> tuple[int, int, int, int]:
        """Return an element's type, where its data begin and end, and where the next element begins.

        Raises:
            ValueError: If it goes beyond ``end``.
        """
        if place + 8 > end:
            raise ValueError("it ends too early")
        kind, size = self.two_words(self.data, place)
        if kind >> 16:  # a small one: size and type share a word
            kind, size, begin = kind & 0xFFFF, kind >> 16, place + 4
            if size > 4:
                raise ValueError("a small element of more than 4 bytes")
            return kind, begin, begin + size, place + 8
        begin = place + 8
        if begin + size > end:
            raise ValueError("it ends too early")
        return kind, begin, begin + size, begin + size + (-size % 8 if kind != COMPRESSED else 0)

    def array(self, place: int, end: int, depth: int = 0) -> tuple[str, Any]:
        """Return the name and the value of the array between two places."""
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        if place == end:
            return "", self._simple(np.zeros((0, 0)))
        head, place = self._head(place, end)
        if head.kind in CLASSES:
            return head.name, self._numbers(head, place, end)
        if head.kind == CHAR:
            return head.name, self._text(head, place, end)
        if head.kind == CELL:
            return head.name, self._arranged(self._children(place, end, head.count, depth), head.shape)
        if head.kind == STRUCT:
            structs = self._structs(head, place, end, depth)
            is_one = self.simplify and len(structs) == 1
            return head.name, structs[0] if is_one else self._arranged(structs, head.shape)
        return head.name, None

    def _head(self, place: int, end: int) -> tuple[_Head, int]:
        key = bytes(self.data[place : min(place + COMMON_HEAD, end)])
        known = self.heads.get(key)
        if known is not None:
            return known, place + COMMON_HEAD
        _, flags, flags_end, after = self.element(place, end)
        _, sizes, sizes_end, after = self.element(after, end)
        _, name, name_end, after = self.element(after, end)
        if flags_end - flags < 4:
            raise ValueError("an array without flags")
        word = self.word(self.data, flags)[0]
        shape = tuple(np.frombuffer(self.data[sizes:sizes_end], f"{self.order}i4").tolist())
        if len(shape) < 2 or min(shape) < 0:
            raise ValueError(f"an array of shape {shape}")
        text = bytes(self.data[name:name_end]).decode("latin-1")
        head = _Head(word & 0xFF, bool(word & COMPLEX_FLAG), shape, math.prod(shape), text)
        if after - place == COMMON_HEAD:
            self.heads[key] = head
        return head, after

    def _numbers(self, head: _Head, place: int, end: int) -> Any:
        parts = []
        for _ in range(1 + head.is_complex):
            kind, begin, finish, place = self.element(place, end)
            if kind not in NUMBERS:
                raise ValueError(f"numbers of the unknown type {kind}")
            if (finish - begin) != head.count * NUMBERS[kind].itemsize:
                raise ValueError(f"{finish - begin} bytes of numbers in an array of shape {head.shape}")
            if head.count == 1 and self.simplify and not head.is_complex:
                value = self.number[kind](self.data, begin)[0]
                return float(value) if head.kind in FLOATS else value
            numbers = np.frombuffer(self.data[begin:finish], NUMBERS[kind].newbyteorder(self.order))
            parts.append(numbers.astype(CLASSES[head.kind]))
        flat = parts[0] + 1j * parts[1] if head.is_complex else parts[0]
        return self._simple(flat.reshape(head.shape, order="F"))

    def _text(self, head: _Head, place: int, end: int) -> str | list[str]:
        if not head.count:
            return ""
        kind, begin, finish, _ = self.element(place, end)
        if kind not in TEXTS:
            raise ValueError(f"characters of the unknown type {kind}")
        codec = TEXTS[kind].format("le" if self.order == "<" else "be")
        text = bytes(self.data[begin:finish]).decode(codec, "replace")
        rows = head.shape[0]
        return text if rows == 1 else [text[row::rows] for row in range(min(rows, len(text)))]

    def _children(self, place: int, end: int, count: int, depth: int) -> list[Any]:
        if count > (end - place) // 8:
            raise ValueError(f"{count} entries do not fit in {end - place} bytes")
        values = []
        for _ in range(count):
            kind, begin, finish, place = self.element(place, end)
            if kind != MATRIX:
                raise ValueError(f"an entry of the unknown type {kind}")
            values.append(self.array(begin, finish, depth + 1)[1])
        return values

    def _structs(self, head: _Head, place: int, end: int, depth: int) -> list[dict[str, Any]]:
        _, begin, finish, place = self.element(place, end)
        length = self.word(self.data, begin)[0] if finish - begin >= 4 else 0
        _, begin, finish, place = self.element(place, end)
        if not 0 < length <= MAX_NAME or (finish - begin) % length:
            raise ValueError(f"names of fields of length {length}")
        fields = [bytes(self.data[i : i + length]) for i in range(begin, finish, length)]
        names = [field.split(b"\0")[0].decode("latin-1") for field in fields]
        if not names:
            return [{}] if head.count == 1 else []
        values = self._children(place, end, head.count * len(names), depth)
        starts = range(0, len(values), len(names))
        return [dict(zip(names, values[i : i + len(names)], strict=True)) for i in starts]

    def _simple(self, array: np.ndarray) -> Any:
        if not self.simplify:
            return array
        return array.item() if array.size == 1 else array.squeeze()

    def _arranged(self, values: list[Any], shape: tuple[int, ...]) -> Any:
        if self.simplify or len(values) != math.prod(shape):
            return values
        array = np.empty(len(values), object)
        array[:] = values
        return array.reshape(shape, order="F")
