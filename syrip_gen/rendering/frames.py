"""Coordinate frames around one direction."""

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["frame_around"]


def frame_around(axis: Sequence[float]) -> np.ndarray:
    """Return (3, 3) rows: two unit vectors at right angles to the unit vector ``axis``, and ``axis``."""
    x, y, z = (float(value) for value in axis)
    # The cross product with the coordinate axis that is farther from it.
    first = (y, -x, 0.0) if abs(z) < 0.8 else (0.0, z, -y)
    length = math.sqrt(first[0] ** 2 + first[1] ** 2 + first[2] ** 2)
    a, b, c = (value / length for value in first)
    return np.array([[a, b, c], [y * c - z * b, z * a - x * c, x * b - y * a], [x, y, z]])
