"""How much light reaches each vertex past the rest of the body and the ground.

Ambient light: the body is splatted along a dozen fixed axes into small maps of its first and last depth; a
vertex sees the light of a direction unless the body is farther along it. Directions that end on the support
plane bring the plane's colour instead of the sky's. Key light: a shadow map with a penumbra that widens
with the distance of the blocker (Fernando, Percentage-Closer Soft Shadows, 2005).
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.zbuffer import SUBSTEPS, fill_faces, finite_bounds

__all__ = [
    "AXES",
    "ambient_visibility",
    "key_visibility",
    "mark_vertices",
    "smooth_over_neighbours",
    "spread_from_representatives",
]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_AXES = 12
_SPLAT_CELLS = 56
_SHADOW_CELLS = 192
_TAPS = 12
_EMPTY = np.float32(1e9)
_LEAST_SHARE = np.float32(0.04)
"""Ambient light left in the deepest crease: a dozen directions cannot tell 0 from a little."""


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
    ground_color: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write each vertex's share of the ambient light and the light that the ground throws back at it.

    Args:
        local: (V, 3) float32 vertices; the plane's frame (heights last) when there is a ground.
        normals: (V, 3) float32 in the same frame.
        wanted: (N,) int32 vertices to write.
        light: (12, 2) float32 brightness of the ambient light from each axis and from its opposite.
        ground: (n, n) float32 share of the ground's own light that the body blocks, or None for no ground.
        ground_grid: (3,) its first coordinates and cell size.
        ground_color: (3,) float32 linear colour of the unshadowed ground.
        out: (V, 5) float32, written at ``wanted``: share of the ambient light 0..1, bounced red, green, blue,
            share of the directions that end on the body itself.
    """
    bounds, count = finite_bounds(local)
    if count == 0:
        out[:] = 0.0
        return
    center = bounds.mean(axis=0)
    radius = np.float32(max(0.5 * np.linalg.norm(bounds[1] - bounds[0]), 1e-3))
    has_ground = ground is not None
    blocked = ground if ground is not None else np.zeros((2, 2), dtype=np.float32)
    _gather_ambient(
        local,
        normals,
        wanted,
        center,
        radius,
        AXES,
        light,
        has_ground,
        blocked,
        ground_grid,
        ground_color,
        out,
    )


@njit(**_JIT)
def _gather_ambient(
    points, normals, wanted, center, radius, axes, light, has_ground, ground, ground_grid, ground_color, out
):
    count = points.shape[0]
    n = _SPLAT_CELLS
    cell = np.float32(2.0) * radius / np.float32(n - 2)
    inv = np.float32(1.0) / cell
    middle = np.float32(0.5 * n)
    near_bias, far_bias = np.float32(1.2) * cell, np.float32(2.6) * cell
    soften = np.float32(1.0) / (far_bias - near_bias)
    first = np.empty((n, n), dtype=np.float32)
    last = np.empty((n, n), dtype=np.float32)
    totals = np.zeros((count, 2), dtype=np.float32)  # cosine · light, cosine
    out[wanted] = np.float32(0.0)
    for a in range(axes.shape[0]):
        e, g, d = axes[a, 0], axes[a, 1], axes[a, 2]
        e0, e1, e2, g0, g1, g2, d0, d1, d2 = e[0], e[1], e[2], g[0], g[1], g[2], d[0], d[1], d[2]
        first[:, :] = _EMPTY
        last[:, :] = -_EMPTY
        for i in range(count):
            px, py, pz = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
            u, v = (px * e0 + py * e1 + pz * e2) * inv + middle, (px * g0 + py * g1 + pz * g2) * inv + middle
            if not (u >= 0.0 and v >= 0.0 and u < n and v < n):
                continue
            c, r = int(u), int(v)
            depth = px * d0 + py * d1 + pz * d2
            first[r, c] = min(first[r, c], depth)
            last[r, c] = max(last[r, c], depth)
        for i in wanted:
            nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
            cosine = nx * d0 + ny * d1 + nz * d2
            side = 0 if cosine >= 0.0 else 1
            cosine = abs(cosine)
            arriving = light[a, side]
            totals[i, 0] += cosine * arriving
            totals[i, 1] += cosine
            # Start a cell above the surface, so that its own neighbourhood does not shadow it.
            px, py, pz = points[i, 0] + cell * nx, points[i, 1] + cell * ny, points[i, 2] + cell * nz
            qx, qy, qz = px - center[0], py - center[1], pz - center[2]
            u, v = (qx * e0 + qy * e1 + qz * e2) * inv + middle, (qx * g0 + qy * g1 + qz * g2) * inv + middle
            depth = qx * d0 + qy * d1 + qz * d2
            open_share = np.float32(1.0)
            if u >= 0.5 and v >= 0.5 and u < n - 0.5 and v < n - 0.5:
                u, v = u - np.float32(0.5), v - np.float32(0.5)
                c, r = int(u), int(v)
                tu, tv = u - np.float32(c), v - np.float32(r)
                if side == 0:
                    b00, b01 = last[r, c] - depth, last[r, c + 1] - depth
                    b10, b11 = last[r + 1, c] - depth, last[r + 1, c + 1] - depth
                else:
                    b00, b01 = depth - first[r, c], depth - first[r, c + 1]
                    b10, b11 = depth - first[r + 1, c], depth - first[r + 1, c + 1]
                one, zero = np.float32(1.0), np.float32(0.0)
                b00 = min(max((b00 - near_bias) * soften, zero), one)
                b01 = min(max((b01 - near_bias) * soften, zero), one)
                b10 = min(max((b10 - near_bias) * soften, zero), one)
                b11 = min(max((b11 - near_bias) * soften, zero), one)
                top, bottom = b00 * (one - tu) + b01 * tu, b10 * (one - tu) + b11 * tu
                open_share = one - (top * (one - tv) + bottom * tv)
            share = cosine * open_share
            out[i, 4] += cosine - share
            climb = d2 if side == 0 else -d2
            if has_ground and climb < 0.0:
                reach = max(points[i, 2], np.float32(0.0)) / -climb
                sx = points[i, 0] + reach * (d0 if side == 0 else -d0)
                sy = points[i, 1] + reach * (d1 if side == 0 else -d1)
                c = int((sx - ground_grid[0]) / ground_grid[2])
                r = int((sy - ground_grid[1]) / ground_grid[2])
                if c >= 0 and r >= 0 and c < ground.shape[1] and r < ground.shape[0]:
                    share *= np.float32(1.0) - ground[r, c]
                out[i, 1] += share
            else:
                out[i, 0] += share * arriving
    for i in wanted:
        bounced = out[i, 1] / max(totals[i, 1], np.float32(1e-6))
        out[i, 4] /= max(totals[i, 1], np.float32(1e-6))
        out[i, 0] = max(out[i, 0] / max(totals[i, 0], np.float32(1e-6)), _LEAST_SHARE)
        for k in range(3):
            out[i, 1 + k] = bounced * ground_color[k]


