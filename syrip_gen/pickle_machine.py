"""A pickle interpreter that only moves data: nothing it reads can import, call or build anything else.

It understands protocols 0-5, Python 2's included. Classes and functions are looked up in a table that the
caller gives; whatever a pickle asks for beyond that table is refused by name. Every opcode is written out
here, so that no code of :mod:`pickle` runs on untrusted input.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Admitted", "Pending", "PickleMachine", "UnsafePickleError", "plain_dictionary", "plain_key"]

MAX_OPCODES = 20_000_000
MAX_STACK = 5_000_000


class UnsafePickleError(ValueError):
    """A pickle asked for a class or an operation that is not admitted."""


class Pending:
    """An object under construction; the caller's table makes these and finishes them after reading."""

    __slots__ = ()

    def set_state(self, state: Any) -> None:
        """Take the state that the pickle gives the object."""
        raise UnsafePickleError(f"pickle sets the state of a {type(self).__name__}, which has none")


class Admitted:
    """One entry of the table: a name in the pickle, and what to do when the pickle calls it."""

    __slots__ = ("make", "name")

    def __init__(self, name: str, make: Callable[..., Any]) -> None:
        self.name = name
        self.make = make


class PickleMachine:
    """Interpret one pickle held in memory.

    Args:
        data: The whole pickle.
        find: Returns the :class:`Admitted` of (module, name) or raises :class:`UnsafePickleError`.
        encoding: How Python 2's 8-bit strings become text.
    """

    def __init__(self, data: bytes, find: Callable[[str, str], Admitted], encoding: str = "latin1") -> None:
        self._data, self._at, self._find, self._encoding = data, 0, find, encoding
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the object; raises :class:`ValueError` for anything that is not a whole, admitted pickle."""
        try:
            return self._run()
        except UnsafePickleError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, struct.error, OverflowError) as error:
            raise ValueError(f"broken pickle at byte {self._at}: {type(error).__name__}: {error}") from error

    def _run(self) -> Any:
        for _ in range(MAX_OPCODES):
            code = self._data[self._at]
            self._at += 1
            if code == 0x2E:  # STOP
                return self._stack.pop()
            operation = _OPERATIONS.get(code)
            if operation is None:
                raise UnsafePickleError(f"pickle opcode 0x{code:02x} at byte {self._at - 1} is not admitted")
            operation(self)
            if len(self._stack) > MAX_STACK:
                raise ValueError(f"pickle stacks more than {MAX_STACK} objects")
        raise ValueError(f"pickle has more than {MAX_OPCODES} operations")

    # --- reading ---

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        end = self._at + size
        if size < 0 or end > len(self._data):
            raise ValueError("the file ends early")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def line(self) -> bytes:
        """Return the rest of the line without its end."""
        end = self._data.index(b"\n", self._at)
        piece = self._data[self._at : end]
        self._at = end + 1
        return piece

    def number(self, form: str) -> int:
        """Return a little-endian number of struct format ``form``."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

    def text(self, raw: bytes) -> str:
        """Decode a Python 2 string."""
        return raw.decode(self._encoding)

    # --- stack ---

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def pop(self) -> Any:
        """Take the top of the stack."""
        return self._stack.pop()

    def mark(self) -> None:
        """Start a group."""
        self._marks.append(self._stack)
        self._stack = []

    def pop_mark(self) -> list[Any]:
        """Return the values above the last mark."""
        group = self._stack
        self._stack = self._marks.pop()
        return group

    def put(self, index: int) -> None:
        """Remember the top of the stack."""
        self._memo[index] = self._stack[-1]

    def memoize(self) -> None:
        """Remember the top of the stack under the next number."""
        self.put(len(self._memo))

    def get(self, index: int) -> None:
        """Push a remembered object."""
        self._stack.append(self._memo[index])

    # --- containers ---

    def append(self, values: list[Any]) -> None:
        """Extend the list on top of the stack."""
        target = self._stack[-1]
        if type(target) is not list:
            raise UnsafePickleError(f"pickle appends to a {type(target).__name__}")
        target.extend(values)

    def set_items(self, flat: list[Any]) -> None:
        """Update the dictionary on top of the stack with key, value, key, value ..."""
        target = self._stack[-1]
        if type(target) is not dict:
            raise UnsafePickleError(f"pickle sets items of a {type(target).__name__}")
        target.update(plain_dictionary(flat))

    def add_items(self, values: list[Any]) -> None:
        """Update the set on top of the stack."""
        target = self._stack[-1]
        if type(target) is not set:
            raise UnsafePickleError(f"pickle adds items to a {type(target).__name__}")
        target.update(map(plain_key, values))

    # --- objects ---

    def find(self, module: Any, name: Any) -> None:
        """Push an admitted class or function."""
        if not (isinstance(module, str) and isinstance(name, str)):
            raise UnsafePickleError("pickle names a class by something that is not text")
        self._stack.append(self._find(module, name))

    def call(self, function: Any, args: Any, kwargs: Any = None) -> None:
        """Push what an admitted function makes of its arguments."""
        if not isinstance(function, Admitted):
            raise UnsafePickleError(f"pickle calls a {type(function).__name__}, which is not admitted")
        if not isinstance(args, tuple | list) or kwargs:
            raise UnsafePickleError(f"pickle calls {function.name} with unusual arguments")
        self._stack.append(function.make(*args))

    def build(self) -> None:
        """Give the object below the top of the stack its state."""
        state = self._stack.pop()
        target = self._stack[-1]
        if not isinstance(target, Pending):
            raise UnsafePickleError(f"pickle sets the state of a {type(target).__name__}")
        target.set_state(state)


