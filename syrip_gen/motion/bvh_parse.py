"""The grammar of BVH files: a hierarchy of joints with channels, and one line of numbers a frame."""

import re
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Bvh", "Joint", "parse_bvh"]

MAX_JOINTS = 1000
MAX_FPS = 1000.0
CHANNELS = {f"{axis}{kind}".lower() for axis in "XYZ" for kind in ("position", "rotation")}


@dataclass(slots=True)
class Joint:
    """One joint of a hierarchy, or an end site, which has no channels."""

    name: str
    parent: int
    """Index of the parent, -1 for the root; parents come first."""
    offset: np.ndarray
    """(3,) place in the parent's frame, in the file's unit."""
    channels: list[str] = field(default_factory=list)
    """Lower case, such as ``zrotation``, in file order."""
    is_end: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Bvh:
    """A parsed file."""

    joints: list[Joint]
    """In file order, end sites included."""
    frame_time: float
    """Seconds a frame."""
    motion: np.ndarray
    """(T, C) values of all channels in file order: positions in the file's unit, rotations in degrees."""


def parse_bvh(text: str, source: str) -> Bvh:
    """Parse hierarchy and motion.

    Raises:
        ValueError: Says what was found where something else was expected.
    """
    heading = re.search(r"^\s*MOTION\b", text, re.MULTILINE | re.IGNORECASE)
    if heading is None:
        raise ValueError(f"{source}: BVH without a MOTION section; the file may end early")
    hierarchy = text[: heading.start()].replace("{", " { ").replace("}", " } ")
    joints = _Hierarchy(hierarchy.split(), source).joints()
    frame_time, motion = _motion(text[heading.end() :], sum(len(j.channels) for j in joints), source)
    return Bvh(joints, frame_time, motion)


class _Hierarchy:
    """Reads the words of a HIERARCHY section."""

    def __init__(self, words: list[str], source: str) -> None:
        self._words, self._at, self._source = words, 0, source

    def joints(self) -> list[Joint]:
        """Return all joints of the first root, end sites included."""
        self._expect("HIERARCHY")
        joints: list[Joint] = []
        open_: list[int] = []
        while self._at < len(self._words):
            word = self._next().upper()
            if word in ("ROOT", "JOINT", "END"):
                if word == "ROOT" and joints:
                    raise ValueError(
                        f"{self._source}: BVH with a second root {self._next()!r}; one person only"
                    )
                joints.append(self._joint(word, open_, joints))
                open_.append(len(joints) - 1)
            elif word == "OFFSET" and open_:
                joints[open_[-1]].offset = np.array([self._number() for _ in range(3)])
            elif word == "CHANNELS" and open_:
                joints[open_[-1]].channels = self._channels()
            elif word == "}" and open_:
                open_.pop()
            else:
                raise ValueError(f"{self._source}: BVH hierarchy: {word!r} is out of place")
        if open_ or not joints:
            raise ValueError(f"{self._source}: BVH hierarchy ends early: {len(open_)} braces are not closed")
        return joints

    def _joint(self, word: str, open_: list[int], joints: list[Joint]) -> Joint:
        parent = open_[-1] if open_ else -1
        if parent < 0 and word != "ROOT":
            raise ValueError(f"{self._source}: BVH hierarchy: {word} outside of a root")
        if len(joints) >= MAX_JOINTS:
            raise ValueError(f"{self._source}: BVH with more than {MAX_JOINTS} joints")
        words = []
        while (next_word := self._next()) != "{":
            words.append(next_word)
        if not words:
            raise ValueError(f"{self._source}: BVH hierarchy: {word} without a name")
        if word == "END":
            return Joint(f"{joints[parent].name}_End", parent, np.zeros(3), is_end=True)
        return Joint(" ".join(words), parent, np.zeros(3))

    def _channels(self) -> list[str]:
        count = self._number()
        channels = [self._next().lower() for _ in range(int(count))] if 0 <= count <= 6 else [f"{count:g}"]
        unknown = [c for c in channels if c not in CHANNELS]
        if unknown or len(set(channels)) != len(channels):
            raise ValueError(f"{self._source}: BVH channels {' '.join(channels)!r} are not understood")
        return channels

    def _next(self) -> str:
        if self._at >= len(self._words):
            raise ValueError(f"{self._source}: BVH hierarchy ends early")
        self._at += 1
        return self._words[self._at - 1]

    def _expect(self, word: str) -> None:
        found = self._next()
        if found.upper() != word:
            raise ValueError(f"{self._source}: BVH hierarchy: expected {word}, found {found!r}")

    def _number(self) -> float:
        word = self._next()
        try:
            value = float(word)
        except ValueError:
            raise ValueError(f"{self._source}: BVH hierarchy: expected a number, found {word!r}") from None
        if not np.isfinite(value):
            raise ValueError(f"{self._source}: BVH hierarchy: expected a finite number, found {word!r}")
        return value


def _motion(text: str, num_channels: int, source: str) -> tuple[float, np.ndarray]:
    """Return seconds a frame and the (T, C) values."""
    heading = re.match(r"\s*Frames\s*:\s*(\S+)\s+Frame\s+Time\s*:\s*(\S+)", text, re.IGNORECASE)
    if heading is None:
        raise ValueError(f"{source}: BVH motion: expected 'Frames: N' and 'Frame Time: S'")
    try:
        count, frame_time = int(heading[1]), float(heading[2])
    except ValueError:
        raise ValueError(f"{source}: BVH motion: {heading[1]!r} frames of {heading[2]!r} s") from None
    if not 1.0 / MAX_FPS <= frame_time <= 60.0:
        raise ValueError(f"{source}: BVH motion: a frame time of {frame_time:g} s")
    try:
        values = np.array(text[heading.end() :].split(), dtype=np.float64)
    except ValueError as error:
        raise ValueError(f"{source}: BVH motion: {error}") from None
    if num_channels == 0 or len(values) != count * num_channels:
        raise ValueError(
            f"{source}: BVH motion: expected {count} frames of {num_channels} numbers, found {len(values)}"
        )
    return frame_time, values.reshape(count, num_channels)
