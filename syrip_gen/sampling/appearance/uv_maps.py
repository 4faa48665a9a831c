"""Which point of the body's surface each texel of its texture shows."""

from dataclasses import dataclass

import numpy as np
from numba import njit

__all__ = ["TexelMap", "map_texels", "spread_rows"]

BLEED = 14.0
"""Texels around the islands that repeat their colours, so that reduced textures see no gaps either."""


@dataclass(frozen=True, slots=True, eq=False)
class TexelMap:
    """The texels that show a part of the surface, with a gutter around every UV island."""

    size: int
    """Width and height of the texture in texels."""
    flat: np.ndarray
    """(N,) int32 indices of those texels in the flattened (row-major, first row = v 1) texture."""
    face: np.ndarray
    """(N,) int32 triangle of each."""
    barycentric: np.ndarray
    """(N, 3) float32 weights of the triangle's corners; a gutter's texel repeats the island's edge."""

    bleed: np.ndarray
    """(2, M) int32 unused texels near the islands, and the used texel nearest to each."""

    def interpolate(self, values: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """Carry per-vertex values (V,) or (V, C) over to the texels as float32.

        Args:
            values: One row per vertex.
            faces: (F, 3) vertex indices of the triangles (not ``uv_faces``).
        """
        values = np.asarray(values, np.float32)
        columns = values.reshape(len(values), -1)
        out = np.empty((len(self.flat), columns.shape[1]), np.float32)
        _interpolate(np.ascontiguousarray(columns), faces.astype(np.int32), self.face, self.barycentric, out)
        return out.reshape((len(self.flat), *values.shape[1:]))

    def image(self, values: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Spread texel values (N,) or (N, C) over a (size, size[, C]) image."""
        out = np.full((self.size * self.size, *values.shape[1:]), fill, values.dtype)
        out[self.flat] = values
        return out.reshape((self.size, self.size, *values.shape[1:]))


def map_texels(
    uv: np.ndarray, uv_faces: np.ndarray, size: int, gutter: float = 3.0, priority: np.ndarray | None = None
) -> TexelMap:
    """Rasterise the UV triangles.

    Args:
        uv: (U, 2) coordinates in [0, 1], v up.
        uv_faces: (F, 3) indices into ``uv``.
        size: Width and height of the texture in texels.
        gutter: Texels by which every island is extended beyond its edge, so that bilinear reads never see a
        hole.
        priority: (F,) where triangles overlap, the one with the highest value is kept; None = the first.
    """
    from scipy import ndimage

    pixels = np.empty(uv.shape, np.float64)
    pixels[:, 0] = uv[:, 0] * size - 0.5
    pixels[:, 1] = (1.0 - uv[:, 1]) * size - 0.5
    face = np.full((size, size), -1, np.int32)
    barycentric = np.zeros((size, size, 3), np.float32)
    order = np.arange(len(uv_faces)) if priority is None else np.argsort(-priority, kind="stable")
    _rasterise(pixels, uv_faces.astype(np.int32), order, face, barycentric)
    distance, (rows, columns) = ndimage.distance_transform_edt(face < 0, return_indices=True)
    wanted = distance <= gutter
    r, c = np.nonzero(wanted)
    source = face[rows[wanted], columns[wanted]]
    weights = np.empty((len(source), 3), np.float32)
    _closest(pixels, uv_faces.astype(np.int32), source, c.astype(np.float64), r.astype(np.float64), weights)
    flat = (r * size + c).astype(np.int32)
    distance, (rows, columns) = ndimage.distance_transform_edt(~wanted, return_indices=True)
    around = (distance > 0) & (distance <= BLEED)
    bleed = np.stack([np.flatnonzero(around), (rows[around] * size + columns[around])])
    return TexelMap(size, flat, source, weights, bleed.astype(np.int32))


def spread_rows(texel_map: TexelMap) -> np.ndarray:
    """Return (2, M) int32: every texel of the islands and around them in order, and the row that it shows."""
    row_of = np.full(texel_map.size**2, -1, np.int32)
    row_of[texel_map.flat] = np.arange(len(texel_map.flat), dtype=np.int32)
    row_of[texel_map.bleed[0]] = row_of[texel_map.bleed[1]]
    used = np.flatnonzero(row_of >= 0).astype(np.int32)
    return np.stack([used, row_of[used]])


@njit(cache=True, nogil=True)
def _weights(pixels, triangle, x, y):
    ax, ay = pixels[triangle[0], 0], pixels[triangle[0], 1]
    bx, by = pixels[triangle[1], 0] - ax, pixels[triangle[1], 1] - ay
    cx, cy = pixels[triangle[2], 0] - ax, pixels[triangle[2], 1] - ay
    area = bx * cy - by * cx
    if abs(area) < 1e-12:
        return 1.0, 0.0, 0.0
    x -= ax
    y -= ay
    b = (x * cy - y * cx) / area
    c = (bx * y - by * x) / area
    return 1.0 - b - c, b, c


@njit(cache=True, nogil=True)
def _rasterise(pixels, uv_faces, order, face, barycentric):
    height, width = face.shape
    for f in order:
        t = uv_faces[f]
        x0 = min(pixels[t[0], 0], pixels[t[1], 0], pixels[t[2], 0])
        x1 = max(pixels[t[0], 0], pixels[t[1], 0], pixels[t[2], 0])
        y0 = min(pixels[t[0], 1], pixels[t[1], 1], pixels[t[2], 1])
        y1 = max(pixels[t[0], 1], pixels[t[1], 1], pixels[t[2], 1])
        for r in range(max(0, int(np.ceil(y0))), min(height - 1, int(np.floor(y1))) + 1):
            for c in range(max(0, int(np.ceil(x0))), min(width - 1, int(np.floor(x1))) + 1):
                a, b, d = _weights(pixels, t, float(c), float(r))
                if a >= -1e-9 and b >= -1e-9 and d >= -1e-9 and face[r, c] < 0:
                    face[r, c] = f
                    barycentric[r, c, 0] = a
                    barycentric[r, c, 1] = b
                    barycentric[r, c, 2] = d


@njit(cache=True, nogil=True)
def _closest(pixels, uv_faces, source, xs, ys, out):
    """Weights of the texel in its triangle, clamped onto it."""
    for i in range(source.shape[0]):
        a, b, c = _weights(pixels, uv_faces[source[i]], xs[i], ys[i])
        a, b, c = max(a, 0.0), max(b, 0.0), max(c, 0.0)
        total = a + b + c
        out[i, 0] = a / total
        out[i, 1] = b / total
        out[i, 2] = c / total


@njit(cache=True, nogil=True)
def _interpolate(values, faces, face, barycentric, out):
    for i in range(face.shape[0]):
        t = faces[face[i]]
        for k in range(values.shape[1]):
            out[i, k] = (
                values[t[0], k] * barycentric[i, 0]
                + values[t[1], k] * barycentric[i, 1]
                + values[t[2], k] * barycentric[i, 2]
            )