def plain_key(value: Any) -> Any:
    """Return a dictionary key or set member if it is of a plain type (others could be slow to hash)."""
    plain = (str, bytes, int, float, complex, bool, type(None))
    if isinstance(value, plain) or (type(value) is tuple and all(isinstance(v, plain) for v in value)):
        return value
    raise UnsafePickleError(f"pickle uses a {type(value).__name__} as a key")


def plain_dictionary(flat: list[Any]) -> dict[Any, Any]:
    """Return the dictionary of key, value, key, value ... with plain keys only."""
    if len(flat) % 2:
        raise ValueError("a dictionary key lacks its value")
    return {plain_key(k): v for k, v in zip(flat[::2], flat[1::2], strict=True)}


def _decimal(raw: bytes) -> int | bool:
    """Read the INT opcode's text, where 00 and 01 stand for False and True."""
    return {b"00": False, b"01": True}[raw] if raw in (b"00", b"01") else int(raw)


def _quoted(m: PickleMachine) -> None:
    raw = m.line()
    if len(raw) < 2 or raw[:1] not in (b'"', b"'") or raw[:1] != raw[-1:]:
        raise ValueError("a string is not quoted")
    m.push(m.text(codecs.escape_decode(raw[1:-1])[0]))


def _instance(m: PickleMachine) -> None:
    module, name = m.line().decode("ascii"), m.line().decode("ascii")
    args = m.pop_mark()
    m.find(module, name)
    m.call(m.pop(), args)


def _object(m: PickleMachine) -> None:
    function, *args = m.pop_mark()
    m.call(function, args)


def _stack_global(m: PickleMachine) -> None:
    name, module = m.pop(), m.pop()
    m.find(module, name)


def _reduce(m: PickleMachine) -> None:
    args, function = m.pop(), m.pop()
    m.call(function, args)


def _new_object_ex(m: PickleMachine) -> None:
    kwargs, args, function = m.pop(), m.pop(), m.pop()
    m.call(function, args, kwargs)


def _tuple(m: PickleMachine, size: int) -> None:
    values = [m.pop() for _ in range(size)]
    m.push(tuple(reversed(values)))


def _set_item(m: PickleMachine) -> None:
    value, key = m.pop(), m.pop()
    m.set_items([key, value])


