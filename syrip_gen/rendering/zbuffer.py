"""Which triangle is seen at each sample of the picture, and how far away it is.

Vertices lie on a fine lattice (:mod:`syrip_gen.rendering.screen`) and edges follow the top-left rule in
integers, so two triangles that share an edge leave no crack and share no sample.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.screen import NEAR_M, SUBSTEPS, project, snap

__all__ = ["face_buffer", "fill_faces", "fill_marked_faces"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}


def face_buffer(
    vertices_cam: np.ndarray,
    faces: np.ndarray,
    fx: float,
    fy: float,
    cx: float,
    cy: float,
    w: int,
    h: int,
    supersample: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest triangle of every sample, seen from either side.

    Triangles that cross the near plane are clipped, those with a vertex that is not finite are left out. Of
    two triangles at exactly the same depth the one that comes first in ``faces`` wins.

    Args:
        vertices_cam: (V, 3) metres, camera frame (OpenCV axes).
        faces: (F, 3) integer vertex indices.
        fx: Focal length, px; fy likewise, cx and cy the principal point, px.
        fy: See ``fx``.
        cx: See ``fx``.
        cy: See ``fx``.
        w: Picture width, px.
        h: Picture height, px.
        supersample: Samples per pixel and axis, evenly spaced.

    Returns:
        depth (h·s, w·s) float32 metres along z, inf where nothing is; face_index (h·s, w·s) int32, -1 there.
    """
    s = int(supersample)
    vertices = np.ascontiguousarray(vertices_cam, dtype=np.float32)
    triangles = np.ascontiguousarray(faces, dtype=np.int32)
    inverse_depth = np.zeros((h * s, w * s), dtype=np.float32)
    face_index = np.full((h * s, w * s), -1, dtype=np.int32)
    lattice = (float(fx) * s, float(fy) * s, float(cx) * s - 0.5, float(cy) * s - 0.5)
    xy, inv_z = project(vertices, *lattice)
    fill_faces(vertices, triangles, xy, inv_z, *lattice, False, inverse_depth, face_index)
    with np.errstate(divide="ignore"):
        depth = np.float32(1.0) / inverse_depth
    return depth, face_index


@njit(**_JIT)
def fill_faces(vertices, faces, xy, inv_z, fx, fy, cx, cy, cull, inverse_depth, face_index):
    """Draw every triangle into ``inverse_depth`` (0 = empty) and ``face_index``, keeping the nearest.

    Args:
        vertices: (V, 3) float32 camera frame; read only for triangles that cross the near plane.
        faces: (F, 3) int32.
        xy: See :func:`syrip_gen.rendering.screen.project`.
        inv_z: See :func:`syrip_gen.rendering.screen.project`.
        fx: The same four lattice numbers that :func:`syrip_gen.rendering.screen.project` was given.
        fy: See ``fx``.
        cx: See ``fx``.
        cy: See ``fx``.
        cull: Leave out triangles seen from behind (a closed mesh never shows one).
        inverse_depth: (h, w) float32, changed in place.
        face_index: (h, w) int32, changed in place.
    """
    for f in range(faces.shape[0]):
        a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        za, zb, zc = inv_z[a], inv_z[b], inv_z[c]
        if za > 0.0 and zb > 0.0 and zc > 0.0:
            ax, ay = np.int64(xy[a, 0]), np.int64(xy[a, 1])
            bx, by = np.int64(xy[b, 0]), np.int64(xy[b, 1])
            cx_, cy_ = np.int64(xy[c, 0]), np.int64(xy[c, 1])
            area = (bx - ax) * (cy_ - ay) - (by - ay) * (cx_ - ax)
            if area < 0:  # y points down: triangles that face the camera have negative area
                _fill(cx_, cy_, zc, bx, by, zb, ax, ay, za, -area, f, inverse_depth, face_index)
            elif area > 0 and not cull:
                _fill(ax, ay, za, bx, by, zb, cx_, cy_, zc, area, f, inverse_depth, face_index)
        elif max(za, zb, zc) > 0.0 and za >= 0.0 and zb >= 0.0 and zc >= 0.0:  # false for NaN
            _fill_clipped(vertices, a, b, c, f, fx, fy, cx, cy, cull, inverse_depth, face_index)


