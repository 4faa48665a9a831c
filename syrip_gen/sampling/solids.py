"""Ray-cast a handful of ellipsoids and boxes: toys around the infant, furniture at the wall (compiled)."""

import numpy as np
from numba import njit

__all__ = ["BOX", "ELLIPSOID", "Solids", "paint_solids", "solid"]

ELLIPSOID, BOX = 0.0, 1.0
Solids = np.ndarray
"""(n, 23) float64 rows: kind, centre (3), world-to-local rotation (9), half sizes (3), linear colour (3),
second colour (3), bands along the local z axis that take the second colour (0 = none)."""


def solid(
    kind: float,
    centre: np.ndarray,
    half: np.ndarray,
    color: np.ndarray,
    *,
    axes: np.ndarray | None = None,
    second: np.ndarray | None = None,
    bands: float = 0.0,
) -> np.ndarray:
    """Return one row of :data:`Solids`.

    Args:
        kind: ELLIPSOID or BOX.
        centre: (3,) world, metres.
        half: (3,) half sizes along the local axes.
        color: (3,) sRGB albedo 0..1.
        axes: (3, 3) local axes as rows, in the world; None = the world's.
        second: (3,) other colour of banded solids.
        bands: How many bands.
    """
    rows = np.eye(3) if axes is None else axes
    other = color if second is None else second
    linear = np.concatenate([color, other]).clip(0.0, 1.0) ** 2.2
    return np.concatenate([[kind], centre, np.ravel(rows), half, linear, [bands]]).astype(np.float64)


@njit(nogil=True, cache=True, error_model="numpy")
def _seen_from(solids, origin):
    """Return (n, 12): world directions and, last, the origin, both in each solid's unit coordinates."""
    out = np.empty((len(solids), 12))
    for i in range(len(solids)):
        row = solids[i]
        for k in range(3):
            total = 0.0
            for c in range(3):
                value = row[4 + 3 * k + c] / row[13 + k]
                out[i, 3 * k + c] = value
                total += value * (origin[c] - row[1 + c])
            out[i, 9 + k] = total
    return out


@njit(nogil=True, cache=True, error_model="numpy")
def _distance(kind, unit, dx, dy, dz):
    """Return the distance along a ray to the unit sphere or cube, -1 where it misses."""
    mx = unit[0] * dx + unit[1] * dy + unit[2] * dz
    my = unit[3] * dx + unit[4] * dy + unit[5] * dz
    mz = unit[6] * dx + unit[7] * dy + unit[8] * dz
    lx, ly, lz = unit[9], unit[10], unit[11]
    if kind == 0.0:
        a, b = mx * mx + my * my + mz * mz, lx * mx + ly * my + lz * mz
        disc = b * b - a * (lx * lx + ly * ly + lz * lz - 1.0)
        return (-b - np.sqrt(disc)) / a if disc > 0.0 else -1.0
    enter, leave = -1e30, 1e30
    for k in range(3):
        o, d = (lx, mx) if k == 0 else ((ly, my) if k == 1 else (lz, mz))
        if abs(d) < 1e-12:
            if abs(o) > 1.0:
                return -1.0
            continue
        inverse = 1.0 / d
        t0, t1 = (-1.0 - o) * inverse, (1.0 - o) * inverse
        enter, leave = max(enter, min(t0, t1)), min(leave, max(t0, t1))
    return enter if enter <= leave else -1.0


@njit(nogil=True, cache=True, error_model="numpy")
def _row_range(corners, y, low, high):
    """Return the columns that the convex hull of 8 image points covers at height ``y``, within low..high."""
    first, last = 1e30, -1e30
    for i in range(8):
        for j in range(i):
            y0, y1 = corners[i, 1], corners[j, 1]
            if (y0 - y) * (y1 - y) <= 0.0:
                span = y1 - y0
                x0, x1 = corners[i, 0], corners[j, 0]
                if abs(span) < 1e-9:
                    first, last = min(first, x0, x1), max(last, x0, x1)
                else:
                    x = x0 + (x1 - x0) * (y - y0) / span
                    first, last = min(first, x), max(last, x)
    return max(first, low), min(last, high)


@njit(nogil=True, cache=True, error_model="numpy")
def _find_nearest(nearest, found, boxes, corners, x_first, y_first, M, solids, units):
    """Fill the buffers with the distance and the number of the first solid through every pixel's centre."""
    for i in range(len(solids)):
        kind, unit = solids[i, 0], units[i]
        for y in range(boxes[i, 1], boxes[i, 3]):
            low, high = _row_range(corners[i], float(y), boxes[i, 0] - 0.5, boxes[i, 2] - 0.5)
            if low > high:
                continue
            for x in range(max(int(np.ceil(low)), boxes[i, 0]), min(int(high) + 1, boxes[i, 2])):
                dx = M[0, 0] * x + M[0, 1] * y + M[0, 2]
                dy = M[1, 0] * x + M[1, 1] * y + M[1, 2]
                dz = M[2, 0] * x + M[2, 1] * y + M[2, 2]
                s = _distance(kind, unit, dx, dy, dz)
                if 0.0 < s < nearest[y - y_first, x - x_first]:
                    nearest[y - y_first, x - x_first] = s
                    found[y - y_first, x - x_first] = i


