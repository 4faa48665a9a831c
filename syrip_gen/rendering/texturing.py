"""Texture pyramids and filtered look-ups."""

import cv2
import numpy as np
from numba import njit

__all__ = ["build_pyramid", "choose_levels", "fetch"]

_TEXELS_PER_PIXEL = 1.3
"""Texels of the full texture per pixel above which the next level is read: a little sharper than exact."""


def build_pyramid(texture: np.ndarray, gloss: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Pack a texture, its gloss and all their halvings into one array.

    Args:
        texture: (Ht, Wt, 3) uint8 sRGB.
        gloss: (Ht, Wt) uint8 or None for none.

    Returns:
        texels (N,) uint32, bytes red, green, blue, gloss from the lowest; levels (L, 3) int64 rows (first texel, height, width).
    """
    if gloss is None:
        level = cv2.cvtColor(texture, cv2.COLOR_RGB2RGBA)
        level[..., 3] = 0
    else:
        level = cv2.merge([*cv2.split(texture), gloss])
    pieces, table, start = [], [], 0
    while True:
        height, width = level.shape[:2]
        pieces.append(level.reshape(-1, 4))
        table.append((start, height, width))
        start += height * width
        if min(height, width) <= 4:
            return np.concatenate(pieces).view("<u4").ravel(), np.array(table, dtype=np.int64)
        level = cv2.resize(level, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


@njit(nogil=True, cache=True, error_model="numpy")
def choose_levels(xy, inv_z, faces, uv, uv_faces, levels):
    """Choose each triangle's pyramid level: the one whose texels are about as large as a pixel.

    Args:
        xy: (V, 2) int64 snapped positions on the half-pixel lattice; inv_z (V,) float64.
        inv_z: See ``xy``.
        faces: (F, 3) int32.
        uv: (U, 2) float32.
        uv_faces: (F, 3) int32.
        levels: See :func:`build_pyramid`.

    Returns:
        (F,) uint8.
    """
    chosen = np.zeros(faces.shape[0], dtype=np.uint8)
    size = np.float64(levels[0, 1] * levels[0, 2])
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if not (inv_z[a] > 0.0 and inv_z[b] > 0.0 and inv_z[c] > 0.0):
            continue
        x1, y1 = xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]
        x2, y2 = xy[c, 0] - xy[a, 0], xy[c, 1] - xy[a, 1]
        area = abs(x1 * y2 - x2 * y1) * (1.0 / (4.0 * 65536.0))  # half pixels in 1/256 steps -> px²
        ta, tb, tc = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
        s1, t1 = uv[tb, 0] - uv[ta, 0], uv[tb, 1] - uv[ta, 1]
        s2, t2 = uv[tc, 0] - uv[ta, 0], uv[tc, 1] - uv[ta, 1]
        texels = abs(s1 * t2 - s2 * t1) * size
        limit = max(area, 1e-3) * _TEXELS_PER_PIXEL
        level = 0
        while texels > limit and level < levels.shape[0] - 1:
            level += 1
            limit *= 4.0
        chosen[f] = level
    return chosen


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def fetch(texels, levels, level, u, v, linear_of_srgb):
    """Look up one point bilinearly in one pyramid level; coordinates wrap around.

    Returns:
        Linear red, green and blue, and gloss, each 0..1 float32.
    """
    start, height, width = levels[level, 0], levels[level, 1], levels[level, 2]
    x = (u - np.floor(u)) * width - np.float32(0.5)
    y = (np.float32(1.0) - (v - np.floor(v))) * height - np.float32(0.5)
    i0, j0 = int(np.floor(x)), int(np.floor(y))
    tx, ty = np.float32(x - i0), np.float32(y - j0)
    i0 = i0 if i0 >= 0 else width - 1
    j0 = j0 if j0 >= 0 else height - 1
    j0 = j0 if j0 < height else 0
    i1 = i0 + 1 if i0 + 1 < width else 0
    j1 = j0 + 1 if j0 + 1 < height else 0
    # Scalar reads only: a row view would count references, four times a look-up.
    a, b = texels[start + j0 * width + i0], texels[start + j0 * width + i1]
    c, d = texels[start + j1 * width + i0], texels[start + j1 * width + i1]
    one = np.float32(1.0)
    wa, wb, wc, wd = (one - tx) * (one - ty), tx * (one - ty), (one - tx) * ty, tx * ty
    t = linear_of_srgb
    red = wa * t[a & 255] + wb * t[b & 255] + wc * t[c & 255] + wd * t[d & 255]
    a, b, c, d = a >> 8, b >> 8, c >> 8, d >> 8
    green = wa * t[a & 255] + wb * t[b & 255] + wc * t[c & 255] + wd * t[d & 255]
    a, b, c, d = a >> 8, b >> 8, c >> 8, d >> 8
    blue = wa * t[a & 255] + wb * t[b & 255] + wc * t[c & 255] + wd * t[d & 255]
    gloss = wa * np.float32(a >> 8) + wb * np.float32(b >> 8) + wc * np.float32(c >> 8) + wd * np.float32(d >> 8)
    return red, green, blue, gloss * np.float32(1.0 / 255.0)
