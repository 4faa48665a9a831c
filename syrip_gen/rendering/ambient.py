"""How much ambient light reaches points of the body past the rest of the body and the ground.

The body is splatted along a few fixed axes into small maps of its first and last depth; a point sees the
light of a direction unless the body is farther along it. Directions that end on the support plane bring the
plane's colour instead of the sky's.
"""

import math

import numpy as np
from numba import njit

from syrip_gen.rendering.frames import finite_bounds

__all__ = ["AXES", "ambient_visibility"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_AXES = 16
"""On the body, 16 axes differ from 192 by 1.5 of 255 levels on average; 12 would by 2.1, 24 by 1.1."""
_CELLS = 56
_NEAR = np.float32(1.2)
_SOFTEN = np.float32(1.0 / 1.4)
"""A surface hides nothing when it is less than 1.2 cells away along the ray, everything from 2.6 on."""
_EMPTY = np.float32(1e9)
_CHUNK = 256
_LEAST_SHARE = np.float32(0.04)
"""Ambient light left in the deepest crease: a few dozen directions cannot tell 0 from a little."""


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
    body: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    light: np.ndarray,
    ground: np.ndarray | None,
    ground_grid: np.ndarray,
) -> np.ndarray:
    """Return each point's share of the ambient light and of the light that the ground throws back at it.

    Args:
        body: (V, 3) float32 points all over the body; with a ground, in its plane's frame (heights last).
        points: (N, 3) float32 in the same frame.
        normals: (N, 3) float32 in the same frame.
        light: (16, 2) float32 brightness of the ambient light from each axis and from its opposite.
        ground: (n, n) float32 share of the ground's own light that the body blocks, or None for no ground.
        ground_grid: (3,) its first coordinates and cell size.

    Returns:
        (N, 3) float32: share of the ambient light 0..1, of the unshadowed ground's light, of the directions
        that end on the body itself.
    """
    bounds, count = finite_bounds(body)
    if count == 0:
        return np.zeros((len(points), 3), dtype=np.float32)
    center = 0.5 * (bounds[0] + bounds[1])
    radius = max(0.5 * math.dist(bounds[0], bounds[1]), 1e-3)
    cell = np.float32(2.0 * radius / (_CELLS - 2))
    side = 0 if ground is None else ground.shape[0]
    blocked = np.zeros(side * side + 1, dtype=np.float32)
    if side:
        blocked[:-1] = ground.ravel()
    grid = np.asarray(ground_grid, dtype=np.float32) if side else np.ones(3, dtype=np.float32)
    sums = np.zeros((5, len(points)), dtype=np.float32)
    _gather_all(body, points, normals, center, cell, grid, AXES, light, blocked, side, sums)
    out = np.empty((len(points), 3), dtype=np.float32)
    _share(sums, out)
    return out


@njit(**_JIT)
def _gather_all(body, points, normals, center, cell, grid, axes, light, blocked, side, sums):
    """Add the light of all axes to ``sums`` (:func:`_gather`)."""
    rows, places = _arrange(body, points, normals, center, cell, grid)
    for k in range(axes.shape[0]):
        maps = _splat(rows, axes[k])
        _gather(places, axes[k], light[k], maps, blocked, side, sums)


@njit(**_JIT)
def _share(sums, out):
    """Turn the five sums (5, N) of :func:`_gather` into the three shares (N, 3)."""
    tiny = np.float32(1e-6)
    for k in range(out.shape[0]):
        cosines = max(sums[4, k], tiny)
        out[k, 0] = max(sums[0, k] / max(sums[3, k], tiny), _LEAST_SHARE)
        out[k, 1], out[k, 2] = sums[1, k] / cosines, sums[2, k] / cosines


