"""The body's soft shadows on the plane it lies on: blocked ambient light and the key light's shadow.

Both come from height maps of the body over the plane: the lowest body point above each cell, seen straight
up for the ambient light and along the light for the key light. A cell of area A at height h takes from a
ground point at horizontal distance r the share A h² / (pi (h² + r²)²) of its ambient light (the form factor
of two parallel patches), a blur whose width grows with h; the key light's penumbra is a blur that grows
with h, too.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from syrip_gen.rendering.frames import frame_around
from syrip_gen.rendering.lighting import irradiance
from syrip_gen.rendering.zbuffer import finite_bounds

__all__ = ["GroundShadow", "cast_ground_shadow", "darken_ground", "plane_axes"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_CELLS = 96
_DENSE = 6000
"""A body of so many vertices has them closer together than two cells, so triangles need not be looked at."""
_SOFT_CELLS = 0.8
"""Blur of everything, in cells, so that cells do not show."""
_CEILING_M = 8.0
"""Higher than any body over its support."""
_MARGIN_M = 0.22
_LEVELS_M = np.array([0.0, 0.012, 0.035, 0.09, 0.22], dtype=np.float32)
"""Heights between which the body is split; everything higher counts as the last."""
_NARROW, _WIDE = 0.6, 1.7
"""Two Gaussians of these widths times h, in shares of 0.6 and 0.4, follow the form factor within 0.03."""
_NARROW_SHARE = 0.6
_MIN_SLOPE = 0.3
"""Sine of the lowest key light that casts its true shadow; lower ones would cast it over the whole room."""
_DARKEST = 0.10
_INVISIBLE = 2
"""Shadows of so many 255ths are left out."""
_GAMMA_OF_SHARE = np.round(255.0 * np.maximum(np.arange(256) / 255.0, _DARKEST) ** (1 / 2.2)).astype(np.uint8)
"""What scaling linear light by n/255 does to sRGB values, by the power law that sRGB follows."""


@dataclass(frozen=True, slots=True, eq=False)
class GroundShadow:
    """Two maps over the support plane and where they lie."""

    axes: np.ndarray
    """(3, 3) rows: two unit vectors in the plane and its normal, camera frame."""
    offset: float
    """Height of a camera-frame point x over the plane is axes[2]·x + offset, metres."""
    ambient: np.ndarray
    """(n, n) float32 share of the ambient light that the body blocks."""
    ambient_grid: np.ndarray
    """(3,) first coordinates and cell size of ``ambient``, metres."""
    key: np.ndarray
    """(n, n) float32 share of the key light that the body blocks."""
    key_grid: np.ndarray
    """(3,) the same for ``key``."""
    ambient_light: np.ndarray
    """(3,) irradiance of the unshadowed plane from the ambient light."""
    key_light: np.ndarray
    """(3,) irradiance of the unshadowed plane from the key light."""


def plane_axes(plane: tuple[float, float, float, float]) -> tuple[np.ndarray, float]:
    """Return the (3, 3) axes of a plane's own frame (rows, the normal last) and the offset of its heights."""
    x, y, z, offset = (float(value) for value in plane)
    length = math.sqrt(x * x + y * y + z * z)
    if not length > 0:
        raise ValueError(f"support plane has the normal {(x, y, z)}, expected a unit vector")
    axes = frame_around((x / length, y / length, z / length))
    return axes.astype(np.float32), offset / length


def cast_ground_shadow(
    local: np.ndarray,
    faces: np.ndarray,
    axes: np.ndarray,
    offset: float,
    sh: np.ndarray,
    key_direction: np.ndarray,
    key_color: np.ndarray,
    softness: float,
) -> GroundShadow:
    """Cast both shadows.

    Args:
        local: (V, 3) float32 body points in the plane's frame (two coordinates in the plane, height), metres.
        faces: (F, 3) int32.
        axes: See :func:`plane_axes`; offset too.
        offset: See ``axes``.
        sh: (9, 3) ambient light, camera frame.
        key_direction: (3,) towards the key light, camera frame.
        key_color: (3,).
        softness: Angular radius of the key light, radians.
    """
    toward = axes @ np.asarray(key_direction, dtype=np.float32)
    slope = max(float(toward[2]), _MIN_SLOPE)
    shear = (float(-toward[0]) / slope, float(-toward[1]) / slope)
    heights, ambient_grid = _height_map(local, faces, (0.0, 0.0))
    levels = _split_levels(heights, _LEVELS_M)
    narrow = _blur_by_height(levels, _NARROW / ambient_grid[2])
    wide = _blur_by_height(levels, _WIDE / ambient_grid[2])
    ambient = np.clip(_NARROW_SHARE * narrow + (1.0 - _NARROW_SHARE) * wide, 0.0, 1.0)
    key_light = np.asarray(key_color, dtype=np.float32) * max(float(toward[2]), 0.0)
    if key_light.max() > 0.0:
        heights, key_grid = _height_map(local, faces, shear)
        # The shadow of a disc light, as a Gaussian of half its radius.
        widening = 0.5 * np.tan(min(softness, 1.0)) / slope
        levels = _split_levels(heights, _LEVELS_M)
        key = np.clip(_blur_by_height(levels, widening / key_grid[2]), 0.0, 1.0)
    else:
        key, key_grid = np.zeros((2, 2), dtype=np.float32), ambient_grid
    return GroundShadow(
        axes=axes,
        offset=offset,
        ambient=ambient,
        ambient_grid=ambient_grid,
        key=key,
        key_grid=key_grid,
        ambient_light=np.maximum(irradiance(sh, axes[2]), 1e-3).astype(np.float32),
        key_light=key_light,
    )


