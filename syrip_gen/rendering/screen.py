"""Where vertices lie on the screen, in whole steps so that neighbouring triangles agree on their edges.

Image coordinates are continuous pixels with (0, 0) at the top left *corner* of the picture, so the centre
of pixel (column i, row j) is (i + 0.5, j + 0.5) and ``u = fx x / z + cx``. Vertices snap to 1/256 of a
sample.
"""

import numpy as np
from numba import njit

__all__ = ["NEAR_M", "SUBSTEPS", "pixel_bounds", "project", "snap"]

NEAR_M = 0.02
"""Distance of the near plane, metres; nearer parts of triangles are cut off."""
SUBSTEPS = 256
"""Snapped positions per sample."""
_LIMIT = 1 << 29  # keeps every product of two coordinate differences inside int64
_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}


@njit(**_JIT)
def snap(value):
    """Return the whole number of steps nearest to ``value`` samples, within what products can hold."""
    scaled = value * SUBSTEPS
    if scaled > _LIMIT:
        return np.int64(_LIMIT)
    if scaled < -_LIMIT:
        return np.int64(-_LIMIT)
    return np.int64(np.floor(scaled + 0.5))


@njit(**_JIT)
def project(vertices, fx, fy, cx, cy):
    """Project vertices to snapped sample coordinates.

    Returns:
        xy (V, 2) int32 in 1/256 sample; inv_z (V,) float64: 1/z, 0 behind the near plane, NaN when not
        finite.
    """
    count = vertices.shape[0]
    xy = np.zeros((count, 2), dtype=np.int32)
    inv_z = np.zeros(count, dtype=np.float64)
    for i in range(count):
        x, y, z = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(vertices[i, 2])
        if not (np.isfinite(x) and np.isfinite(y) and np.isfinite(z)):
            inv_z[i] = np.nan
        elif z >= NEAR_M:
            inv_z[i] = 1.0 / z
            xy[i, 0] = snap(fx * x / z + cx)
            xy[i, 1] = snap(fy * y / z + cy)
    return xy, inv_z


@njit(**_JIT)
def pixel_bounds(xy, inv_z, w, h):
    """Return the pixels x0, y0, x1, y1 that triangles may touch (corner samples); x0 = x1 for none."""
    low_x = low_y = np.int64(1 << 40)
    high_x = high_y = np.int64(-(1 << 40))
    drawn = False
    for i in range(xy.shape[0]):
        if inv_z[i] == 0.0:
            drawn = True  # something is behind the near plane: its triangles may reach anywhere
            low_x = low_y = np.int64(0)
            high_x, high_y = np.int64(w) * SUBSTEPS, np.int64(h) * SUBSTEPS
            break
        if inv_z[i] > 0.0:
            drawn = True
            low_x, high_x = min(low_x, xy[i, 0]), max(high_x, xy[i, 0])
            low_y, high_y = min(low_y, xy[i, 1]), max(high_y, xy[i, 1])
    x0, x1 = max(low_x // SUBSTEPS - 1, 0), min(high_x // SUBSTEPS + 2, w)
    y0, y1 = max(low_y // SUBSTEPS - 1, 0), min(high_y // SUBSTEPS + 2, h)
    if not drawn or x0 >= x1 or y0 >= y1:
        return 0, 0, 0, 0
    return x0, y0, x1, y1
