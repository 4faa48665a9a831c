"""Named random streams: one independent generator per (root seed, index, purpose)."""

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
    digest = hashlib.sha256(purpose.encode()).digest()
    words = np.frombuffer(digest[:16], dtype="<u4")
    return np.random.default_rng(np.random.SeedSequence([root_seed, index, *words.tolist()]))
