"""Short-range ambient occlusion of the rest body: ears, nostrils, eye sockets, neck folds, between toes."""

import numpy as np
from numba import njit

__all__ = ["short_range_occlusion"]

NUM_RAYS = 24


def short_range_occlusion(
    vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray, reach: float
) -> np.ndarray:
    """Return the share of the sky that each vertex sees within ``reach``.

    Hits count less the farther away they are, so that a limb at the edge of the reach leaves no border.

    Args:
        vertices: (V, 3) metres.
        normals: (V, 3) unit, outward.
        faces: (F, 3).
        reach: Length of the rays, metres.

    Returns:
        (V,) float32 in [0, 1]; 1 = open.
    """
    triangles = np.ascontiguousarray(vertices[faces], np.float32)
    low = triangles.min(axis=(0, 1)) - np.float32(1e-3)
    cell = np.float32(reach / 6)
    shape = tuple(np.ceil((triangles.max(axis=(0, 1)) + 1e-3 - low) / cell).astype(np.int64))
    starts, members = _fill_grid(triangles, low, cell, shape)
    open_sky = np.empty(len(vertices), np.float32)
    _cast(
        np.ascontiguousarray(vertices, np.float32),
        np.ascontiguousarray(normals, np.float32),
        triangles,
        low,
        cell,
        np.asarray(shape, np.int64),
        starts,
        members,
        np.float32(reach),
        _hemisphere(NUM_RAYS),
        open_sky,
    )
    return _smooth(open_sky, faces)


def _smooth(values: np.ndarray, faces: np.ndarray, rounds: int = 3) -> np.ndarray:
    """Average each vertex with its neighbours: few rays leave grain."""
    corners = faces.ravel()
    count = np.maximum(np.bincount(corners, minlength=len(values)), 1)
    for _ in range(rounds):
        around = values[faces].mean(axis=1)
        mean = np.bincount(corners, np.repeat(around, 3), len(values)) / count
        values = np.where(np.isin(np.arange(len(values)), corners), mean, values)
    return values.astype(np.float32)


def _hemisphere(count: int) -> np.ndarray:
    """Return cosine-distributed directions about +z, (count, 3) float32 (a golden spiral)."""
    k = np.arange(count) + 0.5
    radius = np.sqrt(k / count)
    angle = k * np.pi * (3 - np.sqrt(5))
    z = np.sqrt(1 - radius**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1).astype(np.float32)


def _fill_grid(
    triangles: np.ndarray, low: np.ndarray, cell: float, shape: tuple
) -> tuple[np.ndarray, np.ndarray]:
    """List each cell's triangles: (cells + 1,) starts into the (M,) members."""
    first = np.floor((triangles.min(axis=1) - low) / cell).astype(np.int64)
    last = np.floor((triangles.max(axis=1) - low) / cell).astype(np.int64)
    counts = np.zeros(int(np.prod(shape)) + 1, np.int64)
    _count(first, last, np.asarray(shape), counts)
    starts = np.cumsum(counts)
    members = np.empty(starts[-1], np.int32)
    _insert(first, last, np.asarray(shape), starts[:-1].copy(), members)
    return starts, members


@njit(cache=True)
def _count(first, last, shape, counts):
    for t in range(first.shape[0]):
        for i in range(first[t, 0], last[t, 0] + 1):
            for j in range(first[t, 1], last[t, 1] + 1):
                for k in range(first[t, 2], last[t, 2] + 1):
                    counts[(i * shape[1] + j) * shape[2] + k + 1] += 1


@njit(cache=True)
def _insert(first, last, shape, cursor, members):
    for t in range(first.shape[0]):
        for i in range(first[t, 0], last[t, 0] + 1):
            for j in range(first[t, 1], last[t, 1] + 1):
                for k in range(first[t, 2], last[t, 2] + 1):
                    c = (i * shape[1] + j) * shape[2] + k
                    members[cursor[c]] = t
                    cursor[c] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _hit(tri, ox, oy, oz, dx, dy, dz):
    """Distance along the ray to the triangle (Moeller-Trumbore), or -1."""
    e1x, e1y, e1z = tri[1, 0] - tri[0, 0], tri[1, 1] - tri[0, 1], tri[1, 2] - tri[0, 2]
    e2x, e2y, e2z = tri[2, 0] - tri[0, 0], tri[2, 1] - tri[0, 1], tri[2, 2] - tri[0, 2]
    px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
    det = e1x * px + e1y * py + e1z * pz
    if abs(det) < 1e-14:
        return -1.0
    tx, ty, tz = ox - tri[0, 0], oy - tri[0, 1], oz - tri[0, 2]
    u = (tx * px + ty * py + tz * pz) / det
    if u < 0 or u > 1:
        return -1.0
    qx, qy, qz = ty * e1z - tz * e1y, tz * e1x - tx * e1z, tx * e1y - ty * e1x
    v = (dx * qx + dy * qy + dz * qz) / det
    if v < 0 or u + v > 1:
        return -1.0
    return (e2x * qx + e2y * qy + e2z * qz) / det


@njit(cache=True, nogil=True, error_model="numpy")
def _cast(vertices, normals, triangles, low, cell, shape, starts, members, reach, rays, out):
    for v in range(vertices.shape[0]):
        nx, ny, nz = normals[v]
        # Any tangent frame; the one that avoids the axis nearest to the normal.
        ax, ay, az = (1.0, 0.0, 0.0) if abs(nx) < 0.7 else (0.0, 1.0, 0.0)
        tx, ty, tz = ay * nz - az * ny, az * nx - ax * nz, ax * ny - ay * nx
        length = np.sqrt(tx * tx + ty * ty + tz * tz) + 1e-12
        tx, ty, tz = tx / length, ty / length, tz / length
        bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
        ox = vertices[v, 0] + 4e-4 * nx
        oy = vertices[v, 1] + 4e-4 * ny
        oz = vertices[v, 2] + 4e-4 * nz
        blocked = 0.0
        for r in range(rays.shape[0]):
            a, b, c = rays[r]
            dx, dy, dz = a * tx + b * bx + c * nx, a * ty + b * by + c * ny, a * tz + b * bz + c * nz
            nearest = _nearest(triangles, low, cell, shape, starts, members, reach, ox, oy, oz, dx, dy, dz)
            blocked += 1.0 - nearest / reach
        out[v] = 1.0 - blocked / rays.shape[0]


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest(triangles, low, cell, shape, starts, members, reach, ox, oy, oz, dx, dy, dz):
    """Distance to the first hit within ``reach``, or ``reach``; half-cell steps miss a corner at most."""
    nearest = reach
    previous = -1
    steps = int(np.ceil(2 * reach / cell)) + 1
    for s in range(steps + 1):
        t = reach * s / steps
        if t > nearest + cell:
            break
        i = int((ox + t * dx - low[0]) / cell)
        j = int((oy + t * dy - low[1]) / cell)
        k = int((oz + t * dz - low[2]) / cell)
        if i < 0 or j < 0 or k < 0 or i >= shape[0] or j >= shape[1] or k >= shape[2]:
            break
        c = (i * shape[1] + j) * shape[2] + k
        if c == previous:
            continue
        previous = c
        for m in range(starts[c], starts[c + 1]):
            d = _hit(triangles[members[m]], ox, oy, oz, dx, dy, dz)
            if 1e-5 < d < nearest:
                nearest = d
    return nearest
