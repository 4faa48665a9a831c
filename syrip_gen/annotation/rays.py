"""The first surface that the camera ray of each point meets, exactly (no z-buffer)."""

import numpy as np
from numba import njit

__all__ = ["first_hits"]

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

    One pass over the triangles: a cheap test of their extent on the image, then an exact one in double
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
    image = np.empty((vertices.shape[0], 2), dtype=np.float32)
    for i in range(vertices.shape[0]):
        z = vertices[i, 2]
        if z > 0.0:
            image[i, 0] = vertices[i, 0] / z
            image[i, 1] = vertices[i, 1] / z
        else:  # at or behind the camera plane, or not a number
            image[i, 0] = np.nan
            image[i, 1] = np.nan
    low_x, high_x = slopes[:, 0].min(), slopes[:, 0].max()
    low_y, high_y = slopes[:, 1].min(), slopes[:, 1].max()
    slack = np.float32(1e-6)  # of float32 rounding; the exact test follows
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if np.isnan(image[a, 0]) or np.isnan(image[b, 0]) or np.isnan(image[c, 0]):
            continue
        x_min = min(image[a, 0], image[b, 0], image[c, 0]) - slack
        x_max = max(image[a, 0], image[b, 0], image[c, 0]) + slack
        y_min = min(image[a, 1], image[b, 1], image[c, 1]) - slack
        y_max = max(image[a, 1], image[b, 1], image[c, 1]) + slack
        if x_max < low_x or x_min > high_x or y_max < low_y or y_min > high_y:
            continue
        for k in range(count):
            sx, sy = slopes[k, 0], slopes[k, 1]
            if sx < x_min or sx > x_max or sy < y_min or sy > y_max:
                continue
            z = _intersect(sx, sy, vertices[a], vertices[b], vertices[c])
            if 0.0 < z < depth[k]:
                depth[k] = z
                face[k] = f
    return face, depth


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
