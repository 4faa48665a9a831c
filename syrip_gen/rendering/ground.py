"""The body's soft shadows on the plane it lies on: blocked ambient light and the key light's shadow.

Both come from height maps of the body over the plane: the lowest body point above each cell, seen straight up for
the ambient light and along the light for the key light. A cell of area A at height h takes from a ground point at
horizontal distance r the share A h² / (pi (h² + r²)²) of its ambient light (the form factor of two parallel
patches), a blur whose width grows with h; the key light's penumbra is a blur that grows with h, too.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from syrip_gen.rendering.lighting import irradiance
from syrip_gen.rendering.zbuffer import SUBSTEPS, fill_faces

__all__ = ["GroundShadow", "cast_ground_shadow", "darken_ground", "plane_axes"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_CELLS = 128
_SOFT_CELLS = 0.8
"""Blur of everything, in cells, so that cells do not show."""
_CEILING_M = 8.0
"""Higher than any body over its support."""
_MARGIN_M = 0.22
_LEVELS_M = np.array([0.0, 0.006, 0.015, 0.035, 0.08, 0.18, 0.4], dtype=np.float32)
"""Heights between which the body is split; everything higher counts as the last."""
_NARROW, _WIDE = 0.6, 1.7
"""Two Gaussians of these widths times h, in equal shares of 0.6 and 0.4, follow the form factor within 0.03."""
_NARROW_SHARE = 0.6
_MIN_SLOPE = 0.3
"""Sine of the lowest key light that still casts its true shadow; lower ones would cast it over the whole picture."""
_DARKEST = 0.10
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
    normal = np.asarray(plane[:3], dtype=np.float64)
    length = np.linalg.norm(normal)
    if not length > 0:
        raise ValueError(f"support plane has the normal {tuple(plane[:3])}, expected a unit vector")
    normal = normal / length
    helper = np.array([1.0, 0.0, 0.0]) if abs(normal[0]) < 0.8 else np.array([0.0, 0.0, 1.0])
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first)
    axes = np.stack([first, np.cross(normal, first), normal])
    return np.ascontiguousarray(axes, dtype=np.float32), float(plane[3] / length)


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
    narrow = _blur_by_height(heights, _NARROW / ambient_grid[2], _SOFT_CELLS)
    wide = _blur_by_height(heights, _WIDE / ambient_grid[2], _SOFT_CELLS)
    ambient = np.clip(_NARROW_SHARE * narrow + (1.0 - _NARROW_SHARE) * wide, 0.0, 1.0)
    key_light = np.asarray(key_color, dtype=np.float32) * max(float(toward[2]), 0.0)
    if key_light.max() > 0.0:
        heights, key_grid = _height_map(local, faces, shear)
        widening = 0.5 * np.tan(min(softness, 1.0)) / slope  # a disc's shadow, as a Gaussian of half its radius
        key = np.clip(_blur_by_height(heights, widening / key_grid[2], _SOFT_CELLS), 0.0, 1.0)
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


def darken_ground(
    rgb: np.ndarray, shadow: GroundShadow, fx: float, fy: float, cx: float, cy: float
) -> None:
    """Darken the picture ``rgb`` (H, W, 3) in place where the plane is in the body's shadow.

    Each colour keeps the share of the plane's light that still arrives, so the shadow of a warm key light is cool.
    """
    h, w = rgb.shape[:2]
    ratio = shadow.key_light / (shadow.key_light + shadow.ambient_light)
    left = np.empty(((h + 1) // 2, (w + 1) // 2, 3), dtype=np.uint8)
    any_shadow = _light_left(
        left, w, h, shadow.axes, np.float32(shadow.offset), shadow.ambient, shadow.ambient_grid, shadow.key,
        shadow.key_grid, ratio.astype(np.float32), fx, fy, cx, cy, _GAMMA_OF_SHARE,
    )  # fmt: skip
    if any_shadow:
        full = cv2.resize(left, (w, h), interpolation=cv2.INTER_LINEAR)
        cv2.multiply(rgb, full, dst=rgb, scale=1.0 / 255.0)


def _height_map(
    local: np.ndarray, faces: np.ndarray, shear: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest height over each cell's centre (inf = open sky) and the grid (s0, t0, cell)."""
    s = local[:, 0] + np.float32(shear[0]) * local[:, 2]
    t = local[:, 1] + np.float32(shear[1]) * local[:, 2]
    finite = np.isfinite(s) & np.isfinite(t)
    if not finite.any():
        return np.full((2, 2), np.inf, dtype=np.float32), np.array([0, 0, 1], dtype=np.float32)
    s0, s1, t0, t1 = s[finite].min(), s[finite].max(), t[finite].min(), t[finite].max()
    extent = max(s1 - s0, t1 - t0) + 2.0 * _MARGIN_M
    cell = extent / _CELLS
    grid = np.array(
        [0.5 * (s0 + s1) - 0.5 * extent, 0.5 * (t0 + t1) - 0.5 * extent, cell], dtype=np.float32
    )
    # The z-buffer keeps the largest value of a positive linear function: the depth below a high ceiling.
    xy, below = _to_cells(s, t, local[:, 2], grid)
    lowest = np.zeros((_CELLS, _CELLS), dtype=np.float32)
    fill_faces(
        local, faces, xy, below, 1.0, 1.0, 0.0, 0.0, False, lowest, np.empty(lowest.shape, dtype=np.int32)
    )
    return np.where(lowest > 0, np.maximum(_CEILING_M - lowest, 0.0), np.inf).astype(np.float32), grid


