"""The first surface that the camera ray of each point meets, exactly (no z-buffer)."""

import numpy as np
from numba import njit

__all__ = ["first_hits"]

_STRIPS = 1024
"""Strips that the image is cut into, each way, to tell on which side of the points a vertex lies."""
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

    One pass over the triangles: a look at which points their boxes may hold, then an exact test in double
    precision. Triangles with a corner at or behind the camera plane, or one that is not finite, are left out.

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
    sides = _sides(slopes, vertices)
    half = np.uint64(32)
    for f in range(faces.shape[0]):
        a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        across = sides[a, 0] | sides[b, 0] | sides[c, 0]
        down = sides[a, 1] | sides[b, 1] | sides[c, 1]
        found = np.uint32(across & (across >> half)) & np.uint32(down & (down >> half))
        if found == 0 or not (vertices[a, 2] > 0.0 and vertices[b, 2] > 0.0 and vertices[c, 2] > 0.0):
            continue
        for k in range(count):
            if (found >> np.uint32(k & 31)) & np.uint32(1):
                z = _intersect(slopes[k, 0], slopes[k, 1], vertices[a], vertices[b], vertices[c])
                if 0.0 < z < depth[k]:
                    depth[k] = z
                    face[k] = f
    return face, depth


@njit(nogil=True, cache=True, error_model="numpy")
def _sides(slopes, vertices):  # pragma: no cover - compiled
    """Tell on which side of the points each vertex lies, as sets of bits in which 32 points take turns.

    Returns:
        (V, 2) uint64 across and down: the lower half holds the points at which or before which the vertex may
        lie, the upper half those at which or behind which it may lie. Undefined for vertices at or behind the
        camera plane.
    """
    slack = 1e-6  # of rounding; the exact test follows
    low_x, low_y = slopes[:, 0].min() - 3 * slack, slopes[:, 1].min() - 3 * slack
    x_scale = (_STRIPS - 2) / (slopes[:, 0].max() + 3 * slack - low_x)
    y_scale = (_STRIPS - 2) / (slopes[:, 1].max() + 3 * slack - low_y)
    across, down = _strips(slopes[:, 0], low_x, x_scale, slack), _strips(slopes[:, 1], low_y, y_scale, slack)
    sides = np.empty((vertices.shape[0], 2), dtype=np.uint64)
    last = np.float64(_STRIPS - 1)
    for i in range(vertices.shape[0]):
        z = np.float64(vertices[i, 2])
        x = (vertices[i, 0] / z - low_x) * x_scale + 1.0
        y = (vertices[i, 1] / z - low_y) * y_scale + 1.0
        x, y = (x if x > 0.0 else 0.0), (y if y > 0.0 else 0.0)  # NaN, too
        sides[i, 0], sides[i, 1] = across[np.uint32(min(x, last))], down[np.uint32(min(y, last))]
    return sides


@njit(nogil=True, cache=True, error_model="numpy")
def _strips(places, low, scale, slack):  # pragma: no cover - compiled
    """Return (strips,) uint64: what :func:`_sides` says of a vertex in each strip; the outer two are open."""
    strips = np.zeros(_STRIPS, dtype=np.uint64)
    one = np.uint64(1)
    for k in range(places.shape[0]):
        first = int((places[k] - slack - low) * scale + 1.0)
        last = int((places[k] + slack - low) * scale + 1.0)
        before, behind = one << np.uint64(k & 31), one << np.uint64((k & 31) + 32)
        for strip in range(last + 1):
            strips[strip] |= before
        for strip in range(first, _STRIPS):
            strips[strip] |= behind
    return strips


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