@njit(**_JIT)
def fill_marked_faces(
    vertices, faces, xy, inv_z, fx, fy, cx, cy, cull, sums, x0, y0, inverse_depth, face_index
):
    """Draw, as :func:`fill_faces` does, the triangles that can reach a corner of a marked pixel.

    Args:
        vertices: See :func:`fill_faces`, as all others but ``sums``.
        faces: See ``vertices``.
        xy: See ``vertices``; sample (row j, column i) is the top left corner of pixel (j, i).
        inv_z: See ``vertices``.
        fx: See ``vertices``.
        fy: See ``vertices``.
        cx: See ``vertices``.
        cy: See ``vertices``.
        cull: See ``vertices``.
        sums: (n+1, m+1) int32 how many marked pixels lie above and to the left, from column ``x0`` and row
            ``y0`` on; pixels beyond are not marked.
        x0: See ``sums``.
        y0: See ``sums``.
        inverse_depth: (h+1, w+1) float32; corners of unmarked pixels may be left out.
        face_index: (h+1, w+1) int32.
    """
    for f in range(faces.shape[0]):
        a, b, c = np.uint32(faces[f, 0]), np.uint32(faces[f, 1]), np.uint32(faces[f, 2])
        za, zb, zc = inv_z[a], inv_z[b], inv_z[c]
        if za > 0.0 and zb > 0.0 and zc > 0.0:
            ax, ay = np.int64(xy[a, 0]), np.int64(xy[a, 1])
            bx, by = np.int64(xy[b, 0]), np.int64(xy[b, 1])
            cx_, cy_ = np.int64(xy[c, 0]), np.int64(xy[c, 1])
            area = (bx - ax) * (cy_ - ay) - (by - ay) * (cx_ - ax)
            if area == 0 or (area > 0 and cull):
                continue
            # Pixels around the corners that the triangle's box holds.
            i0 = max(((min(ax, bx, cx_) + (SUBSTEPS - 1)) >> 8) - 1 - x0, 0)
            i1 = min((max(ax, bx, cx_) >> 8) + 1 - x0, sums.shape[1] - 1)
            j0 = max(((min(ay, by, cy_) + (SUBSTEPS - 1)) >> 8) - 1 - y0, 0)
            j1 = min((max(ay, by, cy_) >> 8) + 1 - y0, sums.shape[0] - 1)
            if i0 >= i1 or j0 >= j1:
                continue
            left, right, top, bottom = np.uint64(i0), np.uint64(i1), np.uint64(j0), np.uint64(j1)
            if sums[bottom, right] - sums[bottom, left] == sums[top, right] - sums[top, left]:
                continue
            if area < 0:
                _fill(cx_, cy_, zc, bx, by, zb, ax, ay, za, -area, f, inverse_depth, face_index)
            else:
                _fill(ax, ay, za, bx, by, zb, cx_, cy_, zc, area, f, inverse_depth, face_index)
        elif max(za, zb, zc) > 0.0 and za >= 0.0 and zb >= 0.0 and zc >= 0.0:  # false for NaN
            _fill_clipped(vertices, a, b, c, f, fx, fy, cx, cy, cull, inverse_depth, face_index)