@njit(**_JIT)
def _to_cells(s, t, height, grid):
    """Return snapped cell coordinates (V, 2) and the distance below the ceiling (V,), NaN when not finite."""
    count = s.shape[0]
    xy = np.zeros((count, 2), dtype=np.int64)
    below = np.full(count, np.nan)
    for i in range(count):
        x, y = (s[i] - grid[0]) / grid[2] - 0.5, (t[i] - grid[1]) / grid[2] - 0.5
        if np.isfinite(x) and np.isfinite(y):
            xy[i, 0], xy[i, 1] = np.int64(np.floor(x * SUBSTEPS + 0.5)), np.int64(np.floor(y * SUBSTEPS + 0.5))
            below[i] = max(_CEILING_M - height[i], 1e-3)
    return xy, below


def _blur_by_height(heights: np.ndarray, sigma_per_metre: float, sigma_min: float) -> np.ndarray:
    """Blur the occupancy of ``heights`` by a Gaussian that grows with height.

    The occupancy is split over :data:`_LEVELS_M`. Gaussians add up (their variances do), so the highest level is
    blurred by what it needs more than the next one, joined with that, and so on down.
    """
    weights = np.zeros((len(_LEVELS_M), *heights.shape), dtype=np.float32)
    _split_levels(heights, _LEVELS_M, weights)
    sigmas = np.sqrt((_LEVELS_M * sigma_per_metre) ** 2 + sigma_min**2)
    total = np.zeros_like(heights)
    for level in range(len(_LEVELS_M) - 1, -1, -1):
        total += weights[level]
        below = sigmas[level - 1] if level else 0.0
        sigma = float(np.sqrt(max(sigmas[level] ** 2 - below**2, 0.0)))
        if sigma > 0.2:
            radius = min(int(2.5 * sigma + 1), heights.shape[0] // 2)
            total = cv2.GaussianBlur(
                total, (2 * radius + 1, 2 * radius + 1), sigma, borderType=cv2.BORDER_CONSTANT
            )
    return total


@njit(**_JIT)
def _split_levels(heights, levels, weights):
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


@njit(**_JIT, inline="always")
def _sample_map(values, grid, s, t):
    """Read a map bilinearly, 0 outside."""
    n = values.shape[0]
    x, y = (s - grid[0]) / grid[2] - np.float32(0.5), (t - grid[1]) / grid[2] - np.float32(0.5)
    result = np.float32(0.0)
    if x >= 0.0 and y >= 0.0 and x < n - 1 and y < n - 1:
        c, r = int(x), int(y)
        u, v = x - np.float32(c), y - np.float32(r)
        one = np.float32(1.0)
        top = values[r, c] * (one - u) + values[r, c + 1] * u
        bottom = values[r + 1, c] * (one - u) + values[r + 1, c + 1] * u
        result = top * (one - v) + bottom * v
    return result


@njit(**_JIT)
def _light_left(
    left, w, h, axes, offset, ambient, ambient_grid, key, key_grid, ratio, fx, fy, cx, cy, gamma_of_share
):
    """Fill ``left`` (half size, 255 = all) with the factor of sRGB values; return whether any shadow falls."""
    one, zero = np.float32(1.0), np.float32(0.0)
    step_x, step_y = np.float32(w / left.shape[1]), np.float32(h / left.shape[0])
    inv_fx, inv_fy = np.float32(1.0 / fx), np.float32(1.0 / fy)
    center_x, center_y = np.float32(cx), np.float32(cy)
    found = False
    for j in range(left.shape[0]):
        y = ((np.float32(j) + np.float32(0.5)) * step_y - center_y) * inv_fy
        for i in range(left.shape[1]):
            x = ((np.float32(i) + np.float32(0.5)) * step_x - center_x) * inv_fx
            climb = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2]
            blocked = shaded = zero
            if climb * offset < zero:  # the ray meets the plane in front of the camera
                z = -offset / climb
                s = z * (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2])
                t = z * (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2])
                blocked = _sample_map(ambient, ambient_grid, s, t)
                shaded = _sample_map(key, key_grid, s, t)
            if blocked + shaded == zero:
                left[j, i, 0] = left[j, i, 1] = left[j, i, 2] = 255
                continue
            found = True
            for k in range(3):
                share = (one - ratio[k]) * (one - blocked) + ratio[k] * (one - shaded)
                left[j, i, k] = gamma_of_share[int(share * np.float32(255.0) + np.float32(0.5))]
    return found
