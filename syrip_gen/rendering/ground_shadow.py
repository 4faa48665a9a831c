"""The body's soft shadows on the plane it lies on, as maps of that plane: blocked ambient and key light.

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

from syrip_gen.rendering.lighting import irradiance

__all__ = ["GroundShadow", "cast_ground_shadow"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_CELLS = 96
_SOFT_CELLS = 0.8
"""Blur of everything, in cells, so that cells do not show."""
_CEILING_M = np.float32(8.0)
"""Higher than any body over its support."""
_MARGIN_M = 0.22
_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)
_LEVELS_M = np.array([0.0, 0.012, 0.035, 0.09, 0.22], dtype=np.float32)
"""Heights between which the body is split; everything higher counts as the last."""
_NARROW, _WIDE = 0.6, 1.7
"""Two Gaussians of these widths times h, in shares of 0.6 and 0.4, follow the form factor within 0.03."""
_NARROW_SHARE = 0.6
_MIN_SLOPE = 0.3
"""Sine of the lowest key light that casts its true shadow; lower ones would cast it over the whole room."""


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
        axes: See :func:`syrip_gen.rendering.frames.plane_axes`; offset too.
        offset: See ``axes``.
        sh: (9, 3) ambient light, camera frame.
        key_direction: (3,) towards the key light, camera frame.
        key_color: (3,).
        softness: Angular radius of the key light, radians.
    """
    toward = axes @ np.asarray(key_direction, dtype=np.float32)
    slope = max(float(toward[2]), _MIN_SLOPE)
    shear = (float(-toward[0]) / slope, float(-toward[1]) / slope)
    ambient_grid, levels, coarse = _occupancy(local, faces, 0.0, 0.0)
    narrow = _blur_by_height(levels, _NARROW / ambient_grid[2])
    wide = _blur_by_height(coarse, 0.5 * _WIDE / ambient_grid[2])
    wide = cv2.resize(wide, (_CELLS, _CELLS), interpolation=cv2.INTER_LINEAR)
    ambient = cv2.addWeighted(narrow, _NARROW_SHARE, wide, 1.0 - _NARROW_SHARE, 0.0)
    key_light = np.asarray(key_color, dtype=np.float32) * max(float(toward[2]), 0.0)
    if key_light.max() > 0.0:
        key_grid, levels, _ = _occupancy(local, faces, *shear)
        # The shadow of a disc light, as a Gaussian of half its radius.
        widening = 0.5 * math.tan(min(softness, 1.0)) / slope
        key = _blur_by_height(levels, widening / key_grid[2])
    else:
        key, key_grid = np.zeros((2, 2), dtype=np.float32), ambient_grid
    return GroundShadow(
        axes=axes,
        offset=offset,
        ambient=np.clip(ambient, 0.0, 1.0, out=ambient),
        ambient_grid=ambient_grid,
        key=np.clip(key, 0.0, 1.0, out=key),
        key_grid=key_grid,
        ambient_light=np.maximum(irradiance(sh, axes[2]), 1e-3).astype(np.float32),
        key_light=key_light,
    )


