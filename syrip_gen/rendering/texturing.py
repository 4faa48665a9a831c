"""Texture pyramids and filtered look-ups."""

import cv2
import numpy as np
from numba import njit

__all__ = ["build_pyramid", "fetch"]


def build_pyramid(texture: np.ndarray, gloss: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Pack a texture, its gloss and all their halvings into one array.

    Args:
        texture: (Ht, Wt, 3) uint8 sRGB.
        gloss: (Ht, Wt) uint8 or None for none.

    Returns:
        texels (N, 4) uint8 red, green, blue, gloss; levels (L, 3) int64 rows (first texel, height, width).
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
            return np.concatenate(pieces), np.array(table, dtype=np.int64)
        level = cv2.resize(level, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


@njit(nogil=True, cache=True, error_model="numpy")
def fetch(texels, levels, lod, u, v, linear_of_srgb):
    """Look up one point bilinearly in the pyramid level nearest to ``lod``; coordinates wrap around.

    Returns:
        Linear red, green and blue, and gloss, each 0..1 float32.
    """
    level = min(max(int(np.floor(lod + 0.5)), 0), levels.shape[0] - 1)
    start, height, width = levels[level, 0], levels[level, 1], levels[level, 2]
    x = u * width - np.float32(0.5)
    y = (np.float32(1.0) - v) * height - np.float32(0.5)
    x_floor, y_floor = np.floor(x), np.floor(y)
    tx, ty = x - x_floor, y - y_floor
    i0, j0 = int(x_floor) % width, int(y_floor) % height
    i1 = i0 + 1 if i0 + 1 < width else 0
    j1 = j0 + 1 if j0 + 1 < height else 0
    # Scalar reads only: a row view would count references, four times a look-up.
    a, b = start + j0 * width + i0, start + j0 * width + i1
    c, d = start + j1 * width + i0, start + j1 * width + i1
    one = np.float32(1.0)
    wa, wb, wc, wd = (one - tx) * (one - ty), tx * (one - ty), (one - tx) * ty, tx * ty
    t = linear_of_srgb
    red = wa * t[texels[a, 0]] + wb * t[texels[b, 0]] + wc * t[texels[c, 0]] + wd * t[texels[d, 0]]
    green = wa * t[texels[a, 1]] + wb * t[texels[b, 1]] + wc * t[texels[c, 1]] + wd * t[texels[d, 1]]
    blue = wa * t[texels[a, 2]] + wb * t[texels[b, 2]] + wc * t[texels[c, 2]] + wd * t[texels[d, 2]]
    gloss = wa * texels[a, 3] + wb * texels[b, 3] + wc * texels[c, 3] + wd * texels[d, 3]
    return red, green, blue, gloss * np.float32(1.0 / 255.0)
