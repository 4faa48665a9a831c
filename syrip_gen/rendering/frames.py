"""Coordinate frames around one direction, and the extent of points."""

import math
from collections.abc import Sequence

import numpy as np
from numba import njit

__all__ = ["finite_bounds", "frame_around", "plane_axes"]


def frame_around(axis: Sequence[float]) -> np.ndarray:
    """Return (3, 3) rows: two unit vectors at right angles to the unit vector ``axis``, and ``axis``."""
    x, y, z = (float(value) for value in axis)
    # The cross product with the coordinate axis that is farther from it.
    first = (y, -x, 0.0) if abs(z) < 0.8 else (0.0, z, -y)
    length = math.sqrt(first[0] ** 2 + first[1] ** 2 + first[2] ** 2)
    a, b, c = (value / length for value in first)
    return np.array([[a, b, c], [y * c - z * b, z * a - x * c, x * b - y * a], [x, y, z]])


def plane_axes(plane: tuple[float, float, float, float]) -> tuple[np.ndarray, float]:
    """Return the (3, 3) axes of a plane's own frame (rows, the normal last) and the offset of its heights."""
    x, y, z, offset = (float(value) for value in plane)
    length = math.sqrt(x * x + y * y + z * z)
    if not length > 0:
        raise ValueError(f"support plane has the normal {(x, y, z)}, expected a unit vector")
    axes = frame_around((x / length, y / length, z / length))
    return axes.astype(np.float32), offset / length


@njit(nogil=True, cache=True, error_model="numpy")
def finite_bounds(points):
    """Return the (2, 3) float32 lowest and highest coordinates of the finite rows, and how many there are."""
    bounds = np.zeros((2, 3), dtype=np.float32)
    bounds[0], bounds[1] = np.inf, -np.inf
    count = 0
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if np.isfinite(x) and np.isfinite(y) and np.isfinite(z):
            bounds[0, 0], bounds[1, 0] = min(bounds[0, 0], x), max(bounds[1, 0], x)
            bounds[0, 1], bounds[1, 1] = min(bounds[0, 1], y), max(bounds[1, 1], y)
            bounds[0, 2], bounds[1, 2] = min(bounds[0, 2], z), max(bounds[1, 2], z)
            count += 1
    return bounds, count
