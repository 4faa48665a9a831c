"""How much ambient light reaches each vertex past the rest of the body and the ground.

The body is splatted along a dozen fixed axes into small maps of its first and last depth; a vertex sees the
light of a direction unless the body is farther along it. Directions that end on the support plane bring the
plane's colour instead of the sky's.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.zbuffer import finite_bounds

__all__ = ["AXES", "ambient_visibility"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_AXES = 12
"""On the body, 12 axes differ from 48 by 1.8 of 255 levels on average; 8 would differ by 2.8."""
_CELLS = 56
_NEAR = np.float32(1.2)
_SOFTEN = np.float32(1.0 / 1.4)
"""A surface hides nothing when it is less than 1.2 cells away along the ray, everything from 2.6 on."""
_EMPTY = np.float32(1e9)
_LEAST_SHARE = np.float32(0.04)
"""Ambient light left in the deepest crease: two dozen directions cannot tell 0 from a little."""


def _fixed_axes(count: int) -> np.ndarray:
    """Return (count, 3, 3) frames; their last rows and the opposites are spread evenly over the sphere."""
    k = np.arange(count)
    z = 1.0 - (k + 0.5) / count  # upper half only
    angle = k * np.pi * (3.0 - np.sqrt(5.0))
    r = np.sqrt(1.0 - z * z)
    axis = np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)
    helper = np.where(np.abs(axis[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.ascontiguousarray(np.stack([first, np.cross(axis, first), axis], axis=1), dtype=np.float32)


AXES = _fixed_axes(_AXES)


def ambient_visibility(
    local: np.ndarray,
    normals: np.ndarray,
    wanted: np.ndarray,
    light: np.ndarray,
    ground: np.ndarray | None,
    ground_grid: np.ndarray,
) -> np.ndarray:
    """Return each vertex's share of the ambient light and of the light that the ground throws back at it.

    Args:
        local: (V, 3) float32 vertices; the plane's frame (heights last) when there is a ground.
        normals: (V, 3) float32 in the same frame.
        wanted: (N,) int32 vertices to write.
        light: (12, 2) float32 brightness of the ambient light from each axis and from its opposite.
        ground: (n, n) float32 share of the ground's own light that the body blocks, or None for no ground.
        ground_grid: (3,) its first coordinates and cell size.

    Returns:
        (V, 3) float32, undefined but for ``wanted``: share of the ambient light 0..1, of the unshadowed
        ground's light, of the directions that end on the body itself.
    """
    bounds, count = finite_bounds(local)
    if count == 0:
        return np.zeros((len(local), 3), dtype=np.float32)
    radius = max(0.5 * float(np.linalg.norm(bounds[1] - bounds[0])), 1e-3)
    cell = np.float32(2.0 * radius / (_CELLS - 2))
    # From metres to cells; the body fills the maps but for a border.
    in_cells = (local - bounds.mean(axis=0)) / cell
    out = np.empty((len(local), 3), dtype=np.float32)
    _gather_ambient(
        in_cells, np.ascontiguousarray(local[:, 2]), cell, normals, wanted, AXES, light, ground is not None,
        np.zeros((2, 2), dtype=np.float32) if ground is None else ground, bounds.mean(axis=0), ground_grid,
        out,
    )  # fmt: skip
    return out


@njit(**_JIT)
def _splat(points, e, g, d, first, last):
    """Write the lowest and highest depth along ``d`` of the points in each cell."""
    first[:, :] = _EMPTY
    last[:, :] = -_EMPTY
    middle, end = np.float32(0.5 * _CELLS), np.float32(_CELLS)
    e0, e1, e2, g0, g1, g2, d0, d1, d2 = e[0], e[1], e[2], g[0], g[1], g[2], d[0], d[1], d[2]
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        u, v = x * e0 + y * e1 + z * e2 + middle, x * g0 + y * g1 + z * g2 + middle
        if u >= np.float32(0.0) and v >= np.float32(0.0) and u < end and v < end:  # false for NaN
            c, r = np.uint32(u), np.uint32(v)
            depth = x * d0 + y * d1 + z * d2
            first[r, c] = min(first[r, c], depth)
            last[r, c] = max(last[r, c], depth)


@njit(**_JIT, inline="always")
def _hidden(gap):
    """Return how much a surface ``gap`` cells farther along the ray hides, 0..1."""
    return min(max((gap - _NEAR) * _SOFTEN, np.float32(0.0)), np.float32(1.0))


@njit(**_JIT, inline="always")
def _blocked(u, v, depth, sign, surface):
    """Return the share of the ray from (u, v, depth) that ``surface`` blocks, bilinear in its cells."""
    u, v = u - np.float32(0.5), v - np.float32(0.5)
    result = np.float32(0.0)
    end = np.float32(_CELLS - 1)
    if u >= np.float32(0.0) and v >= np.float32(0.0) and u < end and v < end:
        c, r = np.uint32(u), np.uint32(v)
        right, below = c + np.uint32(1), r + np.uint32(1)
        tu, tv = u - np.float32(c), v - np.float32(r)
        one = np.float32(1.0)
        top = _hidden(sign * (surface[r, c] - depth)) * (one - tu)
        top += _hidden(sign * (surface[r, right] - depth)) * tu
        bottom = _hidden(sign * (surface[below, c] - depth)) * (one - tu)
        bottom += _hidden(sign * (surface[below, right] - depth)) * tu
        result = top * (one - tv) + bottom * tv
    return result


@njit(**_JIT)
def _gather_ambient(
    points,
    heights,
    cell,
    normals,
    wanted,
    axes,
    light,
    has_ground,
    ground,
    center,
    ground_grid,
    out,
):
    """Sum the light of all axes and their opposites, weighted by the cosine to the normal."""
    one, zero, middle = np.float32(1.0), np.float32(0.0), np.float32(0.5 * _CELLS)
    first = np.empty((_CELLS, _CELLS), dtype=np.float32)
    last = np.empty((_CELLS, _CELLS), dtype=np.float32)
    totals = np.zeros((points.shape[0], 2), dtype=np.float32)  # cosine · light, cosine
    out[wanted] = zero
    for a in range(axes.shape[0]):
        e0, e1, e2 = axes[a, 0, 0], axes[a, 0, 1], axes[a, 0, 2]
        g0, g1, g2 = axes[a, 1, 0], axes[a, 1, 1], axes[a, 1, 2]
        d0, d1, d2 = axes[a, 2, 0], axes[a, 2, 1], axes[a, 2, 2]
        _splat(points, axes[a, 0], axes[a, 1], axes[a, 2], first, last)
        for i in wanted:
            nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
            cosine = nx * d0 + ny * d1 + nz * d2
            # Start a cell above the surface, so that its own neighbourhood does not shadow it.
            x, y, z = points[i, 0] + nx, points[i, 1] + ny, points[i, 2] + nz
            u, v = x * e0 + y * e1 + z * e2 + middle, x * g0 + y * g1 + z * g2 + middle
            depth = x * d0 + y * d1 + z * d2
            if cosine >= zero:
                sign, arriving = one, light[a, 0]
                seen = cosine * (one - _blocked(u, v, depth, one, last))
            else:
                cosine, sign, arriving = -cosine, -one, light[a, 1]
                seen = cosine * (one - _blocked(u, v, depth, -one, first))
            totals[i, 0] += cosine * arriving
            totals[i, 1] += cosine
            out[i, 2] += cosine - seen
            if has_ground and sign * d2 < zero:
                reach = max(heights[i], zero) / -d2
                s = center[0] + cell * points[i, 0] + reach * d0
                t = center[1] + cell * points[i, 1] + reach * d1
                c, r = int((s - ground_grid[0]) / ground_grid[2]), int((t - ground_grid[1]) / ground_grid[2])
                if 0 <= c < ground.shape[1] and 0 <= r < ground.shape[0]:
                    seen *= one - ground[r, c]
                out[i, 1] += seen
            else:
                out[i, 0] += seen * arriving
    tiny = np.float32(1e-6)
    for i in wanted:
        out[i, 1] /= max(totals[i, 1], tiny)
        out[i, 2] /= max(totals[i, 1], tiny)
        out[i, 0] = max(out[i, 0] / max(totals[i, 0], tiny), _LEAST_SHARE)
