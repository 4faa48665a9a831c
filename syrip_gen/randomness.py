"""Named random streams: one independent generator per (root seed, index, purpose)."""

import functools
import hashlib

import numpy as np

__all__ = ["stream_rng"]


def stream_rng(root_seed: int, index: int, purpose: str) -> np.random.Generator:
    """Return the generator of one named stream.

    Every (seed, index, purpose) triple has a stream of its own, so adding a purpose never shifts the numbers
    that another one draws, and the result does not depend on which worker asks or in which order.

    Args:
        root_seed: Seed of the whole run, >= 0.
        index: Index of the item (image, pose, shard) that the stream belongs to, >= 0.
        purpose: Short name of what is drawn, such as ``"texture"``.
    """
    words = np.array([*_words_of(root_seed), *_words_of(index), *_words_of_text(purpose)], dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))


def _words_of(number: int) -> list[int]:
    """Split a number into 32-bit words as SeedSequence does, which takes far longer over it."""
    if number < 0:
        raise ValueError(f"a random stream was asked for with {number}, expected 0 or more")
    words = [number & 0xFFFFFFFF]
    while number := number >> 32:
        words.append(number & 0xFFFFFFFF)
    return words


@functools.cache
def _words_of_text(text: str) -> tuple[int, ...]:
    return tuple(np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype="<u4").tolist())