def darken_ground(rgb: np.ndarray, shadow: GroundShadow, fx: float, fy: float, cx: float, cy: float) -> None:
    """Darken the picture ``rgb`` (H, W, 3) in place where the plane is in the body's shadow.

    Each colour keeps the share of the plane's light that still arrives, so the shadow of a warm key light
    is cool.
    """
    h, w = rgb.shape[:2]
    size = ((w + 1) // 2, (h + 1) // 2)  # shadows are soft: half size is enough
    ray_of_pixel = np.array(
        [[w / size[0] / fx, 0.0, (0.5 * w / size[0] - cx) / fx],
         [0.0, h / size[1] / fy, (0.5 * h / size[1] - cy) / fy],
         [0.0, 0.0, 1.0]]
    )  # fmt: skip
    axes = shadow.axes.astype(np.float64)
    plane_of_ray = np.stack([-shadow.offset * axes[0], -shadow.offset * axes[1], axes[2]])
    blocked = _warp(shadow.ambient, shadow.ambient_grid, plane_of_ray @ ray_of_pixel, size)
    shaded = _warp(shadow.key, shadow.key_grid, plane_of_ray @ ray_of_pixel, size)
    ratio = shadow.key_light / (shadow.key_light + shadow.ambient_light)
    left = np.empty((size[1], size[0], 3), dtype=np.uint8)
    climb = -np.sign(shadow.offset) * (axes[2] @ ray_of_pixel)
    rows, columns = _light_left(blocked, shaded, climb, ratio.astype(np.float32), _GAMMA_OF_SHARE, left)
    if rows[0] < rows[1]:
        part = left[rows[0] : rows[1], columns[0] : columns[1]]
        size = (min(2 * columns[1], w) - 2 * columns[0], min(2 * rows[1], h) - 2 * rows[0])
        full = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
        window = rgb.reshape(h, 3 * w)[2 * rows[0] : 2 * rows[0] + size[1]]
        _scale_bytes(window, 6 * columns[0], full.reshape(size[1], 3 * size[0]))


@njit(**_JIT)
def _scale_bytes(picture, first, factors):
    """Multiply bytes of (h, w) from column ``first`` on by 255ths (h, n), rounded, in place."""
    for j in range(picture.shape[0]):
        row, factor = picture[j, first:], factors[j]
        for i in range(factor.shape[0]):
            product = np.uint16(np.uint16(row[i]) * np.uint16(factor[i]) + np.uint16(128))
            row[i] = np.uint8(np.uint16(product + np.uint16(product >> np.uint16(8))) >> np.uint16(8))


def _warp(
    values: np.ndarray, grid: np.ndarray, plane_of_pixel: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Draw a map of the plane as the camera sees it, mirrored beyond the horizon; (size) uint8, 255 = all."""
    cell = float(grid[2])
    cell_of_plane = np.array(
        [[1 / cell, 0.0, -grid[0] / cell - 0.5], [0.0, 1 / cell, -grid[1] / cell - 0.5], [0.0, 0.0, 1.0]]
    )
    return cv2.warpPerspective(
        cv2.convertScaleAbs(values, alpha=255.0),
        cell_of_plane @ plane_of_pixel,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )


def _height_map(
    local: np.ndarray, faces: np.ndarray, shear: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest height over each cell (inf = open sky) and the grid (s0, t0, cell)."""
    sheared = _shear(local, np.float32(shear[0]), np.float32(shear[1]))
    bounds, count = finite_bounds(sheared)
    if count == 0:
        return np.full((2, 2), np.inf, dtype=np.float32), np.array([0, 0, 1], dtype=np.float32)
    extent = float((bounds[1, :2] - bounds[0, :2]).max()) + 2.0 * _MARGIN_M
    corner = 0.5 * (bounds[0, :2] + bounds[1, :2]) - 0.5 * extent
    grid = np.array([corner[0], corner[1], extent / _CELLS], dtype=np.float32)
    heights = np.full((_CELLS, _CELLS), _CEILING_M, dtype=np.float32)
    _splat_vertices(sheared, grid, heights)
    if len(sheared) < _DENSE:
        _splat_faces(sheared, faces, grid, heights)
    # Close the holes between points: lower each cell to its lowest neighbour, then raise it back.
    heights = cv2.morphologyEx(heights, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.where(heights < _CEILING_M, heights, np.inf).astype(np.float32), grid


@njit(**_JIT)
def _shear(points, s, t):
    """Return points moved sideways by their heights."""
    sheared = np.empty(points.shape, dtype=np.float32)
    for i in range(points.shape[0]):
        height = points[i, 2]
        sheared[i, 0], sheared[i, 1] = points[i, 0] + s * height, points[i, 1] + t * height
        sheared[i, 2] = height
    return sheared


@njit(**_JIT)
def _splat_vertices(points, grid, out):
    """Write the height of every vertex into its cell: the lowest wins."""
    inv = np.float32(1.0) / grid[2]
    for i in range(points.shape[0]):
        _lower(out, (points[i, 0] - grid[0]) * inv, (points[i, 1] - grid[1]) * inv, points[i, 2])


@njit(**_JIT)
def _splat_faces(points, faces, grid, out):
    """Write heights at points about a cell apart on every triangle into their cells: the lowest wins."""
    inv = np.float32(1.0) / grid[2]
    one = np.float32(1.0)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, z1 = points[b, 0] - x0, points[b, 1] - y0, points[b, 2] - z0
        x2, y2, z2 = points[c, 0] - x0, points[c, 1] - y0, points[c, 2] - z0
        x0, y0 = (x0 - grid[0]) * inv, (y0 - grid[1]) * inv
        extent = max(abs(x1), abs(y1), abs(x2), abs(y2)) * inv
        if extent < _CELLS * 8:  # false for NaN
            steps = int(extent) + 1
            for k in range(steps * steps):
                u, v = np.float32((k // steps + 1 / 3) / steps), np.float32((k % steps + 1 / 3) / steps)
                if u + v < one:
                    _lower(
                        out, x0 + (u * x1 + v * x2) * inv, y0 + (u * y1 + v * y2) * inv, z0 + u * z1 + v * z2
                    )


@njit(**_JIT, inline="always")
def _lower(out, x, y, height):
    """Lower the cell that holds (x, y) to ``height``, not below the ground."""
    zero, end = np.float32(0.0), np.float32(_CELLS)
    if x >= zero and y >= zero and x < end and y < end:  # false for NaN
        i, j = np.uint32(x), np.uint32(y)
        out[j, i] = min(out[j, i], max(height, zero))


def _blur_by_height(weights: np.ndarray, sigma_per_metre: float) -> np.ndarray:
    """Blur the occupancy of each level (L, n, n) by a Gaussian that grows with its height, and add them up.

    Gaussians add up (their variances do), so the highest level is blurred by what it needs more than the next
    one, joined with that, and so on down.
    """
    sigmas = np.sqrt((_LEVELS_M * sigma_per_metre) ** 2 + _SOFT_CELLS**2)
    total = np.zeros_like(weights[0])
    for level in range(len(_LEVELS_M) - 1, -1, -1):
        total += weights[level]
        below = sigmas[level - 1] if level else 0.0
        sigma = float(np.sqrt(max(sigmas[level] ** 2 - below**2, 0.0)))
        if sigma > 0.2:
            total = _gaussian(total, sigma)
    return total


def _gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur, at quarter size when that makes no difference."""
    if sigma <= 5.0:
        radius = int(2.5 * sigma + 1)
        return cv2.GaussianBlur(image, (2 * radius + 1,) * 2, sigma, borderType=cv2.BORDER_CONSTANT)
    n = image.shape[0]
    small = cv2.resize(image, (n // 4, n // 4), interpolation=cv2.INTER_AREA)
    radius = min(int(2.5 * sigma / 4.0 + 1), n // 8)
    small = cv2.GaussianBlur(small, (2 * radius + 1,) * 2, sigma / 4.0, borderType=cv2.BORDER_CONSTANT)
    return cv2.resize(small, (n, n), interpolation=cv2.INTER_LINEAR)


@njit(**_JIT)
def _split_levels(heights, levels):
    """Split the occupancy of ``heights`` linearly between the two levels around it: (L, n, n)."""
    weights = np.zeros((levels.shape[0], heights.shape[0], heights.shape[1]), dtype=np.float32)
    for r in range(heights.shape[0]):
        for c in range(heights.shape[1]):
            h = heights[r, c]
            if not h < np.inf:
                continue
            k = 0
            while k < levels.shape[0] - 1 and h >= levels[k + 1]:
                k += 1
            if k == levels.shape[0] - 1:
                weights[k, r, c] = 1.0
            else:
                share = (h - levels[k]) / (levels[k + 1] - levels[k])
                weights[k, r, c], weights[k + 1, r, c] = np.float32(1.0) - share, share
    return weights


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
