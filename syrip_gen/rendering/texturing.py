"""Texture pyramids and filtered look-ups."""

import cv2
import numpy as np
from numba import njit

__all__ = ["build_pyramid", "choose_levels", "fetch", "plan_pyramid"]

_TEXELS_PER_PIXEL = 1.3
"""Texels of the full texture per pixel above which the next level is read: a little sharper than exact."""


def plan_pyramid(height: int, width: int) -> np.ndarray:
    """Return the levels of a texture's pyramid: (L, 3) int64 rows (first texel, height, width)."""
    table, start = [], 0
    while True:
        table.append((start, height, width))
        start += height * width
        if min(height, width) <= 4:
            return np.array(table, dtype=np.int64)
        height, width = height // 2, width // 2


def build_pyramid(
    texture: np.ndarray, gloss: np.ndarray | None, levels: np.ndarray, first: int = 0
) -> np.ndarray:
    """Pack a texture, its gloss and their halvings into one array.

    Args:
        texture: (Ht, Wt, 3) uint8 sRGB.
        gloss: (Ht, Wt) uint8 or None for none.
        levels: See :func:`plan_pyramid`.
        first: Levels before this one will not be read and are left undefined.

    Returns:
        (N,) uint32, bytes red, green, blue, gloss from the lowest.
    """
    texels = np.empty((int(levels[-1, 0] + levels[-1, 1] * levels[-1, 2]), 4), dtype=np.uint8)
    for _ in range(first):
        size = (texture.shape[1] // 2, texture.shape[0] // 2)
        texture = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
        gloss = None if gloss is None else cv2.resize(gloss, size, interpolation=cv2.INTER_AREA)
    previous = None
    for start, height, width in levels[first:].tolist():
        level = texels[start : start + height * width].reshape(height, width, 4)
        if previous is None:
            cv2.cvtColor(np.ascontiguousarray(texture), cv2.COLOR_RGB2RGBA, dst=level)
            level[..., 3] = 0 if gloss is None else gloss
        else:
            cv2.resize(previous, (width, height), dst=level, interpolation=cv2.INTER_AREA)
        previous = level
    return texels.view("<u4").ravel()


@njit(nogil=True, cache=True, error_model="numpy")
def choose_levels(point_face, xy, inv_z, faces, uv, uv_faces, levels):
    """Choose the pyramid level of each triangle in sight: the one whose texels are about as large as a pixel.

    Args:
        point_face: (S,) int32 triangles in sight, repeated or not.
        xy: (V, 2) int32 snapped positions, 1/256 px; inv_z (V,) float64.
        inv_z: See ``xy``.
        faces: (F, 3) int32.
        uv: (U, 2) float32.
        uv_faces: (F, 3) int32.
        levels: See :func:`plan_pyramid`.

    Returns:
        (F,) uint8, 255 for triangles out of sight; and the finest level that is used.
    """
    unknown = np.uint8(255)
    chosen = np.full(faces.shape[0], unknown, dtype=np.uint8)
    size = np.float64(levels[0, 1] * levels[0, 2])
    finest = levels.shape[0] - 1
    for s in range(point_face.shape[0]):
        f = point_face[s]
        if chosen[f] != unknown:
            continue
        level = 0
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if inv_z[a] > 0.0 and inv_z[b] > 0.0 and inv_z[c] > 0.0:
            x1, y1 = np.int64(xy[b, 0]) - xy[a, 0], np.int64(xy[b, 1]) - xy[a, 1]
            x2, y2 = np.int64(xy[c, 0]) - xy[a, 0], np.int64(xy[c, 1]) - xy[a, 1]
            area = abs(x1 * y2 - x2 * y1) * (1.0 / 65536.0)  # 1/256 px steps -> px²
            ta, tb, tc = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
            s1, t1 = uv[tb, 0] - uv[ta, 0], uv[tb, 1] - uv[ta, 1]
            s2, t2 = uv[tc, 0] - uv[ta, 0], uv[tc, 1] - uv[ta, 1]
            texels = abs(s1 * t2 - s2 * t1) * size
            limit = max(area, 1e-3) * _TEXELS_PER_PIXEL
            while texels > limit and level < levels.shape[0] - 1:
                level += 1
                limit *= 4.0
        chosen[f] = level
        finest = min(finest, level)
    return chosen, finest


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
    gloss = (
        wa * np.float32(a >> 8) + wb * np.float32(b >> 8) + wc * np.float32(c >> 8) + wd * np.float32(d >> 8)
    )
    return red, green, blue, gloss * np.float32(1.0 / 255.0)
