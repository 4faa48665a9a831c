"""The convex hull of a few hundred points (compiled): how a body may come to rest."""

import numpy as np
from numba import njit

__all__ = ["convex_hull"]

FLAT = 1e-10
"""Points no farther from a facet's plane lie on it, in units of the points."""


def convex_hull(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the facets of the convex hull of (n, 3) points, found point by point.

    Every point that is outside the hull of those before it replaces the facets that it sees by a fan to their
    rim (Clarkson and Shor 1989, without their conflict lists: a few hundred points need none).

    Returns:
        (m, 3) outward unit normals, (m,) offsets (n · x + offset <= 0 inside) and (m, 3) corner numbers;
        empty where the points lie in a plane.
    """
    points = np.ascontiguousarray(points, np.float64)
    away = points - points.mean(axis=0)
    # The farthest first: most of the others then lie inside at once.
    order = np.argsort(-np.einsum("ij,ij->i", away, away), kind="stable")
    planes, corners = _hull(points, order)
    return planes[:, :3], planes[:, 3], corners


@njit(nogil=True, cache=True, error_model="numpy")
def _plane(points, a, b, c, plane):
    """Write the unit normal and the offset of a triangle; return twice its area."""
    ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    area = np.sqrt(nx * nx + ny * ny + nz * nz)
    scale = 1.0 / max(area, 1e-300)
    plane[0], plane[1], plane[2] = nx * scale, ny * scale, nz * scale
    plane[3] = -(plane[0] * points[a, 0] + plane[1] * points[a, 1] + plane[2] * points[a, 2])
    return area


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _height(plane, points, i):
    """Return how far a point lies above a plane."""
    return plane[0] * points[i, 0] + plane[1] * points[i, 1] + plane[2] * points[i, 2] + plane[3]


@njit(nogil=True, cache=True, error_model="numpy")
def _first_four(points, order, plane):
    """Return the corners of a tetrahedron, seen from the last the others turn left; whether there is one."""
    a, b, c, d = order[0], order[0], order[0], order[0]
    best = 0.0
    for i in order:
        far = np.sum((points[i] - points[a]) ** 2)
        if far > best:
            best, b = far, i
    best = FLAT
    for i in order:
        area = _plane(points, a, b, i, plane)
        if area > best:
            best, c = area, i
    if c == a:
        return a, b, c, d, False
    _plane(points, a, b, c, plane)
    best = FLAT
    for i in order:
        height = abs(_height(plane, points, i))
        if height > best:
            best, d = height, i
    if d == a:
        return a, b, c, d, False
    if _height(plane, points, d) > 0.0:
        b, c = c, b
    return a, b, c, d, True


@njit(nogil=True, cache=True, error_model="numpy")
def _hull(points, order):
    """Return the planes (m, 4) and the corners (m, 3) of :func:`convex_hull`."""
    n = len(points)
    planes, corners = np.empty((4 * n, 4)), np.empty((4 * n, 3), np.int64)
    # The facet to the left of the edge from one corner to another.
    left_of = np.empty((n, n), np.int16)
    a, b, c, d, is_solid = _first_four(points, order, planes[0])
    if not is_solid:
        return planes[:0], corners[:0]
    count = 0
    for p, q, r in ((a, b, c), (a, d, b), (b, d, c), (c, d, a)):
        corners[count, 0], corners[count, 1], corners[count, 2] = p, q, r
        left_of[p, q] = left_of[q, r] = left_of[r, p] = count
        _plane(points, p, q, r, planes[count])
        count += 1
    seen, is_seen = np.empty(len(planes), np.int64), np.zeros(len(planes), np.bool_)
    rim = np.empty((len(planes), 2), np.int64)
    for i in order:
        num_seen = 0
        for f in range(count):
            if _height(planes[f], points, i) > FLAT:
                seen[num_seen] = f
                is_seen[f] = True
                num_seen += 1
        num_rim = 0
        for k in range(num_seen):
            for e in range(3):
                p, q = corners[seen[k], e], corners[seen[k], (e + 1) % 3]
                if not is_seen[left_of[q, p]]:
                    rim[num_rim, 0], rim[num_rim, 1] = p, q
                    num_rim += 1
        for k in range(num_seen):
            is_seen[seen[k]] = False
        # The fan takes the places of the facets that are gone.
        for k in range(num_rim):
            f = seen[k] if k < num_seen else count
            count += 1 if k >= num_seen else 0
            p, q = rim[k, 0], rim[k, 1]
            corners[f, 0], corners[f, 1], corners[f, 2] = p, q, i
            left_of[p, q] = left_of[q, i] = left_of[i, p] = f
            _plane(points, p, q, i, planes[f])
        for k in range(num_seen - 1, num_rim - 1, -1):  # more gone than come: the last ones move up
            count -= 1
            f = seen[k]
            if f != count:
                planes[f] = planes[count]
                for e in range(3):
                    corners[f, e] = corners[count, e]
                for e in range(3):
                    left_of[corners[f, e], corners[f, (e + 1) % 3]] = f
    return planes[:count].copy(), corners[:count].copy()
