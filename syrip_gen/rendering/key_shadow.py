"""How much of the key light reaches points of the body past the body.

A shadow map with a penumbra that widens with the distance of the blocker (Fernando, Percentage-Closer Soft
Shadows, 2005).
"""

import math

import cv2
import numpy as np
from numba import njit

from syrip_gen.rendering.frames import finite_bounds, frame_around
from syrip_gen.rendering.screen import SUBSTEPS
from syrip_gen.rendering.zbuffer import fill_faces

__all__ = ["key_visibility"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_SHADOW_CELLS = 192
_TAPS = 12
_BLOCKER_M = 0.10
"""Distance of the blockers that the search is wide enough for."""


def key_visibility(
    body: np.ndarray,
    faces: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    direction: np.ndarray,
    softness: float,
    is_closed: bool,
) -> np.ndarray:
    """Return the share (N,) float32 of the key light that reaches each point past the body.

    Args:
        body: (V, 3) float32 metres, the mesh that casts the shadow.
        faces: (F, 3) int32 its triangles.
        points: (N, 3) float32 metres.
        normals: (N, 3) float32.
        direction: (3,) unit vector towards the light.
        softness: Angular radius of the light, radians.
        is_closed: The mesh is closed, so triangles that face away from the light need not be drawn.
    """
    bounds, count = finite_bounds(body)
    if count == 0:
        return np.ones(len(points), dtype=np.float32)
    center = 0.5 * (bounds[0] + bounds[1])
    radius = np.float32(max(0.5 * math.dist(bounds[0], bounds[1]), 1e-3))
    frame = frame_around(direction).astype(np.float32)
    cell = np.float32(2.0 * radius / (_SHADOW_CELLS - 4))
    xy, closeness = _to_light(body, frame, center, cell, radius)
    closest = np.zeros((_SHADOW_CELLS, _SHADOW_CELLS), dtype=np.float32)
    index = np.empty(closest.shape, dtype=np.int32)  # nobody asks which triangle it is
    fill_faces(body, faces, xy, closeness, 1.0, 1.0, 0.0, 0.0, is_closed, closest, index)
    spread = np.float32(math.tan(min(softness, 1.0)))
    search = spread * np.float32(_BLOCKER_M) / cell + np.float32(1.0)
    side = 2 * (int(search) + 1) + 1
    around = cv2.dilate(closest, np.ones((side, side), np.uint8))
    return _filter_shadow(points, normals, frame, center, cell, radius, spread, search, closest, around)


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
def _filter_shadow(vertices, normals, frame, center, cell, radius, spread, search, closest, around):
    """Compare each point with taps of the shadow map on a spiral as wide as its penumbra.

    Args:
        vertices: (N, 3) float32 metres.
        normals: (N, 3) float32.
        frame: (3, 3) float32 rows: sides of the map, direction towards the light.
        center: (3,) float32 middle of the map.
        cell: Metres.
        radius: Metres of the body that closeness 1..3 spans on either side of the middle.
        spread: Tangent of the light's angular radius.
        search: Cells around a point in which blockers are looked for.
        closest: (n, n) float32 closeness of the body to the light.
        around: (n, n) float32 its maximum within ``search``: most points have no blocker at all.
    """
    count = vertices.shape[0]
    n = closest.shape[0]
    visible = np.ones(count, dtype=np.float32)
    taps = np.empty((_TAPS, 2), dtype=np.float32)
    for k in range(_TAPS):
        r, angle = np.sqrt((k + 0.5) / _TAPS), k * 2.399963
        taps[k, 0], taps[k, 1] = r * np.cos(angle), r * np.sin(angle)
    zero = np.float32(0.0)
    lift = np.float32(1.6) * cell
    bias = np.float32(1.2) * cell / radius
    for i in range(count):
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
        if not (u >= zero and v >= zero and u < n and v < n and around[np.uint64(v), np.uint64(u)] > own):
            continue
        blockers, distance = 0, np.float32(0.0)
        for k in range(_TAPS):
            c, r = int(u + search * taps[k, 0]), int(v + search * taps[k, 1])
            if c >= 0 and r >= 0 and c < n and r < n:
                above = closest[np.uint64(r), np.uint64(c)] - own
                blockers += 1 if above > np.float32(0.0) else 0
                distance += max(above, np.float32(0.0))
        if blockers == 0:
            continue
        width = spread * distance / np.float32(blockers) * radius / cell + np.float32(1.3)
        hits = 0
        for k in range(_TAPS):
            c, r = int(u + width * taps[k, 0]), int(v + width * taps[k, 1])
            if c >= 0 and r >= 0 and c < n and r < n:
                hits += 1 if closest[np.uint64(r), np.uint64(c)] > own else 0
        visible[i] = np.float32(1.0) - np.float32(hits) / np.float32(_TAPS)
    return visible