def key_visibility(
    vertices: np.ndarray,
    normals: np.ndarray,
    faces: np.ndarray,
    wanted: np.ndarray,
    direction: np.ndarray,
    softness: float,
    is_closed: bool,
) -> np.ndarray:
    """Return the share (V,) float32 of the key light that reaches each vertex past the body.

    Args:
        vertices: (V, 3) float32 metres.
        normals: (V, 3) float32.
        faces: (F, 3) int32.
        wanted: (N,) int32 vertices to look at; the others get 1.
        direction: (3,) unit vector towards the light.
        softness: Angular radius of the light, radians.
        is_closed: The mesh is closed, so triangles that face away from the light need not be drawn.
    """
    bounds, count = finite_bounds(vertices)
    if count == 0:
        return np.ones(len(vertices), dtype=np.float32)
    center = bounds.mean(axis=0)
    radius = np.float32(max(0.5 * np.linalg.norm(bounds[1] - bounds[0]), 1e-3))
    axis = np.asarray(direction, dtype=np.float64)
    helper = np.array([0.0, 0.0, 1.0]) if abs(axis[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    first = np.cross(axis, helper)
    first /= np.linalg.norm(first)
    frame = np.stack([first, np.cross(axis, first), axis]).astype(np.float32)
    cell = np.float32(2.0 * radius / (_SHADOW_CELLS - 4))
    xy, closeness = _to_light(vertices, frame, center, cell, radius)
    closest = np.zeros((_SHADOW_CELLS, _SHADOW_CELLS), dtype=np.float32)
    index = np.full(closest.shape, -1, dtype=np.int32)
    fill_faces(vertices, faces, xy, closeness, 1.0, 1.0, 0.0, 0.0, is_closed, closest, index)
    return _filter_shadow(
        vertices,
        normals,
        wanted,
        frame,
        center,
        cell,
        radius,
        np.float32(np.tan(min(softness, 1.0))),
        closest,
    )


@njit(**_JIT)
def _to_light(vertices, frame, center, cell, radius):
    """Project along the light: snapped map positions, and closeness to it in 1..3 (0 would mean empty)."""
    count = vertices.shape[0]
    xy = np.zeros((count, 2), dtype=np.int32)
    closeness = np.empty(count, dtype=np.float64)
    for i in range(count):
        x, y, z = vertices[i, 0] - center[0], vertices[i, 1] - center[1], vertices[i, 2] - center[2]
        u = (frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z) / cell + 0.5 * _SHADOW_CELLS
        v = (frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z) / cell + 0.5 * _SHADOW_CELLS
        w = (frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z) / radius
        closeness[i] = 2.0 + w
        if np.isfinite(u) and np.isfinite(v):
            xy[i, 0], xy[i, 1] = np.int32(u * SUBSTEPS), np.int32(v * SUBSTEPS)
        else:
            closeness[i] = np.nan
    return xy, closeness


@njit(**_JIT)
def _filter_shadow(vertices, normals, wanted, frame, center, cell, radius, spread, closest):
    """Compare each vertex with taps of the shadow map on a spiral as wide as its penumbra."""
    count = vertices.shape[0]
    n = closest.shape[0]
    visible = np.ones(count, dtype=np.float32)
    taps = np.empty((_TAPS, 2), dtype=np.float32)
    for k in range(_TAPS):
        r, angle = np.sqrt((k + 0.5) / _TAPS), k * 2.399963
        taps[k, 0], taps[k, 1] = r * np.cos(angle), r * np.sin(angle)
    lift = np.float32(1.6) * cell
    bias = np.float32(1.2) * cell / radius
    search = spread * np.float32(0.10) / cell + np.float32(1.0)
    for i in wanted:
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        ndl = nx * frame[2, 0] + ny * frame[2, 1] + nz * frame[2, 2]
        if ndl < np.float32(-0.35):
            visible[i] = np.float32(0.0)
            continue
        rise = lift * (np.float32(1.0) + np.float32(2.0) * (np.float32(1.0) - abs(ndl)))
        x = vertices[i, 0] + rise * nx - center[0]
        y = vertices[i, 1] + rise * ny - center[1]
        z = vertices[i, 2] + rise * nz - center[2]
        u = (frame[0, 0] * x + frame[0, 1] * y + frame[0, 2] * z) / cell + np.float32(0.5 * n)
        v = (frame[1, 0] * x + frame[1, 1] * y + frame[1, 2] * z) / cell + np.float32(0.5 * n)
        own = np.float32(2.0) + (frame[2, 0] * x + frame[2, 1] * y + frame[2, 2] * z) / radius + bias
        blockers, distance = 0, np.float32(0.0)
        for k in range(_TAPS):
            c, r = int(u + search * taps[k, 0]), int(v + search * taps[k, 1])
            if c >= 0 and r >= 0 and c < n and r < n and closest[r, c] > own:
                blockers += 1
                distance += closest[r, c] - own
        if blockers == 0:
            continue
        width = spread * distance / np.float32(blockers) * radius / cell + np.float32(1.3)
        hits = 0
        for k in range(_TAPS):
            c, r = int(u + width * taps[k, 0] + 0.0), int(v + width * taps[k, 1])
            if c >= 0 and r >= 0 and c < n and r < n and closest[r, c] > own:
                hits += 1
        visible[i] = np.float32(1.0) - np.float32(hits) / np.float32(_TAPS)
    return visible


@njit(**_JIT)
def mark_vertices(point_face, faces, starts, neighbours, is_representative):
    """List the vertices of the triangles in ``point_face``, and the representatives that these need.

    Returns:
        Two (N,) int32 arrays in ascending order.
    """
    count = starts.shape[0] - 1
    seen = np.zeros(count, dtype=np.bool_)
    previous = -1
    for s in range(point_face.shape[0]):
        f = point_face[s]
        if f != previous:
            seen[faces[f, 0]] = seen[faces[f, 1]] = seen[faces[f, 2]] = True
            previous = f
    needed = np.zeros(count, dtype=np.bool_)
    for i in range(count):
        if not seen[i]:
            continue
        if is_representative[i]:
            needed[i] = True
            continue
        for k in range(starts[i], starts[i + 1]):
            if is_representative[neighbours[k]]:
                needed[neighbours[k]] = True
    return np.flatnonzero(seen).astype(np.int32), np.flatnonzero(needed).astype(np.int32)


@njit(**_JIT)
def spread_from_representatives(values, wanted, starts, neighbours, is_representative):
    """Give each other wanted vertex the mean ``values`` of its representatives, in place."""
    for i in wanted:
        if is_representative[i]:
            continue
        found = np.float32(0.0)
        for c in range(values.shape[1]):
            values[i, c] = np.float32(0.0)
        for k in range(starts[i], starts[i + 1]):
            j = neighbours[k]
            if is_representative[j]:
                found += np.float32(1.0)
                for c in range(values.shape[1]):
                    values[i, c] += values[j, c]
        for c in range(values.shape[1]):
            values[i, c] /= max(found, np.float32(1.0))


@njit(**_JIT)
def smooth_over_neighbours(values, wanted, starts, neighbours):
    """Replace each wanted vertex's ``values`` by the mean of it and its wanted neighbours, in place."""
    is_wanted = np.zeros(values.shape[0], dtype=np.bool_)
    before = np.empty(values.shape, dtype=np.float32)
    for i in wanted:
        is_wanted[i] = True
        for c in range(values.shape[1]):
            before[i, c] = values[i, c]
    for i in wanted:
        found = np.float32(1.0)
        for k in range(starts[i], starts[i + 1]):
            j = neighbours[k]
            if is_wanted[j]:
                found += np.float32(1.0)
                for c in range(values.shape[1]):
                    values[i, c] += before[j, c]
        for c in range(values.shape[1]):
            values[i, c] /= found
