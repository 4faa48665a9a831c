"""The first surface that the camera ray of each point meets, exactly (no z-buffer)."""

import numpy as np
from numba import njit

__all__ = ["first_hits"]

_GRID = 64
"""Cells a side of the grid of points."""
_NOWHERE = -2
_CRACK = 1e-9
"""Triangles are wider by this share, so that no ray slips through between two of them by rounding."""


def first_hits(
    pixels: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Intersect the camera rays through some pixels with a mesh, seen from either side.

    One pass over the triangles: a look into a coarse grid of the points, then an exact test in double
    precision. Triangles with a corner at or behind the
    camera plane, or one that is not finite, are left out.

    Args:
        pixels: (K, 2) image points, px.
        vertices: (V, 3) metres, camera frame (OpenCV axes).
        faces: (F, 3) integer vertex indices.
        fx: Focal length, px; fy likewise, cx and cy the principal point, px.
        fy: See ``fx``.
        cx: See ``fx``.
        cy: See ``fx``.

    Returns:
        face (K,) int64 first triangle on each ray, -1 where there is none; depth (K,) float64 metres along z
        of the intersection, inf where there is none.
    """
    slopes = (np.asarray(pixels, np.float64) - (cx, cy)) / (fx, fy)
    return _first_hits(
        np.ascontiguousarray(slopes),
        np.ascontiguousarray(vertices, np.float32),
        np.ascontiguousarray(faces, np.int32),
    )


@njit(nogil=True, cache=True, error_model="numpy")
def _first_hits(slopes, vertices, faces):  # pragma: no cover - compiled
    count = slopes.shape[0]
    face = np.full(count, -1, dtype=np.int64)
    depth = np.full(count, np.inf)
    members, cells = _sort_into_cells(slopes, vertices)
    for f in range(faces.shape[0]):
        a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        first = min(min(cells[a, 0], cells[b, 0]), cells[c, 0])
        if first == _NOWHERE:
            continue
        first, last = max(first, 0), min(max(max(cells[a, 0], cells[b, 0]), cells[c, 0]), _GRID - 1)
        top = max(min(min(cells[a, 1], cells[b, 1]), cells[c, 1]), 0)
        bottom = min(max(max(cells[a, 1], cells[b, 1]), cells[c, 1]), _GRID - 1)
        found = np.uint64(0)
        for row in range(top, bottom + 1):
            for column in range(first, last + 1):
                found |= members[row, column]
        if found == np.uint64(0):
            continue
        for k in range(count):
            if (found >> np.uint64(k & 63)) & np.uint64(1):
                z = _intersect(slopes[k, 0], slopes[k, 1], vertices[a], vertices[b], vertices[c])
                if 0.0 < z < depth[k]:
                    depth[k] = z
                    face[k] = f
    return face, depth


@njit(nogil=True, cache=True, error_model="numpy")
def _sort_into_cells(slopes, vertices):  # pragma: no cover - compiled
    """Lay a coarse grid over the points of the image.

    Returns:
        (grid, grid) uint64: which points lie in each cell, as a set of bits (64 of them take turns); (V, 2)
        int32 column and row of each vertex, -1 or the grid's size beside it, :data:`_NOWHERE` for vertices at
        or behind the camera plane or not finite.
    """
    slack = 1e-6  # of rounding; the exact test follows
    low_x, low_y = slopes[:, 0].min() - 2 * slack, slopes[:, 1].min() - 2 * slack
    to_column = _GRID / (slopes[:, 0].max() + 2 * slack - low_x)
    to_row = _GRID / (slopes[:, 1].max() + 2 * slack - low_y)
    members = np.zeros((_GRID, _GRID), dtype=np.uint64)
    for k in range(slopes.shape[0]):
        x, y = slopes[k, 0] - low_x, slopes[k, 1] - low_y
        for row in range(int((y - slack) * to_row), int((y + slack) * to_row) + 1):
            for column in range(int((x - slack) * to_column), int((x + slack) * to_column) + 1):
                members[row, column] |= np.uint64(1) << np.uint64(k & 63)
    cells = np.empty((vertices.shape[0], 2), dtype=np.int32)
    for i in range(vertices.shape[0]):
        z = np.float64(vertices[i, 2])
        x = (vertices[i, 0] / z - low_x) * to_column
        y = (vertices[i, 1] / z - low_y) * to_row
        if z > 0.0 and np.isfinite(x) and np.isfinite(y):
            cells[i, 0] = np.int32(np.floor(min(max(x, -1.0), np.float64(_GRID))))
            cells[i, 1] = np.int32(np.floor(min(max(y, -1.0), np.float64(_GRID))))
        else:
            cells[i, 0] = cells[i, 1] = _NOWHERE
    return members, cells


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _intersect(sx, sy, a, b, c):  # pragma: no cover - compiled
    """Return the depth z where ray (sx, sy, 1)·z meets a triangle, or -1 (Möller and Trumbore 1997)."""
    ax, ay, az = np.float64(a[0]), np.float64(a[1]), np.float64(a[2])
    e1x, e1y, e1z = b[0] - ax, b[1] - ay, b[2] - az
    e2x, e2y, e2z = c[0] - ax, c[1] - ay, c[2] - az
    px, py, pz = sy * e2z - e2y, e2x - sx * e2z, sx * e2y - sy * e2x
    det = e1x * px + e1y * py + e1z * pz
    if det == 0.0:
        return -1.0
    u = -(ax * px + ay * py + az * pz) / det
    qx, qy, qz = -(ay * e1z - az * e1y), -(az * e1x - ax * e1z), -(ax * e1y - ay * e1x)
    v = (sx * qx + sy * qy + qz) / det
    if not (u >= -_CRACK and v >= -_CRACK and u + v <= 1.0 + _CRACK):  # false for NaN
        return -1.0
    return (e2x * qx + e2y * qy + e2z * qz) / det