@njit(**_JIT)
def _arrange(body, points, normals, center, cell, grid):
    """Bring the numbers of the body and of the points to look at into rows.

    Returns:
        (3, V) places in cells around the body's middle, so that the body fills the maps but for a border; and
        (9, N) of the points: the same, normals, foot point and height in cells of the ground's grid.
    """
    inv, inv_grid = np.float32(1.0) / cell, np.float32(1.0) / grid[2]
    rows = np.empty((3, body.shape[0]), dtype=np.float32)
    for axis in range(3):
        row, middle = rows[axis], center[axis]
        for i in range(body.shape[0]):
            row[i] = (body[i, axis] - middle) * inv
    places = np.empty((9, points.shape[0]), dtype=np.float32)
    for k in range(points.shape[0]):
        for axis in range(3):
            places[axis, k] = (points[k, axis] - center[axis]) * inv
            places[3 + axis, k] = normals[k, axis]
        places[6, k], places[7, k] = (points[k, 0] - grid[0]) * inv_grid, (points[k, 1] - grid[1]) * inv_grid
        places[8, k] = max(points[k, 2], np.float32(0.0)) * inv_grid
    return rows, places


@njit(**_JIT)
def _splat(points, axis):
    """Write the farthest depth of the points in each cell, along the axis and then along its opposite.

    Returns:
        (2 · cells · cells + 1,) float32 two maps, and a place for points that are not finite.
    """
    maps = np.full(2 * _CELLS * _CELLS + 1, -_EMPTY, dtype=np.float32)
    cells, depths = np.empty(_CHUNK, dtype=np.int32), np.empty(_CHUNK, dtype=np.float32)
    middle, end, zero = np.float32(0.5 * _CELLS), np.float32(_CELLS), np.float32(0.0)
    e0, e1, e2 = axis[0, 0], axis[0, 1], axis[0, 2]
    g0, g1, g2 = axis[1, 0], axis[1, 1], axis[1, 2]
    d0, d1, d2 = axis[2, 0], axis[2, 1], axis[2, 2]
    for begin in range(0, points.shape[1], _CHUNK):
        xs, ys, zs = points[0, begin:], points[1, begin:], points[2, begin:]
        count = min(_CHUNK, xs.shape[0])
        for k in range(count):
            x, y, z = xs[k], ys[k], zs[k]
            u, v = x * e0 + y * e1 + z * e2 + middle, x * g0 + y * g1 + z * g2 + middle
            is_inside = (u >= zero) & (v >= zero) & (u < end) & (v < end)  # false for NaN
            u, v = u if is_inside else zero, v if is_inside else zero
            cells[k] = np.int32(v) * _CELLS + np.int32(u) if is_inside else 2 * _CELLS * _CELLS
            depths[k] = x * d0 + y * d1 + z * d2
        for k in range(count):
            there = np.uint64(cells[k])
            back = np.uint64(min(cells[k] + _CELLS * _CELLS, 2 * _CELLS * _CELLS))
            maps[there] = max(maps[there], depths[k])
            maps[back] = max(maps[back], -depths[k])
    return maps


@njit(**_JIT, inline="always")
def _hidden(gap):
    """Return how much a surface ``gap`` cells farther along the ray hides, 0..1."""
    return min(max((gap - _NEAR) * _SOFTEN, np.float32(0.0)), np.float32(1.0))