def _protocol(m: PickleMachine) -> None:
    protocol = m.number("B")
    if protocol > 5:
        raise ValueError(f"unknown protocol {protocol}")


def _pop(m: PickleMachine) -> None:
    if m._stack:
        m.pop()
    else:
        m.pop_mark()


def _duplicate(m: PickleMachine) -> None:
    m.push(m._stack[-1])


_OPERATIONS: Mapping[int, Callable[[PickleMachine], None]] = {
    ord(code): operation
    for code, operation in {
        "\x80": _protocol,
        "\x95": lambda m: m.take(8),  # FRAME: only a hint for reading ahead
        "(": PickleMachine.mark,
        "0": _pop,
        "1": lambda m: m.pop_mark(),
        "2": _duplicate,
        "N": lambda m: m.push(None),
        "\x88": lambda m: m.push(True),
        "\x89": lambda m: m.push(False),
        "I": lambda m: m.push(_decimal(m.line())),
        "L": lambda m: m.push(int(m.line().rstrip(b"L"))),
        "J": lambda m: m.push(m.number("i")),
        "K": lambda m: m.push(m.number("B")),
        "M": lambda m: m.push(m.number("H")),
        "\x8a": lambda m: m.push(int.from_bytes(m.take(m.number("B")), "little", signed=True)),
        "\x8b": lambda m: m.push(int.from_bytes(m.take(m.number("i")), "little", signed=True)),
        "F": lambda m: m.push(float(m.line())),
        "G": lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
        "S": _quoted,
        "T": lambda m: m.push(m.text(m.take(m.number("i")))),
        "U": lambda m: m.push(m.text(m.take(m.number("B")))),
        "B": lambda m: m.push(m.take(m.number("I"))),
        "C": lambda m: m.push(m.take(m.number("B"))),
        "\x8e": lambda m: m.push(m.take(m.number("Q"))),
        "\x96": lambda m: m.push(m.take(m.number("Q"))),
        "V": lambda m: m.push(m.line().decode("raw-unicode-escape")),
        "X": lambda m: m.push(m.take(m.number("I")).decode("utf-8", "surrogatepass")),
        "\x8c": lambda m: m.push(m.take(m.number("B")).decode("utf-8", "surrogatepass")),
        "\x8d": lambda m: m.push(m.take(m.number("Q")).decode("utf-8", "surrogatepass")),
        "]": lambda m: m.push([]),
        "l": lambda m: m.push(m.pop_mark()),
        "a": lambda m: m.append([m.pop()]),
        "e": lambda m: m.append(m.pop_mark()),
        ")": lambda m: m.push(()),
        "t": lambda m: m.push(tuple(m.pop_mark())),
        "\x85": lambda m: _tuple(m, 1),
        "\x86": lambda m: _tuple(m, 2),
        "\x87": lambda m: _tuple(m, 3),
        "}": lambda m: m.push({}),
        "d": lambda m: m.push(plain_dictionary(m.pop_mark())),
        "s": _set_item,
        "u": lambda m: m.set_items(m.pop_mark()),
        "\x8f": lambda m: m.push(set()),
        "\x90": lambda m: m.add_items(m.pop_mark()),
        "\x91": lambda m: m.push(frozenset(map(plain_key, m.pop_mark()))),
        "p": lambda m: m.put(int(m.line())),
        "q": lambda m: m.put(m.number("B")),
        "r": lambda m: m.put(m.number("I")),
        "\x94": PickleMachine.memoize,
        "g": lambda m: m.get(int(m.line())),
        "h": lambda m: m.get(m.number("B")),
        "j": lambda m: m.get(m.number("I")),
        "c": lambda m: m.find(m.line().decode("ascii"), m.line().decode("ascii")),
        "\x93": _stack_global,
        "i": _instance,
        "o": _object,
        "R": _reduce,
        "\x81": _reduce,  # NEWOBJ: class and arguments, as REDUCE
        "\x92": _new_object_ex,
        "b": PickleMachine.build,
    }.items()
}
