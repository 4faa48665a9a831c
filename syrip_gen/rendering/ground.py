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

from syrip_gen.rendering.colors import LINEAR_OF_SRGB, SRGB_OF_LINEAR, encode_linear
from syrip_gen.rendering.lighting import irradiance

__all__ = ["GroundShadow", "cast_ground_shadow", "darken_ground", "plane_axes"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_CELLS = 112
_MARGIN_M = 0.22
_LEVELS_M = np.array([0.0, 0.006, 0.015, 0.035, 0.08, 0.18, 0.4], dtype=np.float32)
"""Heights between which the body is split; everything higher counts as the last."""
_NARROW, _WIDE = 0.6, 1.7
"""Two Gaussians of these widths times h, in equal shares of 0.6 and 0.4, follow the form factor within 0.03."""
_NARROW_SHARE = 0.6
_MIN_SLOPE = 0.3
"""Sine of the lowest key light that still casts its true shadow; lower ones would cast it over the whole picture."""
_DARKEST = 0.04


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
    heights, ambient_grid = _height_map(local, (0.0, 0.0))
    narrow = _blur_by_height(heights, _NARROW / ambient_grid[2], 0.0)
    wide = _blur_by_height(heights, _WIDE / ambient_grid[2], 0.0)
    ambient = np.clip(_NARROW_SHARE * narrow + (1.0 - _NARROW_SHARE) * wide, 0.0, 1.0)
    key_light = np.asarray(key_color, dtype=np.float32) * max(float(toward[2]), 0.0)
    if key_light.max() > 0.0:
        heights, key_grid = _height_map(local, shear)
        widening = 0.5 * np.tan(min(softness, 1.0)) / slope  # a disc's shadow, as a Gaussian of half its radius
        key = np.clip(_blur_by_height(heights, widening / key_grid[2], 0.7), 0.0, 1.0)
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
    ratio = shadow.key_light / (shadow.key_light + shadow.ambient_light)
    _darken(
        rgb, shadow.axes, np.float32(shadow.offset), shadow.ambient, shadow.ambient_grid, shadow.key,
        shadow.key_grid, ratio.astype(np.float32), fx, fy, cx, cy, LINEAR_OF_SRGB, SRGB_OF_LINEAR,
    )  # fmt: skip


def _height_map(local: np.ndarray, shear: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest height over each cell (inf = open sky) and the grid (s0, t0, cell)."""
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
    heights = np.full((_CELLS, _CELLS), np.inf, dtype=np.float32)
    _splat_heights(s, t, local[:, 2], grid, heights)
    return heights, grid


@njit(**_JIT)
def _splat_heights(s, t, height, grid, out):
    """Write each point's height into the four cells around it where it is the lowest."""
    n = out.shape[0]
    inv = np.float32(1.0) / grid[2]
    for i in range(s.shape[0]):
        x, y = (s[i] - grid[0]) * inv - np.float32(0.5), (t[i] - grid[1]) * inv - np.float32(0.5)
        if not (x >= 0.0 and y >= 0.0 and x < n - 1 and y < n - 1):  # false for NaN
            continue
        c, r = int(x), int(y)
        h = max(height[i], np.float32(0.0))
        for dr in range(2):
            for dc in range(2):
                if h < out[r + dr, c + dc]:
                    out[r + dr, c + dc] = h


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
def _darken(rgb, axes, offset, ambient, ambient_grid, key, key_grid, ratio, fx, fy, cx, cy, decode, encode):
    inv_fx, inv_fy = np.float32(1.0 / fx), np.float32(1.0 / fy)
    one = np.float32(1.0)
    for j in range(rgb.shape[0]):
        y = (np.float32(j + 0.5) - np.float32(cy)) * inv_fy
        for i in range(rgb.shape[1]):
            x = (np.float32(i + 0.5) - np.float32(cx)) * inv_fx
            climb = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2]
            if climb * offset >= np.float32(0.0):  # the ray leaves the plane
                continue
            z = -offset / climb
            s = z * (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2])
            t = z * (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2])
            blocked = _sample_map(ambient, ambient_grid, s, t)
            shaded = _sample_map(key, key_grid, s, t)
            if blocked + shaded < np.float32(0.004):
                continue
            for k in range(3):
                left = (one - ratio[k]) * (one - blocked) + ratio[k] * (one - shaded)
                left = max(left, np.float32(_DARKEST))
                rgb[j, i, k] = encode_linear(decode[rgb[j, i, k]] * left, encode)