@njit(**_JIT)
def _gather(places, axis, arriving, maps, blocked, side, sums):
    """Add the light of one axis or, for vertices that face away from it, of its opposite.

    Args:
        places: (9, N), :func:`_arrange`'s.
        axis: (3, 3) two sides of the maps and the direction.
        arriving: (2,) light from the axis and from its opposite.
        maps: :func:`_splat`'s.
        blocked: (side² + 1,) share of the ground's light that the body blocks, by cell, 0 elsewhere.
        side: 0 for no ground.
        sums: (5, N), added to: light that arrives, light from the ground, cosines of blocked rays, light
            that would arrive, cosines; light weighted by the cosine to the normal.
    """
    one, zero, middle = np.float32(1.0), np.float32(0.0), np.float32(0.5 * _CELLS - 0.5)
    end = np.float32(_CELLS - 1)
    e0, e1, e2 = axis[0, 0], axis[0, 1], axis[0, 2]
    g0, g1, g2 = axis[1, 0], axis[1, 1], axis[1, 2]
    d0, d1, d2 = axis[2, 0], axis[2, 1], axis[2, 2]
    slope_s, slope_t = (-d0 / d2, -d1 / d2) if d2 != zero else (zero, zero)
    whole, parts = np.zeros(2 * _CHUNK, dtype=np.int32), np.zeros(8 * _CHUNK, dtype=np.float32)
    cosine_, tu_, tv_, depth_ = 0, _CHUNK, 2 * _CHUNK, 3 * _CHUNK
    a_, b_, c_, e_ = 4 * _CHUNK, 5 * _CHUNK, 6 * _CHUNK, 7 * _CHUNK
    for begin in range(0, places.shape[1], _CHUNK):
        xs, ys, zs = places[0, begin:], places[1, begin:], places[2, begin:]
        nxs, nys, nzs = places[3, begin:], places[4, begin:], places[5, begin:]
        count = min(_CHUNK, xs.shape[0])
        for k in range(count):
            nx, ny, nz = nxs[k], nys[k], nzs[k]
            cosine = nx * d0 + ny * d1 + nz * d2
            # Start a cell above the surface, so that its own neighbourhood does not shadow it.
            x, y, z = xs[k] + nx, ys[k] + ny, zs[k] + nz
            u, v = x * e0 + y * e1 + z * e2 + middle, x * g0 + y * g1 + z * g2 + middle
            depth = x * d0 + y * d1 + z * d2
            is_inside = (u >= zero) & (v >= zero) & (u < end) & (v < end)
            u, v = u if is_inside else zero, v if is_inside else zero
            column, row = np.floor(u), np.floor(v)
            opposite = 0 if cosine >= zero else _CELLS * _CELLS
            whole[k] = np.int32(row) * _CELLS + np.int32(column) + opposite
            parts[cosine_ + k], parts[tu_ + k], parts[tv_ + k] = cosine, u - column, v - row
            parts[depth_ + k] = (depth if cosine >= zero else -depth) if is_inside else _EMPTY
        for k in range(count):
            i = np.uint64(k)
            cell = np.uint64(whole[i])
            parts[np.uint64(a_) + i], parts[np.uint64(b_) + i] = maps[cell], maps[cell + np.uint64(1)]
            below = cell + np.uint64(_CELLS)
            parts[np.uint64(c_) + i], parts[np.uint64(e_) + i] = maps[below], maps[below + np.uint64(1)]
        if side > 0:
            first, second, high = places[6, begin:], places[7, begin:], places[8, begin:]
            for k in range(count):
                s, t = first[k] + high[k] * slope_s, second[k] + high[k] * slope_t
                is_inside = (s >= zero) & (t >= zero) & (s < np.float32(side)) & (t < np.float32(side))
                s, t = s if is_inside else zero, t if is_inside else zero
                whole[k] = np.int32(t) * side + np.int32(s) if is_inside else side * side
        sky, ground, walls = sums[0, begin:], sums[1, begin:], sums[2, begin:]
        possible, cosines = sums[3, begin:], sums[4, begin:]
        front, back = arriving[0], arriving[1]
        for k in range(count):
            cosine, tu, tv, depth = parts[cosine_ + k], parts[tu_ + k], parts[tv_ + k], parts[depth_ + k]
            top = _hidden(parts[a_ + k] - depth) * (one - tu) + _hidden(parts[b_ + k] - depth) * tu
            bottom = _hidden(parts[c_ + k] - depth) * (one - tu) + _hidden(parts[e_ + k] - depth) * tu
            size = abs(cosine)
            seen = size * (one - (top * (one - tv) + bottom * tv))
            walls[k] += size - seen
            cosines[k] += size
            from_sky = front if cosine >= zero else back
            possible[k] += size * from_sky
            parts[a_ + k] = seen
            falls = (d2 < zero) == (cosine >= zero) and side > 0
            sky[k] += zero if falls else seen * from_sky
        if side > 0:
            for k in range(count):
                i = np.uint64(k)
                parts[np.uint64(b_) + i] = blocked[np.uint64(whole[i])]
            for k in range(count):
                falls = (d2 < zero) == (parts[cosine_ + k] >= zero)
                ground[k] += parts[a_ + k] * (one - parts[b_ + k]) if falls else zero
