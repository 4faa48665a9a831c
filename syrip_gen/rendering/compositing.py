"""From the sample lattice to pixels: which points to shade, and how to blend them over the picture behind.

The lattice has half-pixel spacing: sample (row 2j+1, column 2i+1) is the centre of pixel (j, i), and the nine
samples of a pixel, shared with its neighbours, weigh 1-2-1 in each direction (the trapezoid rule of a box
filter). A pixel is shaded once when its samples belong to one continuous surface, otherwise once per
surface.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.colors import encode_linear
from syrip_gen.rendering.depth_buffer import SAME_SURFACE

__all__ = ["MAX_SURFACES", "blend_points", "collect_points"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_FULL_WEIGHT = 8
_CENTER_WEIGHT = 4
MAX_SURFACES = 3
"""Points shaded per pixel at most; the last one stands for all that lies deeper."""


@njit(**_JIT)
def collect_points(
    x0, y0, x1, y1, center, center_face, marks, corner, corner_face,
    columns, rows, point_face, pixel, weight, is_seen, seen_faces,
):  # fmt: skip
    """List the points to shade, front to back within each pixel, and the triangles that they lie on.

    Args:
        x0: First column, first row, end column, end row of the pixels that the body may touch.
        y0: See ``x0``.
        x1: See ``x0``.
        y1: See ``x0``.
        center: (h, w) float32 inverse depth at pixel centres, 0 where empty; ``center_face`` (h, w) int32.
        center_face: See ``center``.
        marks: (h, w) bool pixels whose corners must be looked at.
        corner: (h+1, w+1) float32 inverse depth at their corners; ``corner_face`` (h+1, w+1) int32.
        corner_face: See ``corner``.
        columns: (capacity,) int32 half pixels from the left edge to each point, written.
        rows: (capacity,) int32 half pixels from the top edge, written.
        point_face: (capacity,) int32 triangle, written.
        pixel: (capacity,) int32 flat pixel index, written.
        weight: (capacity,) uint8 out of 8, written.
        is_seen: (F,) bool, written: the triangle is in sight.
        seen_faces: (F,) int32, written: the triangles in sight, in the order in which they come up.

    Returns:
        The number of points, -1 when the capacity is too small; and the number of triangles in sight.
    """
    width = center.shape[1]
    count = num_faces = 0
    is_seen[:] = False
    depths, faces = np.empty(5, dtype=np.float32), np.empty(5, dtype=np.int32)
    for j in range(y0, y1):
        if count + MAX_SURFACES * (x1 - x0) > columns.shape[0]:
            return -1, 0
        # Rows of their own, and unsigned places in them: indices that cannot be negative are cheaper.
        here, here_face, is_marked = center[j], center_face[j], marks[j]
        top, bottom, top_face, bottom_face = corner[j], corner[j + 1], corner_face[j], corner_face[j + 1]
        for i in range(x0, x1):
            k = np.uint64(i)
            middle = here[k]
            first = count
            is_edge = False
            if is_marked[k]:
                a, b, c, d = top[k], top[k + np.uint64(1)], bottom[k], bottom[k + np.uint64(1)]
                nearest = max(middle, max(max(a, b), max(c, d)))
                farthest = min(middle, min(min(a, b), min(c, d)))
                is_edge = nearest - farthest > SAME_SURFACE * nearest
            if is_edge:
                depths[0], depths[1], depths[2], depths[3], depths[4] = middle, a, b, c, d
                faces[0], faces[1], faces[2] = here_face[k], top_face[k], top_face[k + np.uint64(1)]
                faces[3], faces[4] = bottom_face[k], bottom_face[k + np.uint64(1)]
                count = _split_pixel(i, j, depths, faces, columns, rows, point_face, weight, count)
            elif middle > np.float32(0.0):
                n = np.uint64(count)
                columns[n], rows[n], point_face[n], weight[n] = (
                    2 * i + 1,
                    2 * j + 1,
                    here_face[k],
                    _FULL_WEIGHT,
                )
                count += 1
            for s in range(first, count):
                n = np.uint64(s)
                pixel[n] = j * width + i
                f = np.uint32(point_face[n])
                if not is_seen[f]:
                    is_seen[f] = True
                    seen_faces[np.uint64(num_faces)] = f
                    num_faces += 1
    return count, num_faces


@njit(**_JIT, inline="always")
def _split_pixel(i, j, depths, faces, columns, rows, point_face, weight, count):
    """Add one point for each surface of a pixel, at the sample of that surface which weighs most.

    Samples are the centre, then the four corners; those already counted are set to 0 in ``depths``.
    """
    for surface in range(MAX_SURFACES):
        reach = SAME_SURFACE if surface < MAX_SURFACES - 1 else np.float32(1.0)
        best = max(max(max(depths[0], depths[1]), max(depths[2], depths[3])), depths[4])
        if best == np.float32(0.0):
            break
        total, chosen = 0, -1
        for k in range(4, -1, -1):
            value = depths[k]
            if value > np.float32(0.0) and best - value <= reach * best:
                depths[k] = np.float32(0.0)
                total += _CENTER_WEIGHT if k == 0 else 1
                chosen = k
        point_face[count], weight[count] = faces[chosen], total
        columns[count] = 2 * i + (1 if chosen == 0 else 2 * ((chosen - 1) % 2))
        rows[count] = 2 * j + (1 if chosen == 0 else 2 * ((chosen - 1) // 2))
        count += 1
    return count


@njit(**_JIT)
def blend_points(pixel, weight, color, linear_of_srgb, srgb_of_linear, rgb):
    """Blend shaded points over ``rgb`` in linear light.

    Args:
        pixel: (S,) int32 flat pixel index; the points of one pixel follow one another.
        weight: (S,) uint8 out of 8.
        color: (S, 3) float32 linear.
        linear_of_srgb: (256,) float32.
        srgb_of_linear: (8192,) uint8.
        rgb: (h·w, 3) uint8: background in, picture out.
    """
    one = np.float32(1.0)
    scale = np.float32(1.0 / _FULL_WEIGHT)
    s, count = 0, pixel.shape[0]
    while s < count:
        n = np.uint64(s)
        p = np.uint64(pixel[n])
        if weight[n] == _FULL_WEIGHT:
            rgb[p, 0] = encode_linear(color[n, 0], srgb_of_linear)
            rgb[p, 1] = encode_linear(color[n, 1], srgb_of_linear)
            rgb[p, 2] = encode_linear(color[n, 2], srgb_of_linear)
            s += 1
            continue
        covered = 0
        red = green = blue = np.float32(0.0)
        while s < count and np.uint64(pixel[s]) == p:
            # A highlight brighter than white would eat into the edge: clip before blending.
            share = np.float32(weight[s])
            red += share * min(color[s, 0], one)
            green += share * min(color[s, 1], one)
            blue += share * min(color[s, 2], one)
            covered += weight[s]
            s += 1
        rest = np.float32(_FULL_WEIGHT - covered)
        rgb[p, 0] = encode_linear((red + rest * linear_of_srgb[rgb[p, 0]]) * scale, srgb_of_linear)
        rgb[p, 1] = encode_linear((green + rest * linear_of_srgb[rgb[p, 1]]) * scale, srgb_of_linear)
        rgb[p, 2] = encode_linear((blue + rest * linear_of_srgb[rgb[p, 2]]) * scale, srgb_of_linear)