def _occupancy(
    local: np.ndarray, faces: np.ndarray, s: float, t: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Look for the body over each cell, along a line that moves sideways by (s, t) for each metre of height.

    Returns:
        The grid (3,): first coordinates and cell size; and, for each of the heights :data:`_LEVELS_M`, the
        share of each cell (L, n, n) that the body is above at this height; and that at half size.
    """
    heights, grid = _height_map(local, faces, np.float32(s), np.float32(t))
    # Close the holes between points: lower each cell to its lowest neighbour, then raise it back.
    heights = cv2.dilate(cv2.erode(heights, _NEIGHBOURHOOD), _NEIGHBOURHOOD)
    return grid, *_split_levels(heights, _LEVELS_M)


@njit(**_JIT)
def _height_map(local, faces, s, t):
    """Return the lowest height over each cell (the ceiling = open sky) and the grid (s0, t0, cell)."""
    points = np.empty(local.shape, dtype=np.float32)
    low_x = low_y = np.float32(np.inf)
    high_x = high_y = np.float32(-np.inf)
    for i in range(local.shape[0]):
        height = local[i, 2]
        x, y = local[i, 0] + s * height, local[i, 1] + t * height
        points[i, 0], points[i, 1], points[i, 2] = x, y, height
        if np.isfinite(x) and np.isfinite(y):
            low_x, high_x = min(low_x, x), max(high_x, x)
            low_y, high_y = min(low_y, y), max(high_y, y)
    heights = np.full((_CELLS, _CELLS), _CEILING_M, dtype=np.float32)
    grid = np.ones(3, dtype=np.float32)
    if low_x > high_x:
        return heights, grid
    extent = max(high_x - low_x, high_y - low_y) + np.float32(2.0 * _MARGIN_M)
    half = np.float32(0.5)
    grid[0], grid[1] = half * (low_x + high_x - extent), half * (low_y + high_y - extent)
    grid[2] = extent / np.float32(_CELLS)
    inv = np.float32(1.0) / grid[2]
    for i in range(points.shape[0]):
        points[i, 0], points[i, 1] = (points[i, 0] - grid[0]) * inv, (points[i, 1] - grid[1]) * inv
        _lower(heights, points[i, 0], points[i, 1], points[i, 2])
    _splat_faces(points, faces, heights)
    return heights, grid


@njit(**_JIT)
def _splat_faces(points, faces, out):
    """Write heights at points about a cell apart on every triangle into their cells: the lowest wins.

    Args:
        points: (V, 3) float32: place in cells, height in metres.
        faces: (F, 3) int32.
        out: (n, n) float32 heights.
    """
    one, two, third = np.float32(1.0), np.float32(2.0), np.float32(1.0 / 3.0)
    for f in range(faces.shape[0]):
        a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
        x1, y1, z1 = points[b, 0] - x0, points[b, 1] - y0, points[b, 2] - z0
        x2, y2, z2 = points[c, 0] - x0, points[c, 1] - y0, points[c, 2] - z0
        extent = max(max(abs(x1), abs(y1)), max(abs(x2), abs(y2)))
        if extent < two:  # its corners are there already
            _lower(out, x0 + (x1 + x2) * third, y0 + (y1 + y2) * third, z0 + (z1 + z2) * third)
        elif extent < _CELLS * 8:  # false for NaN
            steps = int(extent) + 1
            for k in range(steps * steps):
                u, v = np.float32((k // steps + 1 / 3) / steps), np.float32((k % steps + 1 / 3) / steps)
                if u + v < one:
                    _lower(out, x0 + u * x1 + v * x2, y0 + u * y1 + v * y2, z0 + u * z1 + v * z2)


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
    """Split the occupancy of ``heights`` linearly between the two levels around it.

    Returns:
        (L, n, n) float32; and its means over two by two cells.
    """
    n, last = heights.shape[0], levels.shape[0] - 1
    weights = np.zeros((levels.shape[0], n, n), dtype=np.float32)
    coarse = np.zeros((levels.shape[0], n // 2, n // 2), dtype=np.float32)
    one, quarter = np.float32(1.0), np.float32(0.25)
    for r in range(n):
        for c in range(n):
            h = heights[r, c]
            if h >= _CEILING_M:
                continue
            k = 0
            while k < last and h >= levels[k + 1]:
                k += 1
            share = np.float32(0.0) if k == last else (h - levels[k]) / (levels[k + 1] - levels[k])
            weights[k, r, c] = one - share
            coarse[k, r // 2, c // 2] += quarter * (one - share)
            if k < last:
                weights[k + 1, r, c] = share
                coarse[k + 1, r // 2, c // 2] += quarter * share
    return weights, coarse