@njit(**_JIT)
def _fill_clipped(vertices, a, b, c, f, fx, fy, cx, cy, cull, inverse_depth, face_index):
    """Cut one triangle at the near plane and draw the one or two triangles that remain."""
    corner = np.empty((4, 2), dtype=np.int64)
    inv = np.empty(4, dtype=np.float64)
    ids = (a, b, c)
    count = 0
    for k in range(3):
        p, q = vertices[ids[k]], vertices[ids[(k + 1) % 3]]
        inside_p, inside_q = p[2] >= NEAR_M, q[2] >= NEAR_M
        if inside_p:
            z = np.float64(p[2])
            corner[count, 0] = snap(fx * p[0] / z + cx)
            corner[count, 1] = snap(fy * p[1] / z + cy)
            inv[count] = 1.0 / z
            count += 1
        if inside_p != inside_q:
            # The same end is always the start, so neighbours cut a shared edge at the same point.
            lo, hi = (p, q) if inside_p else (q, p)
            t = (np.float64(lo[2]) - NEAR_M) / (np.float64(lo[2]) - np.float64(hi[2]))
            x = lo[0] + t * (np.float64(hi[0]) - lo[0])
            y = lo[1] + t * (np.float64(hi[1]) - lo[1])
            corner[count, 0] = snap(fx * x / NEAR_M + cx)
            corner[count, 1] = snap(fy * y / NEAR_M + cy)
            inv[count] = 1.0 / NEAR_M
            count += 1
    for k in range(1, count - 1):
        x1, y1 = corner[k, 0] - corner[0, 0], corner[k, 1] - corner[0, 1]
        x2, y2 = corner[k + 1, 0] - corner[0, 0], corner[k + 1, 1] - corner[0, 1]
        area = x1 * y2 - y1 * x2
        first, last = (k, k + 1) if area > 0 else (k + 1, k)
        if area < 0 or (area > 0 and not cull):
            _fill(
                corner[0, 0], corner[0, 1], inv[0], corner[first, 0], corner[first, 1], inv[first],
                corner[last, 0], corner[last, 1], inv[last], abs(area), f, inverse_depth, face_index,
            )  # fmt: skip


@njit(**_JIT)
def _fill(x0, y0, z0, x1, y1, z1, x2, y2, z2, area, f, inverse_depth, face_index):
    """Draw one snapped triangle of positive ``area``; z0..z2 are inverse depths, linear on the screen."""
    height, width = inverse_depth.shape
    i_min = max((min(x0, x1, x2) + (SUBSTEPS - 1)) >> 8, 0)
    i_max = min(max(x0, x1, x2) >> 8, width - 1)
    if i_min > i_max:
        return
    j_min = max((min(y0, y1, y2) + (SUBSTEPS - 1)) >> 8, 0)
    j_max = min(max(y0, y1, y2) >> 8, height - 1)
    if j_min > j_max:
        return
    scale = 1.0 / area
    grad_x = ((z1 - z0) * (y2 - y0) - (z2 - z0) * (y1 - y0)) * scale
    grad_y = ((z2 - z0) * (x1 - x0) - (z1 - z0) * (x2 - x0)) * scale
    px, py = i_min * SUBSTEPS, j_min * SUBSTEPS
    dx0, dy0, dx1, dy1, dx2, dy2 = x1 - x0, y1 - y0, x2 - x1, y2 - y1, x0 - x2, y0 - y2
    # Edge functions; a sample on an edge belongs to the triangle whose top or left edge it is.
    row0 = dx0 * (py - y0) - dy0 * (px - x0) - (0 if dy0 < 0 or (dy0 == 0 and dx0 > 0) else 1)
    row1 = dx1 * (py - y1) - dy1 * (px - x1) - (0 if dy1 < 0 or (dy1 == 0 and dx1 > 0) else 1)
    row2 = dx2 * (py - y2) - dy2 * (px - x2) - (0 if dy2 < 0 or (dy2 == 0 and dx2 > 0) else 1)
    step0, step1, step2 = dy0 * SUBSTEPS, dy1 * SUBSTEPS, dy2 * SUBSTEPS
    down0, down1, down2 = dx0 * SUBSTEPS, dx1 * SUBSTEPS, dx2 * SUBSTEPS
    row_z = z0 + grad_x * (px - x0) + grad_y * (py - y0)
    step_z, down_z = grad_x * SUBSTEPS, grad_y * SUBSTEPS
    for j in range(j_min, j_max + 1):
        e0, e1, e2, z = row0, row1, row2, row_z
        entered = False
        for i in range(i_min, i_max + 1):
            if (e0 | e1 | e2) >= 0:
                value = np.float32(z)
                r, c = np.uint64(j), np.uint64(i)
                if value > inverse_depth[r, c]:
                    inverse_depth[r, c] = value
                    face_index[r, c] = f
                entered = True
            elif entered:
                break
            e0 -= step0
            e1 -= step1
            e2 -= step2
            z += step_z
        row0 += down0
        row1 += down1
        row2 += down2
        row_z += down_z