@njit(nogil=True, cache=True, error_model="numpy")
def _shade(row, unit, s, dx, dy, dz, light, key_direction, key_color, total):
    """Add the linear colour of a solid where the ray meets it at distance ``s``."""
    x = unit[9] + s * (unit[0] * dx + unit[1] * dy + unit[2] * dz)
    y = unit[10] + s * (unit[3] * dx + unit[4] * dy + unit[5] * dz)
    z = unit[11] + s * (unit[6] * dx + unit[7] * dy + unit[8] * dz)
    height = z
    if row[0] != 0.0:  # the cube's face that is met
        ax, ay, az = abs(x), abs(y), abs(z)
        is_x, is_y = ax >= ay and ax >= az, ay >= az
        x, y, z = (
            (x if is_x else 0.0),
            (y if is_y and not is_x else 0.0),
            (z if not is_x and not is_y else 0.0),
        )
    nx = unit[0] * x + unit[3] * y + unit[6] * z
    ny = unit[1] * x + unit[4] * y + unit[7] * z
    nz = unit[2] * x + unit[5] * y + unit[8] * z
    scale = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    is_second = row[22] > 0.0 and int((height + 1.0) * row[22]) & 1 == 1
    base = 19 if is_second else 16
    key = max(nx * key_direction[0] + ny * key_direction[1] + nz * key_direction[2], 0.0)
    floor_shade = 0.75 + 0.25 * min(max(nz + 0.6, 0.0), 1.0)  # little light comes up from below
    for c in range(3):
        m = light[c]
        e = (
            m[0, 0] * nx * nx + m[1, 1] * ny * ny + m[2, 2] * nz * nz + m[3, 3]
            + 2.0 * (m[0, 1] * nx * ny + m[0, 2] * nx * nz + m[1, 2] * ny * nz)
            + 2.0 * (m[0, 3] * nx + m[1, 3] * ny + m[2, 3] * nz)
        )  # fmt: skip
        total[c] += row[base + c] * (max(e, 0.05) * floor_shade + key * key_color[c])


@njit(nogil=True, cache=True, error_model="numpy")
def _around(found, x, y, numbers):
    """List the different solids in a pixel and its eight neighbours; -1 (none) is one of them."""
    count = 0
    for j in range(y - 1, y + 2):
        for i in range(x - 1, x + 2):
            number = found[j, i]
            is_new = True
            for k in range(count):
                is_new &= numbers[k] != number
            if is_new:
                numbers[count] = number
                count += 1
    return count


@njit(nogil=True, cache=True, error_model="numpy")
def paint_solids(out, boxes, corners, samples, M, origin, solids, light, key_direction, key_color, table):
    """Draw solids over a picture.

    Args:
        out: (h, w, 3) uint8, changed in place.
        boxes: (n, 4) int64 x0, y0, x1, y1 of the pixels that each solid may touch.
        corners: (n, 8, 2) pixel indices of each solid's corners.
        samples: Rays a pixel, across and down, at the solids' edges; elsewhere one is enough.
        M: (3, 3) pixel index (x, y, 1) to world ray.
        origin: (3,) optical centre.
        solids: See :data:`Solids`, colours linear.
        light: (3, 4, 4) irradiance matrices of the harmonics, world frame.
        key_direction: (3,) towards the key light.
        key_color: (3,).
        table: (4096,) uint8 sRGB byte of linear light 0..1.
    """
    x_first, y_first = boxes[:, 0].min(), boxes[:, 1].min()
    width, height = boxes[:, 2].max() - x_first, boxes[:, 3].max() - y_first
    # A border of nothing all around, so that every pixel has eight neighbours.
    nearest = np.full((height + 2, width + 2), np.float32(1e30), np.float32)
    found = np.full((height + 2, width + 2), np.int32(-1), np.int32)
    units = _seen_from(solids, origin)
    _find_nearest(nearest, found, boxes, corners, x_first - 1, y_first - 1, M, solids, units)
    total, numbers, step = np.zeros(3), np.empty(9, np.int32), 1.0 / samples
    for y in range(height):
        for x in range(width):
            here, count = found[y + 1, x + 1], 1
            is_inner = found[y, x + 1] == here and found[y + 2, x + 1] == here
            is_inner &= found[y + 1, x] == here and found[y + 1, x + 2] == here
            if samples > 1 and not is_inner:
                count = _around(found, x + 1, y + 1, numbers)
            elif here < 0:
                continue
            total[:] = 0.0
            covered, rays = 0, samples * samples if count > 1 else 1
            for sample in range(rays):
                number, s, px, py = here, float(nearest[y + 1, x + 1]), float(x_first + x), float(y_first + y)
                if count > 1:
                    px += (sample % samples + 0.5) * step - 0.5
                    py += (sample // samples + 0.5) * step - 0.5
                dx = M[0, 0] * px + M[0, 1] * py + M[0, 2]
                dy = M[1, 0] * px + M[1, 1] * py + M[1, 2]
                dz = M[2, 0] * px + M[2, 1] * py + M[2, 2]
                if count > 1:
                    number, s = np.int32(-1), 1e30
                    for k in range(count):
                        if numbers[k] >= 0:
                            t = _distance(solids[numbers[k], 0], units[numbers[k]], dx, dy, dz)
                            if 0.0 < t < s:
                                number, s = numbers[k], t
                if number >= 0:
                    covered += 1
                    _shade(
                        solids[number], units[number], s, dx, dy, dz, light, key_direction, key_color, total
                    )
            if covered == 0:
                continue
            share = covered / rays
            for c in range(3):
                value = float(table[min(int(total[c] / covered * 4095.0), 4095)])
                old = out[y_first + y, x_first + x, c]
                out[y_first + y, x_first + x, c] = np.uint8(old + (value - old) * share)
