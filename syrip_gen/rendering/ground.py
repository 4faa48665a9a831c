"""The picture behind the body, darkened where the plane that it lies on is in the body's shadow."""

import cv2
import numpy as np
from numba import njit

from syrip_gen.rendering.ground_shadow import GroundShadow

__all__ = ["darken_ground"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_STEP = 4
"""Shadows are soft: they are looked up once for so many pixels each way."""
_DARKEST = 0.10
_INVISIBLE = 2
"""Shadows of so many 255ths are left out."""
_GAMMA_OF_SHARE = np.round(255.0 * np.maximum(np.arange(256) / 255.0, _DARKEST) ** (1 / 2.2)).astype(np.uint8)
"""What scaling linear light by n/255 does to sRGB values, by the power law that sRGB follows."""


def darken_ground(rgb: np.ndarray, shadow: GroundShadow, fx: float, fy: float, cx: float, cy: float) -> None:
    """Darken the picture ``rgb`` (H, W, 3) in place where the plane is in the body's shadow.

    Each colour keeps the share of the plane's light that still arrives, so the shadow of a warm key light
    is cool.
    """
    h, w = rgb.shape[:2]
    size = (-(-w // _STEP), -(-h // _STEP))
    middle = 0.5 * _STEP
    ray_of_cell = np.array(
        [[_STEP / fx, 0.0, (middle - cx) / fx], [0.0, _STEP / fy, (middle - cy) / fy], [0.0, 0.0, 1.0]]
    )
    axes = shadow.axes.astype(np.float64)
    plane_of_ray = np.stack([-shadow.offset * axes[0], -shadow.offset * axes[1], axes[2]])
    plane_of_cell = plane_of_ray @ ray_of_cell
    blocked = _warp(shadow.ambient, shadow.ambient_grid, plane_of_cell, size)
    shaded = _warp(shadow.key, shadow.key_grid, plane_of_cell, size)
    ratio = shadow.key_light / (shadow.key_light + shadow.ambient_light)
    left = np.empty((size[1], size[0], 3), dtype=np.uint8)
    climb = -np.sign(shadow.offset) * (axes[2] @ ray_of_cell)
    rows, columns = _light_left(blocked, shaded, climb, ratio.astype(np.float32), _GAMMA_OF_SHARE, left)
    if rows[0] < rows[1]:
        part = left[rows[0] : rows[1], columns[0] : columns[1]]
        size = (_STEP * (columns[1] - columns[0]), _STEP * (rows[1] - rows[0]))
        full = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
        window = rgb.reshape(h, 3 * w)[_STEP * rows[0] : _STEP * rows[1], 3 * _STEP * columns[0] :]
        _scale_bytes(window, full.reshape(size[1], 3 * size[0]))


@njit(**_JIT)
def _scale_bytes(picture, factors):
    """Multiply bytes (h, w) by 255ths, rounded, in place; ``factors`` may reach beyond either end."""
    for j in range(min(picture.shape[0], factors.shape[0])):
        row, factor = picture[j], factors[j]
        for i in range(min(row.shape[0], factor.shape[0])):
            product = np.uint16(np.uint16(row[i]) * np.uint16(factor[i]) + np.uint16(128))
            row[i] = np.uint8(np.uint16(product + np.uint16(product >> np.uint16(8))) >> np.uint16(8))


def _warp(
    values: np.ndarray, grid: np.ndarray, plane_of_cell: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Draw a map of the plane as the camera sees it, mirrored beyond the horizon; (size) uint8, 255 = all."""
    cell = float(grid[2])
    cell_of_plane = np.array(
        [[1 / cell, 0.0, -grid[0] / cell - 0.5], [0.0, 1 / cell, -grid[1] / cell - 0.5], [0.0, 0.0, 1.0]]
    )
    return cv2.warpPerspective(
        cv2.convertScaleAbs(values, alpha=255.0),
        cell_of_plane @ plane_of_cell,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )


@njit(**_JIT)
def _light_left(blocked, shaded, climb, ratio, table, left):
    """Fill ``left`` (255 = all) with the factor of sRGB values.

    Rays for which ``climb`` · (column, row, 1) is not positive do not meet the plane in front of the camera.

    Returns:
        The first and end row, and the first and end column, that any shadow touches, with a margin of one.
    """
    half, full = np.float32(0.5), np.float32(255.0)
    h, w = blocked.shape
    top, bottom, first, last = h, -1, w, -1
    for j in range(h):
        row = climb[1] * j + climb[2]
        for i in range(w):
            a, k = blocked[j, i], shaded[j, i]
            if (a <= _INVISIBLE and k <= _INVISIBLE) or climb[0] * i + row <= 0.0:
                left[j, i, 0] = left[j, i, 1] = left[j, i, 2] = 255
                continue
            top, bottom = min(top, j), j
            first, last = min(first, i), max(last, i)
            a32, k32 = np.float32(a), np.float32(k)
            for c in range(3):
                left[j, i, c] = table[int(full - a32 - ratio[c] * (k32 - a32) + half)]
    if bottom < 0:
        return (0, 0), (0, 0)
    return (max(top - 1, 0), min(bottom + 2, h)), (max(first - 1, 0), min(last + 2, w))
