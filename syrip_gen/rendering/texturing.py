"""Texture pyramids; :mod:`syrip_gen.rendering.point_lookup` looks them up."""

import cv2
import numpy as np
from numba import njit

__all__ = ["build_pyramid", "choose_levels", "plan_pyramid"]

_TEXELS_PER_PIXEL = 1.3
"""Texels of the full texture per pixel above which the next level is read: a little sharper than exact."""


def plan_pyramid(height: int, width: int) -> np.ndarray:
    """Return the levels of a texture's pyramid: (L, 3) int64 rows (first texel, height, width)."""
    table, start = [], 0
    while True:
        table.append((start, height, width))
        start += height * width
        if min(height, width) <= 4:
            return np.array(table, dtype=np.int32)
        height, width = height // 2, width // 2


def build_pyramid(
    texture: np.ndarray,
    gloss: np.ndarray | None,
    levels: np.ndarray,
    first: int = 0,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Pack a texture, its gloss and their halvings into one array.

    Args:
        texture: (Ht, Wt, 3) uint8 sRGB.
        gloss: (Ht, Wt) uint8 or None for none.
        levels: See :func:`plan_pyramid`.
        first: Levels before this one will not be read and are left undefined.
        out: Array of an earlier call to write into, if it has the right size.

    Returns:
        (N,) uint32, bytes red, green, blue, gloss from the lowest.
    """
    size = int(levels[-1, 0] + levels[-1, 1] * levels[-1, 2])
    if out is None or len(out) != size:
        out = np.empty(size, dtype="<u4")
    texels = out.view(np.uint8).reshape(-1, 4)
    for _ in range(first):
        halved = (texture.shape[1] // 2, texture.shape[0] // 2)
        texture = cv2.resize(texture, halved, interpolation=cv2.INTER_AREA)
        gloss = None if gloss is None else cv2.resize(gloss, halved, interpolation=cv2.INTER_AREA)
    previous = None
    for start, height, width in levels[first:].tolist():
        level = texels[start : start + height * width].reshape(height, width, 4)
        if previous is not None:
            cv2.resize(previous, (width, height), dst=level, interpolation=cv2.INTER_AREA)
        else:
            cv2.cvtColor(np.ascontiguousarray(texture), cv2.COLOR_RGB2RGBA, dst=level)
            flat = np.zeros(height * width, np.uint8) if gloss is None else np.ravel(gloss)
            _set_gloss(out[start : start + height * width], flat)
        previous = level
    return out


@njit(nogil=True, cache=True, error_model="numpy")
def _set_gloss(texels, gloss):
    """Replace the highest byte of each texel."""
    for i in range(texels.shape[0]):
        texels[i] = (texels[i] & np.uint32(0xFFFFFF)) | (np.uint32(gloss[i]) << np.uint32(24))


@njit(nogil=True, cache=True, error_model="numpy")
def choose_levels(seen_faces, xy, inv_z, faces, corner_uv, levels):
    """Choose the pyramid level of each triangle in sight: the one whose texels are about as large as a pixel.

    Args:
        seen_faces: (S,) int32 triangles in sight.
        xy: (V, 2) int32 snapped positions, 1/256 px; inv_z (V,) float64.
        inv_z: See ``xy``.
        faces: (F, 3) int32.
        corner_uv: (F, 6) float32 u, v of each triangle's three corners.
        levels: See :func:`plan_pyramid`.

    Returns:
        (F,) uint8, undefined for triangles out of sight; and the finest level that is used.
    """
    chosen = np.empty(faces.shape[0], dtype=np.uint8)
    size, per_pixel = np.float32(levels[0, 1] * levels[0, 2]), np.float32(_TEXELS_PER_PIXEL)
    to_pixels, least, four = np.float32(1.0 / 65536.0), np.float32(1e-3), np.float32(4.0)
    finest = coarsest = levels.shape[0] - 1
    for k in range(seen_faces.shape[0]):
        f = np.uint32(seen_faces[k])
        level = 0
        a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        if min(min(inv_z[a], inv_z[b]), inv_z[c]) > 0.0:
            x0, y0 = np.float32(xy[a, 0]), np.float32(xy[a, 1])
            x1, y1 = np.float32(xy[b, 0]) - x0, np.float32(xy[b, 1]) - y0
            x2, y2 = np.float32(xy[c, 0]) - x0, np.float32(xy[c, 1]) - y0
            area = abs(x1 * y2 - x2 * y1) * to_pixels
            s1, t1 = corner_uv[f, 2] - corner_uv[f, 0], corner_uv[f, 3] - corner_uv[f, 1]
            s2, t2 = corner_uv[f, 4] - corner_uv[f, 0], corner_uv[f, 5] - corner_uv[f, 1]
            texels = abs(s1 * t2 - s2 * t1) * size
            limit = max(area, least) * per_pixel
            while texels > limit and level < coarsest:
                level += 1
                limit *= four
        chosen[f] = level
        finest = min(finest, level)
    return chosen, finest
