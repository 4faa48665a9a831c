"""From the sample lattice to pixels: which points to shade, and how to blend them over the picture behind.

The lattice has half-pixel spacing: sample (row 2j+1, column 2i+1) is the centre of pixel (j, i), and the nine
samples of a pixel, shared with its neighbours, weigh 1-2-1 in each direction (the trapezoid rule of a box
filter). A pixel is shaded once when its samples belong to one continuous surface, otherwise once per
surface.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.colors import encode_linear

__all__ = ["MAX_SURFACES", "blend_points", "collect_points"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_SAME_SURFACE = np.float32(0.006)
"""Relative depth difference up to which samples of one pixel count as one surface."""
_FULL_WEIGHT = 8
_CENTER_WEIGHT = 4
MAX_SURFACES = 3
"""Points shaded per pixel at most; the last one stands for all that lies deeper."""


@njit(**_JIT)
def collect_points(
    x0, y0, x1, y1, center, center_face, corner, corner_face, columns, rows, point_face, pixel, weight, depth
):
    """List the points to shade, front to back within each pixel, and write the depth at pixel centres.

    Args:
        x0: First column, first row, end column, end row of the pixels that the body may touch.
        y0: See ``x0``.
        x1: See ``x0``.
        y1: See ``x0``.
        center: (h, w) float32 inverse depth at pixel centres, 0 where empty; ``center_face`` (h, w) int32.
        center_face: See ``center``.
        corner: (h+1, w+1) float32 inverse depth at corners; ``corner_face`` (h+1, w+1) int32.
        corner_face: See ``corner``.
        columns: (capacity,) int32 half pixels from the left edge to each point, written.
        rows: (capacity,) int32 half pixels from the top edge, written.
        point_face: (capacity,) int32 triangle, written.
        pixel: (capacity,) int32 flat pixel index, written.
        weight: (capacity,) uint8 out of 8, written.
        depth: (h, w) float32, written where a pixel's centre is covered.

    Returns:
        The number of points, -1 when the capacity is too small.
    """
    width = depth.shape[1]
    last = columns.shape[0] - MAX_SURFACES
    count = 0
    for j in range(y0, y1):
        for i in range(x0, x1):
            a, b, c, d = corner[j, i], corner[j, i + 1], corner[j + 1, i], corner[j + 1, i + 1]
            middle = center[j, i]
            nearest = max(middle, max(max(a, b), max(c, d)))
            if nearest == 0.0:
                continue
            if count > last:
                return -1
            if middle > 0.0:
                depth[j, i] = np.float32(1.0) / middle
            farthest = min(middle, min(min(a, b), min(c, d)))
            if nearest - farthest <= _SAME_SURFACE * nearest:
                columns[count], rows[count], point_face[count] = 2 * i + 1, 2 * j + 1, center_face[j, i]
                pixel[count], weight[count] = j * width + i, _FULL_WEIGHT
                count += 1
            else:
                count = _split_pixel(
                    i, j, width, center, center_face, corner, corner_face, columns, rows, point_face, pixel,
                    weight, count,
                )  # fmt: skip
    return count


@njit(**_JIT)
def _split_pixel(
    i, j, width, center, center_face, corner, corner_face, columns, rows, point_face, pixel, weight, count
):
    """Add one point for each surface of a pixel, at the sample of that surface which weighs most."""
    taken = 0  # bit set of the samples already counted: the centre, then the corners
    for surface in range(MAX_SURFACES):
        reach = _SAME_SURFACE if surface < MAX_SURFACES - 1 else np.float32(1.0)
        best = np.float32(0.0)
        for k in range(5):
            value = center[j, i] if k == 0 else corner[j + (k - 1) // 2, i + (k - 1) % 2]
            if not (taken >> k) & 1:
                best = max(best, value)
        if best == 0.0:
            break
        total, chosen = 0, -1
        for k in range(5):
            value = center[j, i] if k == 0 else corner[j + (k - 1) // 2, i + (k - 1) % 2]
            if value > 0.0 and not (taken >> k) & 1 and best - value <= reach * best:
                taken |= 1 << k
                total += _CENTER_WEIGHT if k == 0 else 1
                chosen = k if chosen < 0 else chosen
        if chosen == 0:
            columns[count], rows[count], point_face[count] = 2 * i + 1, 2 * j + 1, center_face[j, i]
        else:
            r, c = j + (chosen - 1) // 2, i + (chosen - 1) % 2
            columns[count], rows[count], point_face[count] = 2 * c, 2 * r, corner_face[r, c]
        pixel[count], weight[count] = j * width + i, total
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
        p = pixel[s]
        if weight[s] == _FULL_WEIGHT:
            for k in range(3):
                rgb[p, k] = encode_linear(color[s, k], srgb_of_linear)
            s += 1
            continue
        covered = 0
        red = green = blue = np.float32(0.0)
        while s < count and pixel[s] == p:
            # A highlight brighter than white would eat into the edge: clip before blending.
            red += weight[s] * min(color[s, 0], one)
            green += weight[s] * min(color[s, 1], one)
            blue += weight[s] * min(color[s, 2], one)
            covered += weight[s]
            s += 1
        rest = np.float32(_FULL_WEIGHT - covered)
        rgb[p, 0] = encode_linear((red + rest * linear_of_srgb[rgb[p, 0]]) * scale, srgb_of_linear)
        rgb[p, 1] = encode_linear((green + rest * linear_of_srgb[rgb[p, 1]]) * scale, srgb_of_linear)
        rgb[p, 2] = encode_linear((blue + rest * linear_of_srgb[rgb[p, 2]]) * scale, srgb_of_linear)
